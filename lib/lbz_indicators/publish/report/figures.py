"""Rows of gold.indicators as plain values, looked up by what they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

HSMR, SMR, READMISSION, OLO = "hsmr", "smr", "readmission_ratio", "olo"
DEFINITIVE, PROVISIONAL = "definitive", "provisional"
NONE, GROUP, CLUSTER, SEX, URGENCY = "none", "diagnosis_group", "diagnosis_cluster", "sex", "urgency"
AGE, SPECIALTY, MAIN_DIAGNOSIS = "age_class", "specialty", "main_diagnosis"
_COLUMNS = (
    "indicator",
    "variant",
    "hospital_id",
    "breakdown",
    "breakdown_value",
    "period_start",
    "period_end",
)


class Period(NamedTuple):
    """Calendar years of discharge, both included."""

    first: int
    last: int

    @property
    def years(self) -> tuple[int, ...]:
        """Every year of it."""
        return tuple(range(self.first, self.last + 1))


@dataclass(frozen=True)
class Figure:
    """One row of gold.indicators without its key, in its units; None where the table has null."""

    definition: str
    breakdown_value: str | None
    period: Period
    years_included: tuple[int, ...]
    admissions: int
    observed: int
    expected: float | None
    value: float | None
    lower: float | None
    upper: float | None
    confidence: float | None
    significance: str | None
    own_reference_share: float | None
    national_value: float | None
    comparison_value: float | None
    comparison_lower: float | None
    comparison_upper: float | None
    comparison_significance: str | None
    is_provisional: bool

    @property
    def verdict(self) -> str | None:
        """The one that stands first: against the nation where the model is one of earlier years, else against 100 (olo: the
        nation). None where it is not judged.
        """
        return self.comparison_significance if self.is_provisional else self.significance

    @property
    def is_partial(self) -> bool:
        """Whether some years of the period have no admissions."""
        return self.years_included != self.period.years


class Key(NamedTuple):
    """What figures are about; hospital_id None is the nation."""

    indicator: str
    variant: str
    hospital_id: str | None
    breakdown: str
    period: Period


@dataclass(frozen=True)
class Figures:
    """Figures by their key; those of a breakdown in the order of its values."""

    by_key: Mapping[Key, tuple[Figure, ...]]

    def rows(self, key: Key) -> tuple[Figure, ...]:
        """All values of a breakdown; none where the table has none."""
        return self.by_key.get(key, ())

    def one(self, indicator: str, variant: str, hospital_id: str | None, period: Period) -> Figure | None:
        """The figure without a breakdown."""
        return next(iter(self.rows(Key(indicator, variant, hospital_id, NONE, period))), None)

    def periods(self, indicator: str, variant: str, hospital_id: str | None) -> list[Period]:
        """Periods with a figure without a breakdown, in order of their first and last year."""
        wanted = (indicator, variant, hospital_id, NONE)
        return sorted(key.period for key in self.by_key if key[:4] == wanted)

    def hospitals(self, indicator: str, variant: str, period: Period) -> dict[str, Figure]:
        """Every hospital's figure without a breakdown."""
        return {
            key.hospital_id: rows[0]
            for key, rows in sorted(self.by_key.items(), key=lambda item: str(item[0].hospital_id))
            if key.hospital_id is not None and key[:2] == (indicator, variant) and key[3:] == (NONE, period)
        }


def read_figures(rows: pd.DataFrame) -> Figures:
    """Figures from rows with the columns of gold.indicators, in any order.

    ValueError where two rows have the same key but for definition and model version: a report shows one of them, and who calls
    says which.
    """
    found: defaultdict[Key, list[Figure]] = defaultdict(list)
    for row in rows.to_dict("records"):
        period = Period(row["period_start"].year, row["period_end"].year)
        indicator, variant, hospital_id, breakdown, value = (_text(row[name]) for name in _COLUMNS[:5])
        key = Key(str(indicator), str(variant), hospital_id, str(breakdown), period)
        found[key].append(_figure(row, value, period))
    twice = sorted(f"{key.indicator} of {key.hospital_id or 'the nation'}" for key, many in found.items() if _repeats(many))
    if twice:
        raise ValueError(f"two figures of one kind, of other model versions or definitions: {twice[0]}; give one of them")
    return Figures({key: tuple(sorted(many, key=_order)) for key, many in found.items()})


def _repeats(figures: list[Figure]) -> bool:
    return len({figure.breakdown_value for figure in figures}) < len(figures)


def value_order(value: str | None) -> tuple[int, int, str]:
    """Numbers and ranges by their first number, then texts, and last what is unknown."""
    if value is None:
        return (2, 0, "")
    first = value.partition("-")[0].rstrip("+")
    return (0, int(first), value) if first.isascii() and first.isdigit() else (1, 0, value)


def _order(figure: Figure) -> tuple[int, int, str]:
    return value_order(figure.breakdown_value)


def _figure(row: Mapping[Any, Any], value: str | None, period: Period) -> Figure:
    numbers = ("expected", "value", "lower", "upper", "confidence", "own_reference_share", "national_value")
    compared = ("comparison_value", "comparison_lower", "comparison_upper")
    return Figure(
        definition=str(row["definition"]),
        breakdown_value=value,
        period=period,
        years_included=tuple(sorted(int(year) for year in row["years_included"])),
        admissions=int(row["admissions"]),
        observed=int(row["observed"]),
        significance=_text(row["significance"]),
        comparison_significance=_text(row["comparison_significance"]),
        is_provisional=row["variant"] == PROVISIONAL,
        **{name: _number(row[name]) for name in (*numbers, *compared)},
    )


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def total_admissions(figures: Iterable[Figure]) -> int:
    """Admissions of several figures together."""
    return sum(figure.admissions for figure in figures)

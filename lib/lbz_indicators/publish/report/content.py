"""What a hospital's reports say, as plain values, before any language or layout (`from_gold` makes them).

A part that is not given is None or empty, and its chapter is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lbz_indicators.publish.report.figures import (
    DEFINITIVE,
    HSMR,
    NONE,
    OLO,
    PROVISIONAL,
    READMISSION,
    SMR,
    Figure,
    Figures,
    Key,
    Period,
)
from lbz_indicators.publish.report.followed import Followed
from lbz_indicators.publish.report.labels import Labels


@dataclass(frozen=True)
class Hospital:
    """Whose report it is. The name is delivered text and may hold anything."""

    hospital_id: str
    name: str


@dataclass(frozen=True)
class ModelFacts:
    """What a report says of a model version: rows of gold.models and gold.model_fit."""

    model_version: str
    model_years: tuple[int, ...]
    groups: int
    groups_without_events: int
    admissions: int
    events: int
    median_c_statistic: float | None
    settings: Mapping[str, Any]
    references: Mapping[str, str]


@dataclass(frozen=True)
class Check:
    """A condition of taking part, of one year: the hospital's value, the nation's, the bound, and whether it is met.

    `check` is a reason of METHOD section 8 (few_acute, vague_diagnoses, ...). None where a value is not known, or not judged.
    """

    year: int
    check: str
    hospital: float | None
    nation: float | None
    bound: float | None
    met: bool | None


@dataclass(frozen=True)
class RecordCount:
    """Records of the hospital by rule of validation and severity (total, rejected, flagged, superseded, filtered)."""

    rule: str
    severity: str
    records: int


@dataclass(frozen=True)
class ExclusionCount:
    """Valid admissions of the nation by year of discharge and reason; `included` are those that count."""

    year: int
    reason: str
    admissions: int


@dataclass(frozen=True)
class HsmrContent:
    """What the HSMR report says. `periods`: single years in order, then the years together, where there are several."""

    hospital: Hospital
    year: int
    periods: tuple[Period, ...]
    figures: Figures
    labels: Labels
    model: ModelFacts | None = None
    previous_model: ModelFacts | None = None
    checks: tuple[Check, ...] = ()
    records: tuple[RecordCount, ...] = ()
    exclusions: tuple[ExclusionCount, ...] = ()
    followed: Followed | None = None
    notes: tuple[str, ...] = ()
    own_reference_share: float = 0.5
    """From this own share in the model on a figure is marked (`indicators.own_reference_share`)."""

    @property
    def smr_periods(self) -> tuple[Period, ...]:
        """Periods whose SMRs are shown: the years together, and the reporting year."""
        year = Period(self.year, self.year)
        return (self.periods[-1], year) if self.periods[-1] != year else (year,)

    def hsmr(self, period: Period, *, nation: bool = False) -> Figure:
        """The HSMR of a period that the hospital has one of."""
        return _known(self.figures.one(HSMR, DEFINITIVE, None if nation else self.hospital.hospital_id, period))

    def smr(self, breakdown: str, period: Period, *, nation: bool = False) -> tuple[Figure, ...]:
        """SMRs of a breakdown."""
        return self.figures.rows(Key(SMR, DEFINITIVE, None if nation else self.hospital.hospital_id, breakdown, period))


@dataclass(frozen=True)
class IndicatorsContent:
    """What the report of the LBZ indicators and the factsheet say."""

    hospital: Hospital
    year: int
    figures: Figures
    labels: Labels
    notes: tuple[str, ...] = ()

    def indicators(self) -> tuple[tuple[str, str], ...]:
        """Indicator and variant of those that have a figure of the reporting year, in the order of the report."""
        period = Period(self.year, self.year)
        return tuple(which for which in REPORTED if self.figures.one(*which, self.hospital.hospital_id, period) is not None)

    def trend(self, indicator: str, variant: str) -> tuple[Figure, ...]:
        """The hospital's figure of every single year up to the reporting year."""
        periods = self.figures.periods(indicator, variant, self.hospital.hospital_id)
        years = [period.last for period in periods if period.first == period.last <= self.year]
        return tuple(self.rows(indicator, variant, NONE, year)[0] for year in years)

    def rows(self, indicator: str, variant: str, breakdown: str, year: int) -> tuple[Figure, ...]:
        """The hospital's figures of a breakdown in a year."""
        # A mortality ratio of a part is an SMR.
        name = SMR if indicator == HSMR and breakdown != NONE else indicator
        return self.figures.rows(Key(name, variant, self.hospital.hospital_id, breakdown, Period(year, year)))


REPORTED = ((HSMR, PROVISIONAL), (READMISSION, PROVISIONAL), (OLO, DEFINITIVE))
"""Indicators of the second report, with the variant it shows."""


def _known(figure: Figure | None) -> Figure:
    if figure is None:
        raise ValueError("a figure of the nation or the hospital is missing")
    return figure

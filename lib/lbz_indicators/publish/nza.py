"""The mortality figures for the NZa: per hospital the HSMR of u-1 with 95% limits, the SMRs of u-3..u-1 with 98% limits, or its
exemption (METHOD section 8; NR/REG-1828). u is the year of publication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lbz_indicators.errors import ModelError
from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.layout import Words
from lbz_indicators.publish.nza_layout import NZA, PLACE
from lbz_indicators.publish.regulator import Check, Row, as_filed

HSMR, SMR = "hsmr", "smr"
SHEET = Words("Sterftecijfers", "Mortality figures")
_FIGURES = ("admissions", "observed", "expected", "value", "lower", "upper", "confidence", "interval_method", "significance")
_THREE_YEARS = 3
_CONFIDENCE = {HSMR: 0.95, SMR: 0.98}
_HALF_OF_LAST = 0.5 * 10 ** -NZA[PLACE["expected"]].decimals
_HALF_OF_VALUE = 0.5 * 10 ** -NZA[PLACE["value"]].decimals
_ROUNDING = 1e-9


@dataclass(frozen=True)
class NzaHospital:
    """A hospital of the file. `clinical_deaths`: those that decide about the exemption, of u-1. `three_years`: every year of the
    period meets the criteria (Eligibility.period_eligible)."""

    hospital_id: str
    name: str
    duty: Duty
    clinical_deaths: int
    three_years: bool


def nza_rows(
    hospital: NzaHospital, publication_year: int, figures: Iterable[Mapping[str, Any]], groups: Mapping[str, str]
) -> list[Row]:
    """The hospital's rows in the layout NZA: HSMR, then its SMRs in the order of their groups; or one row, exempt.

    `figures` has the columns of gold.indicators, of one model version; others than the definitive figures of the hospital that
    are asked for are passed over. One-year SMRs stand in where no three-year figure exists [rule]: where a year of the
    period has no admissions of the hospital or fails a criterion, for all groups. `groups`: names of diagnosis groups.
    ModelError where a figure that must be there is not, or is there twice.
    """
    last = publication_year - 1
    if hospital.duty is Duty.UNKNOWN:
        raise ModelError(f"Nothing was delivered of {last}: no figures for the NZa.", where=f"hospital {hospital.hospital_id}")
    if hospital.duty is Duty.EXEMPT:
        return as_filed([_row(hospital, publication_year, last, None, {}, groups)], NZA)
    own = [f for f in figures if f["hospital_id"] == hospital.hospital_id and f["variant"] == "definitive"]
    by_place = {(f["indicator"], f["breakdown"], f["breakdown_value"], _years(f)): f for f in own}
    if len(by_place) < len(own):
        raise ModelError("Figures of several model versions for one place.", where=f"hospital {hospital.hospital_id}")
    hsmr = by_place.get((HSMR, "none", None, (last, last)))
    if hsmr is None:
        raise ModelError(f"There is no definitive HSMR of {last}.", where=f"hospital {hospital.hospital_id}, gold.indicators")
    span = (last - _THREE_YEARS + 1, last)
    whole = by_place.get((HSMR, "none", None, span))
    complete = whole is not None and set(whole["years_included"]) == set(range(span[0], last + 1))
    period = span if complete and hospital.three_years else (last, last)
    smrs = {key[2]: f for key, f in by_place.items() if (key[0], key[1], key[3]) == (SMR, "diagnosis_group", period)}
    ordered = sorted(smrs.items(), key=lambda item: (len(str(item[0])), str(item[0])))
    chosen = [hsmr, *(figure for _, figure in ordered)]
    return as_filed([_row(hospital, publication_year, _years(one)[0], one["indicator"], one, groups) for one in chosen], NZA)


def _years(figure: Mapping[str, Any]) -> tuple[int, int]:
    return figure["period_start"].year, figure["period_end"].year


def _row(
    hospital: NzaHospital, year: int, first: int, indicator: str | None, figure: Mapping[str, Any], groups: Mapping[str, str]
) -> Row:
    group = figure.get("breakdown_value")
    said = {name: figure.get(name) for name in _FIGURES}
    values = {
        "publication_year": year,
        "hospital_id": hospital.hospital_id,
        "hospital_name": hospital.name,
        "exempt": hospital.duty is Duty.EXEMPT,
        "clinical_deaths": hospital.clinical_deaths,
        "indicator": indicator,
        "diagnosis_group": group,
        "diagnosis_group_name": None if group is None else groups.get(group, group),
        "first_year": first,
        "last_year": year - 1,
        **said,
    }
    return tuple(values[field.name] for field in NZA)


def nza_faults(publication_year: int, exempt_below: int) -> Check:
    """The check of a whole file of that year: what its rows must be together (regulator.Check)."""

    def check(rows: Sequence[Row]) -> list[str]:
        named = [(number, dict(zip(_NAMES, row, strict=True))) for number, row in enumerate(rows, start=1)]
        faults = [f"row {number}: {fault}" for number, row in named for fault in _faults(row, publication_year, exempt_below)]
        by_hospital = sorted(named, key=lambda item: str(item[1]["hospital_id"]))
        for _, members in groupby(by_hospital, key=lambda item: item[1]["hospital_id"]):
            faults += _faults_of_hospital(list(members))
        return faults or ([] if rows else ["no row"])

    return check


_NAMES = [field.name for field in NZA]


def _faults(row: Mapping[str, Any], publication_year: int, exempt_below: int) -> Iterator[str]:
    """What is wrong with one row by itself."""
    if row["publication_year"] != publication_year or row["last_year"] != publication_year - 1:
        yield "publication_year, last_year: of another year"
    if not str(row["hospital_id"]).strip() or not str(row["hospital_name"]).strip():
        yield "hospital_id, hospital_name: blank"
    if row["exempt"] != (row["clinical_deaths"] < exempt_below):
        yield "exempt: disagrees with clinical_deaths"
    empty = [name for name in _FIGURES if row[name] is None]
    if row["exempt"]:
        if row["indicator"] is not None or row["diagnosis_group"] is not None or len(empty) < len(_FIGURES):
            yield "exempt: a row with figures"
        return
    if row["indicator"] is None:
        yield "indicator: is missing"
        return
    first = {HSMR: (publication_year - 1,), SMR: (publication_year - _THREE_YEARS, publication_year - 1)}[row["indicator"]]
    if row["first_year"] not in first:
        yield "first_year: no period that must be published"
    if (row["diagnosis_group"] is None) != (row["indicator"] == HSMR) or (row["diagnosis_group_name"] is None) != (
        row["diagnosis_group"] is None
    ):
        yield "diagnosis_group: an SMR has one, the HSMR none"
    if row["confidence"] is not None and row["confidence"] != _CONFIDENCE[row["indicator"]]:
        yield "confidence: 0.95 for the HSMR, 0.98 for SMRs"
    yield from _faults_of_figure(row)


def _faults_of_figure(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the numbers of a row that has a figure."""
    if row["admissions"] is None or row["observed"] is None or row["expected"] is None or row["observed"] > row["admissions"]:
        yield "admissions, observed, expected: missing, or more deaths than admissions"
        return
    limits = [row[name] for name in ("value", "lower", "upper", "confidence", "interval_method")]
    if None in limits:
        if any(one is not None for one in limits[:3]) or row["expected"] > 0 or row["indicator"] == HSMR:
            yield "value, lower, upper, confidence, interval_method: there together, and wherever deaths are expected"
        return
    value, lower, upper = limits[:3]
    if not lower <= value <= upper:
        yield "lower, value, upper: not in this order"
    least = 100 * row["observed"] / (row["expected"] + _HALF_OF_LAST)
    slack = row["expected"] - _HALF_OF_LAST
    most = 100 * row["observed"] / slack if slack > 0 else float("inf")
    if not least - _HALF_OF_VALUE - _ROUNDING <= value <= most + _HALF_OF_VALUE + _ROUNDING:
        yield "value: not 100 x observed / expected"
    sides = {"higher": lower >= 100, "lower": upper <= 100, "none": lower <= 100 <= upper, None: True}
    if not sides[row["significance"]]:
        yield "significance: disagrees with the limits"


def _faults_of_hospital(members: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    """What is wrong with the rows of one hospital together."""
    number = members[0][0]
    rows = [row for _, row in members]
    if len({(row["hospital_name"], row["exempt"], row["clinical_deaths"]) for row in rows}) > 1:
        yield f"row {number}: the rows of its hospital disagree about name or exemption"
    if any(row["exempt"] for row in rows):
        if len(rows) > 1:
            yield f"row {number}: more than one row of an exempt hospital"
        return
    kinds = [row["indicator"] for row in rows]
    if kinds.count(HSMR) != 1 or SMR not in kinds:
        yield f"row {number}: its hospital needs one HSMR and its SMRs"
    groups = [row["diagnosis_group"] for row in rows if row["indicator"] == SMR]
    if len(set(groups)) < len(groups) or len({row["first_year"] for row in rows if row["indicator"] == SMR}) > 1:
        yield f"row {number}: its hospital has a diagnosis group twice, or SMRs of several periods"
    if not _deaths_add_up(rows):
        yield f"row {number}: the deaths of its hospital's SMRs of the year do not add up to those of its HSMR"


def _deaths_add_up(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Where HSMR and SMRs are of one and the same year, every death is in one SMR."""
    deaths: dict[str, int] = {}
    for row in rows:
        if row["first_year"] == row["last_year"]:
            deaths[row["indicator"]] = deaths.get(row["indicator"], 0) + (row["observed"] or 0)
    return len(set(deaths.values())) <= 1

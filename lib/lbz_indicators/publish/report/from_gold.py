"""The content of a hospital's reports from rows of gold's tables, collected by who calls; nothing is read here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lbz_indicators.publish.report.content import (
    REPORTED,
    Check,
    ExclusionCount,
    Hospital,
    HsmrContent,
    IndicatorsContent,
    ModelFacts,
    RecordCount,
)
from lbz_indicators.publish.report.figures import DEFINITIVE, HSMR, PROVISIONAL, SMR, Period, read_figures
from lbz_indicators.publish.report.followed import Followed
from lbz_indicators.publish.report.labels import Labels


def hsmr_content(
    hospital: Hospital,
    year: int,
    figures: pd.DataFrame,
    labels: Labels,
    *,
    model: ModelFacts | None = None,
    previous_model: ModelFacts | None = None,
    checks: pd.DataFrame | None = None,
    records: pd.DataFrame | None = None,
    exclusions: pd.DataFrame | None = None,
    followed: Followed | None = None,
    notes: Sequence[str] = (),
    own_reference_share: float = 0.5,
) -> HsmrContent:
    """The content of the HSMR report of a year t.

    figures: rows of gold.indicators, hsmr and smr, definitive, of one model version: the hospital's and the nation's (hospital_id
    null), and of every hospital those without breakdown, which the funnel needs. checks: columns of Check. records: columns
    rule, severity, records (silver.quality of the hospital, any number of deliveries). exclusions: gold.exclusions.
    ValueError where the hospital has no HSMR of the year.
    """
    book = read_figures(figures)
    periods = book.periods(HSMR, DEFINITIVE, hospital.hospital_id)
    single = tuple(period for period in periods if period.first == period.last and year - 3 < period.last <= year)
    if Period(year, year) not in single:
        raise ValueError(f"hospital {hospital.hospital_id} has no definitive HSMR of {year}")
    together = tuple(period for period in periods if period.first < period.last == year)[:1]
    return HsmrContent(
        hospital=hospital,
        year=year,
        periods=(*single, *together),
        figures=book,
        labels=labels,
        model=model,
        previous_model=previous_model,
        checks=_checks(checks),
        records=_records(records),
        exclusions=_exclusions(exclusions, range(single[0].first, year + 1)),
        followed=followed,
        notes=tuple(notes),
        own_reference_share=own_reference_share,
    )


def indicators_content(
    hospital: Hospital, year: int, figures: pd.DataFrame, labels: Labels, *, notes: Sequence[str] = ()
) -> IndicatorsContent:
    """The content of the report of the LBZ indicators and of the factsheet of a year t.

    figures: rows of gold.indicators of the hospital, all years that the course shall show: hsmr, smr and readmission_ratio,
    provisional, and olo; of one definition each, and of one model version per year. The nation's stand beside them in each row.
    ValueError where the hospital has none of them of the year.
    """
    wanted = {*REPORTED, (SMR, PROVISIONAL)}
    kinds = list(zip(figures["indicator"], figures["variant"]))
    content = IndicatorsContent(hospital, year, read_figures(figures[[kind in wanted for kind in kinds]]), labels, tuple(notes))
    if not content.indicators():
        raise ValueError(f"hospital {hospital.hospital_id} has no indicator of {year}")
    return content


def model_facts(model: Mapping[str, Any], fit: pd.DataFrame) -> ModelFacts:
    """Facts of a model version from its row of gold.models and its rows of gold.model_fit."""
    c_statistics = fit["c_statistic"].dropna()
    return ModelFacts(
        model_version=str(model["model_version"]),
        model_years=tuple(int(year) for year in model["model_years"]),
        groups=len(fit),
        groups_without_events=int((fit["status"] == "no_events").sum()),
        admissions=int(fit["admissions"].sum()),
        events=int(fit["events"].sum()),
        median_c_statistic=float(c_statistics.median()) if len(c_statistics) else None,
        settings=json.loads(model["settings"]),
        references=json.loads(model["references"]),
    )


def _checks(frame: pd.DataFrame | None) -> tuple[Check, ...]:
    if frame is None:
        return ()
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return tuple(
        Check(
            int(row["year"]),
            str(row["check"]),
            row["hospital"],
            row["nation"],
            row["bound"],
            None if row["met"] is None else bool(row["met"]),
        )
        for row in rows
    )


def _records(frame: pd.DataFrame | None) -> tuple[RecordCount, ...]:
    if frame is None:
        return ()
    sums = frame.groupby(["severity", "rule"], sort=True, as_index=False)[["records"]].sum().to_dict("records")
    return tuple(RecordCount(str(row["rule"]), str(row["severity"]), int(row["records"])) for row in sums)


def _exclusions(frame: pd.DataFrame | None, years: range) -> tuple[ExclusionCount, ...]:
    if frame is None:
        return ()
    rows = frame[frame["discharge_year"].isin(years)].to_dict("records")
    return tuple(ExclusionCount(int(row["discharge_year"]), str(row["reason"]), int(row["admissions"])) for row in rows)

"""The criteria of all hospitals as rows, with the nation's values and the sentences of the reasons. Plain values, no Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lbz_indicators.config import EligibilitySettings
from lbz_indicators.publish.eligibility import Criterion, HospitalYear, judge_year
from lbz_indicators.publish.eligibility_sentences import reason_sentence

Row = tuple[object, ...]


def eligibility_rows(years: Sequence[HospitalYear], limits: EligibilitySettings, run_id: str) -> list[Row]:
    """gold.eligibility of these hospital-years, all of the nation: ten rows each, in the order of publish.eligibility.Reason."""
    nation = {year: national_values([one for one in years if one.year == year]) for year in {one.year for one in years}}
    return [
        _row(one, criterion, nation[one.year].get(criterion.name), run_id)
        for one in years
        for criterion in judge_year(one, limits)
    ]


def national_values(hospitals: Sequence[HospitalYear]) -> Mapping[str, float]:
    """By criterion the value of all hospitals of a year together: shares and means of all their admissions, so that a large
    hospital weighs more. Counts and days of a hospital have no like."""

    def together(part: str, whole: str, factor: int) -> float | None:
        sums = [sum(getattr(one, name) for one in hospitals) for name in (part, whole)]
        return factor * sums[0] / sums[1] if sums[1] else None

    found = {
        "acute_percent": together("acute", "admissions", 100),
        "vague_percent": together("vague_diagnoses", "diagnosed_admissions", 100),
        "secondary_per_admission": together("secondary_diagnoses", "admissions", 1),
    }
    return {name: value for name, value in found.items() if value is not None}


def _row(of: HospitalYear, criterion: Criterion, nation: float | None, run_id: str) -> Row:
    sentences = [reason_sentence(criterion, of, language) if criterion.met is False else None for language in ("nl", "en")]
    judged = (criterion.value, criterion.limit, criterion.met, nation)
    return (of.hospital_id, of.year, criterion.name, criterion.reason.value, *judged, *sentences, run_id)

"""The criteria of a nation as rows: two hospitals worked by hand (METHOD section 8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.publish.eligibility import HospitalYear, Reason
from lbz_indicators.publish.eligibility_rows import eligibility_rows, national_values
from lbz_indicators.schemas import SCHEMAS

LIMITS = load_settings().eligibility
GOOD = HospitalYear(
    "H1", 2022, True, False, dt.date(2023, 3, 1), dt.date(2023, 3, 31), 12, 6000, 100, 5000, 2500, 90, 10000, 5000, 50, 0.2
)
BAD = HospitalYear(
    "H2", 2022, True, False, dt.date(2023, 4, 2), dt.date(2023, 3, 31), 12, 600, 20, 500, 100, 10, 100, 520, 26, None
)


def _rows() -> list[dict[str, Any]]:
    names = SCHEMAS[tables.GOLD_ELIGIBILITY].names
    return [dict(zip(names, row, strict=True)) for row in eligibility_rows([GOOD, BAD], LIMITS, "run")]


def test_every_hospital_has_every_criterion_once() -> None:
    rows = _rows()
    assert [(row["hospital_id"], row["reason"]) for row in rows] == [(h, r.value) for h in ("H1", "H2") for r in Reason]
    assert {row["year"] for row in rows} == {2022} and {row["run_id"] for row in rows} == {"run"}


def test_verdicts_and_sentences() -> None:
    """H2: 2 days late; 100 / 500 = 20% acute; 26 / 520 = 5% vague; 100 / 500 = 0.2 secondary; 10 deaths; no model to judge the mix."""
    assert all(
        row["met"] and row["sentence_nl"] is None and row["sentence_en"] is None for row in _rows() if row["hospital_id"] == "H1"
    )
    bad = {row["reason"]: row for row in _rows() if row["hospital_id"] == "H2"}
    unmet = {reason: (row["value"], row["limit"]) for reason, row in bad.items() if row["met"] is False}
    assert unmet == {
        "late_delivery": (2.0, 0.0),
        "few_acute": (20.0, 30.0),
        "vague_diagnoses": (5.0, 2.0),
        "few_secondary_diagnoses": (0.2, 0.5),
        "few_deaths": (10.0, 60.0),
    }
    assert bad["deviant_case_mix"]["met"] is None and bad["deviant_case_mix"]["sentence_en"] is None
    assert bad["few_deaths"]["sentence_nl"] == "Sterfgevallen onder de meegetelde opnamen van 2022: 10; nodig: 60 of meer."
    assert "(20.0%)" in bad["few_acute"]["sentence_en"]


def test_the_nation_is_all_admissions_together() -> None:
    """2600 / 5500 acute, 76 / 5520 vague, 10100 / 5500 secondary diagnoses: no mean of the hospitals' own shares."""
    found = national_values([GOOD, BAD])
    assert found == {
        "acute_percent": 100 * 2600 / 5500, "vague_percent": 100 * 76 / 5520, "secondary_per_admission": 10100 / 5500
    }  # fmt: skip
    shown = {row["criterion"]: row["national_value"] for row in _rows() if row["hospital_id"] == "H2"}
    assert {name: value for name, value in shown.items() if value is not None} == found


def test_a_nation_of_nobody_has_no_shares() -> None:
    nobody = HospitalYear("H3", 2022, True, False, None, None, 12, 0, 0, 0, 0, 0, 0, 0, 0, None)
    assert national_values([nobody]) == {}

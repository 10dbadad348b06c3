"""How hospitals register: counts over small tables worked by hand, and judgements of them (METHOD section 9)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.indicators import registration
from lbz_indicators.schemas import SCHEMAS

# case, reports as, month, exclusion, group, urgency, comorbidity, main diagnosis
ROWS = [
    ("a1", "H1", 1, None, "100", 1, 0b101, "I210"),
    ("a2", "H1", 3, None, "100", 0, 0b1, "Z515"),  # palliative by its main diagnosis
    ("a3", "H1", 3, "diagnosis_group_unknown", None, 1, 0b111, "X999"),  # vague, and in nothing else
    ("a4", "H1", 4, None, "200", 1, 0, "R69"),  # the second quarter; vague
    ("a5", "H1", 1, "not_resident", "100", 1, 0b1, "I210"),
    ("b1", "H2", 12, None, "200", 0, 0, "K352"),
]
# case, delivery, code, complication
CODES = [
    ("a1", "d1", "E119", False), ("a1", "d1", "E119", True), ("a1", "d1", "J189", False), ("a1", "d1", "I210", False),
    ("a1", "d0", "N179", True), ("a3", "d1", "E119", True), ("a5", "d1", "E119", True), ("b1", "d1", "Z5150", False),
]  # fmt: skip


@pytest.fixture(scope="module")
def counted(spark: SparkSession) -> pd.DataFrame:
    names = "admission_id string, reporting_hospital_id string, discharge_month tinyint, exclusion_reason string, "
    names += "diagnosis_group string, urgency tinyint, comorbidity int, main_diagnosis string"
    rows = spark.createDataFrame(ROWS, names).selectExpr(
        "*", "'M' AS hospital_id", "2022 AS discharge_year", "'d1' AS delivery_id"
    )
    codes = spark.createDataFrame(
        CODES, "admission_id string, delivery_id string, diagnosis_code string, is_complication boolean"
    )
    admissions: DataFrame = rows.select("admission_id", "hospital_id", "delivery_id", "main_diagnosis")
    found = registration.count_registration(
        rows.drop("main_diagnosis", "delivery_id"), admissions, codes.selectExpr("*", "'M' AS hospital_id"), ("R69", "Z76.9")
    )
    return found.orderBy("hospital_id", "quarter").toPandas()


def test_counts_per_quarter(counted: pd.DataFrame) -> None:
    """H1 in quarter 1: a1 and a2 (and a3 as diagnosed): 1 acute; E119 and J189; 2 + 1 conditions; a3 vague; E119 a complication."""
    columns = ["hospital_id", "quarter", "admissions", "diagnosed", *registration.SHARES]
    assert counted[columns].to_numpy().tolist() == [
        # hospital, quarter, admissions, diagnosed, acute, secondary, charlson, vague, complications, palliative
        ["H1", 1, 2, 3, 1, 2, 3, 1, 1, 1],
        ["H1", 2, 1, 1, 1, 0, 0, 1, 0, 0],
        ["H2", 4, 1, 1, 0, 1, 0, 0, 0, 1],
    ]


def _counts(year: int, quarter: int, charlson: list[int]) -> pd.DataFrame:
    fixed = {"year": year, "quarter": quarter, "admissions": 500, "diagnosed": 500, "acute": 200, "secondary_diagnoses": 400,
             "vague": 5, "complications": 20, "palliative": 10}  # fmt: skip
    return pd.DataFrame({"hospital_id": [f"H{n:02}" for n in range(len(charlson))], "charlson_terms": charlson, **fixed})


def test_a_hospital_that_begins_to_code_more_is_flagged() -> None:
    """Twelve hospitals of 200 conditions per 500; in the third quarter one of them codes 400."""
    quarters = [_counts(2021, q, [200] * 12) for q in (1, 2, 3, 4)] + [_counts(2022, q, [200] * 12) for q in (1, 2)]
    rows = registration.judge_registration(pd.concat([*quarters, _counts(2022, 3, [200] * 11 + [400])]), 2022, 3.0)
    assert sorted([*rows.columns, "run_id"]) == sorted(SCHEMAS[tables.GOLD_REGISTRATION].names)
    flagged = rows[rows.flag.isin(["higher", "lower"])]
    assert flagged[["hospital_id", "quarter", "measure", "flag"]].to_numpy().tolist() == [["H11", 3, "charlson_terms", "higher"]]
    assert flagged[["value", "past_value"]].to_numpy().tolist() == [[0.8, 0.4]]
    assert len(rows) == 3 * 12 * 6 and set(rows.year) == {2022}


def test_without_years_before_nothing_is_judged() -> None:
    rows = registration.judge_registration(_counts(2022, 1, [200] * 12), 2022, 3.0)
    assert rows.flag.isna().all() and rows.z.isna().all() and (rows.value[rows.measure == "acute"] == 0.4).all()


def test_expected_deaths_at_frozen_coding() -> None:
    """H1, group A: 12 of 8 without comorbidity, formerly 20 of 16: frozen 8 x 1.25 = 10. Group B has no past: 3 stay 3."""
    sums = pd.DataFrame(
        [("H1", 2021, "A", 50, 9, 20.0, 16.0), ("H1", 2022, "A", 30, 8, 12.0, 8.0), ("H1", 2022, "B", 5, 5, 3.0, 2.0),
         ("H2", 2022, "A", 10, 0, 0.0, 0.0), ("H3", 2021, "A", 10, 1, 1.0, 1.0)],
        columns=["hospital_id", "year", "diagnosis_group", "admissions", "observed", "expected", "without"],
    )  # fmt: skip
    rows = registration.freeze_coding(sums, 2022).set_index("hospital_id")
    assert rows.index.tolist() == ["H1", "H2"]
    of_one = rows.loc["H1"]
    assert (of_one.admissions, of_one.observed, of_one.expected, of_one.frozen_expected) == (35, 13, 15.0, 13.0)
    assert of_one.value == pytest.approx(100 * 13 / 15) and of_one.frozen_value == 100.0
    assert of_one.coding_factor == 1.5 and of_one.past_coding_factor == 1.25
    assert np.isnan(rows.loc["H2", "value"]) and np.isnan(rows.loc["H2", "past_coding_factor"])


def test_sums_of_coding(spark: SparkSession) -> None:
    rows = [("H1", 2022, "A", True, 0.5, 0.25), ("H1", 2022, "A", False, 0.1, 0.05), ("H1", 2022, "A", True, None, None)]
    names = "reporting_hospital_id string, discharge_year int, diagnosis_group string, observed boolean, expected double, without double"
    (found,) = registration.sum_coding(spark.createDataFrame(rows, names)).collect()
    assert found.asDict() == {
        "hospital_id": "H1", "year": 2022, "diagnosis_group": "A", "admissions": 2, "observed": 1, "expected": 0.6, "without": 0.3
    }  # fmt: skip

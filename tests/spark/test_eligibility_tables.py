"""The counts behind eligibility, over small tables worked by hand (METHOD section 8)."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields

import pytest
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.publish import eligibility_counts as counts
from lbz_indicators.publish.eligibility import Duty, HospitalYear, judge_year, publication_duty
from lbz_indicators.schemas import SCHEMAS

LIMITS = load_settings().eligibility

# case, hospital, reports as, year, exclusion, group, died, urgency, care type, specialty, main diagnosis
COVARIATES = [
    ("a1", "H1", "H1", 2022, None, "100", True, 1, "K", "0303", "I210"),
    ("a2", "H1", "H1", 2022, None, "100", False, 1, "O", "0303", "I210"),
    ("a3", "H1", "H1", 2022, None, "200", False, 0, "K", None, "R69"),  # vague, specialty unknown
    ("a4", "H1", "H1", 2022, "diagnosis_group_unknown", None, True, 1, "K", "0303", "X999"),  # no group: diagnosed, not included
    ("a5", "H1", "H1", 2022, "not_resident", None, True, 1, "K", "0303", "X999"),  # another rule keeps it out first
    ("a6", "H1", "H1", 2022, "care_type_not_included", "100", True, 0, "D", "0303", "I210"),  # a day admission: no clinical death
    ("a7", "H1", "H1", 2022, "not_resident", "100", True, 1, "K", "8418", "I210"),  # geriatric rehabilitation: no clinical death
    ("a8", "H1", "H1", 2021, None, "100", True, 0, "K", "0303", "Z7690"),  # begins with Z769
    ("b1", "H2", "H1", 2022, None, "200", True, 0, "K", "0303", "K352"),  # a member of H1
    ("c1", "H3", "H3", 2022, None, "200", False, 0, "K", "0303", "R690"),
]  # fmt: skip
# case, hospital, delivery, code, complication
DIAGNOSES = [
    ("a1", "H1", "d1", "E119", False),
    ("a1", "H1", "d1", "E119", True),  # the same code again, as complication: one
    ("a1", "H1", "d1", "J189", True),  # a complication counts
    ("a1", "H1", "d1", "I210", False),  # the main diagnosis does not
    ("a1", "H1", "d0", "N179", False),  # of another delivery
    ("a2", "H1", "d1", "E119", False),
    ("a5", "H1", "d1", "E119", False),  # not included
    ("b1", "H2", "d1", "E119", False),  # its hospital reports as H1
    ("a1", "H2", "d1", "I500", False),  # the same number in another hospital
]
HOSPITALS = [("H1", "H1"), ("H2", "H1"), ("H3", "H3"), ("H4", "H4"), ("H5", "H5")]


@pytest.fixture(scope="module")
def covariates(spark: SparkSession) -> DataFrame:
    names = "admission_id string, hospital_id string, reporting_hospital_id string, discharge_year int, exclusion_reason string, "
    names += "diagnosis_group string, died boolean, urgency tinyint, care_type string, specialty string"
    return spark.createDataFrame([row[:-1] for row in COVARIATES], names)


@pytest.fixture(scope="module")
def admissions(spark: SparkSession) -> DataFrame:
    rows = [(case, hospital, year, "d1", code) for case, hospital, _, year, *_, code in COVARIATES]
    names = "admission_id string, hospital_id string, discharge_year int, delivery_id string, main_diagnosis string"
    return spark.createDataFrame(rows, names)


@pytest.fixture(scope="module")
def diagnoses(spark: SparkSession) -> DataFrame:
    names = "admission_id string, hospital_id string, delivery_id string, diagnosis_code string, is_complication boolean"
    return spark.createDataFrame(DIAGNOSES, names)


@pytest.fixture(scope="module")
def hospitals(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(HOSPITALS, "hospital_id string, reporting_hospital_id string")


def _by_key(frame: DataFrame) -> dict[tuple[str, int], tuple[object, ...]]:
    rows = [tuple(row) for row in frame.collect()]
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert len(found) == len(rows), "one row per hospital and year"
    return found


def _counts(covariates: DataFrame, admissions: DataFrame) -> DataFrame:
    return counts.admission_counts(covariates, admissions, LIMITS)


def test_counts_of_admissions(covariates: DataFrame, admissions: DataFrame) -> None:
    """valid, clinical deaths, included, acute, deaths, diagnosed, vague."""
    assert _by_key(_counts(covariates, admissions)) == {
        # a1-a7 and b1 valid; died in K outside rehabilitation: a1, a4, a5, b1; included: a1, a2, a3, b1; acute: a1, a2;
        # died among them: a1, b1; diagnosed: those and a4; vague: a3 (R69) and a4 (no group)
        ("H1", 2022): (8, 4, 4, 2, 2, 5, 2),
        ("H1", 2021): (1, 1, 1, 0, 1, 1, 1),
        ("H3", 2022): (1, 0, 1, 0, 0, 1, 1),
    }


def test_secondary_diagnoses(covariates: DataFrame, admissions: DataFrame, diagnoses: DataFrame) -> None:
    """a1: E119, J189; a2: E119; b1: E119. Nothing of 2021, nothing of H3."""
    assert _by_key(counts.secondary_diagnoses(covariates, admissions, diagnoses)) == {("H1", 2022): (4,)}


def _months(spark: SparkSession, rows: list[tuple[str, int, int, bool]]) -> DataFrame:
    names = "hospital_id string, discharge_year int, discharge_month int, complete boolean"
    return spark.createDataFrame(rows, names)


def test_complete_months(spark: SparkSession, hospitals: DataFrame) -> None:
    """H1 names January to November, March incomplete; H2, which reports as H1, January complete and February incomplete."""
    rows = [("H1", 2022, month, month != 3) for month in range(1, 12)] + [("H2", 2022, 1, True), ("H2", 2022, 2, False)]
    rows += [("H3", 2021, 1, True)]
    unlisted = spark.createDataFrame([("H4",)], "hospital_id string")
    found = _by_key(counts.complete_months(_months(spark, rows), hospitals, unlisted, [2021, 2022]))
    assert found == {
        ("H1", 2022): (9,),  # January, April to November
        ("H1", 2021): (0,),  # named months, and none of that year
        ("H3", 2022): (0,),
        ("H3", 2021): (1,),
        ("H4", 2021): (0,),  # its delivery came with months and named none of it
        ("H4", 2022): (0,),
        ("H5", 2021): (12,),  # no months at all
        ("H5", 2022): (12,),
    }


def _years(spark: SparkSession, rows: list[tuple[str, str, str | None, str | None, int]]) -> DataFrame:
    """bronze.hospital_years: hospital, year, delivered, deadline, day of loading."""
    full = [
        (hospital, year, on, deadline, record, None, "d1", "file", dt.date(2023, 4, 1), dt.datetime(2023, 4, loaded))
        for record, (hospital, year, on, deadline, loaded) in enumerate(rows)
    ]
    return spark.createDataFrame(full, SCHEMAS[tables.BRONZE_HOSPITAL_YEARS].struct)


def test_delivery_days(spark: SparkSession, hospitals: DataFrame) -> None:
    rows: list[tuple[str, str, str | None, str | None, int]] = [
        ("H1", "2022", "2023-03-10", "2023-03-31", 1),
        ("H2", "2022", "2023-04-02", "2023-03-31", 1),  # the member that is late decides
        ("H3", "2022", "2023-05-01", "2023-03-31", 1),
        ("H3", "2022", "2023-03-01", "2023-03-31", 2),  # delivered again: the later row is in force
        ("H4", "2022", None, "2023-03-31", 1),
    ]
    assert _by_key(counts.delivery_days(_years(spark, rows), hospitals)) == {
        ("H1", 2022): (dt.date(2023, 4, 2), dt.date(2023, 3, 31)),
        ("H3", 2022): (dt.date(2023, 3, 1), dt.date(2023, 3, 31)),
        ("H4", 2022): (None, None),
    }


def test_case_mix_deviation(spark: SparkSession) -> None:
    """2022: H1 expects 3 in A, 1 in B; H3 4 in C. The nation: 3/8, 1/8, 4/8.

    H1: |3/4 - 3/8| + |1/4 - 1/8| + |0 - 4/8| = 1, half of it 0.5. H3: 3/8 + 1/8 + 1/2 = 1, 0.5. H4 expects nothing; H5 has no
    model. In 2021 H1 is the nation: 0.
    """
    one = 10**12
    rows = [
        ("H1", 2022, "A", 3 * one), ("H1", 2022, "B", one), ("H3", 2022, "C", 4 * one), ("H4", 2022, "A", 0),
        ("H5", 2022, "A", None), ("H1", 2021, "A", 5 * one),
    ]  # fmt: skip
    cells = spark.createDataFrame(rows, "hospital_id string, year int, diagnosis_group string, expected_fixed bigint")
    assert _by_key(counts.case_mix_deviation(cells)) == {
        ("H1", 2022): (0.5,), ("H3", 2022): (0.5,), ("H4", 2022): (None,), ("H1", 2021): (0.0,)
    }  # fmt: skip


def test_standing(spark: SparkSession) -> None:
    """Of hospitals that report as themselves; what is said of H2, which merged, counts no more."""
    rows = [("H1", "One", "general", "TRUE", "false", None), ("H2", "Two", "general", "false", "true", "H1"),
            ("H3", "Three", "specialised", "false", "true", "H3")]  # fmt: skip
    full = [(*row, record, None, "d1", "file", dt.date(2023, 4, 1), dt.datetime(2023, 4, 1)) for record, row in enumerate(rows)]
    bronze = spark.createDataFrame(full, SCHEMAS[tables.BRONZE_HOSPITALS].struct)
    assert sorted(map(tuple, counts.hospital_standing(bronze).collect())) == [("H1", True, False), ("H3", False, True)]


def test_a_hospital_year_of_everything(
    spark: SparkSession, covariates: DataFrame, admissions: DataFrame, diagnoses: DataFrame, hospitals: DataFrame
) -> None:
    """Every reporting hospital and year has a row with the fields of HospitalYear; what nobody counted is 0 or unknown."""
    standing = spark.createDataFrame(
        [("H1", True, False), ("H3", False, True), ("H4", True, False), ("H5", True, False)],
        "hospital_id string, authorised boolean, specific_population boolean",
    )
    nothing = spark.createDataFrame([], "hospital_id string")
    months = counts.complete_months(_months(spark, []), hospitals, nothing, [2022])
    cells = spark.createDataFrame([], "hospital_id string, year int, diagnosis_group string, expected_fixed bigint")
    frame = counts.hospital_years(
        standing,
        months,
        counts.delivery_days(_years(spark, []), hospitals),
        _counts(covariates, admissions),
        counts.secondary_diagnoses(covariates, admissions, diagnoses),
        counts.case_mix_deviation(cells),
    )
    assert sorted(frame.columns) == sorted(field.name for field in fields(HospitalYear))
    found = {row["hospital_id"]: HospitalYear(**row.asDict()) for row in frame.collect()}
    assert sorted(found) == ["H1", "H3", "H4", "H5"]
    assert found["H1"] == HospitalYear("H1", 2022, True, False, None, None, 12, 8, 4, 4, 2, 2, 4, 5, 2, None)
    assert found["H4"] == HospitalYear("H4", 2022, True, False, None, None, 12, 0, 0, 0, 0, 0, 0, 0, 0, None)
    assert publication_duty(found["H1"], LIMITS) is Duty.EXEMPT and publication_duty(found["H4"], LIMITS) is Duty.UNKNOWN
    unmet = [criterion.reason.value for criterion in judge_year(found["H3"], LIMITS) if criterion.met is False]
    assert unmet == [
        "no_authorisation",
        "specific_population",
        "few_acute",
        "vague_diagnoses",
        "few_secondary_diagnoses",
        "few_deaths",
    ]

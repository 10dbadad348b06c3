"""How the HSMR of a month of discharge moves: three nights worked by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.indicators import months
from lbz_indicators.schemas import SCHEMAS

MARCH, APRIL = dt.date(2019, 3, 1), dt.date(2019, 4, 1)
MERGED = [("H1", "H1"), ("H2", "H2"), ("H2b", "H2")]
Row = tuple[str, int, bool, float | None]
# hospital, month, died, expected. H2b reports as H2.
FIRST: list[Row] = [("H1", 3, True, 0.5), ("H1", 3, False, 0.25), ("H2", 3, False, 0.125), ("H2b", 3, True, 0.125)]
# April comes in, a death in March is withdrawn, and one admission has no model.
SECOND: list[Row] = [("H1", 3, False, 0.25), ("H2", 3, False, 0.125), ("H2b", 3, True, 0.125), ("H1", 4, True, 0.5),
                     ("H1", 4, True, None)]  # fmt: skip
# H2's March is withdrawn altogether.
THIRD: list[Row] = [("H1", 3, False, 0.25), ("H1", 4, True, 0.5)]


def _night(spark: SparkSession, rows: list[Row], recorded: DataFrame, day: int, version: str = "m1") -> DataFrame:
    """gold.month_figures after one more night."""
    scored = spark.createDataFrame(
        [(h, 2019, m, died, e) for h, m, died, e in rows],
        "hospital_id string, discharge_year int, discharge_month int, observed boolean, expected double",
    )
    hospitals = spark.createDataFrame(MERGED, "hospital_id string, reporting_hospital_id string")
    current = months.month_sums(scored, hospitals).withColumn("model_version", F.lit(version))
    moved = months.moved_months(current, recorded, [2019])
    at = dt.datetime(2019, 5, day, 3)
    new = months.month_rows(moved, "definitive", at, dt.date(2019, 4, 30), f"run{day}").select(*recorded.columns)
    return spark.createDataFrame([*recorded.collect(), *new.collect()], SCHEMAS[tables.GOLD_MONTH_FIGURES].struct)


@pytest.fixture(scope="module")
def recorded(spark: SparkSession) -> DataFrame:
    nothing = spark.createDataFrame([], SCHEMAS[tables.GOLD_MONTH_FIGURES].struct)
    first = _night(spark, FIRST, nothing, 1)
    second = _night(spark, SECOND, first, 2)
    third = _night(spark, THIRD, second, 3)
    fourth = _night(spark, THIRD, third, 4)  # a night in which nothing moves
    assert fourth.count() == third.count()
    return fourth


def test_only_months_that_moved_are_recorded(recorded: DataFrame) -> None:
    found = {
        (row["run_id"], row["hospital_id"], row["discharge_month"]): (
            row["admissions"],
            row["observed"],
            row["expected"],
            row["value"],
        )
        for row in recorded.collect()
    }
    assert found == {
        ("run1", "H1", MARCH): (2, 1, 0.75, pytest.approx(400 / 3)),
        ("run1", "H2", MARCH): (2, 1, 0.25, 400.0),
        ("run1", None, MARCH): (4, 2, 1.0, 200.0),
        ("run2", "H1", MARCH): (1, 0, 0.25, 0.0),
        ("run2", None, MARCH): (3, 1, 0.5, 200.0),
        ("run2", "H1", APRIL): (1, 1, 0.5, 200.0),
        ("run2", None, APRIL): (1, 1, 0.5, 200.0),
        ("run3", "H2", MARCH): (0, 0, 0.0, None),
        ("run3", None, MARCH): (1, 0, 0.25, 0.0),
    }


def test_the_triangle_of_the_nation_and_of_a_hospital(recorded: DataFrame) -> None:
    rows = months.revisions(recorded).collect()
    shown = [
        (
            row["hospital_id"],
            row["discharge_month"].month,
            row["revision"],
            row["state"],
            row["value"],
            row["change"],
            row["change_from_first"],
        )
        for row in rows
        if row["hospital_id"] in (None, "H1")
    ]
    third = pytest.approx(400 / 3)
    assert shown == [
        (None, 3, 0, "first", 200.0, None, 0.0),
        (None, 3, 1, "revised", 200.0, 0.0, 0.0),
        (None, 3, 2, "last", 0.0, -200.0, -200.0),
        (None, 4, 0, "only", 200.0, None, 0.0),
        ("H1", 3, 0, "first", third, None, 0.0),
        ("H1", 3, 1, "last", 0.0, pytest.approx(-400 / 3), pytest.approx(-400 / 3)),
        ("H1", 4, 0, "only", 200.0, None, 0.0),
    ]


def test_another_model_moves_every_month_of_its_years_and_no_other(recorded: DataFrame, spark: SparkSession) -> None:
    after = _night(spark, THIRD, recorded, 5, version="m2")
    new = {(row["hospital_id"], row["discharge_month"]) for row in after.where("run_id = 'run5'").collect()}
    assert new == {("H1", MARCH), ("H1", APRIL), (None, MARCH), (None, APRIL)}
    elsewhere = months.moved_months(
        months.month_sums(
            spark.createDataFrame(
                [], "hospital_id string, discharge_year int, discharge_month int, observed boolean, expected double"
            ),
            spark.createDataFrame(MERGED, "hospital_id string, reporting_hospital_id string"),
        ).withColumn("model_version", F.lit("m1")),
        recorded,
        [2020],
    )
    assert elsewhere.count() == 0  # the months of a year that is no longer reported stay as they are

"""The small delivered tables keep their grain over spellings and deliveries, and refuse what is no number (METHOD section 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError
from lbz_indicators.ingest import small_tables
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table

Rows = Sequence[tuple[str | None, ...]]


def _bronze(spark: SparkSession, table: Table, *deliveries: Rows) -> DataFrame:
    """bronze rows of deliveries that came one day after the other."""
    rows = [
        (*row, number, None, f"d{day}", "f.csv", dt.date(2020, 1, day), dt.datetime(2020, 1, day))
        for day, delivery in enumerate(deliveries, start=1)
        for number, row in enumerate(delivery)
    ]
    return spark.createDataFrame(rows, SCHEMAS[table].struct)


def test_a_month_spelled_03_and_corrected_as_3_is_one_month(spark: SparkSession) -> None:
    """CSV says 03, Parquet 3. Two rows of one month would double every admission of it."""
    bronze = _bronze(
        spark,
        tables.BRONZE_HOSPITAL_MONTHS,
        [("H1", "2019", "03", "false", "true"), ("H1", "2019", "04", "true", "true")],
        [("H1", "2019", "3", "true", "true")],
    )
    rows = small_tables.hospital_months(bronze).collect()
    assert sorted((r["discharge_month"], r["complete"]) for r in rows) == [(3, True), (4, True)]


def test_a_severity_class_corrected_under_another_spelling_is_the_later_one(spark: SparkSession) -> None:
    bronze = _bronze(spark, tables.BRONZE_SEVERITY, [("I21.0", "3"), ("I50", "4")], [("i210", "5")])
    rows = small_tables.severity_classes(bronze).collect()
    assert {r["main_diagnosis"]: r["severity"] for r in rows} == {"I210": 5, "I50": 4}


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (tables.BRONZE_HOSPITAL_MONTHS, [("H1", "2019", "03", "false", "true"), ("H1", "2019", "3", "true", "true")]),
        (tables.BRONZE_SEVERITY, [("I21.0", "3"), ("i210", "5")]),
    ],
    ids=["month", "diagnosis code"],
)
def test_one_key_in_two_spellings_with_different_rows_is_refused(spark: SparkSession, table: Table, rows: Rows) -> None:
    """Else the order of the lines would decide which of the two counts."""
    with pytest.raises(DeliveryError, match=r"1 key\(s\) .* given twice with different rows"):
        small_tables.require_usable({table: _bronze(spark, table, rows)})


def test_a_later_table_of_hospitals_corrects_the_earlier_one(spark: SparkSession) -> None:
    """H1 merges into H2 by the second delivery; H3 stands in the first only."""
    one = [("H1", "one", "general", "true", "false", None), ("H3", "three", "general", "true", "false", None)]
    two = [("H1", "one", "general", "true", "false", "H2"), ("H2", "two", "general", "true", "false", None)]
    rows = small_tables.hospitals(_bronze(spark, tables.BRONZE_HOSPITALS, one, two)).collect()
    assert {r["hospital_id"]: r["reporting_hospital_id"] for r in rows} == {"H1": "H2", "H2": "H2", "H3": "H3"}


def test_mergers_of_two_deliveries_are_followed_to_the_end(spark: SparkSession) -> None:
    """H1 merged into H2 (first delivery), H2 into H3 (second): the three count as one for all years."""
    one = [("H1", "one", "general", "true", "false", "H2"), ("H2", "two", "general", "true", "false", None)]
    two = [("H2", "two", "general", "true", "false", "H3"), ("H3", "three", "general", "true", "false", None)]
    rows = small_tables.hospitals(_bronze(spark, tables.BRONZE_HOSPITALS, one, two)).collect()
    assert {r["reporting_hospital_id"] for r in rows} == {"H3"}


@pytest.mark.parametrize("inhabitants", ["NaN", "Infinity", "many", "-1"])
def test_inhabitants_that_are_no_number_are_refused(spark: SparkSession, inhabitants: str) -> None:
    """One NaN would make every quintile of the nation nonsense."""
    bronze = _bronze(spark, tables.BRONZE_SES, [("1011", "0.5", "100"), ("1012", "0.7", inhabitants)])
    with pytest.raises(DeliveryError, match=r"ses: inhabitants in 1 row"):
        small_tables.require_usable({tables.BRONZE_SES: bronze})


@pytest.mark.parametrize("score", ["NaN", "high"])
def test_scores_that_are_no_number_are_refused(spark: SparkSession, score: str) -> None:
    bronze = _bronze(spark, tables.BRONZE_SES, [("1011", score, "100"), ("1012", "0.7", "100")])
    with pytest.raises(DeliveryError, match=r"ses: ses_score in 1 row"):
        small_tables.require_usable({tables.BRONZE_SES: bronze})

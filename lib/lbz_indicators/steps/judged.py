"""The valid admissions with their reporting hospital, diagnosis group and exclusion: what derive and severity start from."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.population import covariates, diagnosis_groups, exclusions
from lbz_indicators.references import References


def with_exclusions(store: Store, settings: Settings, references: References, years: Sequence[int]) -> DataFrame:
    """Grain: one valid admission; adds discharge_year, reporting_hospital_id, diagnosis_group, exclusion_reason, time_unknown.

    `years`: discharge years that are in the period.
    """
    admissions = store.read(tables.SILVER_ADMISSIONS).withColumn("discharge_year", F.year("discharge_date"))
    hospitals = small_tables.hospitals(store.read(tables.BRONZE_HOSPITALS))
    months = store.read_or_empty(tables.BRONZE_HOSPITAL_MONTHS)
    with_months = [row[0] for row in months.select("delivery_id").distinct().collect()]
    rows = admissions.join(F.broadcast(hospitals), on="hospital_id", how="left")
    rows = covariates.with_month_state(rows, small_tables.hospital_months(months), with_months)
    rows = diagnosis_groups.with_diagnosis_group(rows, *group_lookups(store.spark, settings, references))
    return exclusions.with_exclusion(rows, settings.population, years)


def group_lookups(spark: SparkSession, settings: Settings, references: References) -> tuple[DataFrame, DataFrame]:
    """(diagnosis group by code, diagnosis group by first three characters) as small DataFrames."""
    group = diagnosis_groups.group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    by_code, by_stem = diagnosis_groups.category_lookups(references.diagnosis_codes.rows)
    rows = [[(code, group.get(category)) for code, category in lookup.items()] for lookup in (by_code, by_stem)]
    return (
        spark.createDataFrame(rows[0], "main_diagnosis string, group string"),
        spark.createDataFrame(rows[1], "stem string, group string"),
    )

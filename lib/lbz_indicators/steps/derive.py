"""Step 3, derive: exclusions, diagnosis groups and the nine covariates of every valid admission."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.population import comorbidity, covariates, diagnosis_groups, exclusions
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.admissions with its diagnoses to silver.covariates and gold.exclusions."""
    references = load_references(settings.references)
    admissions = store.read(tables.SILVER_ADMISSIONS).withColumn("discharge_year", F.year("discharge_date"))
    rows = _with_hospital_and_group(admissions, store, settings, references)
    rows = exclusions.with_exclusion(rows, settings.population, settings.population_years)
    rows = comorbidity.with_comorbidity(rows, store.read(tables.SILVER_DIAGNOSES), _prefixes(store.spark, references))
    rows = covariates.with_classes(rows, *_class_lookups(store))
    written = store.replace(tables.SILVER_COVARIATES, covariates.covariate_rows(rows))

    counts = store.replace(tables.GOLD_EXCLUSIONS, exclusions.count_exclusions(store.read(tables.SILVER_COVARIATES)))
    totals = store.read(tables.GOLD_EXCLUSIONS).groupBy((F.col("reason") == exclusions.INCLUDED).alias("included"))
    total = {row[0]: row[1] for row in totals.agg(F.sum("admissions")).collect()}
    included, excluded = total.get(True, 0), total.get(False, 0)
    return Outcome(f"{included:,} admissions included, {excluded:,} excluded", included + excluded, written.rows + counts.rows)


def _with_hospital_and_group(admissions: DataFrame, store: Store, settings: Settings, references: References) -> DataFrame:
    """Adds the reporting hospital, the state of the month of discharge and the diagnosis group."""
    hospitals = small_tables.hospitals(store.read(tables.BRONZE_HOSPITALS))
    months = store.read_or_empty(tables.BRONZE_HOSPITAL_MONTHS)
    with_months = [row[0] for row in months.select("delivery_id").distinct().collect()]
    rows = admissions.join(F.broadcast(hospitals), on="hospital_id", how="left")
    rows = covariates.with_month_state(rows, small_tables.hospital_months(months), with_months)
    return diagnosis_groups.with_diagnosis_group(rows, *group_lookups(store.spark, settings, references))


def _class_lookups(store: Store) -> tuple[DataFrame, DataFrame]:
    """(SES class by postcode, severity class by main diagnosis) as small DataFrames."""
    scores = small_tables.ses_scores(store.read_or_empty(tables.BRONZE_SES)).orderBy("postcode4").collect()
    classes = covariates.ses_classes([tuple(row) for row in scores])
    ses = store.spark.createDataFrame(classes, "postcode4 string, ses int")
    return ses, small_tables.severity_classes(store.read_or_empty(tables.BRONZE_SEVERITY))


def group_lookups(spark: SparkSession, settings: Settings, references: References) -> tuple[DataFrame, DataFrame]:
    """(diagnosis group by code, diagnosis group by first three characters) as small DataFrames."""
    group = diagnosis_groups.group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    by_code, by_stem = diagnosis_groups.category_lookups(references.diagnosis_codes.rows)
    rows = [[(code, group.get(category)) for code, category in lookup.items()] for lookup in (by_code, by_stem)]
    return (
        spark.createDataFrame(rows[0], "main_diagnosis string, group string"),
        spark.createDataFrame(rows[1], "stem string, group string"),
    )


def _prefixes(spark: SparkSession, references: References) -> Mapping[int, DataFrame]:
    masks = comorbidity.condition_prefixes(references.charlson.rows)
    return {
        length: spark.createDataFrame(list(prefixes.items()), "prefix string, mask int") for length, prefixes in masks.items()
    }

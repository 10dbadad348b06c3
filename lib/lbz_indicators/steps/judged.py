"""The valid admissions with their reporting hospital, diagnosis group, exclusion and covariates, and their stays.

Each function takes the admissions, all or some, and reads from the tables what it looks up; none writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.population import comorbidity, covariates, diagnosis_groups, exclusions, stays
from lbz_indicators.references import References
from lbz_indicators.steps.delivered import read_delivered, read_delivered_or_empty


def with_exclusions(
    store: Store, settings: Settings, references: References, admissions: DataFrame, years: Sequence[int]
) -> DataFrame:
    """Adds to silver.admissions reporting_hospital_id, diagnosis_group, exclusion_reason, time_unknown.

    Grain unchanged. `years`: discharge years that are in the period.
    """
    hospitals = small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS))
    months = read_delivered_or_empty(store, tables.BRONZE_HOSPITAL_MONTHS)
    with_months = [row[0] for row in months.select("delivery_id").distinct().collect()]
    rows = admissions.join(F.broadcast(hospitals), on="hospital_id", how="left")
    rows = covariates.with_month_state(rows, small_tables.hospital_months(months), with_months)
    rows = diagnosis_groups.with_diagnosis_group(rows, *group_lookups(store.spark, settings, references))
    return exclusions.with_exclusion(rows, settings.population, years)


def with_covariates(
    store: Store,
    settings: Settings,
    references: References,
    admissions: DataFrame,
    severity_classes: DataFrame,
    years: Sequence[int],
    theirs: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> DataFrame:
    """silver.covariates of these admissions, rows of silver.admissions. `severity_classes`: severity by main_diagnosis; `theirs`:
    those of the rows of silver.diagnoses that may be of these admissions."""
    rows = with_exclusions(store, settings, references, admissions, years)
    diagnoses = theirs(store.read(tables.SILVER_DIAGNOSES))
    rows = comorbidity.with_comorbidity(rows, diagnoses, _prefixes(store.spark, references))
    return covariates.covariate_rows(covariates.with_classes(rows, _ses_classes(store), severity_classes))


def stays_of(store: Store, settings: Settings, admissions: DataFrame, derived: DataFrame) -> DataFrame:
    """silver.stays of these admissions, all of every patient among them. `derived`: silver.covariates."""
    hospitals = small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS))
    linked = stays.linked_stays(admissions.join(F.broadcast(hospitals), on="hospital_id", how="left"), settings.readmission)
    return stays.stay_rows(linked, derived, settings.readmission, settings.delivered_until)


def group_lookups(spark: SparkSession, settings: Settings, references: References) -> tuple[DataFrame, DataFrame]:
    """(diagnosis group by code, diagnosis group by first three characters) as small DataFrames."""
    group = diagnosis_groups.group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    by_code, by_stem = diagnosis_groups.category_lookups(references.diagnosis_codes.rows)
    rows = [[(code, group.get(category)) for code, category in lookup.items()] for lookup in (by_code, by_stem)]
    return (
        spark.createDataFrame(rows[0], "main_diagnosis string, group string"),
        spark.createDataFrame(rows[1], "stem string, group string"),
    )


def _ses_classes(store: Store) -> DataFrame:
    """SES class by postcode, as a small DataFrame."""
    scores = small_tables.ses_scores(read_delivered_or_empty(store, tables.BRONZE_SES)).orderBy("postcode4").collect()
    classes = covariates.ses_classes([tuple(row) for row in scores])
    return store.spark.createDataFrame(classes, "postcode4 string, ses int")


def _prefixes(spark: SparkSession, references: References) -> Mapping[int, DataFrame]:
    masks = comorbidity.condition_prefixes(references.charlson.rows)
    return {
        length: spark.createDataFrame(list(prefixes.items()), "prefix string, mask int") for length, prefixes in masks.items()
    }

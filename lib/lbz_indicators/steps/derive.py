"""Step 3, derive: exclusions, diagnosis groups and the nine covariates of every valid admission."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.population import comorbidity, covariates, exclusions
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps import derivation, judged, severity
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.admissions with its diagnoses to silver.covariates and gold.exclusions."""
    references = load_references(settings.references)
    rows = judged.with_exclusions(store, settings, references, settings.population_years)
    rows = comorbidity.with_comorbidity(rows, store.read(tables.SILVER_DIAGNOSES), _prefixes(store.spark, references))
    severity_classes, severity_version = severity.classes_in_force(store, settings)
    rows = covariates.with_classes(rows, _ses_classes(store), severity_classes)
    with derivation.deriving(store, settings, references, severity_version, run_id):
        written = store.replace(tables.SILVER_COVARIATES, covariates.covariate_rows(rows))

    counts = store.replace(tables.GOLD_EXCLUSIONS, exclusions.count_exclusions(store.read(tables.SILVER_COVARIATES)))
    totals = store.read(tables.GOLD_EXCLUSIONS).groupBy((F.col("reason") == exclusions.INCLUDED).alias("included"))
    total = {row[0]: row[1] for row in totals.agg(F.sum("admissions")).collect()}
    included, excluded = total.get(True, 0), total.get(False, 0)
    message = f"{included:,} admissions included, {excluded:,} excluded; severity: {severity_version}"
    return Outcome(message, included + excluded, written.rows + counts.rows)


def _ses_classes(store: Store) -> DataFrame:
    """SES class by postcode, as a small DataFrame."""
    scores = small_tables.ses_scores(store.read_or_empty(tables.BRONZE_SES)).orderBy("postcode4").collect()
    classes = covariates.ses_classes([tuple(row) for row in scores])
    return store.spark.createDataFrame(classes, "postcode4 string, ses int")


def _prefixes(spark: SparkSession, references: References) -> Mapping[int, DataFrame]:
    masks = comorbidity.condition_prefixes(references.charlson.rows)
    return {
        length: spark.createDataFrame(list(prefixes.items()), "prefix string, mask int") for length, prefixes in masks.items()
    }

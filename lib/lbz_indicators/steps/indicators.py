"""Step 6, indicators: HSMR and SMR of every hospital and the nation, with limits and verdicts."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.indicators import limits, mortality, variance
from lbz_indicators.io import CHANGE, Store
from lbz_indicators.models.certify import SEPARATED
from lbz_indicators.population.diagnosis_groups import cluster_of_group
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import CurrentModel, current_model
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """gold.expected to gold.indicators, gold.indicator_history and gold.interval_variants."""
    references = load_references(settings.references)
    derivation.require(store, settings, references)
    model = current_model(store, settings)
    clusters = cluster_of_group(references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    periods = mortality.reporting_periods(settings.reported_years)
    scored = _scored(store, model, settings)
    cells = mortality.sum_cells(scored, mortality.breakdowns(clusters))
    figures = mortality.name_indicator(mortality.sum_figures(cells, periods))
    figures = figures.withColumn("variant", F.lit(mortality.DEFINITIVE)).withColumn("model_version", F.lit(model.version))

    variances = _variances(store, model, settings, scored, clusters, periods)
    figures = _with_variance(store, figures, variances)
    limited = store.cache(limits.with_limits(figures, settings.indicators.hsmr_confidence, settings.indicators.smr_confidence))

    of_version = F.col("model_version") == model.version
    written = store.replace(tables.GOLD_INDICATORS, limits.indicator_rows(limited, run_id), scope=of_version)
    if written.changes is not None:
        _record_history(store, written.changes, run_id)
    variants = store.replace(tables.GOLD_INTERVAL_VARIANTS, limits.variant_rows(limited, run_id), scope=of_version)
    counts = limited.agg(F.count("*"), F.count_distinct("hospital_id")).collect()[0]
    return Outcome(f"{counts[0]:,} figures of {counts[1]} hospitals and the nation", None, written.rows + variants.rows)


def _scored(store: Store, model: CurrentModel, settings: Settings) -> DataFrame:
    """Admissions of the reported years with covariates, observed and expected."""
    reported = F.col("discharge_year").isin(*settings.reported_years)
    expected = store.read(tables.GOLD_EXPECTED).where((F.col("model_version") == model.version) & reported)
    values = expected.select("hospital_id", "admission_id", "observed", "expected")
    covariates = store.read(tables.SILVER_COVARIATES).where(reported & F.col("exclusion_reason").isNull())
    # The number first: a join sorts by the first column, and hospitals are few.
    return store.cache(covariates.join(values, on=["admission_id", "hospital_id"], how="inner"))


def _variances(
    store: Store,
    model: CurrentModel,
    settings: Settings,
    scored: DataFrame,
    clusters: dict[str, str],
    periods: list[tuple[int, ...]],
) -> pd.DataFrame:
    cells = variance.weight_cells(scored, model.model_years).toPandas()
    separated = {row[0] for row in model.fits.where(F.col("status") == SEPARATED).select("diagnosis_group").collect()}
    coefficients: dict[str, list[dict[str, object]]] = {}
    for row in model.coefficients.select("diagnosis_group", "covariate", "class", "term_id").collect():
        coefficients.setdefault(row["diagnosis_group"], []).append(row.asDict())
    groups = {
        row["diagnosis_group"]: variance.group_information(
            coefficients[row["diagnosis_group"]],
            row["terms"],
            row["matrix"],
            settings.models.separated_ridge if row["diagnosis_group"] in separated else 0.0,
        )
        for row in model.information.collect()
    }
    return variance.figure_variances(cells, groups, clusters, periods, model.model_years)


def _with_variance(store: Store, figures: DataFrame, variances: pd.DataFrame) -> DataFrame:
    rows = list(variances.itertuples(index=False, name=None))
    known = store.spark.createDataFrame(rows, variance.FIGURE_VARIANCE_SCHEMA)
    key = variance.FIGURE_VARIANCE[:5]
    known = known.select(*[F.col(k).alias(f"_{k}") for k in key], "variance_d", "variance_v")
    same = [F.col(k).eqNullSafe(F.col(f"_{k}")) for k in key]
    return figures.join(known, on=same, how="left").drop(*[f"_{k}" for k in key])


def _record_history(store: Store, changes: DataFrame, run_id: str) -> None:
    now = utc_now()
    rows = changes.withColumnRenamed(CHANGE, "change").withColumn("recorded_at", F.lit(now)).withColumn("run_id", F.lit(run_id))
    store.append(tables.GOLD_INDICATOR_HISTORY, rows.select(*store.columns(tables.GOLD_INDICATOR_HISTORY)))

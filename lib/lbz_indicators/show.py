"""Reading gold for people: which rows and columns each `show` prints. Plain queries, no figures of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators.mortality import CLUSTER, GROUP, HSMR, NONE, SMR
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.population.diagnosis_groups import cluster_labels, group_labels
from lbz_indicators.population.exclusions import count_exclusions
from lbz_indicators.references import load_references
from lbz_indicators.steps.current import current_model

_FIGURE = ("admissions", "observed", "expected", "value", "lower", "upper", "confidence", "significance")
NATION = "nation"


def _figures(store: Store, settings: Settings, version: str, hospital: str | None) -> DataFrame:
    """Figures of one model version, with the period as text and the mark of a figure that is its own reference."""
    rows = store.read(tables.GOLD_INDICATORS).where(F.col("model_version") == version)
    years = F.concat_ws("-", F.year("period_start"), F.when(F.year("period_end") > F.year("period_start"), F.year("period_end")))
    own = F.col("hospital_id").isNotNull() & (F.col("own_reference_share") >= settings.indicators.own_reference_share)
    every = F.sequence(F.year("period_start"), F.year("period_end"))
    some = F.when(
        F.size("years_included") < F.size(every), F.concat(F.lit(" (only "), F.array_join("years_included", ", "), F.lit(")"))
    )
    rows = rows.withColumn("period", F.concat(years, F.coalesce(some, F.lit("")))).withColumn(
        "own_reference", F.when(own, F.lit("own_reference"))
    )
    if hospital is None:
        return rows
    return rows.where(F.col("hospital_id").isNull() if hospital == NATION else F.col("hospital_id") == hospital)


@dataclass(frozen=True)
class ShownModel:
    """The model version whose figures are shown, and the current one."""

    version: str
    current: str


def shown_model(store: Store, settings: Settings) -> ShownModel:
    """The current model; until it has figures, of those that have the one that was current last."""
    with_figures = store.read(tables.GOLD_INDICATORS).select("model_version").distinct()
    current = current_model(store, settings).version
    models = registry.family(store.read(tables.GOLD_MODELS), registry.MORTALITY, settings.model_years)
    was_current = store.read(tables.GOLD_MODEL_EVENTS).where(F.col("status") == registry.CURRENT)
    last = was_current.join(models, on="model_version", how="left_semi").groupBy("model_version").agg(F.max("at").alias("at"))
    rows = last.join(with_figures, on="model_version", how="left_semi").orderBy(F.desc("at"), "model_version").collect()
    versions = [row["model_version"] for row in rows]
    return ShownModel(current if current in versions or not versions else versions[0], current)


def hsmr(store: Store, settings: Settings, version: str, hospital: str | None) -> DataFrame:
    """HSMR per hospital and period, the nation first."""
    rows = _figures(store, settings, version, hospital).where(F.col("indicator") == HSMR)
    named = rows.withColumn("hospital_id", F.coalesce("hospital_id", F.lit(NATION)))
    order = (F.col("hospital_id") != NATION, "hospital_id", "period_end", F.desc("period_start"))
    return named.orderBy(*order).select("hospital_id", "period", *_FIGURE, "own_reference")


def smr(store: Store, settings: Settings, version: str, hospital: str | None) -> DataFrame:
    """SMRs of one hospital, or of the nation without one, over every breakdown but main diagnosis."""
    references = load_references(settings.references).diagnosis_groups.rows
    groups = group_labels(references, settings.population.diagnosis_grouping)
    clusters = cluster_labels(references)
    labels = [(GROUP, k, v) for k, v in groups.items()] + [(CLUSTER, k, v) for k, v in clusters.items()]
    named = store.spark.createDataFrame(labels, "breakdown string, breakdown_value string, label string")
    rows = _figures(store, settings, version, hospital or NATION).where(
        (F.col("indicator") == SMR) & (F.col("breakdown") != "main_diagnosis")
    )
    rows = rows.join(F.broadcast(named), on=["breakdown", "breakdown_value"], how="left")
    number = F.col("breakdown_value").try_cast("int")
    ordered = rows.orderBy("breakdown", F.asc_nulls_last(number), "breakdown_value", "period_end", F.desc("period_start"))
    return ordered.select("breakdown", "breakdown_value", "label", "period", *_FIGURE, "own_reference")


def exclusions(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Admissions per discharge year and reason, of one hospital or of all."""
    if hospital is None or hospital == NATION:
        rows = store.read(tables.GOLD_EXCLUSIONS)
    else:
        own = store.read(tables.SILVER_COVARIATES).where(F.col("reporting_hospital_id") == hospital)
        rows = count_exclusions(own)
    return rows.orderBy("discharge_year", "reason")


def quality(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Records per rule of validation, of one hospital or of all."""
    rows = store.read(tables.SILVER_QUALITY)
    if hospital is not None and hospital != NATION:
        rows = rows.where(F.col("hospital_id") == hospital)
    counted = rows.groupBy("severity", "rule").agg(F.sum("records").alias("records"))
    return counted.orderBy(F.col("severity") != "total", "severity", F.desc("records"), "rule")


def models(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Diagnosis groups of the current model: how the fit went."""
    fits = current_model(store, settings).fits.drop("model_version")
    return fits.orderBy(F.asc_nulls_last(F.col("diagnosis_group").try_cast("int")), "diagnosis_group")


def national_summary(store: Store, settings: Settings, version: str) -> DataFrame:
    """Per period: hospitals, how many have O > E, mean, lowest and highest HSMR, verdicts, and the nation's own value."""
    rows = _figures(store, settings, version, None).where((F.col("indicator") == HSMR) & (F.col("breakdown") == NONE))
    hospital = F.col("hospital_id").isNotNull()
    return (
        rows.groupBy("period", "period_start", "period_end")
        .agg(
            F.count_if(hospital).alias("hospitals"),
            F.count_if(hospital & (F.col("observed") > F.col("expected"))).alias("observed_above_expected"),
            F.count_if(hospital & (F.col("significance") == "higher")).alias("higher"),
            F.count_if(hospital & (F.col("significance") == "lower")).alias("lower"),
            F.mean(F.when(hospital, F.col("value"))).alias("mean_value"),
            F.min(F.when(hospital, F.col("value"))).alias("lowest_value"),
            F.max(F.when(hospital, F.col("value"))).alias("highest_value"),
            F.max(F.when(~hospital, F.col("value"))).alias("national_value"),
        )
        .orderBy("period_end", F.desc("period_start"))
        .drop("period_start", "period_end")
    )


FIGURES: dict[str, Callable[[Store, Settings, str, str | None], DataFrame]] = {"hsmr": hsmr, "smr": smr}
"""What is shown of one model version."""
OTHERS: dict[str, Callable[[Store, Settings, str | None], DataFrame]] = {
    "exclusions": exclusions,
    "quality": quality,
    "models": models,
}
"""What is shown whatever the model."""

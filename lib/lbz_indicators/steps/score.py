"""Step 5, score: the expected probability of death of every admission of the population."""

from __future__ import annotations

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.models.score import with_expected
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import broadcastable, current_model
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates and the current model to gold.expected."""
    derivation.require(store, settings, load_references(settings.references))
    model = current_model(store, settings)
    included = store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL")
    scored = with_expected(included, broadcastable(store, model))
    rows = scored.select(
        F.lit(model.version).alias("model_version"),
        F.lit(registry.MORTALITY).alias("indicator"),
        "hospital_id",
        "admission_id",
        "discharge_year",
        "diagnosis_group",
        F.col("died").alias("observed"),
        "expected",
        "no_expected_reason",
        "unseen_classes",
    )
    written = store.replace(tables.GOLD_EXPECTED, rows, scope=F.col("model_version") == model.version)
    _forget_retired(store, settings, model.version)
    counts = store.read(tables.GOLD_EXPECTED).where(F.col("model_version") == model.version).agg(
        F.count("*"), F.count_if(F.col("expected").isNull()), F.count_if(F.col("unseen_classes") > 0)
    )  # fmt: skip
    total, without, unseen = counts.collect()[0]
    return Outcome(
        f"{total:,} admissions scored with {model.version}; {without:,} without a model, "
        f"{unseen:,} with a class the fit never saw",
        total,
        written.rows,
    )


def _forget_retired(store: Store, settings: Settings, current: str) -> None:
    """Removes expected values of versions that the current one has replaced."""
    if not store.exists(tables.GOLD_EXPECTED):
        return
    models = registry.family(store.read(tables.GOLD_MODELS), registry.MORTALITY, settings.model_years)
    retired = [row[0] for row in models.select("model_version").collect() if row[0] != current]
    stored = store.read(tables.GOLD_EXPECTED).where(F.col("model_version").isin(*retired))
    if retired and not stored.isEmpty():
        store.delete(tables.GOLD_EXPECTED, "model_version IN ({})".format(", ".join(f"'{v}'" for v in retired)))

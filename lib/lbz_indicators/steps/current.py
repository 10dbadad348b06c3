"""The current model version, read back from the gold.model tables."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.models.score import ScoringModel, scoring_model


@dataclass(frozen=True)
class CurrentModel:
    """A version and its rows."""

    version: str
    model_years: tuple[int, ...]
    coefficients: DataFrame
    fits: DataFrame
    information: DataFrame


def current_model(store: Store, settings: Settings) -> CurrentModel:
    """The current mortality model over the run's model years; ModelError where none is."""
    years = settings.model_years
    absent = ModelError(
        f"No mortality model over {years[0]}-{years[-1]} is current.",
        where=store.place,
        mend="fit it first: lbz-indicators fit, or run.",
    )
    if not store.exists(tables.GOLD_MODELS):
        raise absent
    known = registry.statuses(
        registry.family(store.read(tables.GOLD_MODELS), registry.MORTALITY, years), store.read(tables.GOLD_MODEL_EVENTS)
    )
    rows = known.where(F.col("status") == registry.CURRENT).select("model_version").collect()
    if not rows:
        raise absent
    version = rows[0][0]
    of_version = F.col("model_version") == version
    return CurrentModel(
        version,
        tuple(years),
        store.read(tables.GOLD_MODEL_COEFFICIENTS).where(of_version),
        store.read(tables.GOLD_MODEL_FIT).where(of_version),
        store.read(tables.GOLD_MODEL_INFORMATION).where(of_version),
    )


def broadcastable(store: Store, model: CurrentModel) -> ScoringModel:
    """The version's coefficients as one small row per diagnosis group."""
    names = ("diagnosis_group", "covariate", "class", "term_id", "estimate", "admissions")
    coefficients = [row.asDict() for row in model.coefficients.select(*names).collect()]
    fits = [row.asDict() for row in model.fits.select("diagnosis_group", "status").collect()]
    return scoring_model(store.spark, coefficients, fits, model.model_years)

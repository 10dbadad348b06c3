"""The current model version of a family, read back from the gold.model tables."""

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
from lbz_indicators.steps.predicted import Family


@dataclass(frozen=True)
class CurrentModel:
    """A version and its rows."""

    version: str
    model_years: tuple[int, ...]
    coefficients: DataFrame
    fits: DataFrame
    information: DataFrame


def current_model(store: Store, family: Family) -> CurrentModel:
    """The current logistic models of a family; ModelError where none are."""
    return _read(store, family, require_version(store, family))


def find_model(store: Store, family: Family) -> CurrentModel | None:
    """The current logistic models of a family, None where none are."""
    version = current_version(store, family)
    return None if version is None else _read(store, family, version)


def require_version(store: Store, family: Family) -> str:
    """The current version of a family; ModelError where none is."""
    version = current_version(store, family)
    if version is None:
        raise ModelError(
            f"No {family.indicator} model over {family.years[0]}-{family.years[-1]} is current.",
            where=store.place,
            mend="fit it first: lbz-indicators fit, or run.",
        )
    return version


def current_version(store: Store, family: Family) -> str | None:
    """The current version of a family, None where none is."""
    if not family.years or not store.exists(tables.GOLD_MODELS):
        return None
    versions = registry.family(store.read(tables.GOLD_MODELS), family.indicator, family.years)
    known = registry.statuses(versions, store.read(tables.GOLD_MODEL_EVENTS))
    rows = known.where(F.col("status") == registry.CURRENT).select("model_version").collect()
    return rows[0][0] if rows else None


def require_fitted_alike(store: Store, settings: Settings, indicator: str, version: str) -> None:
    """ModelError where the version was fitted for another population or outcome than this command's: its expected numbers
    would stand beside observed ones of another definition."""
    stored = store.read(tables.GOLD_MODELS).where(F.col("model_version") == version).select("settings").collect()[0][0]
    problems = registry.differing_settings(stored, settings, indicator)
    if problems:
        raise ModelError(
            f"The current {indicator} model was fitted with other settings: {'; '.join(problems)}.",
            where=f"{version} in {store.place}",
            mend="give the same --config and --set to every step, or run fit with these.",
        )


def _read(store: Store, family: Family, version: str) -> CurrentModel:
    of_version = F.col("model_version") == version
    return CurrentModel(
        version,
        family.years,
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

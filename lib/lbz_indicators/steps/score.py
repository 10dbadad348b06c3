"""Step 5, score: the expected probability of every event that a model predicts, and the expected nights of every stay."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.models.score import with_expected, without_model
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import broadcastable, find_model, require_fitted_alike, require_version
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import Family, Predicted, mortality, predicted_events, stay_family
from lbz_indicators.steps.stay_fitting import STAY_COHORT
from lbz_indicators.tables import Table


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates, silver.stays and the current models to gold.expected and gold.expected_nights."""
    derivation.require(store, settings, load_references(settings.references))
    require_version(store, mortality(settings).family)  # deaths need a model; readmissions are counted without one
    outcomes = [*(_score(store, settings, event) for event in predicted_events(settings)), _score_stays(store, settings)]
    rows_in, rows_out = (sum(getattr(o, name) or 0 for o in outcomes) for name in ("rows_in", "rows_out"))
    return Outcome("; ".join(outcome.message for outcome in outcomes), rows_in, rows_out)


def _score(store: Store, settings: Settings, event: Predicted) -> Outcome:
    """Expected values of one event by its current model, null where it has none."""
    model = find_model(store, event.family)
    version = model.version if model else registry.NO_MODEL_VERSION
    if model:
        require_fitted_alike(store, settings, event.indicator, version)
    rows = event.population(store, event.scored_years)
    scored = with_expected(rows, broadcastable(store, model)) if model else without_model(rows)
    of_version = (F.col("model_version") == version) & (F.col("indicator") == event.indicator)
    if not model:
        of_version &= F.col("discharge_year").isin(*event.scored_years)
    written = store.replace(tables.GOLD_EXPECTED, _expected_rows(scored, event, version), scope=of_version)
    _forget_replaced(store, event, version)
    counts = store.read(tables.GOLD_EXPECTED).where(of_version).agg(
        F.count("*"), F.count_if(F.col("expected").isNull()), F.count_if(F.col("unseen_classes") > int(event.is_provisional))
    )  # fmt: skip
    total, without, unseen = counts.collect()[0]
    named = f"scored with {version}" if model else f"of {event.indicator} without a model"
    what = f"{total:,} {'admissions' if event.table == tables.SILVER_COVARIATES else 'index stays'} {named}"
    return Outcome(f"{what}; {without:,} without expected value, {unseen:,} with a class the fit never saw", total, written.rows)


def _expected_rows(scored: DataFrame, event: Predicted, version: str) -> DataFrame:
    return scored.select(
        F.lit(version).alias("model_version"),
        F.lit(event.indicator).alias("indicator"),
        "hospital_id",
        "admission_id",
        "discharge_year",
        "diagnosis_group",
        F.col("event").alias("observed"),
        "expected",
        "no_expected_reason",
        "unseen_classes",
    )


def _score_stays(store: Store, settings: Settings) -> Outcome:
    """Expected nights of every admission whose stay is judged, by both estimators."""
    years = settings.reported_years
    version = require_version(store, stay_family(settings))
    require_fitted_alike(store, settings, registry.STAY, version)
    of_version = F.col("model_version") == version
    admissions = stay_cells.population(store.read(tables.SILVER_COVARIATES), settings.olo, years)
    fitted = store.read(tables.GOLD_MODELS).where(of_version).select("cohort_fingerprint").collect()[0][0]
    if registry.cohort_fingerprint(admissions, STAY_COHORT)[1] != fitted:
        raise ModelError(
            "The stays have changed since the expected stay was estimated.",
            where=f"{version} in {store.place}",
            mend="run fit (or `run`) first: a stay may be of a kind that the estimate does not know.",
        )
    cells = store.read(tables.GOLD_STAY_CELLS).where(of_version)
    scored = stay_cells.with_expected_nights(admissions, cells, settings.olo).withColumn("model_version", F.lit(version))
    rows = scored.select(*store.columns(tables.GOLD_EXPECTED_NIGHTS))
    written = store.replace(tables.GOLD_EXPECTED_NIGHTS, rows, scope=of_version)
    replaced = [other for other in _versions(store, stay_family(settings)) if other != version]
    _forget(store, tables.GOLD_EXPECTED_NIGHTS, replaced)
    agreement = stay_cells.count_agreement(store.read(tables.GOLD_EXPECTED_NIGHTS).where(of_version))
    counted = agreement.withColumn("model_version", F.lit(version)).select(*store.columns(tables.GOLD_OLO_AGREEMENT))
    store.replace(tables.GOLD_OLO_AGREEMENT, counted, scope=of_version)
    total, both = counted.agg(F.sum("admissions"), F.sum(F.col("both") + F.col("neither"))).collect()[0]
    share = f", {100 * both / total:.1f}% judged alike by both estimators" if total else ""
    return Outcome(f"{total or 0:,} stays compared with {version}{share}", total or 0, written.rows)


def _forget_replaced(store: Store, event: Predicted, current: str) -> None:
    """Removes expected values of versions that the current one has replaced."""
    of_event = f"indicator = '{event.indicator}' AND "
    _forget(store, tables.GOLD_EXPECTED, [v for v in _versions(store, event.family) if v != current], of_event)
    if current != registry.NO_MODEL_VERSION:
        years = ", ".join(map(str, event.scored_years))
        _forget(store, tables.GOLD_EXPECTED, [registry.NO_MODEL_VERSION], f"{of_event}discharge_year IN ({years}) AND ")


def _versions(store: Store, family: Family) -> list[str]:
    if not family.years:
        return []
    known = registry.family(store.read(tables.GOLD_MODELS), family.indicator, family.years).select("model_version")
    return [row[0] for row in known.collect()]


def _forget(store: Store, table: Table, versions: Sequence[str], also: str = "") -> None:
    """Removes rows of these versions; `also` is a further condition made of trusted text."""
    condition = "{}model_version IN ({})".format(also, ", ".join(f"'{version}'" for version in versions))
    if versions and not store.read(table).where(condition).isEmpty():
        store.delete(table, condition)

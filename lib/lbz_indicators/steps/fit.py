"""Step 4, fit: one national logistic model per diagnosis group, certified, verified and stored as a model version."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import certify, diagnostics, fitted, registry
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.models.score import scoring_model, with_expected
from lbz_indicators.population.covariates import comorbidity_labels
from lbz_indicators.population.diagnosis_groups import group_of_category
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.fitting import fit_models
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates to a model version; nothing where that version is there already."""
    references = load_references(settings.references)
    derivation.require(store, settings, references)
    years = settings.model_years
    cohort = fit_cohort(store.read(tables.SILVER_COVARIATES), years)
    admissions, cohort_hash = registry.cohort_fingerprint(cohort)
    if admissions == 0:
        raise ModelError(
            f"No admission of the population is discharged in the model years {years[0]}-{years[-1]}.",
            where=f"silver.covariates in {store.place}",
            mend="check --years, and `lbz-indicators show exclusions`.",
        )
    version = registry.version_name(registry.MORTALITY, settings, years, references.hashes, cohort_hash)
    if _is_complete(store, version, settings):
        _make_current(store, version, years, "chosen again")
        return Outcome(f"model {version} is there already")

    groups = fit_models(store, cohort, settings, progress)
    _require_converged(groups)
    written = _store(store, version, groups, cohort, settings, references)
    _register(store, version, settings, references, cohort_hash, run_id)
    _make_current(store, version, years, "fitted")
    fitted_groups = [g for g in groups if g.result is not None]
    separated = sum(g.status == certify.SEPARATED for g in groups)
    differences = [g.engine_difference for g in groups if g.engine_difference is not None]
    verified = f", engines differ by at most {max(differences):.1e}" if differences else ""
    delivered = sorted({row[0] for row in cohort.select("discharge_year").distinct().collect()})
    return Outcome(
        f"model {version}: {len(fitted_groups)} of {len(groups)} diagnosis groups have coefficients "
        f"({separated} separated), model years {', '.join(map(str, delivered))} "
        f"({len(delivered)} of {settings.models.maximum_model_years}){verified}",
        sum(g.design.counts.total.admissions for g in groups),
        written,
    )


def fit_cohort(covariates: DataFrame, model_years: Sequence[int]) -> DataFrame:
    """Admissions of the population discharged in the model years, with the boolean `event` (died)."""
    included = covariates.where(F.col("exclusion_reason").isNull() & F.col("discharge_year").isin(*model_years))
    return included.withColumn("event", F.col("died"))


def _require_converged(groups: Sequence[FittedGroup]) -> None:
    failed = [g for g in groups if g.status == certify.NOT_CONVERGED]
    if failed:
        raise ModelError(
            f"{len(failed)} diagnosis group(s) did not converge; the model was not stored.",
            where="diagnosis groups " + ", ".join(g.design.group for g in failed[:20]),
            mend="look at these groups' classes and events, or raise models.maximum_newton_steps.",
        )


def _is_complete(store: Store, version: str, settings: Settings) -> bool:
    """Whether the version is stored, and verified where that is asked for."""
    of_version = F.col("model_version") == version
    if store.read_or_empty(tables.GOLD_MODELS).where(of_version).isEmpty():
        return False
    if settings.models.verify == "none":
        return True
    fits = store.read(tables.GOLD_MODEL_FIT).where(of_version & F.col("newton_decrement").isNotNull())
    return fits.where("max_engine_difference IS NULL").isEmpty()


def _store(store: Store, version: str, groups: Sequence[FittedGroup], cohort: DataFrame, settings: Settings,
           references: References) -> int:  # fmt: skip
    """Writes the tables that describe a version, all but gold.models; rows written."""
    labels = comorbidity_labels([dict(row) for row in references.charlson.rows])
    coefficients = [row for g in groups for row in fitted.coefficient_rows(version, g, settings.model_years, labels)]
    scored = _scored(store, cohort, groups, coefficients, settings.model_years)
    c_statistic = {row[0]: row[1] for row in diagnostics.c_statistics(scored).collect()}
    in_data = {g.design.group for g in groups}
    in_settings = set(group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping).values())
    fits = [fitted.fit_row(version, g, c_statistic.get(g.design.group)) for g in groups]
    fits += [fitted.absent_row(version, group) for group in sorted(in_settings - in_data)]
    deciles = diagnostics.calibration(scored).withColumn("model_version", F.lit(version))
    rows = {
        tables.GOLD_MODEL_COEFFICIENTS: coefficients,
        tables.GOLD_MODEL_FIT: fits,
        tables.GOLD_MODEL_COVARIATES: [row for g in groups for row in fitted.covariate_rows(version, g)],
        tables.GOLD_MODEL_INFORMATION: [row for g in groups for row in fitted.information_row(version, g)],
    }
    frames = {table: store.frame(table, of_table) for table, of_table in rows.items()}
    frames[tables.GOLD_MODEL_CALIBRATION] = deciles.select(*store.columns(tables.GOLD_MODEL_CALIBRATION))
    of_version = F.col("model_version") == version
    return sum(store.replace(table, frame, scope=of_version).rows for table, frame in frames.items())


def _scored(
    store: Store,
    cohort: DataFrame,
    groups: Sequence[FittedGroup],
    coefficients: Sequence[tuple[Any, ...]],
    model_years: Sequence[int],
) -> DataFrame:
    """The fit cohort with the risks of the version that is being stored."""
    names = store.columns(tables.GOLD_MODEL_COEFFICIENTS)
    named = [dict(zip(names, row, strict=True)) for row in coefficients]
    statuses = [{"diagnosis_group": g.design.group, "status": g.status} for g in groups]
    model = scoring_model(store.spark, named, statuses, model_years)
    return store.cache(with_expected(cohort, model).select("diagnosis_group", "event", "expected"))


def _register(store: Store, version: str, settings: Settings, references: References, cohort_hash: str, run_id: str) -> None:
    """The row in gold.models, which makes the version complete."""
    row = (
        version,
        registry.MORTALITY,
        settings.models.engine,
        list(settings.model_years),
        json.dumps(registry.shaping_settings(settings), sort_keys=True),
        json.dumps(references.hashes, sort_keys=True),
        cohort_hash,
        dict(store.versions_read),
        __version__,
        utc_now(),
        None,
        run_id,
    )
    if store.read_or_empty(tables.GOLD_MODELS).where(F.col("model_version") == version).isEmpty():
        store.append(tables.GOLD_MODELS, store.frame(tables.GOLD_MODELS, [row]))


def _make_current(store: Store, version: str, model_years: Sequence[int], note: str) -> None:
    """Makes a version the current one of its family, the former one retired; nothing where it is so already."""
    models, events = store.read(tables.GOLD_MODELS), store.read_or_empty(tables.GOLD_MODEL_EVENTS)
    known = registry.statuses(registry.family(models, registry.MORTALITY, model_years), events).collect()
    status = {row["model_version"]: row["status"] for row in known}
    if status.get(version) == registry.CURRENT:
        return
    now = utc_now()
    rows = [(version, registry.CANDIDATE, now, note)] if status.get(version) is None else []
    rows += [(other, registry.RETIRED, now, f"replaced by {version}") for other, s in status.items() if s == registry.CURRENT]
    rows.append((version, registry.CURRENT, now + dt.timedelta(microseconds=1), note))
    store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, rows))

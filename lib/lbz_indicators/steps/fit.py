"""Step 4, fit: per event one national logistic model per diagnosis group, certified, verified, stored as a model version."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import certify, diagnostics, fitted, registry, stay_cells
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.models.score import scoring_model, with_expected
from lbz_indicators.population.covariates import comorbidity_labels
from lbz_indicators.population.diagnosis_groups import group_of_category
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import current_version
from lbz_indicators.steps.fitting import fit_models
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import COHORT, Family, Predicted, predicted_events, stay_family
from lbz_indicators.steps.stay_fitting import STAY_COHORT, fit_stays, write_stays

MLLIB = "mllib"


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates and silver.stays to a model version per event, and one of the expected stay; nothing where they are
    there already."""
    references = load_references(settings.references)
    derivation.require(store, settings, references)
    fits = _Fits(store, settings, references, progress, run_id)
    outcomes = [*(fits.fit(event) for event in predicted_events(settings)), fits.fit_stays()]
    rows_in, rows_out = (sum(getattr(o, name) or 0 for o in outcomes) for name in ("rows_in", "rows_out"))
    return Outcome("; ".join(outcome.message for outcome in outcomes), rows_in, rows_out)


@dataclass(frozen=True)
class _Fits:
    store: Store
    settings: Settings
    references: References
    progress: Progress
    run_id: str

    def fit(self, event: Predicted) -> Outcome:
        """The model version of one event."""
        store, settings, years = self.store, self.settings, event.model_years
        cohort = event.population(store, years) if years else None
        delivered = [] if cohort is None else sorted(row[0] for row in cohort.select("discharge_year").distinct().collect())
        if cohort is None or not delivered or (event.is_provisional and delivered[-1] < years[-1]):
            return self._without_model(event, delivered)
        _, cohort_hash = registry.cohort_fingerprint(cohort, [*COHORT, "event"])
        version = registry.version_name(event.indicator, settings, years, self.references.hashes, cohort_hash)
        if _is_complete(store, version, settings):
            _make_current(store, event.family, version, "chosen again")
            return Outcome(f"model {version} is there already")

        groups = fit_models(store, cohort, years, settings, self.progress)
        _require_converged(event, groups)
        written = _store(store, version, groups, cohort, event, settings, self.references)
        _register(store, version, event.family, settings, self.references, cohort_hash, self.run_id)
        _make_current(store, event.family, version, "fitted")
        store.release()
        return Outcome(
            _said(version, groups, delivered, settings), sum(g.design.counts.total.admissions for g in groups), written
        )

    def fit_stays(self) -> Outcome:
        """The version of the expected length of stay: cells and gamma models of every reported year."""
        store, settings, family = self.store, self.settings, stay_family(self.settings)
        years = family.years
        covariates = store.read(tables.SILVER_COVARIATES)
        admissions = stay_cells.population(covariates, settings.olo, years)
        number, cohort_hash = registry.cohort_fingerprint(admissions, STAY_COHORT)
        version = registry.version_name(registry.STAY, settings, years, self.references.hashes, cohort_hash)
        if _is_registered(store, version):
            _make_current(store, family, version, "chosen again")
            return Outcome(f"model {version} is there already")
        fitted_stays = fit_stays(store, admissions, settings, self.progress)
        written = write_stays(store, version, fitted_stays)
        _register(store, version, family, settings, self.references, cohort_hash, self.run_id)
        _make_current(store, family, version, "fitted")
        store.release()
        return Outcome(f"model {version}: {len(fitted_stays.designs)} gamma models of the expected stay", number, written)

    def _without_model(self, event: Predicted, delivered: Sequence[int]) -> Outcome:
        """Nothing to fit: an error for deaths; readmissions are then counted, and none is expected."""
        years = "-".join(str(year) for year in sorted({*event.model_years[:1], *event.model_years[-1:]}))
        if event.indicator == registry.READMISSION:
            _retire_current(self.store, event.family, "no index stay of the year before the reporting year")
            before = self.settings.reporting_year - 1
            known = f"; index stays only of {', '.join(map(str, delivered))}" if delivered else ""
            return Outcome(f"no model of readmissions: no index stay of {before}{known}")
        raise ModelError(
            f"No admission of the population is discharged in the model years {years}.",
            where=f"{event.table} in {self.store.place}",
            mend="check --years, and `lbz-indicators show exclusions`.",
        )


def _said(version: str, groups: Sequence[FittedGroup], delivered: Sequence[int], settings: Settings) -> str:
    fitted_groups = [g for g in groups if g.result is not None]
    separated = sum(g.status == certify.SEPARATED for g in groups)
    differences = [g.engine_difference for g in groups if g.engine_difference is not None]
    verified = f", engines differ by at most {max(differences):.1e}" if differences else ""
    return (
        f"model {version}: {len(fitted_groups)} of {len(groups)} diagnosis groups have coefficients "
        f"({separated} separated), model years {', '.join(map(str, delivered))} "
        f"({len(delivered)} of {settings.models.maximum_model_years}){verified}"
    )


def _require_converged(event: Predicted, groups: Sequence[FittedGroup]) -> None:
    failed = [g for g in groups if g.status == certify.NOT_CONVERGED]
    if failed:
        raise ModelError(
            f"{len(failed)} diagnosis group(s) did not converge; the model of {event.indicator} was not stored.",
            where="diagnosis groups " + ", ".join(g.design.group for g in failed[:20]),
            mend="look at these groups' classes and events, or raise models.maximum_newton_steps.",
        )


def _is_registered(store: Store, version: str) -> bool:
    """Whether the version has its row in gold.models."""
    return not store.read_or_empty(tables.GOLD_MODELS).where(F.col("model_version") == version).isEmpty()


def _is_complete(store: Store, version: str, settings: Settings) -> bool:
    """Whether the version is stored, and verified where that is asked for."""
    if not _is_registered(store, version):
        return False
    if settings.models.verify == "none":
        return True
    fits = store.read(tables.GOLD_MODEL_FIT).where((F.col("model_version") == version) & F.col("newton_decrement").isNotNull())
    return fits.where("max_engine_difference IS NULL").isEmpty()


def _store(store: Store, version: str, groups: Sequence[FittedGroup], cohort: DataFrame, event: Predicted,
           settings: Settings, references: References) -> int:  # fmt: skip
    """Writes the tables that describe a version, all but gold.models; rows written."""
    labels = comorbidity_labels([dict(row) for row in references.charlson.rows])
    coefficients = [row for g in groups for row in fitted.coefficient_rows(version, g, event.model_years, labels)]
    scored = _scored(store, cohort, groups, coefficients, event.model_years)
    ranked = store.cache(diagnostics.ranked_risks(scored))
    c_statistic = {row[0]: row[1] for row in diagnostics.c_statistics(ranked).collect()}
    in_data = {g.design.group for g in groups}
    in_settings = set(group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping).values())
    fits = [fitted.fit_row(version, g, c_statistic.get(g.design.group)) for g in groups]
    fits += [fitted.absent_row(version, group) for group in sorted(in_settings - in_data)]
    deciles = diagnostics.calibration(ranked).withColumn("model_version", F.lit(version))
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
    return with_expected(cohort, model).select("diagnosis_group", "event", "expected")


def _register(store: Store, version: str, family: Family, settings: Settings, references: References, cohort_hash: str,
              run_id: str) -> None:  # fmt: skip
    """The row in gold.models, which makes the version complete."""
    row = (
        version,
        family.indicator,
        MLLIB if family.indicator == registry.STAY else settings.models.engine,
        list(family.years),
        json.dumps(registry.shaping_settings(settings, family.indicator), sort_keys=True),
        json.dumps(references.hashes, sort_keys=True),
        cohort_hash,
        dict(store.versions_read),
        __version__,
        utc_now(),
        None,
        run_id,
    )
    if not _is_registered(store, version):
        store.append(tables.GOLD_MODELS, store.frame(tables.GOLD_MODELS, [row]))


def _make_current(store: Store, family: Family, version: str, note: str) -> None:
    """Makes a version the current one of its family, the former one retired; nothing where it is so already."""
    models, events = store.read(tables.GOLD_MODELS), store.read_or_empty(tables.GOLD_MODEL_EVENTS)
    known = registry.statuses(registry.family(models, family.indicator, family.years), events).collect()
    status = {row["model_version"]: row["status"] for row in known}
    if status.get(version) == registry.CURRENT:
        return
    now = utc_now()
    rows = [(version, registry.CANDIDATE, now, note)] if status.get(version) is None else []
    rows += [(other, registry.RETIRED, now, f"replaced by {version}") for other, s in status.items() if s == registry.CURRENT]
    rows.append((version, registry.CURRENT, now + dt.timedelta(microseconds=1), note))
    store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, rows))


def _retire_current(store: Store, family: Family, note: str) -> None:
    """Leaves a family without a current version; nothing where it has none."""
    version = current_version(store, family)
    if version is not None:
        rows = [(version, registry.RETIRED, utc_now(), note)]
        store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, rows))

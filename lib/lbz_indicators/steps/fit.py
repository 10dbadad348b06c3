"""Step 4, fit: per event one national logistic model per diagnosis group, certified, verified, stored as a model version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.io.work import remove_leftovers
from lbz_indicators.models import certify, diagnostics, fitted, registry, stay_cells
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.models.score import scoring_model, with_expected
from lbz_indicators.population.covariates import comorbidity_labels
from lbz_indicators.population.diagnosis_groups import group_of_category
from lbz_indicators.progress import Progress
from lbz_indicators.references import References
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.fitting import fit_models
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import COHORT, Family, Predicted, predicted_events, stay_family
from lbz_indicators.steps.registration import NewVersion, StatusChange, change_status, register
from lbz_indicators.steps.stay_fitting import STAY_COHORT, fit_stays, whole_versions, write_stays
from lbz_indicators.tables import Table

MLLIB = "mllib"
Rows = Mapping[Table, Sequence[tuple[Any, ...]]]


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates and silver.stays to a model version per event, and one of the expected stay; nothing where they are
    there already."""
    derived = derivation.require(store, settings)
    remove_leftovers(store)
    versions = Versions.read(store)
    fits = _Fits(store, settings, derived, versions, progress)
    made = [*(fits.fit(event) for event in predicted_events(settings)), *fits.fit_stays()]
    # One write per table for the models of all events: comparing and committing cost more than so few rows.
    written = sum(one.written for one in made) + _write(store, [one for one in made if one.rows])
    new = [one for one in made if one.version and one.version not in versions]
    _register(store, derived, new, run_id)
    _make_current(store, settings, versions, made)
    return Outcome("; ".join(one.said for one in made), sum(one.rows_in for one in made), written)


@dataclass(frozen=True)
class _Made:
    """What fitting one family gave: its version, None where there is no model, and the rows that describe one just fitted.

    `written`: rows of tables that are written already.
    """

    family: Family
    version: str | None
    note: str
    said: str
    cohort_hash: str = ""
    rows: Rows = field(default_factory=dict)
    rows_in: int = 0
    written: int = 0


@dataclass(frozen=True)
class _Fits:
    store: Store
    settings: Settings
    derived: Derived
    versions: Versions
    progress: Progress

    def fit(self, event: Predicted) -> _Made:
        """The model version of one event."""
        if kept := self._kept(event):
            return kept
        store, settings, years = self.store, self.settings, event.model_years
        cohort = event.population(store, years) if years else None
        delivered = [] if cohort is None else sorted(row[0] for row in cohort.select("discharge_year").distinct().collect())
        if cohort is None or not delivered or (event.is_provisional and delivered[-1] < years[-1]):
            return self._without_model(event, delivered)
        _, cohort_hash = registry.content_fingerprint(cohort, [*COHORT, "event"])
        version = self._name(event.family, cohort_hash)
        if version in self.versions and _is_verified(store, version, settings):
            return _known(event.family, version)
        groups = fit_models(store, cohort, years, settings, self.progress)
        _require_converged(event, groups)
        rows = _rows(store, version, groups, cohort, event, settings, self.derived.references)
        store.release()
        said = _said(version, groups, delivered, settings)
        number = sum(group.design.counts.total.admissions for group in groups)
        return _Made(event.family, version, "fitted", said, cohort_hash, rows, number)

    def fit_stays(self) -> list[_Made]:
        """The versions of the expected length of stay, one of every reported year: cells and gamma models. Only years whose
        stays changed are estimated."""
        store, settings, years = self.store, self.settings, self.settings.reported_years
        admissions = stay_cells.population(store.read(tables.SILVER_COVARIATES), settings.olo, years)
        cohorts = registry.fingerprints_by_year(admissions, STAY_COHORT)
        named = {year: self._name(stay_family(year), cohorts.get(year, registry.NO_ROWS)[1]) for year in years}
        current = {year: self.versions.current(stay_family(year)) for year in years}
        again = {year: named[year] for year, version in current.items() if version and version.name == named[year]}
        whole = whole_versions(store, {name: cohorts.get(year, registry.NO_ROWS)[0] for year, name in again.items()})
        made = [_known(stay_family(year), name) for year, name in again.items() if name in whole]
        missing = {year: name for year, name in named.items() if name not in {one.version for one in made}}
        if not missing:
            return made
        chosen = admissions.where(F.col("discharge_year").isin(*missing))
        fitted_stays = fit_stays(store, chosen, settings, self.progress)
        written = write_stays(store, missing, fitted_stays)
        store.release()
        for year, version in missing.items():
            number, cohort_hash = cohorts.get(year, registry.NO_ROWS)
            count = sum(design.year == year for design in fitted_stays.designs)
            said = f"model {version}: {count} gamma models of the expected stay"
            made.append(_Made(stay_family(year), version, "fitted", said, cohort_hash, rows_in=number, written=written))
            written = 0
        return made

    def _name(self, family: Family, cohort_hash: str) -> str:
        severity_version, lists = self.derived.severity_version, self.derived.references.hashes
        return registry.version_name(family.indicator, self.settings, severity_version, family.years, lists, cohort_hash)

    def _kept(self, event: Predicted) -> _Made | None:
        """The current version of an event where it is not to be fitted anew, whatever the data (models.refit)."""
        refit, current = self.settings.models.refit, self.versions.current(event.family)
        keeps = event.keeps_model or refit == "maintenance"
        if current and (refit == "never" or (keeps and not current.differences(self.derived, of_fit=True))):
            return _Made(event.family, current.name, "kept", f"model {current.name} is kept")
        if refit != "never":
            return None
        if event.indicator == registry.MORTALITY:
            self.versions.require(event.family)
        why = "none is current, and models.refit is never"
        return _Made(event.family, None, why, f"no model of readmissions: {why}")

    def _without_model(self, event: Predicted, delivered: Sequence[int]) -> _Made:
        """Nothing to fit: an error for deaths; readmissions are then counted, and none is expected."""
        years = "-".join(str(year) for year in sorted({*event.model_years[:1], *event.model_years[-1:]}))
        if event.indicator == registry.READMISSION:
            before = self.settings.reporting_year - 1
            known = f"; index stays only of {', '.join(map(str, delivered))}" if delivered else ""
            why = f"no index stay of {before}{known}" if event.model_years else f"{before} is not among the years of the run"
            return _Made(event.family, None, why, f"no model of readmissions: {why}")
        raise ModelError(
            f"No admission of the population is discharged in the model years {years}.",
            where=f"{event.table} in {self.store.place}",
            mend="check --years, and `lbz-indicators show exclusions`.",
        )


def _known(family: Family, version: str) -> _Made:
    return _Made(family, version, "chosen again", f"model {version} is there already")


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
            f"{len(failed)} diagnosis group(s) of {event.indicator} did not converge; no model of this run was stored.",
            where="diagnosis groups " + ", ".join(g.design.group for g in failed[:20]),
            mend="look at these groups' classes and events, or raise models.maximum_newton_steps.",
        )


def _is_verified(store: Store, version: str, settings: Settings) -> bool:
    """Whether the stored version is verified by the other engine, where that is asked for."""
    if settings.models.verify == "none":
        return True
    fits = store.read(tables.GOLD_MODEL_FIT).where((F.col("model_version") == version) & F.col("newton_decrement").isNotNull())
    return fits.where("max_engine_difference IS NULL").isEmpty()


def _rows(store: Store, version: str, groups: Sequence[FittedGroup], cohort: DataFrame, event: Predicted,
          settings: Settings, references: References) -> Rows:  # fmt: skip
    """Rows of the tables that describe a version, all but gold.models: they grow with groups and classes, not admissions."""
    labels = comorbidity_labels([dict(row) for row in references.charlson.rows])
    coefficients = [row for g in groups for row in fitted.coefficient_rows(version, g, event.model_years, labels)]
    scored = _scored(store, cohort, groups, coefficients, event.model_years)
    ranked = store.cache(diagnostics.ranked_risks(scored))
    c_statistic = {row[0]: row[1] for row in diagnostics.c_statistics(ranked).collect()}
    named = diagnostics.calibration(ranked).withColumn("model_version", F.lit(version))
    deciles = named.select(*store.columns(tables.GOLD_MODEL_CALIBRATION)).collect()
    in_data = {g.design.group for g in groups}
    in_settings = set(group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping).values())
    fits = [fitted.fit_row(version, g, c_statistic.get(g.design.group)) for g in groups]
    fits += [fitted.absent_row(version, group) for group in sorted(in_settings - in_data)]
    return {
        tables.GOLD_MODEL_COEFFICIENTS: coefficients,
        tables.GOLD_MODEL_FIT: fits,
        tables.GOLD_MODEL_COVARIATES: [row for g in groups for row in fitted.covariate_rows(version, g)],
        tables.GOLD_MODEL_INFORMATION: [row for g in groups for row in fitted.information_row(version, g)],
        tables.GOLD_MODEL_CALIBRATION: [tuple(row) for row in deciles],
    }


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


def _write(store: Store, made: Sequence[_Made]) -> int:
    """Writes the tables that describe these versions; rows written."""
    of_table: defaultdict[Table, list[tuple[Any, ...]]] = defaultdict(list)
    for one in made:
        for table, rows in one.rows.items():
            of_table[table] += rows
    of_versions = F.col("model_version").isin(*(one.version for one in made))
    return sum(store.replace(table, store.frame(table, rows), scope=of_versions).rows for table, rows in of_table.items())


def _register(store: Store, derived: Derived, made: Sequence[_Made], run_id: str) -> None:
    """The rows in gold.models, which make the versions complete."""
    read = dict(store.versions_read)
    versions = []
    for one in made:
        indicator = one.family.indicator
        engine = MLLIB if indicator == registry.STAY else derived.settings.models.engine
        shaping = registry.shaping_settings(derived.settings, indicator, derived.severity_version)
        name = str(one.version)
        versions.append(
            NewVersion(name, one.family, engine, shaping, derived.references.hashes, one.cohort_hash, read, __version__)
        )
    register(store, versions, run_id)


def _make_current(store: Store, settings: Settings, versions: Versions, made: Sequence[_Made]) -> None:
    """Makes each version the current one of its family, or leaves a family without one; the former is retired.

    Where somebody decides (models.promotion: by_hand), logistic models stay candidates while their family has a current
    version. The expected stay is of the very stays that are judged, and always follows them.
    """
    changes: list[StatusChange] = []
    for one in made:
        before = versions.current(one.family)
        if (before.name if before else None) == one.version:
            continue
        if one.version and one.version not in {known.name for known in versions.of(one.family) if known.status}:
            changes.append(StatusChange(one.version, registry.CANDIDATE, one.note))
        if one.version and before and one.family.indicator != registry.STAY and settings.models.promotion == "by_hand":
            continue
        if before:
            why = f"replaced by {one.version}" if one.version else one.note
            changes.append(StatusChange(before.name, registry.RETIRED, why))
        if one.version:
            changes.append(StatusChange(one.version, registry.CURRENT, one.note))
    change_status(store, changes)

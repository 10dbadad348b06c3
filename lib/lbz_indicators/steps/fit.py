"""Step 4, fit: one national logistic model per diagnosis group, certified, verified and stored as a model version."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.io.work import WorkFolder
from lbz_indicators.models import certify, diagnostics, fitted, glum, information, mllib, packing, registry
from lbz_indicators.models.classes import count_classes
from lbz_indicators.models.collapse import Deficiency
from lbz_indicators.models.design import GroupDesign, design_group
from lbz_indicators.models.engine import EngineFit, null_start
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.models.packing import Pack
from lbz_indicators.models.score import scoring_model, with_expected
from lbz_indicators.population.covariates import comorbidity_labels
from lbz_indicators.population.diagnosis_groups import group_of_category
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.stats import logistic
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.covariates to a model version; nothing where that version is there already."""
    references = load_references(settings.references)
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
    written = _store(store, version, groups, cohort, settings, references, cohort_hash, run_id)
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


def fit_models(store: Store, cohort: DataFrame, settings: Settings, progress: Progress) -> list[FittedGroup]:
    """Fits, certifies and (setting models.verify) verifies every diagnosis group of the cohort."""
    years = settings.model_years
    deficiency = Deficiency(settings.models.minimum_class_admissions, settings.models.merge_zero_event_classes)
    designs = [design_group(counts, years, deficiency) for counts in count_classes(cohort, years)]
    groups = [FittedGroup(d, status) for d in designs if (status := fitted.trivial_status(d))]
    regular = [d for d in designs if fitted.trivial_status(d) is None]
    progress.say(f"{len(designs)} diagnosis groups, {len(regular)} to fit, {sum(len(d.columns) for d in regular)} columns")
    if not regular:
        return groups
    work = Workbench(store, cohort, settings)
    try:
        regular = _without_aliased(work, regular)
        fits = _run_engine(settings.models.engine, work, regular, progress)
        design = {d.group: d for d in regular}
        starts = {group: fit.coefficients for group, fit in fits.items()}
        rows = work.rows(regular)
        certified = certify.certify(rows, design, starts, settings.models, progress)
        other: dict[str, float] = {}
        if settings.models.verify == "all":
            other = _verify(work, rows, regular, certified, progress)
    finally:
        work.remove()
    groups += [
        FittedGroup(d, certified[d.group].status, certified[d.group], fits[d.group].iterations, other.get(d.group))
        for d in regular
    ]
    return sorted(groups, key=lambda group: group.design.group)


@dataclass
class Workbench:
    """The work files of a fit: the design of whichever groups are being fitted."""

    store: Store
    cohort: DataFrame
    settings: Settings
    parts: int = 0

    def __post_init__(self) -> None:
        self.name = f"fit-{dt.datetime.now(dt.timezone.utc):%Y%m%dT%H%M%S%f}"
        self._rows: tuple[tuple[GroupDesign, ...], DataFrame] | None = None

    def write(self, packs: Sequence[Pack]) -> DataFrame:
        """Writes the design of these packs; the rows as MLlib reads them."""
        folder = self._write(packs)
        return folder.read(packing.VECTOR_SCHEMA)

    def rows(self, designs: Sequence[GroupDesign]) -> DataFrame:
        """The rows of these groups with their own column numbers, written unless they are there."""
        if self._rows is None or self._rows[0] != tuple(designs):
            models = self.settings.models
            self._write(packing.pack_groups(designs, models.pack_columns, models.pack_rows))
        assert self._rows is not None
        return self._rows[1]

    def _write(self, packs: Sequence[Pack]) -> WorkFolder:
        self.parts += 1
        folder = WorkFolder(self.store, f"{self.name}/{self.parts}")
        years = self.settings.model_years
        layout = packing.layouts(self.store.spark, packs, years)
        folder.write(packing.design_rows(self.cohort, layout, years), "pack")
        designs = tuple(sorted((p.design for pack in packs for p in pack.groups), key=lambda d: d.group))
        self._rows = (designs, folder.read(packing.ROW_SCHEMA))
        return folder

    def remove(self) -> None:
        WorkFolder(self.store, self.name).remove()


def _without_aliased(work: Workbench, designs: Sequence[GroupDesign]) -> list[GroupDesign]:
    """The designs without columns that are combinations of earlier ones."""
    ordered = sorted(designs, key=lambda d: d.group)
    grams = information.cross_products(work.rows(ordered), {d.group: len(d.columns) for d in ordered})
    cleaned = []
    for design in ordered:
        aliased = [design.columns[place].id for place in logistic.aliased_columns(grams[design.group])]
        cleaned.append(design.without(aliased) if aliased else design)
    return cleaned


def _run_engine(engine: str, work: Workbench, designs: Sequence[GroupDesign], progress: Progress) -> dict[str, EngineFit]:
    """Coefficients of every group by one engine; an intercept-only model has a closed form."""
    closed = {d.group: null_start(d) for d in designs if len(d.columns) == 1}
    regular = [d for d in designs if len(d.columns) > 1]
    if not regular:
        return closed
    models = work.settings.models
    if engine == "glum":
        return closed | glum.fit_groups(work.rows(designs), regular)
    return closed | mllib.fit_groups(
        regular,
        work.write,
        pack_columns=models.pack_columns,
        pack_rows=models.pack_rows,
        threads=models.fit_threads,
        cache=work.settings.spark.cache,
        progress=progress,
    )


def _verify(
    work: Workbench,
    rows: DataFrame,
    designs: Sequence[GroupDesign],
    certified: dict[str, certify.Certified],
    progress: Progress,
) -> dict[str, float]:
    """Fits with the other engine; the largest difference per group. ModelError where it is beyond the tolerance."""
    models = work.settings.models
    other = "glum" if models.engine == "mllib" else "mllib"
    progress.say(f"verifying with {other}")
    separated = [d for d in designs if certified[d.group].status == certify.SEPARATED]
    settled = [d for d in designs if certified[d.group].status == certify.FITTED]
    fits = _run_engine(other, work, settled, progress) if settled else {}
    stored = {group: result.coefficients for group, result in certified.items()}
    differences: dict[str, float] = {}
    if settled:
        theirs = {d.group: fits[d.group].coefficients for d in settled}
        ours = {group: stored[group] for group in theirs}
        differences |= information.largest_difference(rows, ours, theirs, "predictor")
    if separated:
        theirs = glum.fit_ridge_groups(rows, separated, models.separated_ridge)
        ours = {group: stored[group] for group in theirs}
        differences |= information.largest_difference(rows, ours, theirs, "probability")
    limit = {d.group: models.separated_tolerance for d in separated} | {d.group: models.engine_tolerance for d in settled}
    beyond = {group: d for group, d in differences.items() if not d <= limit[group]}
    if beyond:
        worst = max(beyond, key=lambda group: beyond[group])
        raise ModelError(
            f"The engines disagree in {len(beyond)} diagnosis group(s), most in {worst}: {beyond[worst]:.1e}.",
            where="diagnosis groups " + ", ".join(sorted(beyond)[:20]),
            mend="look at these groups' classes and events; the model was not stored.",
        )
    return differences


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


def _store(
    store: Store,
    version: str,
    groups: Sequence[FittedGroup],
    cohort: DataFrame,
    settings: Settings,
    references: References,
    cohort_hash: str,
    run_id: str,
) -> int:
    """Writes the version's tables, gold.models last; rows written."""
    years = settings.model_years
    of_version = F.col("model_version") == version
    labels = comorbidity_labels([dict(row) for row in references.charlson.rows])
    coefficients = [row for g in groups for row in fitted.coefficient_rows(version, g, years, labels)]
    bare = [fitted.fit_row(version, g, None) for g in groups]
    coefficient_frame = store.frame(tables.GOLD_MODEL_COEFFICIENTS, coefficients)
    names = ("diagnosis_group", "covariate", "class", "term_id", "estimate", "admissions")
    places = [coefficient_frame.columns.index(name) for name in names]
    model = scoring_model(
        store.spark,
        [dict(zip(names, (row[p] for p in places), strict=True)) for row in coefficients],
        [{"diagnosis_group": row[1], "status": row[5]} for row in bare],
        years,
    )
    scored = with_expected(cohort, model).select("diagnosis_group", "event", "expected")
    c_statistic = {row[0]: row[1] for row in diagnostics.c_statistics(scored).collect()}
    known = {g.design.group for g in groups}
    all_groups = set(group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping).values())
    fits = [fitted.fit_row(version, g, c_statistic.get(g.design.group)) for g in groups]
    fits += [fitted.absent_row(version, group) for group in sorted(all_groups - known)]
    deciles = diagnostics.calibration(scored).withColumn("model_version", F.lit(version))
    covariates = [row for g in groups for row in fitted.covariate_rows(version, g)]
    matrices = [row for g in groups for row in fitted.information_row(version, g)]
    frames = {
        tables.GOLD_MODEL_COEFFICIENTS: coefficient_frame,
        tables.GOLD_MODEL_FIT: store.frame(tables.GOLD_MODEL_FIT, fits),
        tables.GOLD_MODEL_COVARIATES: store.frame(tables.GOLD_MODEL_COVARIATES, covariates),
        tables.GOLD_MODEL_INFORMATION: store.frame(tables.GOLD_MODEL_INFORMATION, matrices),
        tables.GOLD_MODEL_CALIBRATION: deciles.select(*store.columns(tables.GOLD_MODEL_CALIBRATION)),
    }
    rows = sum(store.replace(table, frame, scope=of_version).rows for table, frame in frames.items())
    row = (
        version,
        registry.MORTALITY,
        settings.models.engine,
        list(years),
        json.dumps(registry.shaping_settings(settings), sort_keys=True),
        json.dumps(references.hashes, sort_keys=True),
        cohort_hash,
        dict(store.versions_read),
        __version__,
        dt.datetime.now(dt.timezone.utc).replace(tzinfo=None),
        None,
        run_id,
    )
    if store.read_or_empty(tables.GOLD_MODELS).where(of_version).isEmpty():
        store.append(tables.GOLD_MODELS, store.frame(tables.GOLD_MODELS, [row]))
    return rows


def _make_current(store: Store, version: str, model_years: Sequence[int], note: str) -> None:
    """Makes a version the current one of its family, the former one retired; nothing where it is so already."""
    models, events = store.read(tables.GOLD_MODELS), store.read_or_empty(tables.GOLD_MODEL_EVENTS)
    known = registry.statuses(registry.family(models, registry.MORTALITY, model_years), events).collect()
    status = {row["model_version"]: row["status"] for row in known}
    if status.get(version) == registry.CURRENT:
        return
    now = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
    rows = [(version, registry.CANDIDATE, now, note)] if status.get(version) is None else []
    rows += [(other, registry.RETIRED, now, f"replaced by {version}") for other, s in status.items() if s == registry.CURRENT]
    rows.append((version, registry.CURRENT, now + dt.timedelta(microseconds=1), note))
    store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, rows))

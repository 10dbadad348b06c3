"""Fitting all diagnosis groups of a cohort: work files, engines, certificates, verification by the other engine."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import certify, fitted, glum, information, mllib, packing
from lbz_indicators.models.classes import count_classes
from lbz_indicators.models.collapse import Deficiency
from lbz_indicators.models.design import GroupDesign, design_group
from lbz_indicators.models.engine import EngineFit, null_start
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.progress import Progress
from lbz_indicators.stats import logistic
from lbz_indicators.steps.workbench import Workbench


def fit_models(
    store: Store, cohort: DataFrame, years: Sequence[int], settings: Settings, progress: Progress
) -> list[FittedGroup]:
    """Fits, certifies and (setting models.verify) verifies every diagnosis group of the cohort.

    `cohort` has the classes of silver.covariates and the boolean `event`; `years` are its model years.
    """
    deficiency = Deficiency(settings.models.minimum_class_admissions, settings.models.merge_zero_event_classes)
    designs = [design_group(counts, years, deficiency) for counts in count_classes(cohort, years)]
    groups = [FittedGroup(d, status) for d in designs if (status := fitted.trivial_status(d))]
    regular = [d for d in designs if fitted.trivial_status(d) is None]
    progress.say(f"{len(designs)} diagnosis groups, {len(regular)} to fit, {sum(len(d.columns) for d in regular)} columns")
    if not regular:
        return groups
    work = Workbench[GroupDesign](
        store,
        "fit",
        settings,
        lambda packs: packing.design_rows(cohort, packing.layouts(store.spark, packs, years), years),
    )
    try:
        regular = _without_aliased(work, regular)
        rows = work.rows(regular)
        fits = _run_engine(settings.models.engine, work, regular, progress)
        design = {d.group: d for d in regular}
        starts = {group: fit.coefficients for group, fit in fits.items()}
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


def _without_aliased(work: Workbench[GroupDesign], designs: Sequence[GroupDesign]) -> list[GroupDesign]:
    """The designs without columns that are combinations of earlier ones."""
    ordered = sorted(designs, key=lambda d: d.group)
    grams = information.cross_products(work.rows(ordered), {d.group: len(d.columns) for d in ordered})
    cleaned = []
    for design in ordered:
        aliased = [design.columns[place].id for place in logistic.aliased_columns(grams[design.group])]
        cleaned.append(design.without(aliased) if aliased else design)
    return cleaned


def _run_engine(
    engine: str, work: Workbench[GroupDesign], designs: Sequence[GroupDesign], progress: Progress
) -> dict[str, EngineFit]:
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
        work.vectors,
        null_start,
        kind=mllib.BINOMIAL,
        pack_columns=models.pack_columns,
        pack_rows=models.pack_rows,
        threads=models.fit_threads,
        cache=work.settings.spark.cache,
        progress=progress,
    )


def _verify(
    work: Workbench[GroupDesign],
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
            mend="look at these groups' classes and events; no model of this run was stored.",
        )
    return differences

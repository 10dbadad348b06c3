"""Fitting the expected length of stay: cells with their means, and the gamma models by MLlib, one model version a year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.models import information, mllib, stay_cells, stay_gamma
from lbz_indicators.models.engine import EngineFit
from lbz_indicators.models.stay_gamma import StayDesign
from lbz_indicators.progress import Progress
from lbz_indicators.stats import logistic
from lbz_indicators.stats.gamma import DECREMENT, GammaFit
from lbz_indicators.steps.workbench import Workbench

STAY_COHORT = (*stay_cells.CELL, "nights")
"""What the expected stay is estimated from."""
_COUNTED = {
    tables.GOLD_STAY_CELLS: "true",
    tables.GOLD_STAY_COEFFICIENTS: f"term = '{stay_gamma.INTERCEPT}'",
    tables.GOLD_STAY_FIT: "true",
}
"""The tables of a version, and which of their rows have admissions that add up to those of its cohort."""
_CELL_COLUMNS = (T.StructField("weight", T.DoubleType()), T.StructField("nights_squared", T.DoubleType()))


@dataclass(frozen=True)
class FittedStays:
    """Both estimators: `cells` with level and gamma_nights, and the gamma model of every stratum."""

    cells: DataFrame
    designs: tuple[StayDesign, ...]
    fits: dict[str, GammaFit]
    iterations: dict[str, int | None]


def fit_stays(store: Store, admissions: DataFrame, settings: Settings, progress: Progress) -> FittedStays:
    """Cells and gamma models of the admissions of stay_cells.population; none of either where there are no admissions."""
    cells = store.cache(stay_cells.count_cells(admissions))
    designs = stay_gamma.stay_designs(cells, settings.olo.minimum_procedure_admissions)
    work = Workbench[StayDesign](
        store,
        "stay",
        settings,
        lambda packs: stay_gamma.design_rows(cells, stay_gamma.layouts(store.spark, packs)),
        _CELL_COLUMNS,
    )
    try:
        designs = _without_aliased(work, designs)
        engine = _fit(work, designs, progress)
        starts = {d.group: engine[d.group].coefficients for d in designs}
        fits = stay_gamma.settle(work.rows(designs), starts) if designs else {}
    finally:
        work.remove()
    _require_settled(fits)
    chosen = [(d, fits[d.group].coefficients) for d in designs]
    estimated = stay_gamma.with_gamma_nights(
        stay_cells.with_level(cells, settings.olo.minimum_cell_admissions), store.spark, chosen
    )
    return FittedStays(estimated, tuple(designs), fits, {group: fit.iterations for group, fit in engine.items()})


def whole_versions(store: Store, versions: Mapping[str, int]) -> set[str]:
    """Those of the versions, with the admissions of their cohorts, of which every table holds all admissions.

    A fit writes over the rows of the versions before it, table by table. Where it broke off, these are current still.
    """
    found: dict[str, list[int]] = {name: [] for name in versions}
    of_versions = F.col("model_version").isin(*versions)
    counted = [store.read_or_empty(table).where(of_versions).where(counts) for table, counts in _COUNTED.items()]
    sums = [rows.groupBy("model_version").agg(F.sum("admissions")) for rows in counted]
    for name, admissions in reduce(DataFrame.union, sums).collect():
        found[name].append(admissions)
    return {name for name, admissions in versions.items() if found[name] == ([admissions] * len(sums) if admissions else [])}


def write_stays(store: Store, versions: Mapping[int, str], fitted: FittedStays) -> int:
    """Writes the tables that describe the versions of these years, all but gold.models, in the place of those before them: the
    expected stay is of the very stays that are judged, so a former version judges nothing any more. Rows written."""
    designs = [(versions[d.year], d) for d in fitted.designs]
    coefficients = [row for version, d in designs for row in stay_gamma.coefficient_rows(version, d, fitted.fits[d.group])]
    fits = [stay_gamma.fit_row(version, d, fitted.fits[d.group], fitted.iterations[d.group]) for version, d in designs]
    by_year = F.create_map(*[F.lit(value) for pair in sorted(versions.items()) for value in pair])
    named = fitted.cells.withColumn("model_version", by_year[F.col("discharge_year")])
    frames = {
        tables.GOLD_STAY_CELLS: named.select(*store.columns(tables.GOLD_STAY_CELLS)),
        tables.GOLD_STAY_COEFFICIENTS: store.frame(tables.GOLD_STAY_COEFFICIENTS, coefficients),
        tables.GOLD_STAY_FIT: store.frame(tables.GOLD_STAY_FIT, fits),
    }
    of_years = f"discharge_year IN ({', '.join(f'{year:d}' for year in versions)})"
    return sum(store.overwrite(table, frame, of_years).rows for table, frame in frames.items())


def _without_aliased(work: Workbench[StayDesign], designs: Sequence[StayDesign]) -> list[StayDesign]:
    """The designs without columns that are combinations of earlier ones, as in the logistic models."""
    if not designs:
        return []
    grams = information.cross_products(work.rows(designs), {d.group: len(d.columns) for d in designs})
    return [d.without(logistic.aliased_columns(grams[d.group])) for d in designs]


def _fit(work: Workbench[StayDesign], designs: Sequence[StayDesign], progress: Progress) -> dict[str, EngineFit]:
    """Coefficients by MLlib; an intercept-only model has a closed form."""
    closed = {d.group: stay_gamma.null_start(d) for d in designs if len(d.columns) == 1}
    regular = [d for d in designs if len(d.columns) > 1]
    progress.say(f"expected stay: {len(designs)} gamma models, {sum(len(d.columns) for d in designs)} columns")
    if not regular:
        return closed
    return closed | mllib.fit_groups(
        regular,
        work.vectors,
        stay_gamma.null_start,
        kind=mllib.GAMMA,
        pack_columns=work.settings.models.pack_columns,
        pack_rows=work.settings.models.pack_rows,
        threads=work.settings.models.fit_threads,
        cache=work.settings.spark.cache,
        progress=progress,
    )


def _require_settled(fits: dict[str, GammaFit]) -> None:
    failed = sorted(group for group, fit in fits.items() if not fit.decrement < DECREMENT)
    if failed:
        raise ModelError(
            f"{len(failed)} gamma model(s) of the expected stay did not converge; no model of this run was stored.",
            where="discharge year | diagnosis group " + ", ".join(failed[:20]),
            mend="look at the nights of these admissions.",
        )

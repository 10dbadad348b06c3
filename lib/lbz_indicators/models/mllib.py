"""The official engine: Spark MLlib `GeneralizedLinearRegression`, groups packed; binomial with logit link, gamma with log.

MLlib's solver falls back to a quasi-Newton method with a mere log line when it finds a singular matrix; its
coefficients are then off by units. A model without standard errors has fallen back. Such a pack is halved until the
culprit stands alone, and that one is fitted with MLlib's own intercept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
from pyspark.ml.feature import VectorSizeHint
from pyspark.ml.regression import GeneralizedLinearRegression, GeneralizedLinearRegressionModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.failures import is_spark_failure
from lbz_indicators.models.engine import EngineFit
from lbz_indicators.models.packing import D, Pack, pack_groups, place
from lbz_indicators.progress import Progress

_NUMERICAL = ("No Std. Error", "SingularMatrix", "singular", "lapack", "LAPACK", "Sum of weights", "breeze")
"""What a failure of the solver, and not of the cluster, says."""


@dataclass(frozen=True)
class Kind:
    """What is fitted: family and link, the change of a coefficient at which it has settled, the most iterations, and the
    column of weights, if any."""

    family: str
    link: str
    tolerance: float
    iterations: int
    weight: str | None = None


BINOMIAL = Kind("binomial", "logit", 1e-10, 50)
# Fisher's steps are not Newton's under this link: they win a digit each, or in a few groups swing to and fro for ever.
# Newton's go on from where they are (stay_gamma.settle).
GAMMA = Kind("gamma", "log", 1e-6, 15, "weight")


def fit_groups(
    designs: Sequence[D],
    write_design: Callable[[Sequence[Pack[D]]], DataFrame],
    null_start: Callable[[D], EngineFit],
    *,
    kind: Kind,
    pack_columns: int,
    pack_rows: int,
    threads: int,
    cache: bool,
    progress: Progress,
) -> dict[str, EngineFit]:
    """Fits every group. `write_design` gives the rows (packing.VECTOR_SCHEMA, and the weight) of the packs it is called with.

    A group whose fit falls back even alone comes with the null model and iterations None; the Newton steps of the
    information pass take it from there.
    """
    fits: dict[str, EngineFit] = {}
    packs = pack_groups(designs, pack_columns, pack_rows)
    while packs:
        rows = write_design(packs)
        fallen = _fit_packs(rows, packs, fits, len(designs), kind, threads, cache, progress)
        for pack in fallen:
            progress.say(f"a pack of {len(pack.groups)} groups fell back to quasi-Newton; refitting it in parts")
        fits |= {pack.groups[0].design.group: null_start(pack.groups[0].design) for pack in fallen if pack.alone}
        packs = _halves([pack for pack in fallen if not pack.alone])
    return fits


def _halves(packs: Sequence[Pack[D]]) -> list[Pack[D]]:
    parts = []
    for pack in packs:
        designs = [placed.design for placed in pack.groups]
        middle = len(designs) // 2
        parts += [designs[:middle], designs[middle:]]
    return [place(number, part) for number, part in enumerate(parts)]


def _fit_packs(
    rows: DataFrame,
    packs: Sequence[Pack[D]],
    fits: dict[str, EngineFit],
    groups: int,
    kind: Kind,
    threads: int,
    cache: bool,
    progress: Progress,
) -> list[Pack[D]]:
    """Fits packs side by side, largest first, and adds what they give to `fits`; the packs that fell back."""
    fallen = []
    with (
        progress.counting("fitted", sum(pack.work for pack in packs)) as counter,
        ThreadPoolExecutor(max_workers=threads) as pool,
    ):
        ordered = sorted(packs, key=lambda pack: -pack.work)
        running = {pool.submit(_fit, rows.where(F.col("pack") == pack.number), pack, kind, cache): pack for pack in ordered}
        for done in as_completed(running):
            pack, model = running[done], done.result()
            if model is None:
                fallen.append(pack)
            else:
                fits |= _read(model, pack)
            counter.add(pack.work, f"{len(fits)} of {groups} diagnosis groups")
    return sorted(fallen, key=lambda pack: pack.number)


def _fit(rows: DataFrame, pack: Pack[D], kind: Kind, cache: bool) -> GeneralizedLinearRegressionModel | None:
    """One model, None where the solver fell back or found no finite coefficients."""
    sized = VectorSizeHint(inputCol="features", size=pack.columns, handleInvalid="optimistic").transform(rows)
    glm = GeneralizedLinearRegression(
        family=kind.family,
        link=kind.link,
        fitIntercept=pack.alone,
        maxIter=kind.iterations,
        tol=kind.tolerance,
        regParam=0.0,
    )
    glm = glm.setWeightCol(kind.weight) if kind.weight else glm
    kept = sized.select("features", "label", *([kind.weight] if kind.weight else []))
    kept = kept.persist() if cache else kept
    try:
        model = glm.fit(kept)
        return model if _has_settled(model) else None
    except Exception as error:
        if is_spark_failure(error) and not _is_failure_of_the_cluster(error):
            return None
        raise
    finally:
        if cache:
            kept.unpersist()


def _has_settled(model: GeneralizedLinearRegressionModel) -> bool:
    if not np.isfinite(model.coefficients.toArray()).all() or not np.isfinite(model.intercept):
        return False
    return model.hasSummary and bool(np.isfinite(model.summary.coefficientStandardErrors).all())


def _is_failure_of_the_cluster(error: Exception) -> bool:
    """A lost executor or a full disk must end the run; only what the solver says of its matrix is a fall-back."""
    return not any(mark in str(error) for mark in _NUMERICAL)


def _read(model: GeneralizedLinearRegressionModel, pack: Pack[D]) -> dict[str, EngineFit]:
    values = model.coefficients.toArray()
    iterations = int(model.summary.numIterations)
    if pack.alone:
        return {pack.groups[0].design.group: EngineFit(np.r_[model.intercept, values], iterations)}
    return {
        placed.design.group: EngineFit(values[placed.offset : placed.offset + placed.width].copy(), iterations)
        for placed in pack.groups
    }

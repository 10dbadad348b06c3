"""Passes over the design in Arrow batches: X'X, and information, score and deviance of all groups at given coefficients.

Newton steps on these sums bring any engine's coefficients to one and the same maximum: they start from coefficients
rounded to six decimals and use sums that do not depend on the order of rows, so partitions, executors and file order
cannot move a stored digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.special import expit

from lbz_indicators.stats import moments as kernel

Floats = NDArray[np.float64]
Partial = Callable[[str, Floats, Floats], tuple[list[int], float]]
_PARTIAL_SCHEMA = "diagnosis_group string, sums array<bigint>, largest double"


@dataclass(frozen=True)
class Moments:
    """Sums of one group at given coefficients: information (k, k), score (k,), deviance, largest |linear predictor|."""

    information: Floats
    score: Floats
    deviance: float
    largest_predictor: float


def cross_products(rows: DataFrame, widths: Mapping[str, int]) -> dict[str, NDArray[np.int64]]:
    """X'X (k, k) of every group in one pass. `rows` has diagnosis_group, label, columns; `widths` is k by group."""
    groups = dict(widths)

    def partial(group: str, x: Floats, y: Floats) -> tuple[list[int], float]:
        return _upper(kernel.cross_products(x)), 0.0

    return {group: _full(sums, groups[group]) for group, (sums, _) in _sum_over_rows(rows, groups, partial).items()}


def moments(rows: DataFrame, coefficients: Mapping[str, Floats]) -> dict[str, Moments]:
    """Information, score and deviance of every group of `coefficients` in one pass over its rows."""
    betas = {group: np.asarray(beta, dtype=float) for group, beta in coefficients.items()}
    widths = {group: len(beta) for group, beta in betas.items()}

    def partial(group: str, x: Floats, y: Floats) -> tuple[list[int], float]:
        information, score, deviance, largest = kernel.scaled_moments(x, y, betas[group])
        return [*_upper(information), *score.ravel().tolist(), deviance], largest

    result = {}
    for group, (sums, largest) in _sum_over_rows(rows, widths, partial).items():
        k = widths[group]
        upper = k * (k + 1) // 2
        result[group] = Moments(
            _full(sums[:upper], k) / kernel.WEIGHT_SCALE,
            kernel.score(sums[upper : upper + 2 * k].reshape(2, k)),
            float(sums[upper + 2 * k]) / kernel.DEVIANCE_SCALE,
            largest,
        )
    return result


def largest_difference(
    rows: DataFrame, first: Mapping[str, Floats], second: Mapping[str, Floats], scale: str
) -> dict[str, float]:
    """Largest |difference| over rows between two sets of coefficients, per group.

    `scale` is `predictor` (linear predictor) or `probability`.
    """
    widths = {group: len(beta) for group, beta in first.items()}
    one, other = dict(first), dict(second)

    def partial(group: str, x: Floats, y: Floats) -> tuple[list[int], float]:
        a, b = x @ one[group], x @ other[group]
        if scale == "probability":
            a, b = expit(a), expit(b)
        return [0], float(np.abs(a - b).max(initial=0.0))

    return {group: largest for group, (_, largest) in _sum_over_rows(rows, widths, partial).items()}


def _upper(matrix: NDArray[np.int64]) -> list[int]:
    return [int(value) for value in matrix[np.triu_indices(len(matrix))]]


def _full(upper: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    matrix = np.zeros((k, k), dtype=np.int64)
    matrix[np.triu_indices(k)] = upper
    return np.maximum(matrix, matrix.T)


def _sum_over_rows(rows: DataFrame, widths: Mapping[str, int], partial: Partial) -> dict[str, tuple[NDArray[np.int64], float]]:
    """Runs `partial(group, x, y)` over blocks of rows and adds what it gives, exactly, per group."""
    columns = dict(widths)

    def in_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield _partial_sums(batches, columns, partial)

    wanted = rows.where(F.col("diagnosis_group").isin(*columns)).select("diagnosis_group", "label", "columns")
    partials = wanted.mapInArrow(in_batches, _PARTIAL_SCHEMA)
    # A batch's largest value rides along as one more sum's neighbour: max is as free of order as an integer sum.
    cells = partials.select("diagnosis_group", "largest", F.posexplode("sums").alias("cell", "value"))
    totals = cells.groupBy("diagnosis_group", "cell").agg(F.sum("value").alias("value"), F.max("largest").alias("largest"))
    table = totals.toPandas().sort_values(["diagnosis_group", "cell"])
    return {
        str(group): (cells_["value"].to_numpy(dtype=np.int64), float(cells_["largest"].max()))
        for group, cells_ in table.groupby("diagnosis_group", sort=True)
    }


def _partial_sums(batches: Iterable[pa.RecordBatch], widths: Mapping[str, int], partial: Partial) -> pa.RecordBatch:
    sums: dict[str, NDArray[np.int64]] = {}
    largest: dict[str, float] = {}
    for batch in batches:
        for group, x, y in _blocks(batch, widths):
            values, high = partial(group, x, y)
            added = np.array(values, dtype=np.int64)
            sums[group] = sums[group] + added if group in sums else added
            largest[group] = max(largest.get(group, 0.0), high)
    groups = sorted(sums)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(groups, pa.string()),
            pa.array([sums[group].tolist() for group in groups], pa.list_(pa.int64())),
            pa.array([largest[group] for group in groups], pa.float64()),
        ],
        names=["diagnosis_group", "sums", "largest"],
    )


def _blocks(batch: pa.RecordBatch, widths: Mapping[str, int]) -> Iterator[tuple[str, Floats, Floats]]:
    """Splits a batch by group into dense designs x (n, k) of at most MAXIMUM_ROWS rows and labels y (n,)."""
    encoded = batch.column("diagnosis_group").dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    labels = batch.column("label").to_numpy(zero_copy_only=False)[order]
    lists = batch.column("columns").take(pa.array(order))
    starts = lists.offsets.to_numpy()
    flat = lists.values.to_numpy(zero_copy_only=False)
    bounds = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    for code, group in enumerate(encoded.dictionary.to_pylist()):
        for low in range(bounds[code], bounds[code + 1], kernel.MAXIMUM_ROWS):
            high = min(low + kernel.MAXIMUM_ROWS, bounds[code + 1])
            x = np.zeros((high - low, widths[group]))
            lengths = np.diff(starts[low : high + 1])
            x[np.repeat(np.arange(high - low), lengths), flat[starts[low] : starts[high]]] = 1.0
            yield group, x, labels[low:high]

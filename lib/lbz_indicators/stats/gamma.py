"""Maximum likelihood of a gamma model with log link by Newton steps, on cells of equal covariates. Knows no Spark.

All rows of a cell have the same covariates, so a cell's mean, weighted with its rows, has the score equations of its rows.
Shapes: n cells, k columns of a 0/1 design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lbz_indicators.stats import logistic

Floats = NDArray[np.float64]
MAXIMUM_STEPS = 100
DECREMENT = 1e-16
_SHORTEST_STEP = 1e-6


@dataclass(frozen=True)
class GammaFit:
    """Coefficients (k,) at the maximum with standard errors (k,), and how well they solve the score equations.

    `largest_score`: largest |sum over rows of (y - mu) / mu| of a column. `dispersion`: Pearson's, and None, as the errors,
    where there are no more rows than columns.
    """

    coefficients: Floats
    errors: Floats | None
    steps: int
    decrement: float
    largest_score: float
    dispersion: float | None


def fit_gamma(columns: Sequence[NDArray[np.int64]], mean: Floats, weight: Floats, squares: Floats, start: Floats) -> GammaFit:
    """Newton steps, halved where they would lose, from `start` (k,) until the decrement is below DECREMENT; then one more,
    for at that bound a cell's mean may still be off in its ninth digit, and a step squares what is left.

    Per cell: the `columns` that are 1, the `mean` of y, the `weight` (number of rows), and `squares`, the sum of y^2.
    """
    k = len(start)
    lengths = np.array([len(c) for c in columns])
    cells = np.repeat(np.arange(len(columns)), lengths)
    x = sparse.csr_matrix((np.ones(lengths.sum()), (cells, np.concatenate(columns))), shape=(len(columns), k))
    beta, best, steps, certified = start, _loss(x, mean, weight, start), 0, False
    while True:
        ratio = mean / np.exp(x @ beta)
        score = np.asarray(x.T @ (weight * (ratio - 1))).ravel()
        step, decrement = logistic.newton_step(_information(x, weight * ratio), score)
        if (certified and decrement < DECREMENT) or steps >= MAXIMUM_STEPS:
            break
        certified, share = decrement < DECREMENT, 1.0
        while share > _SHORTEST_STEP and _loss(x, mean, weight, beta + share * step) > best + 1e-12 * abs(best):
            share /= 2
        beta = beta + share * step
        best, steps = _loss(x, mean, weight, beta), steps + 1
    dispersion = _dispersion(np.exp(x @ beta), mean, weight, squares, k)
    errors = None
    if dispersion is not None:
        # With log link the expected information is X' diag(weight) X, whatever the coefficients.
        errors = np.sqrt(np.diag(logistic.covariance(_information(x, weight))) * dispersion)
    return GammaFit(beta, errors, steps, decrement, float(np.abs(score).max()), dispersion)


def _dispersion(expected: Floats, mean: Floats, weight: Floats, squares: Floats, k: int) -> float | None:
    """Sum over rows of ((y - mu) / mu)^2 per degree of freedom, from the sums of the cells."""
    freedom = weight.sum() - k
    pearson = ((squares - 2 * expected * mean * weight) / expected**2 + weight).sum()
    return max(0.0, float(pearson / freedom)) if freedom > 0 else None


def _information(x: Any, weight: Floats) -> Floats:
    return np.asarray((x.T @ x.multiply(weight[:, None])).todense())


def _loss(x: Any, mean: Floats, weight: Floats, beta: Floats) -> float:
    """The gamma log likelihood, negative, as far as it depends on the coefficients."""
    eta = x @ beta
    return float((weight * (mean * np.exp(-eta) + eta)).sum())

"""Sums over the rows of a 0/1 design that do not depend on the order of the rows. Knows no Spark.

Shapes: n rows, k columns. Values are scaled by a power of two and rounded to whole numbers, so sums are the same
however rows are spread over machines. With at most `MAXIMUM_ROWS` rows at a time every partial sum of doubles is exact;
totals are kept as 64-bit integers. Light to import, for it runs on the executors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAXIMUM_ROWS = 1 << 14
WEIGHT_SCALE = 2.0**40
RESIDUAL_SCALE = 2.0**30
"""Of the first of two whole numbers that a residual is split into; the second has RESIDUAL_SCALE squared.

One would not do: admissions of one pattern all round the same way, and hundreds of thousands of them would hide a score
small enough for the certificate of convergence.
"""
DEVIANCE_SCALE = 2.0**28
GRID = 2.0**44
"""Coefficients are multiples of 1/GRID, so that a linear predictor (below 512) is the same in whatever order it is added."""


def cross_products(x: Floats) -> Integers:
    """X'X of a 0/1 design. x (n, k); result (k, k)."""
    return np.rint(x.T @ x).astype(np.int64)


def on_grid(beta: Floats) -> Floats:
    """Coefficients as multiples of 1/GRID."""
    rounded: Floats = np.rint(beta * GRID) / GRID
    return rounded


def score(scaled: Integers) -> Floats:
    """X'(y - p) (k,) from the two rows (2, k) of `scaled_moments`, or from their sums over many calls."""
    result: Floats = scaled[0] / RESIDUAL_SCALE + scaled[1] / RESIDUAL_SCALE**2
    return result


def scaled_moments(x: Floats, y: Floats, beta: Floats) -> tuple[Integers, Integers, int, float]:
    """Information, score and deviance of some rows as scaled integers, and the largest |linear predictor|.

    x (n, k) of zeros and ones with n <= MAXIMUM_ROWS, y (n,) of zeros and ones, beta (k,), which is taken on the grid.
    Information X'WX (k, k) by WEIGHT_SCALE, score X'(y - p) in two parts (2, k) for `score`, -2 log likelihood by
    DEVIANCE_SCALE.
    """
    eta = (x @ np.rint(beta * GRID)) / GRID
    p = expit(eta)
    weight = np.rint(p * expit(-eta) * WEIGHT_SCALE)
    residual = np.where(y > 0, expit(-eta), -p) * RESIDUAL_SCALE
    coarse = np.rint(residual)
    fine = np.rint((residual - coarse) * RESIDUAL_SCALE)
    loss = 2 * np.logaddexp(0.0, np.where(y > 0, -eta, eta))
    information = (x.T @ (x * weight[:, None])).astype(np.int64)
    parts = np.stack([x.T @ coarse, x.T @ fine]).astype(np.int64)
    deviance = int(np.rint(loss * DEVIANCE_SCALE).astype(np.int64).sum())
    return information, parts, deviance, float(np.abs(eta).max(initial=0.0))

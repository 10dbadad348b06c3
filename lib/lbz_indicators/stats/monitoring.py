"""Following a hospital admission by admission: VLAD and risk-adjusted CUSUM (METHOD section 9).

Shapes (n,): one value per admission, in the order of `monitoring_order`. `observed` is 0 or 1, `probability` the model's.
Weights are multiples of 1/GRID, so that their sums are exact: a path is the same however it is added up, and two sequences of
admissions that should reach the same height do.

Known limitation: the model's coefficients are taken as known, and its probabilities as right but for one odds ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GRID = 2.0**32
"""Sums of up to a million weights below 2 are exact in 53 bits."""
WORSE, BETTER = 2.0, 0.5
"""Odds ratios of death that the two charts look out for."""


def monitoring_order(discharge_day: ArrayLike, minute: ArrayLike, admission_id: ArrayLike) -> Integers:
    """Places (n,) of the admissions in order of discharge day, time of discharge, admission number.

    `discharge_day` whole numbers or dates, `minute` minutes since midnight, nan where the time is missing, which comes last on
    its day. Admission numbers are texts, compared by code point.
    """
    time = np.asarray(minute, dtype=float)
    keys = (np.asarray(admission_id, dtype=str), np.where(np.isnan(time), np.inf, time), np.asarray(discharge_day))
    return np.lexsort(keys).astype(np.int64)


def vlad(observed: ArrayLike, probability: ArrayLike) -> Floats:
    """Variable life-adjusted display: running sum of p - y, the deaths fewer than expected so far.

    Source: Lovegrove et al, Lancet 1997; 350:1128-30. Known limitation: it wanders by chance, and has no limit; the CUSUM has.
    """
    y, p = np.asarray(observed, dtype=float), np.asarray(probability, dtype=float)
    return np.cumsum(p - y)


def weight_pair(probability: ArrayLike, odds_ratio: float, in_control: float = 1.0) -> tuple[Floats, Floats]:
    """Log-likelihood ratios of a survivor and of a death: odds ratio RA = `odds_ratio` against R0 = `in_control`.

    y = 0: ln[(1 - p + R0 p) / (1 - p + RA p)]; y = 1: ln RA/R0 more. Rounded to multiples of 1/GRID.
    Source: Steiner et al, Biostatistics 2000; 1:441-52.
    """
    p = np.asarray(probability, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        # One unknown height would make all that follow unknown, and unknown heights never signal.
        raise ValueError("every admission followed needs a probability from 0 to 1; leave out and count those without a model")
    survivor = np.log1p((in_control - 1) * p) - np.log1p((odds_ratio - 1) * p)
    return _on_grid(survivor), _on_grid(survivor + np.log(odds_ratio / in_control))


def cusum_weights(observed: ArrayLike, probability: ArrayLike, odds_ratio: float, in_control: float = 1.0) -> Floats:
    """What each admission adds to the CUSUM for this odds ratio: see `weight_pair`."""
    survivor, death = weight_pair(probability, odds_ratio, in_control)
    return np.where(np.asarray(observed) > 0, death, survivor)


@dataclass(frozen=True)
class CusumPath:
    """Heights (n,), each after its admission, and the places of the admissions that signalled.

    Both charts have heights of 0 and above; the one for fewer deaths is drawn downwards.
    """

    heights: Floats
    signals: tuple[int, ...]


def cusum_path(weights: Floats, limit: float = np.inf) -> CusumPath:
    """C = max(0, C + w) from 0. A height **above** the limit is a signal; the next admission starts from 0 again.

    The height that signalled stands in the path, so that a chart shows the crossing. Without the new start one bad month would
    signal for the rest of the year; with it a second signal is new evidence, of its own. The false-alarm probability that a
    limit was made for (`stats.cusum_limit`) is that of the first signal.
    """
    heights = np.empty(len(weights))
    signals: list[int] = []
    start = 0
    while start < len(weights):
        heights[start:] = _running(weights[start:])
        above = np.flatnonzero(heights[start:] > limit)
        if not len(above):
            break
        signals.append(start + int(above[0]))
        start = signals[-1] + 1
    return CusumPath(heights, tuple(signals))


def _running(weights: Floats) -> Floats:
    """max(0, C + w), step by step: the sum so far less the lowest it has been, 0 before the first."""
    total = np.cumsum(weights)
    height: Floats = total - np.minimum(np.minimum.accumulate(total), 0.0)
    return height


def _on_grid(weights: Floats) -> Floats:
    rounded: Floats = np.rint(weights * GRID) / GRID
    return rounded

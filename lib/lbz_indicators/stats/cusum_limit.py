"""The limit of a hospital's CUSUM by simulation from its own probabilities (METHOD section 9).

The limit h is the one that a hospital in control crosses at least once in the year with a chosen probability. It depends on
how many admissions there are and on their risks, so each hospital has its own. R replicates of the year's deaths are drawn, and
h is a quantile of the highest point that each replicate's CUSUM reaches.

A replicate is drawn as a Poisson process of rate 1 on the scale of hazard, the running sum of -ln(1 - p): an admission with a
point in its interval dies, which has probability 1 - exp(ln(1 - p)) = p, independently of the others. So the draws are as many
as deaths, not as admissions.

Known limitation: the limit is of the admissions as they are known. While a year is under way it is that of the months so far,
and grows with them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from lbz_indicators.stats.monitoring import weight_pair

Floats = NDArray[np.float64]

AT_ONCE = 64
"""Replicates in memory at a time; any number gives the same result."""
CONFIDENCE = 0.95
"""Of the interval that states the limit's simulation error."""


@dataclass(frozen=True)
class SimulatedLimit:
    """A limit h, and how well the simulation knows it.

    `false_alarm_probability`: share of the replicates that rose above h; at most the chosen one, and below it where heights
    tie, for few admissions can reach few heights. `standard_error`: of that share; it never falls below that of one in R.
    `lower`, `upper`: 95% limits of the quantile that h estimates, from the replicates' ranks alone.
    """

    limit: float
    false_alarm_probability: float
    standard_error: float
    lower: float
    upper: float
    replicates: int
    seed: int


def stable_seed(*parts: str | int | float) -> int:
    """63 bits for the simulation from what it is for (hospital, year, odds ratio), the same on every machine and day.

    With it anybody can draw the same replicates again. Small enough for a table's whole number.
    """
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:8], "big") >> 1


def simulate_limit(
    probability: ArrayLike,
    odds_ratio: float,
    false_alarm: float,
    *,
    replicates: int,
    seed: int,
    in_control: float = 1.0,
    at_once: int = AT_ONCE,
) -> SimulatedLimit:
    """The limit h that the CUSUM for `odds_ratio` exceeds in a year in control with probability `false_alarm`, at most.

    probability (n,): of the year's admissions in the order of monitoring. With `in_control` other than 1, deaths are drawn with
    odds that many times the model's. h is the smallest replicate height with at most `false_alarm` of the replicates above.
    """
    heights = np.sort(highest_points(probability, odds_ratio, replicates, seed, in_control, at_once))
    rank = replicates - int(np.floor(false_alarm * replicates + 1e-9))
    limit = heights[rank - 1]
    share = float((heights > limit).mean())
    ranks = binom.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], replicates, 1 - false_alarm)
    low, high = np.clip(ranks + np.array([0, 1]), 1, replicates).astype(int)
    return SimulatedLimit(
        limit=float(limit),
        false_alarm_probability=share,
        standard_error=float(np.sqrt(max(share, 1 / replicates) * (1 - share) / replicates)),
        lower=float(heights[low - 1]),
        upper=float(heights[high - 1]),
        replicates=replicates,
        seed=seed,
    )


def highest_points(
    probability: ArrayLike, odds_ratio: float, replicates: int, seed: int, in_control: float = 1.0, at_once: int = AT_ONCE
) -> Floats:
    """The highest point of the CUSUM (R,) in each replicate of the year, whose draws depend on seed and its number only."""
    p = np.asarray(probability, dtype=float)
    # Certain outcomes weigh 0.
    uncertain = (p > 0) & (p < 1)
    survivor, death = (weights[uncertain] for weights in weight_pair(p, odds_ratio, in_control))
    p = p[uncertain]
    hazard = np.cumsum(-np.log1p(-in_control * p / (1 + (in_control - 1) * p)))
    highest = np.empty(replicates)
    for first in range(0, replicates, at_once):
        numbers = range(first, min(first + at_once, replicates))
        highest[numbers.start : numbers.stop] = _highest(_deaths(hazard, numbers, seed), survivor, death)
    return highest


def _deaths(hazard: Floats, numbers: range, seed: int) -> NDArray[np.int64]:
    """Places (rows, m) of the deaths in ascending order, one row per replicate; n, and places again, fill the rows.

    hazard (n,) is the running sum. More points are drawn than fit, all but certainly (nine standard deviations and 40).
    """
    end = float(hazard[-1]) if len(hazard) else 0.0
    most = int(end + 9 * np.sqrt(end)) + 40
    points = np.empty((len(numbers), most))
    for row, number in enumerate(numbers):
        # The second word of the counter is the replicate's: no two replicates share a draw.
        Generator(Philox(key=seed, counter=[0, number, 0, 0])).standard_exponential(out=points[row])
    np.cumsum(points, axis=1, out=points)
    return np.searchsorted(hazard, points)


def _highest(deaths: NDArray[np.int64], survivor: Floats, death: Floats) -> Floats:
    """The highest point (rows,) of the CUSUM with deaths at these places (rows, m).

    Between deaths the path goes one way, so its turns are the heights before and after each death, and at the end.
    """
    base = np.concatenate([[0.0], np.cumsum(survivor), [survivor.sum()]])
    jump = np.append(death - survivor, 0.0)
    new = np.diff(deaths, axis=1, prepend=-1) > 0
    jumps = np.where(new, jump[deaths], 0.0)
    jumped = np.cumsum(jumps, axis=1)
    turns = np.empty((len(deaths), 2 * deaths.shape[1] + 1))
    turns[:, 0] = 0.0
    # A place that fills a row repeats the height after its death.
    turns[:, 1::2] = base[np.where(new, deaths, deaths + 1)] + jumped - jumps
    turns[:, 2::2] = base[deaths + 1] + jumped
    return np.asarray((turns - np.minimum.accumulate(turns, axis=1)).max(axis=1))

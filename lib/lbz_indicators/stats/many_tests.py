"""Judging many figures at once: p values, the false discovery rate, and the false alarms to expect (METHOD section 9).

Arrays in, arrays out, all of one shape: one cell per hospital and diagnosis group, say. nan where nothing is expected: no test.
Counts are Poisson with a fixed mean E where a hospital does as the nation does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control, poisson

Floats = NDArray[np.float64]


def exact_poisson_p(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """Two-sided p = min(1, 2 min(P(X <= O), P(X >= O))), X Poisson with mean E.

    In step with `exact_poisson_limits`: p is below 1 - confidence exactly where 100 lies outside the limits.
    """
    o, e = np.asarray(observed, dtype=float), _positive(expected)
    p: Floats = np.minimum(1.0, 2 * np.minimum(poisson.cdf(o, e), poisson.sf(o - 1, e)))
    return p


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Adjusted p values: marking those at or below q keeps the expected share of false ones among the marked at q.

    Cells without a test (nan) do not count as tests. Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B
    1995; 57:289-300.

    Known limitation: p values of small counts are larger than uniform ones, so fewer are marked than q would allow. The hospitals
    of a group share its expected numbers and so depend on each other a little, which the bound does not account for.
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    tested = ~np.isnan(values)
    if tested.any():
        adjusted[tested] = false_discovery_control(values[tested], method="bh")
    return adjusted


def attainable_poisson_size(expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Probability that a cell doing as the nation does is called lower, and that it is called higher.

    Lower: P(X <= c), c the largest count with P(X <= c) < a/2; higher: P(X >= d), d the smallest count with P(X >= d) < a/2.
    Counts are whole, so this is below a/2, and 0 on the low side where even no deaths are no surprise.
    """
    e, tail = _positive(expected), (1.0 - confidence) / 2
    return poisson.cdf(poisson.ppf(tail, e) - 1, e), poisson.sf(poisson.isf(tail, e), e)


@dataclass(frozen=True)
class FalseAlarms:
    """How many of the tested cells to expect in a list by chance alone, were every hospital as the nation."""

    tested: int
    lower: float
    higher: float

    @property
    def total(self) -> float:
        """In a list of both."""
        return self.lower + self.higher


def expected_false_alarms(expected: ArrayLike, confidence: float) -> FalseAlarms:
    """The sum over cells of their attainable sizes: not cells x (1 - confidence), which small cells cannot reach."""
    lower, higher = attainable_poisson_size(expected, confidence)
    return FalseAlarms(int((~np.isnan(lower)).sum()), float(np.nansum(lower)), float(np.nansum(higher)))


def _positive(expected: ArrayLike) -> Floats:
    e = np.asarray(expected, dtype=float)
    return np.where(e > 0, e, np.nan)

"""Control limits of a funnel plot: where ratios of hospitals that differ from the nation by chance alone lie (METHOD section 9).

Control limits lie around 100 and depend on the expected number; confidence limits (`stats.intervals`) lie around a hospital's
own ratio. Arrays in, arrays out, shape (n,); limits are ratios per 100, never below 0, and nan where nothing is expected.
Conventions differ where few deaths are expected, so each is a function, and its name stands beside its limits.

Known limitation: all three take the expected number as fixed and the count as Poisson. Hospitals differ by more than chance,
so with many deaths nearly all of them fall outside: see `stats.over_dispersion`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtriv
from scipy.stats import chi2, poisson

from lbz_indicators.stats.intervals import HIGHER, LOWER, NONE

Floats = NDArray[np.float64]
ControlLimits = Callable[[ArrayLike, float], tuple[Floats, Floats]]


def poisson_quantile(expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Interpolated quantiles of the Poisson distribution with mean E.

    With r the smallest count with P(X <= r) >= q, the limit is r - (P(X <= r) - q) / P(X = r), times 100/E, for
    q = a/2 and 1 - a/2. Source: Spiegelhalter, Statistics in Medicine 2005; 24:1185-202, appendix.

    Known limitation: interpolated upper limits lie up to one death below the count that is improbable; where exp(-E) is at
    least 1 - a/2 it is 0, and a single death lies outside.
    """
    e, tail = _positive(expected), (1.0 - confidence) / 2
    return _per_hundred(_interpolated(tail, e), e), _per_hundred(_interpolated(1 - tail, e), e)


def inverse_exact(expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """The counts O, taken as real numbers, whose exact (Garwood) limits just reach E.

    Lower: F(2 E; 2 O + 2) = 1 - a/2, upper: F(2 E; 2 O) = a/2, F(.; degrees of freedom) being the chi-square distribution
    function; times 100/E. A hospital lies outside exactly where its exact interval does not hold 100. Where exp(-E) is at least
    a/2 no count is low enough, and the lower limit is 0. Source: the convention of Public Health England's funnel plots.
    """
    e, tail = _positive(expected), (1.0 - confidence) / 2
    return _per_hundred(chdtriv(1 - tail, 2 * e) / 2 - 1, e), _per_hundred(chdtriv(tail, 2 * e) / 2, e)


def chi_square(expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Garwood's limits of a count of E, as if 100 itself had been observed.

    100 chi2.ppf(a/2, 2 E)/(2 E) and 100 chi2.ppf(1-a/2, 2 E + 2)/(2 E). Known limitation: an interval laid around 100, so a
    hospital may lie inside whose own interval does not hold 100, and the other way round.
    """
    e, tail = _positive(expected), (1.0 - confidence) / 2
    return _per_hundred(chi2.ppf(tail, 2 * e) / 2, e), _per_hundred(chi2.ppf(1 - tail, 2 * e + 2) / 2, e)


CONTROL_LIMITS: Mapping[str, ControlLimits] = MappingProxyType(
    {convention.__name__: convention for convention in (poisson_quantile, inverse_exact, chi_square)}
)
"""The conventions by the name that settings choose and figures carry."""


def control_limits(convention: str, expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Control limits by the convention of this name."""
    return CONTROL_LIMITS[convention](expected, confidence)


def funnel_position(ratio: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> NDArray[np.object_]:
    """'higher' or 'lower' where a ratio lies outside its control limits, else 'none'; None without ratio or limits.

    A ratio on a limit is inside. All three per 100.
    """
    value, low, high = (np.asarray(values, dtype=float) for values in (ratio, lower, upper))
    position = np.full(value.shape, NONE, dtype=object)
    position[value > high] = HIGHER
    position[value < low] = LOWER
    position[np.isnan(value) | np.isnan(low) | np.isnan(high)] = None
    return position


def _positive(expected: ArrayLike) -> Floats:
    """Expected numbers; nan, which all that follows passes on, where there are none."""
    e = np.asarray(expected, dtype=float)
    return np.where(e > 0, e, np.nan)


def _interpolated(quantile: float, e: Floats) -> Floats:
    count = poisson.ppf(quantile, e)
    step: Floats = count - (poisson.cdf(count, e) - quantile) / poisson.pmf(count, e)
    return step


def _per_hundred(count: Floats, e: Floats) -> Floats:
    ratio: Floats = 100.0 * np.maximum(count, 0.0) / e
    return ratio

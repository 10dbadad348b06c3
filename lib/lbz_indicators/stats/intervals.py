"""Confidence limits of standardised ratios, and what they say (METHOD section 5).

Arrays in, arrays out, all of one shape (n,). Ratios are per 100. A ratio and its limits are nan where the expected
number is 0: there is nothing to compare with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

Floats = NDArray[np.float64]
HIGHER, LOWER, NONE = "higher", "lower", "none"


def standardised_ratio(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """100 x observed / expected; nan where expected is 0."""
    o, e = _arrays(observed, expected)
    return np.divide(100.0 * o, e, out=np.full_like(e, np.nan), where=e > 0)


def exact_poisson_limits(observed: ArrayLike, expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Exact (Garwood) limits of the ratio, the expected number taken as fixed.

    lower = 100/E chi2.ppf(a/2, 2 O)/2 (0 for O = 0), upper = 100/E chi2.ppf(1-a/2, 2 O + 2)/2.
    Source: Garwood, Biometrika 1936; 28:437-42. It reproduces the published Dutch figures.
    """
    return scaled_poisson_limits(observed, expected, np.ones_like(np.asarray(expected, dtype=float)), confidence)


def scaled_poisson_limits(
    observed: ArrayLike, expected: ArrayLike, dispersion: ArrayLike, confidence: float
) -> tuple[Floats, Floats]:
    """Poisson limits scaled to a variance of V = dispersion x E of observed minus expected.

    lower = 100 k chi2.ppf(a/2, 2 O/k)/(2 E), upper = 100 k chi2.ppf(1-a/2, 2 O/k + 2)/(2 E), k = V/E.
    nan where k is 0 or unknown (no variance, no limits). k = 1 gives the exact Poisson limits.
    """
    o, e = _arrays(observed, expected)
    k = np.asarray(dispersion, dtype=float)
    usable = (e > 0) & (k > 0)
    o_, e_, k_ = (np.where(usable, values, 1.0) for values in (o, e, k))
    alpha = 1.0 - confidence
    lower = np.where(o_ > 0, 100 * k_ * chi2.ppf(alpha / 2, 2 * np.maximum(o_, 1e-300) / k_) / (2 * e_), 0.0)
    upper = 100 * k_ * chi2.ppf(1 - alpha / 2, 2 * o_ / k_ + 2) / (2 * e_)
    return np.where(usable, lower, np.nan), np.where(usable, upper, np.nan)


def byar_limits(observed: ArrayLike, expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Byar's approximation to the Poisson limits of the ratio; lower 0 for O = 0.

    Source: Breslow and Day, Statistical Methods in Cancer Research II, IARC 1987, p. 69.
    """
    o, e = _arrays(observed, expected)
    z = norm.ppf(0.5 + confidence / 2)
    scale = np.divide(100.0, e, out=np.full_like(e, np.nan), where=e > 0)
    positive = np.maximum(o, 1.0)
    lower = np.where(o > 0, positive * (1 - 1 / (9 * positive) - z / (3 * np.sqrt(positive))) ** 3, 0.0)
    upper = (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * np.sqrt(o + 1))) ** 3
    return np.maximum(lower, 0.0) * scale, upper * scale


def wilson_limits(observed: ArrayLike, number: ArrayLike, confidence: float | Floats) -> tuple[Floats, Floats]:
    """Wilson (score) limits of the percentage 100 x observed / number; nan where number is 0.

    Source: Wilson, JASA 1927; 22:209-12.
    """
    o, n = _arrays(observed, number)
    z = norm.ppf(0.5 + confidence / 2)
    some = n > 0
    n_ = np.where(some, n, 1.0)
    share = o / n_
    middle = (share + z**2 / (2 * n_)) / (1 + z**2 / n_)
    half = z / (1 + z**2 / n_) * np.sqrt(share * (1 - share) / n_ + z**2 / (4 * n_**2))
    # At the ends rounding must not leave the limit beside 0 or 100.
    lower = np.where(o <= 0, 0.0, np.maximum(middle - half, 0.0))
    upper = np.where(o >= n_, 1.0, np.minimum(middle + half, 1.0))
    return np.where(some, 100 * lower, np.nan), np.where(some, 100 * upper, np.nan)


def significance(lower: ArrayLike, upper: ArrayLike) -> NDArray[np.object_]:
    """'higher' or 'lower' where 100 lies outside the unrounded limits, else 'none'; None where there are no limits."""
    low, high = _arrays(lower, upper)
    verdict = np.full(low.shape, NONE, dtype=object)
    verdict[low > 100] = HIGHER
    verdict[high < 100] = LOWER
    verdict[np.isnan(low) | np.isnan(high)] = None
    return verdict


def _arrays(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(first, dtype=float), np.asarray(second, dtype=float)

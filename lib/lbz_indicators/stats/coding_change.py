"""Whether a hospital registers otherwise than it did, more than the nation as a whole does [ours] (METHOD section 9).

A rise in registered comorbidity raises the expected deaths and lowers the ratio, and nobody is better off. So each hospital's
change against its own past is held against the nation's change in the same time. Arrays in, arrays out, shape (n,), one value
per hospital of one measure and quarter; nan where a hospital has no admissions now or then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lbz_indicators.stats.over_dispersion import FEWEST_UNITS, TENTHS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Changes:
    """Values per admission now and in the past, the nation's change, and z: by how many standard errors the hospital's own
    change exceeds the nation's. `phi`: how much more changes vary than by chance; None, and z nan, with too few hospitals."""

    now: Floats
    past: Floats
    national_change: float
    z: Floats
    phi: float | None


def judge_changes(count: ArrayLike, size: ArrayLike, past_count: ArrayLike, past_size: ArrayLike, *, is_share: bool) -> Changes:
    """Changes of counts per admission: (count / size - past_count / past_size) less that of all hospitals together.

    The standard error is sqrt(v (1/size + 1/past_size)), v the variance of one admission by the nation's value m over both
    times: m (1 - m) of a share, m of a count as if it were Poisson. z is divided by sqrt(max(1, phi)), phi the mean of z^2 after
    z is winsorised at its 10th and 90th percentiles: hospitals' registration drifts by more than chance.

    Known limitations: the hospital is part of the nation it is held against; winsorising makes phi too low, so somewhat more is
    flagged than a normal z would say; a sudden change of most hospitals at once moves the nation and flags the few that stayed.
    """
    c, n, past_c, past_n = (np.asarray(values, dtype=float) for values in (count, size, past_count, past_size))
    now, past = _ratio(c, n), _ratio(past_c, past_n)
    known = (n > 0) & (past_n > 0)
    if not known.any():
        return Changes(now, past, float("nan"), np.full(c.shape, np.nan), None)
    national_change = float(c[known].sum() / n[known].sum() - past_c[known].sum() / past_n[known].sum())
    m = float((c[known].sum() + past_c[known].sum()) / (n[known].sum() + past_n[known].sum()))
    variance = m * (1 - m) if is_share else m
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(variance * (1 / n + 1 / past_n))
        z = np.where(known & (error > 0), (now - past - national_change) / error, np.nan)
    judged = z[~np.isnan(z)]
    if len(judged) < FEWEST_UNITS:
        return Changes(now, past, national_change, np.full(c.shape, np.nan), None)
    low, high = np.quantile(judged, [1 / TENTHS, 1 - 1 / TENTHS])
    phi = float((np.clip(judged, low, high) ** 2).mean())
    return Changes(now, past, national_change, z / np.sqrt(max(1.0, phi)), phi)


def _ratio(count: Floats, size: Floats) -> Floats:
    ratio: Floats = np.divide(count, size, out=np.full(count.shape, np.nan), where=size > 0)
    return ratio


def frozen_expected(expected: ArrayLike, without: ArrayLike, past_expected: ArrayLike, past_without: ArrayLike) -> Floats:
    """Expected deaths of diagnosis groups (n,) had comorbidity weighed as it did in the past.

    `without`: the same admissions scored as if none had any comorbidity. What comorbidity adds is the factor expected / without;
    that of the past is put in the place of today's: without x past_expected / past_without. A group without past, or in which
    nothing is expected without comorbidity, keeps what is expected of it.
    """
    e, e0, past, past0 = (np.asarray(values, dtype=float) for values in (expected, without, past_expected, past_without))
    known = (e0 > 0) & (past0 > 0)
    factor = np.divide(past, past0, out=np.ones(e.shape), where=known)
    frozen: Floats = np.where(known, e0 * factor, e)
    return frozen

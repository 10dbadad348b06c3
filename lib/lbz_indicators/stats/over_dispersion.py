"""How much more hospitals differ than by chance, and control limits that allow for it (METHOD section 9).

Ratios of hospitals vary by chance, variance s^2 of each on the scale of its form, and between each other, variance tau2, by the
method of moments (DerSimonian and Laird, Controlled Clinical Trials 1986; 7:177-88) after the extremes are taken out or in:

    tau2 = max(0, (n phi - (n - 1)) / (sum w - sum w^2 / sum w)),  phi = mean of z^2,  w = 1 / s^2

Two published forms, which differ in the scale, in what is done with the extremes, and so in their answers. Shapes (n,), one
value per unit; limits per 100, never below 0, nan where nothing is expected or over-dispersion is not estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

Floats = NDArray[np.float64]

FEWEST_UNITS = 10
"""With fewer units over-dispersion is not estimated."""
TENTHS = 10
"""Extremes are the first and the last of so many equal parts."""


class Part(Enum):
    """What became of a unit in the estimate."""

    KEPT = "kept"
    TRIMMED = "trimmed"
    """Among the extremes, and left out (SHMI form)."""
    WINSORISED = "winsorised"
    """Among the extremes, and taken as less extreme (CQC form)."""
    NO_EXPECTED = "no_expected"
    """E is 0 or unknown: there is no ratio."""
    NO_OBSERVED = "no_observed"
    """O is 0: there is no logarithm (SHMI form)."""


@dataclass(frozen=True)
class OverDispersion:
    """An estimate with what it was made of. `parts` has one member per unit, in the order given.

    `phi` and `tau2` are None where fewer than FEWEST_UNITS units could take part. tau2 is on the scale of the form: of
    ln(O/E) (shmi), of sqrt(O/E) (cqc, about a quarter as large).
    """

    form: str
    phi: float | None
    tau2: float | None
    parts: tuple[Part, ...]

    def number(self, part: Part) -> int:
        """How many units had this part in the estimate."""
        return sum(one is part for one in self.parts)


def estimate_shmi(observed: ArrayLike, expected: ArrayLike) -> OverDispersion:
    """The form of NHS England's Summary Hospital-level Mortality Indicator.

    E to two decimals, z = sqrt(E) ln(O/E), w = E. Units are ranked by z, ties sharing their mean rank; class =
    floor(10 x rank / (n + 1)), and classes 0 and 9 take no part. Source: SHMI methodology, NHS Digital.

    Known limitation: what is trimmed is not made up for, so tau2 is too low, by more than half, and to a third or less of a
    small truth; where hospitals differ by little it is 0. With few units the two ends lose unequally many; so does the original.
    """
    o, e = np.asarray(observed, dtype=float), np.round(np.asarray(expected, dtype=float), 2)
    parts = _parts(e)
    parts[(e > 0) & ~(o > 0)] = Part.NO_OBSERVED
    used = np.flatnonzero(parts == Part.KEPT)
    if len(used) < FEWEST_UNITS:
        return OverDispersion("shmi", None, None, tuple(parts))
    z = np.sqrt(e[used]) * np.log(o[used] / e[used])
    # Ranks are halves, so the classes are found in whole numbers.
    tenth = np.rint(2 * rankdata(z)).astype(int) * TENTHS // (2 * (len(used) + 1))
    inner = (tenth > 0) & (tenth < TENTHS - 1)
    parts[used[~inner]] = Part.TRIMMED
    phi, tau2 = _moments(z[inner], e[used][inner])
    return OverDispersion("shmi", phi, tau2, tuple(parts))


def estimate_cqc(observed: ArrayLike, expected: ArrayLike) -> OverDispersion:
    """The form of the Care Quality Commission's statistical surveillance.

    y = sqrt(O/E), s = 1 / (2 sqrt E), z = (y - 1) / s; z beyond its 10th or 90th percentile (type 7, as R's and NumPy's default)
    is set to that percentile. A unit without deaths takes part, for its root is 0. Source: Spiegelhalter et al, Journal of the
    Royal Statistical Society A 2012; 175:1-47.

    Known limitation: what is winsorised is not made up for either: tau2 is too low by a third where hospitals differ much, by
    more where they differ little, down to 0.
    """
    o, e = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    parts = _parts(e)
    used = np.flatnonzero(parts == Part.KEPT)
    if len(used) < FEWEST_UNITS:
        return OverDispersion("cqc", None, None, tuple(parts))
    z = (np.sqrt(o[used] / e[used]) - 1) * 2 * np.sqrt(e[used])
    low, high = np.quantile(z, [1 / TENTHS, 1 - 1 / TENTHS])
    parts[used[(z < low) | (z > high)]] = Part.WINSORISED
    phi, tau2 = _moments(np.clip(z, low, high), 4 * e[used])
    return OverDispersion("cqc", phi, tau2, tuple(parts))


def _parts(e: Floats) -> NDArray[np.object_]:
    parts = np.full(e.shape, Part.KEPT, dtype=object)
    parts[~(e > 0)] = Part.NO_EXPECTED
    return parts


def _moments(z: Floats, weight: Floats) -> tuple[float, float]:
    n = len(z)
    phi = float((z**2).mean())
    tau2 = (n * phi - (n - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum())
    return phi, max(0.0, tau2)


def shmi_limits(expected: ArrayLike, tau2: float, confidence: float) -> tuple[Floats, Floats]:
    """100 exp(-+ z sqrt(1/E + tau2)), z the normal quantile of the confidence."""
    half = norm.ppf(0.5 + confidence / 2) * np.sqrt(1 / _positive(expected) + tau2)
    return 100 * np.exp(-half), 100 * np.exp(half)


def cqc_limits(expected: ArrayLike, tau2: float, confidence: float) -> tuple[Floats, Floats]:
    """100 (1 -+ z sqrt(s^2 + tau2))^2 with s = 1 / (2 sqrt E); what is below 0 is 0 before it is squared."""
    half = norm.ppf(0.5 + confidence / 2) * np.sqrt(1 / (4 * _positive(expected)) + tau2)
    return 100 * np.maximum(1 - half, 0.0) ** 2, 100 * (1 + half) ** 2


Estimate = Callable[[ArrayLike, ArrayLike], OverDispersion]
Limits = Callable[[ArrayLike, float, float], tuple[Floats, Floats]]
FORMS: Mapping[str, tuple[Estimate, Limits]] = MappingProxyType(
    {"shmi": (estimate_shmi, shmi_limits), "cqc": (estimate_cqc, cqc_limits)}
)
"""The forms by the name that settings choose and figures carry: how tau2 is estimated, and the limits it gives."""


def over_dispersion(form: str, observed: ArrayLike, expected: ArrayLike) -> OverDispersion:
    """The estimate by the form of this name."""
    return FORMS[form][0](observed, expected)


def over_dispersed_limits(found: OverDispersion, expected: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Control limits by the form of an estimate; nan where there is none."""
    tau2 = float("nan") if found.tau2 is None else found.tau2
    return FORMS[found.form][1](expected, tau2, confidence)


def _positive(expected: ArrayLike) -> Floats:
    e = np.asarray(expected, dtype=float)
    return np.where(e > 0, e, np.nan)

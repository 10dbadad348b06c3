"""Control limits of a funnel plot of shares, such as unexpectedly long stays (METHOD sections 7 and 9).

Shapes (n,); shares and limits in per cent. Limits lie around the nation's share; admissions on the other axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]


def inverse_wilson(national_share: float, admissions: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """The shares whose Wilson limits just reach the nation's: p -+ z sqrt(p (1 - p) / n), from 0 to 100; nan without admissions.

    A hospital lies outside exactly where the nation's share lies outside its own Wilson limits (`intervals.wilson_limits`).

    Known limitation: the nation's share is taken as fixed, and hospitals differ by more than chance, so of many admissions nearly
    all of them fall outside.
    """
    n = np.asarray(admissions, dtype=float)
    p = national_share / 100
    half = 100 * norm.ppf(0.5 + confidence / 2) * np.sqrt(p * (1 - p) / np.where(n > 0, n, np.nan))
    return np.maximum(national_share - half, 0.0), np.minimum(national_share + half, 100.0)

"""Groupings that carry weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUINTILES = 5


def weighted_quintiles(scores: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Population-weighted quintile 0..4 of each unit, shapes (n,).

    Units are sorted by score, equal scores together; the class is floor(5 x (weight below + half the own) / all
    weight), at most 4. A unit without weight is classed by the same cuts. -1 for all where nobody has weight.
    Source: METHOD section 4.1, SES.
    """
    total = weights.sum()
    if total <= 0:
        return np.full(scores.shape, -1, dtype=np.int64)
    _, place = np.unique(scores, return_inverse=True)
    own = np.bincount(place, weights=weights)
    below = np.cumsum(own) - own
    quintile: NDArray[np.int64] = np.floor(QUINTILES * (below + own / 2) / total).astype(np.int64)
    capped: NDArray[np.int64] = np.minimum(quintile, QUINTILES - 1)
    return capped[place]

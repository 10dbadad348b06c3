"""Where hospitals lie in the funnel of a panel, and the control limits drawn there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lbz_indicators.publish.site.content import Panel
from lbz_indicators.stats.funnel import funnel_position, inverse_exact
from lbz_indicators.stats.intervals import HIGHER, LOWER
from lbz_indicators.stats.over_dispersion import over_dispersed_limits
from lbz_indicators.stats.share_funnel import inverse_wilson

Floats = NDArray[np.float64]

CONFIDENCES = (0.95, 0.998)
RATIO_CONVENTION, SHARE_CONVENTION = inverse_exact.__name__, inverse_wilson.__name__
INSIDE = "inside"
_SIDE = {HIGHER: "above", LOWER: "below"}
_WITH = {0.95: "95", 0.998: "998"}


def control_lines(panel: Panel, size: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Control limits of chance alone at these sizes: expected events, for a share admissions."""
    if panel.is_share:
        return inverse_wilson(panel.centre, size, confidence)
    return inverse_exact(size, confidence)


def wide_lines(panel: Panel, size: ArrayLike, confidence: float) -> tuple[Floats, Floats] | None:
    """Control limits with over-dispersion; None where it is not estimated."""
    found = panel.over_dispersion
    return None if found is None or found.tau2 is None else over_dispersed_limits(found, size, confidence)


def places(panel: Panel, *, wide: bool = False) -> dict[str, str]:
    """Of every hospital of the funnel inside, above_95, below_95, above_998 or below_998; none where limits are not estimated."""
    hospitals = list(panel.placed)
    size, value = (np.array([place[axis] for place in panel.placed.values()], dtype=float) for axis in (0, 1))
    found = dict.fromkeys(hospitals, INSIDE)
    for confidence in CONFIDENCES:
        lines = wide_lines(panel, size, confidence) if wide else control_lines(panel, size, confidence)
        if lines is None:
            return {}
        for hospital, side in zip(hospitals, _sides(value, *lines)):
            if side in _SIDE:
                found[hospital] = f"{_SIDE[side]}_{_WITH[confidence]}"
    return found


def _sides(value: Floats, low: Floats, high: Floats) -> list[Any]:
    return list(funnel_position(value, low, high).tolist())

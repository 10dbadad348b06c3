"""What every engine gives for a diagnosis group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbz_indicators.models.design import GroupDesign


@dataclass(frozen=True)
class EngineFit:
    """Coefficients in the order of the design's columns, and iterations; None where the engine found no maximum."""

    coefficients: NDArray[np.float64]
    iterations: int | None


def null_start(design: GroupDesign) -> EngineFit:
    """The null model: the crude log odds as intercept. For an intercept-only design this is the fit itself."""
    total = design.counts.total
    coefficients = np.zeros(len(design.columns))
    coefficients[0] = np.log(total.events / (total.admissions - total.events))
    return EngineFit(coefficients, None)

"""Hospitals beside each other: control limits of every convention, with and without over-dispersion (METHOD section 9).

Figures are aggregates, rows of gold.indicators in pandas; the statistics are those of `stats`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lbz_indicators.indicators.figures import PROVISIONAL
from lbz_indicators.stats import funnel, over_dispersion
from lbz_indicators.stats.intervals import standardised_ratio

FUNNEL_OF = ("indicator", "definition", "variant", "period_start", "period_end", "model_version")
"""Hospitals of one funnel have these alike."""
FUNNEL = (
    "indicator", "definition", "variant", "hospital_id", "period_start", "period_end", "model_version", "method", "confidence",
    "observed", "expected", "value", "lower", "upper", "position", "part", "phi", "tau2",
)  # fmt: skip


def against_the_nation(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures with `expected` and `value` on the scale on which 100 is the nation.

    A definitive ratio is on it already. A provisional one, against a frozen model, is not: nearly every hospital may lie below
    100. Its expected number is multiplied by the national ratio / 100, so that its value is comparison_value.
    """
    rows = figures.copy()
    scale = np.where(rows["variant"] == PROVISIONAL, rows["national_value"].to_numpy(float) / 100, 1.0)
    rows["expected"] = rows["expected"].to_numpy(float) * scale
    rows["value"] = standardised_ratio(rows["observed"].to_numpy(float), rows["expected"].to_numpy(float))
    return rows


def funnel_rows(figures: pd.DataFrame, confidences: Sequence[float]) -> pd.DataFrame:
    """gold.funnel but run_id, of hospitals' ratios without breakdown. Missing numbers are nan, a missing position or part None.

    Over-dispersion is estimated from the hospitals of each funnel, and limits by it are missing where there are too few.
    """
    parts = [
        _limits(hospitals, method, confidence)
        for _, hospitals in against_the_nation(figures).groupby(list(FUNNEL_OF), sort=True)
        for method in (*funnel.CONTROL_LIMITS, *over_dispersion.FORMS)
        for confidence in confidences
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(FUNNEL))


def _limits(hospitals: pd.DataFrame, method: str, confidence: float) -> pd.DataFrame:
    observed, expected = (hospitals[name].to_numpy(float) for name in ("observed", "expected"))
    phi = tau2 = None
    part: NDArray[np.object_] = np.full(len(hospitals), None, dtype=object)
    if method in funnel.CONTROL_LIMITS:
        lower, upper = funnel.control_limits(method, expected, confidence)
    else:
        found = over_dispersion.over_dispersion(method, observed, expected)
        lower, upper = over_dispersion.over_dispersed_limits(found, expected, confidence)
        phi, tau2 = found.phi, found.tau2
        part = np.array([one.value for one in found.parts], dtype=object)
    rows = hospitals.assign(
        method=method,
        confidence=confidence,
        lower=lower,
        upper=upper,
        position=funnel.funnel_position(hospitals["value"].to_numpy(float), lower, upper),
        part=part,
        phi=np.nan if phi is None else phi,
        tau2=np.nan if tau2 is None else tau2,
    )
    return rows[list(FUNNEL)]

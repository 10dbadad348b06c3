"""Control limits of shares: by hand, and in step with a hospital's own Wilson limits."""

from __future__ import annotations

import numpy as np
import pytest

from lbz_indicators.stats.intervals import wilson_limits
from lbz_indicators.stats.share_funnel import inverse_wilson


def test_by_hand() -> None:
    """p = 20%, n = 400: sqrt(.2 x .8 / 400) = .02, and 1.959964 of these are 3.919928 points."""
    low, high = inverse_wilson(20.0, [400], 0.95)
    assert low[0] == pytest.approx(16.080072, abs=1e-6) and high[0] == pytest.approx(23.919928, abs=1e-6)


@pytest.mark.parametrize("confidence", [0.95, 0.998])
@pytest.mark.parametrize("nation", [1.5, 14.9, 60.0])
def test_a_hospital_lies_outside_where_its_own_limits_leave_the_nation_out(nation: float, confidence: float) -> None:
    for n in (1, 7, 40, 333):
        long = np.arange(n + 1)
        lower, upper = wilson_limits(long, np.full(n + 1, n), confidence)
        low, high = inverse_wilson(nation, np.full(n + 1, n), confidence)
        share = 100 * long / n
        assert ((share > high) == (lower > nation)).all() and ((share < low) == (upper < nation)).all()


def test_limits_stay_within_0_and_100_and_need_admissions() -> None:
    low, high = inverse_wilson(1.0, [1, 0], 0.998)
    assert low[0] == 0 and high[0] <= 100 and np.isnan(low[1]) and np.isnan(high[1])

"""Control limits of the funnel plot by three conventions (METHOD section 9)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.stats.funnel import (
    CONTROL_LIMITS,
    chi_square,
    control_limits,
    funnel_position,
    inverse_exact,
    poisson_quantile,
)
from lbz_indicators.stats.intervals import exact_poisson_limits, significance, standardised_ratio

EXPECTED = st.floats(0.01, 2000)
CONFIDENCE = st.sampled_from([0.95, 0.98, 0.998])


@pytest.mark.parametrize(
    ("convention", "lower", "upper"),
    [("poisson_quantile", 37.75, 161.60), ("inverse_exact", 38.34, 171.27), ("chi_square", 47.95, 183.90)],
)
def test_ten_expected_deaths(convention: str, lower: float, upper: float) -> None:
    """Truth: METHOD section 9, E = 10 at 95%: 0.3775-1.6160, 0.3834-1.7127, 0.4795-1.8390."""
    low, high = control_limits(convention, 10.0, 0.95)
    assert (float(low), float(high)) == pytest.approx((lower, upper), abs=5.1e-3)


def test_each_convention_is_chosen_by_the_name_of_its_function() -> None:
    assert dict(CONTROL_LIMITS) == {
        "poisson_quantile": poisson_quantile,
        "inverse_exact": inverse_exact,
        "chi_square": chi_square,
    }
    with pytest.raises(KeyError):
        control_limits("normal", 10.0, 0.95)


def _quantile_by_counting(quantile: float, expected: float) -> float:
    """The same convention from the distribution function as a list of sums, in logarithms and with no function of scipy."""
    terms = (
        math.exp(k * math.log(expected) - expected - math.lgamma(k + 1))
        for k in range(int(expected + 30 * math.sqrt(expected) + 40))
    )
    reached = [0.0, *accumulate(terms)]
    place = bisect_left(reached, quantile)
    return place - 1 - (reached[place] - quantile) / (reached[place] - reached[place - 1])


@pytest.mark.parametrize("confidence", [0.95, 0.998])
@pytest.mark.parametrize("expected", [0.01, 0.7, 3.689, 10.0, 43.2, 380.5])
def test_interpolated_quantiles_by_counting(expected: float, confidence: float) -> None:
    low, high = poisson_quantile(expected, confidence)
    tail = (1 - confidence) / 2
    wanted = [100 * max(0.0, _quantile_by_counting(q, expected)) / expected for q in (tail, 1 - tail)]
    assert [float(low), float(high)] == pytest.approx(wanted, rel=1e-8, abs=1e-8)


@given(st.integers(0, 2500), EXPECTED, CONFIDENCE)
def test_inverse_exact_says_what_the_exact_interval_says(observed: int, expected: float, confidence: float) -> None:
    """METHOD section 9: the default agrees with the exact interval, for every count and expected number."""
    verdict = significance(*exact_poisson_limits([observed], [expected], confidence))
    position = funnel_position(standardised_ratio([observed], [expected]), *inverse_exact([expected], confidence))
    assert position.tolist() == verdict.tolist()


@given(st.floats(8, 2000), CONFIDENCE)
def test_exact_limits_around_an_inverse_exact_limit_reach_100(expected: float, confidence: float) -> None:
    """The definition, by Garwood's limits: those around the lower control limit end at 100, around the upper one begin there."""
    low, high = (float(limit) * expected / 100 for limit in inverse_exact(expected, confidence))
    assert float(exact_poisson_limits(low, expected, confidence)[1]) == pytest.approx(100, rel=1e-9)
    assert float(exact_poisson_limits(high, expected, confidence)[0]) == pytest.approx(100, rel=1e-9)


@given(EXPECTED, CONFIDENCE)
def test_chi_square_limits_are_the_exact_ones_of_a_hospital_at_100(expected: float, confidence: float) -> None:
    found, wanted = chi_square(expected, confidence), exact_poisson_limits(expected, expected, confidence)
    assert [float(one) for one in found] == pytest.approx([float(one) for one in wanted], rel=1e-9)


def test_chi_square_limits_can_contradict_a_hospitals_own_interval() -> None:
    """18 deaths of 10 expected, 95%: exact limits of 18 are 10.668 and 28.448 (any printed table), so the ratio is higher than 100;
    inside the chi-square funnel, which ends at 183.9."""
    own = significance(*exact_poisson_limits([18], [10.0], 0.95))
    ratio = standardised_ratio([18], [10.0])
    assert own.tolist() == funnel_position(ratio, *inverse_exact([10.0], 0.95)).tolist() == ["higher"]
    assert funnel_position(ratio, *chi_square([10.0], 0.95)).tolist() == ["none"]


@pytest.mark.parametrize("limits", CONTROL_LIMITS.values(), ids=CONTROL_LIMITS)
@given(EXPECTED)
def test_limits_lie_around_100_and_more_confidence_is_wider(limits: Callable, expected: float) -> None:  # type: ignore[type-arg]
    (low_95, high_95), (low_998, high_998) = limits(expected, 0.95), limits(expected, 0.998)
    assert 0 <= low_998 <= low_95 < 100 and high_95 <= high_998
    if expected > 3:  # below, a Poisson quantile may be no death at all
        assert high_95 > 100


@pytest.mark.parametrize("limits", CONTROL_LIMITS.values(), ids=CONTROL_LIMITS)
def test_with_many_deaths_the_conventions_are_one(limits: Callable) -> None:  # type: ignore[type-arg]
    """100 (1 +- z / sqrt(E)): the normal distribution, to which the Poisson tends."""
    low, high = limits([1e6], 0.95)
    assert (float(low[0]), float(high[0])) == pytest.approx((99.8040036, 100.1959964), abs=5e-4)


def test_no_count_is_too_low_where_few_are_expected() -> None:
    """exp(-3.6889) = 0.025 (METHOD section 10): below that even no deaths are no surprise at 95%, above they are."""
    low, _ = inverse_exact([3.68, 3.70], 0.95)
    assert low[0] == 0 and low[1] > 0
    assert poisson_quantile([3.68, 0.02], 0.95)[0].tolist() == [0, 0]
    assert poisson_quantile(0.02, 0.95)[1] == 0, "P(X = 0) is 0.98"


@pytest.mark.parametrize("limits", CONTROL_LIMITS.values(), ids=CONTROL_LIMITS)
def test_nothing_expected_has_no_limits(limits: Callable) -> None:  # type: ignore[type-arg]
    low, high = limits([0.0, np.nan, 5.0], 0.95)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]


def test_a_ratio_on_its_limit_is_inside() -> None:
    low, high = [80.0] * 5 + [np.nan], [120.0] * 5 + [np.nan]
    position = funnel_position([79.999, 80, 120, 120.001, np.nan, 100], low, high)
    assert position.tolist() == ["lower", "none", "none", "higher", None, None]

"""VLAD and risk-adjusted CUSUM: worked by hand, step by step in a loop, and by what a likelihood ratio is (METHOD section 9)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.stats.cusum_limit import simulate_limit
from lbz_indicators.stats.monitoring import (
    BETTER,
    GRID,
    WORSE,
    cusum_path,
    cusum_weights,
    monitoring_order,
    vlad,
    weight_pair,
)

PROBABILITY = st.floats(0.0, 1.0)
ODDS_RATIO = st.sampled_from([BETTER, WORSE, 1.5, 4.0])


def test_weights_of_the_published_method() -> None:
    """Truth: METHOD section 9, odds ratio 2: p .2 y 0 -0.182321557; p .05 y 1 0.644357016; p .65 y 0 -0.500775288."""
    found = cusum_weights([0, 1, 0], [0.2, 0.05, 0.65], WORSE)
    np.testing.assert_allclose(found, [-0.182321557, 0.644357016, -0.500775288], atol=1e-9)


def test_weights_for_half_the_odds_by_hand() -> None:
    """p = 0.2: survivor ln[1 / 0.9] = 0.105360516, death ln[0.5 / 0.9] = -0.587786665."""
    np.testing.assert_allclose(cusum_weights([0, 1], [0.2, 0.2], BETTER), [0.105360516, -0.587786665], atol=1e-9)


def test_weights_against_another_state_of_control() -> None:
    """R0 = 1.5, RA = 3, p = 0.5 by hand: survivor ln[1.25 / 2] = -0.470003629; death ln[1.25 x 3 / (2 x 1.5)] = ln 1.25."""
    found = cusum_weights([0, 1], [0.5, 0.5], 3.0, in_control=1.5)
    np.testing.assert_allclose(found, [math.log(0.625), math.log(1.25)], atol=1e-9)


@given(PROBABILITY, ODDS_RATIO, st.sampled_from([1.0, 0.8, 1.3]))
def test_a_likelihood_ratio_has_mean_one_in_control(p: float, odds_ratio: float, in_control: float) -> None:
    survivor, death = (float(one) for one in weight_pair(p, odds_ratio, in_control))
    risk = in_control * p / (1 - p + in_control * p)
    assert (1 - risk) * math.exp(survivor) + risk * math.exp(death) == pytest.approx(1, abs=1e-9)


def test_certain_outcomes_weigh_nothing() -> None:
    assert cusum_weights([0, 1], [0.0, 1.0], WORSE).tolist() == [0, 0]


@pytest.mark.parametrize("wrong", [np.nan, -0.01, 1.01])
def test_an_admission_without_a_probability_is_refused(wrong: float) -> None:
    """A path of nan would never signal; a limit over fewer admissions would be too low."""
    with pytest.raises(ValueError, match="without a model"):
        cusum_weights([0, 1], [0.2, wrong], WORSE)
    with pytest.raises(ValueError, match="without a model"):
        simulate_limit([0.2, wrong], WORSE, 0.05, replicates=10, seed=1)


def test_vlad_by_hand() -> None:
    """Three survivors and a death: 0.1, 0.3, 0.3 + 0.05 - 1, and 0.4 more."""
    np.testing.assert_allclose(vlad([0, 0, 1, 0], [0.1, 0.2, 0.05, 0.4]), [0.1, 0.3, -0.65, -0.25], atol=1e-12)


def test_cusum_by_hand() -> None:
    """Up 0.5, down to the floor, up twice: the second time above 0.9, a signal; from 0 again."""
    weights = np.array([0.5, -0.75, 0.5, 0.5, 0.25, -0.5, 0.25])
    assert cusum_path(weights).heights.tolist() == [0.5, 0, 0.5, 1.0, 1.25, 0.75, 1.0]
    path = cusum_path(weights, 0.9)
    assert path.heights.tolist() == [0.5, 0, 0.5, 1.0, 0.25, 0, 0.25]
    assert path.signals == (3,)
    assert cusum_path(weights, 1.0).signals == (4,), "on the limit is no signal"


def _step_by_step(weights: list[float], limit: float) -> tuple[list[float], list[int]]:
    heights, signals, height = [], [], 0.0
    for place, weight in enumerate(weights):
        height = max(0.0, height + weight)
        heights.append(height)
        if height > limit:
            signals.append(place)
            height = 0.0
    return heights, signals


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.001, 0.9)), max_size=80),
    ODDS_RATIO,
    st.sampled_from([0.3, 1.0, 2.5, math.inf]),
)
def test_path_as_step_by_step(admissions: list[tuple[bool, float]], odds_ratio: float, limit: float) -> None:
    """Exactly, not about: sums of weights on the grid have no rounding error."""
    weights = cusum_weights([died for died, _ in admissions], [p for _, p in admissions], odds_ratio)
    path = cusum_path(weights, limit)
    assert (path.heights.tolist(), list(path.signals)) == _step_by_step(weights.tolist(), limit)


def test_sums_of_a_large_year_are_exact() -> None:
    """A hundred thousand weights, added as whole numbers of any size."""
    rng = np.random.default_rng(3)
    p = rng.beta(0.5, 10, 100_000)
    weights = cusum_weights(rng.random(len(p)) < p, p, WORSE)
    whole = [int(weight * GRID) for weight in weights.tolist()]
    assert all(one / GRID == weight for one, weight in zip(whole, weights.tolist()))
    assert float(np.cumsum(weights)[-1]) == float(np.cumsum(weights[::-1])[-1]) == sum(whole) / GRID


def test_order_by_day_then_time_then_number() -> None:
    """A missing time comes last on its day; equal times by admission number as text, so 10 before 9."""
    day = np.array(["2019-03-02", "2019-03-01", "2019-03-01", "2019-03-01", "2019-03-01"], dtype="datetime64[D]")
    order = monitoring_order(day, [0, np.nan, 600, 600, 30], ["1", "2", "9", "10", "5"])
    assert order.tolist() == [4, 3, 2, 1, 0]

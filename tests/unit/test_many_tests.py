"""P values of single cells and of many at once (METHOD section 9)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import poisson
from statsmodels.stats.multitest import multipletests

from lbz_indicators.stats.intervals import exact_poisson_limits, significance
from lbz_indicators.stats.many_tests import (
    attainable_poisson_size,
    benjamini_hochberg,
    exact_poisson_p,
    expected_false_alarms,
)

EXPECTED = st.floats(0.01, 500)


def test_p_values_by_hand() -> None:
    """E = 1: no deaths 2 exp(-1) = 0.7358; 4 or more 2 (1 - exp(-1) (1 + 1 + 1/2 + 1/6)) = 0.037977; one death 1, as 2 P(X <= 1) > 1."""
    e = math.exp(-1)
    found = exact_poisson_p([0, 4, 1], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(found, [2 * e, 2 * (1 - e * (2 + 2 / 3)), 1.0], rtol=1e-12)
    assert np.isnan(exact_poisson_p([0, 3], [0.0, np.nan])).all()


@given(st.integers(0, 700), EXPECTED, st.sampled_from([0.95, 0.98, 0.998]))
def test_p_is_in_step_with_the_exact_interval(observed: int, expected: float, confidence: float) -> None:
    outside = significance(*exact_poisson_limits([observed], [expected], confidence))[0] != "none"
    assert bool(exact_poisson_p(observed, expected) < 1 - confidence) == outside


def test_p_values_at_the_ends_of_the_printed_interval() -> None:
    """METHOD section 10: the exact 95% limits of 10 are 4.7954 and 18.3904, where p is 0.05 therefore."""
    np.testing.assert_allclose(exact_poisson_p([10, 10, 0], [4.7954, 18.3904, 3.6889]), 0.05, atol=2e-5)


PUBLISHED = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
)


def test_the_example_of_benjamini_and_hochberg() -> None:
    """Truth: their paper, section 4.1: of 15 p values the first four are marked at 0.05 (Bonferroni: three)."""
    adjusted = benjamini_hochberg(PUBLISHED[::-1])[::-1]
    assert (adjusted <= 0.05).tolist() == [True] * 4 + [False] * 11
    np.testing.assert_allclose(adjusted[:4], PUBLISHED[:4] * 15 / [1, 2, 3, 4], rtol=1e-12)
    assert (PUBLISHED * 15 <= 0.05).sum() == 3


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 8)), elements=st.one_of(st.floats(0, 1), st.just(np.nan))))
def test_adjusted_as_by_statsmodels_over_the_cells_with_a_test(p: np.ndarray) -> None:  # type: ignore[type-arg]
    adjusted, tested = benjamini_hochberg(p), ~np.isnan(p)
    assert adjusted.shape == p.shape and np.isnan(adjusted[~tested]).all()
    if tested.any():
        np.testing.assert_allclose(adjusted[tested], multipletests(p[tested], method="fdr_bh")[1], rtol=1e-12)


def test_the_share_of_false_ones_among_the_marked() -> None:
    """What it is for: 900 cells like the nation, 100 with twice the deaths; over 200 draws at most a tenth of the marked is false."""
    rng = np.random.default_rng(9)
    expected = np.full((200, 1000), 20.0)
    observed = rng.poisson(expected * np.where(np.arange(1000) < 900, 1.0, 2.0))
    p = exact_poisson_p(observed, expected)
    marked = np.stack([benjamini_hochberg(row) for row in p]) <= 0.1
    share = marked[:, :900].sum(axis=1) / np.maximum(marked.sum(axis=1), 1)
    assert 0.03 < share.mean() < 0.1 and marked[:, 900:].mean() > 0.8


def test_attainable_size_by_hand() -> None:
    """E = 1 at 95%: no deaths have probability 0.37, so never lower; higher from 4 on: 1 - exp(-1) (2 + 2/3) = 0.018988."""
    lower, higher = attainable_poisson_size([1.0, 0.0], 0.95)
    assert lower[0] == 0 and higher[0] == pytest.approx(0.0189882, abs=1e-7)
    assert np.isnan([lower[1], higher[1]]).all()


@given(EXPECTED, st.sampled_from([0.95, 0.98, 0.998]))
def test_attainable_size_is_the_probability_of_the_counts_outside(expected: float, confidence: float) -> None:
    """Summed count by count, over those whose exact interval does not hold 100."""
    counts = np.arange(int(expected + 12 * math.sqrt(expected) + 30))
    verdict = significance(*exact_poisson_limits(counts, np.full(len(counts), expected), confidence))
    probability = poisson.pmf(counts, expected)
    lower, higher = attainable_poisson_size(expected, confidence)
    assert float(lower) == pytest.approx(probability[verdict == "lower"].sum(), abs=1e-10)
    assert float(higher) == pytest.approx(probability[verdict == "higher"].sum(), abs=1e-10)
    assert max(lower, higher) < (1 - confidence) / 2 + 1e-12


def test_false_alarms_of_a_grid_in_control() -> None:
    """75 hospitals x 40 groups, half with less than one expected death: the mean number called lower and higher over 300 draws.

    Cells x 0.05 would be 150.
    """
    rng = np.random.default_rng(5)
    expected = rng.gamma(0.6, 4.0, (75, 40))
    expected[0, :5] = 0
    counts = rng.poisson(expected, (300, 75, 40))
    limits = exact_poisson_limits(counts, np.broadcast_to(expected, counts.shape), 0.95)
    verdict = significance(*limits)
    found = expected_false_alarms(expected, 0.95)
    assert found.tested == 2995 and found.total == found.lower + found.higher
    assert found.lower == pytest.approx((verdict == "lower").sum() / 300, abs=4 * math.sqrt(found.lower / 300))
    assert found.higher == pytest.approx((verdict == "higher").sum() / 300, abs=4 * math.sqrt(found.higher / 300))
    assert found.total < 75

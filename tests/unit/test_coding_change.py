"""Registration that changes: worked by hand, and by what a simulation that knows the truth says (METHOD section 9)."""

from __future__ import annotations

import numpy as np
import pytest

from lbz_indicators.stats.coding_change import frozen_expected, judge_changes


def test_a_change_by_hand() -> None:
    """Ten hospitals of 100 admissions, 20 acute then; now nine have 20 and one has 40: the nation rises from 20% to 22%.

    m = 0.21, standard error sqrt(0.21 x 0.79 x 0.02) = 0.0576. z: (0.20 - 0.02) / 0.0576 = 3.125, the others -0.347. The
    90th percentile of type 7 lies a tenth of the way from the ninth to the tenth value: 0.0000; all others are -0.347.
    """
    found = judge_changes([20] * 9 + [40], [100] * 10, [20] * 10, [100] * 10, is_share=True)
    error = np.sqrt(0.21 * 0.79 * 0.02)
    assert found.national_change == pytest.approx(0.02)
    np.testing.assert_allclose(found.now[-2:], [0.2, 0.4])
    np.testing.assert_allclose(found.z, [-0.02 / error] * 9 + [0.18 / error])
    assert found.phi is not None and found.phi < 1  # nothing but chance: z stays as it is


def test_a_count_varies_as_poisson() -> None:
    """Two diagnoses an admission then; one of ten hospitals now three: m = 2.05, error sqrt(2.05 x 0.02)."""
    found = judge_changes([200] * 9 + [300], [100] * 10, [200] * 10, [100] * 10, is_share=False)
    np.testing.assert_allclose(found.z[-1], 0.9 / np.sqrt(2.05 * 0.02))


def test_when_all_change_alike_nobody_is_flagged() -> None:
    found = judge_changes([40] * 12, [100] * 12, [20] * 12, [100] * 12, is_share=True)
    np.testing.assert_allclose(found.z, 0, atol=1e-9)


def test_too_few_hospitals_are_not_judged() -> None:
    found = judge_changes([20] * 8 + [40], [100] * 9, [20] * 9, [100] * 9, is_share=True)
    assert np.isnan(found.z).all() and found.phi is None


def test_a_hospital_without_past_is_left_out_of_the_nation_too() -> None:
    found = judge_changes([20] * 10 + [90], [100] * 11, [20] * 10 + [0], [100] * 10 + [0], is_share=True)
    assert found.national_change == 0 and np.isnan(found.z[-1]) and np.isnan(found.past[-1])
    np.testing.assert_allclose(found.z[:-1], 0, atol=1e-9)


def test_false_flags_of_pure_chance_are_rare() -> None:
    """4,000 quarters of 75 hospitals whose registration never changes: |z| > 3 in 0.27% of a normal z, here within bounds."""
    draws = np.random.default_rng(2)
    flagged = [
        (np.abs(judge_changes(draws.binomial(900, 0.4, 75), [900] * 75, draws.binomial(7200, 0.4, 75), [7200] * 75,
                              is_share=True).z) > 3).mean()
        for _ in range(400)
    ]  # fmt: skip
    assert 0.0012 < np.mean(flagged) < 0.0045


def test_hospitals_that_drift_are_not_all_flagged() -> None:
    """A drift with about ten times the variance of chance: without phi a third would be flagged, with it one in fifty."""
    draws = np.random.default_rng(3)
    flagged, raw = [], []
    for _ in range(100):
        p = np.clip(0.4 + draws.normal(0, 0.05, 75), 0.1, 0.9)
        found = judge_changes(draws.binomial(900, p), [900] * 75, draws.binomial(7200, 0.4, 75), [7200] * 75, is_share=True)
        assert found.phi is not None
        flagged.append((np.abs(found.z) > 3).mean())
        raw.append((np.abs(found.z) * np.sqrt(found.phi) > 3).mean())
    assert np.mean(raw) > 0.25 and np.mean(flagged) < 0.03


def test_frozen_coding_by_hand() -> None:
    """Group 1: 12 expected, 8 without comorbidity; in the past 10 and 8, a factor of 1.25: 10. Group 2 has no past; in group 3
    nothing is expected."""
    found = frozen_expected([12, 5, 0], [8, 4, 0], [10, 0, 3], [8, 0, 2])
    np.testing.assert_allclose(found, [10, 5, 0])


def test_coding_as_before_changes_nothing() -> None:
    found = frozen_expected([12.0, 3.0], [8.0, 1.5], [24.0, 12.0], [16.0, 6.0])
    np.testing.assert_allclose(found, [12.0, 3.0])

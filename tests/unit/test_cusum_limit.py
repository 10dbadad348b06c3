"""Limits of the CUSUM by simulation: against every possible year of a small hospital, and a plain simulation of a larger one."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from lbz_indicators.stats.cusum_limit import highest_points, simulate_limit, stable_seed
from lbz_indicators.stats.monitoring import BETTER, WORSE

Floats = NDArray[np.float64]

FEW = np.array([0.02, 0.3, 0.07, 0.5, 0.11, 0.9, 0.04, 0.25, 0.6, 0.15, 0.01])
"""Eleven admissions: 2048 possible years."""


def _weight(died: bool, p: float, odds_ratio: float, in_control: float) -> float:
    """METHOD section 9 as it stands."""
    if died:
        return math.log((1 - p + in_control * p) * odds_ratio / ((1 - p + odds_ratio * p) * in_control))
    return math.log((1 - p + in_control * p) / (1 - p + odds_ratio * p))


def _every_year(odds_ratio: float, in_control: float) -> list[tuple[float, float]]:
    """(highest point, probability) of every possible year of FEW, the highest first."""
    years = []
    for outcome in product([False, True], repeat=len(FEW)):
        height = highest = 0.0
        probability = 1.0
        for died, p in zip(outcome, FEW.tolist()):
            risk = in_control * p / (1 - p + in_control * p)
            probability *= risk if died else 1 - risk
            height = max(0.0, height + _weight(died, p, odds_ratio, in_control))
            highest = max(highest, height)
        years.append((highest, probability))
    return sorted(years, reverse=True)


@pytest.mark.parametrize(("odds_ratio", "in_control"), [(WORSE, 1.0), (BETTER, 1.0), (WORSE, 1.4)])
def test_against_every_possible_year(odds_ratio: float, in_control: float) -> None:
    """The limit is the height that years exceed with probability 0.1 at most, exactly known; the share above it is as stated."""
    found = simulate_limit(FEW, odds_ratio, 0.1, replicates=20_000, seed=11, in_control=in_control)
    years = _every_year(odds_ratio, in_control)
    assert sum(probability for _, probability in years) == pytest.approx(1, abs=1e-12)
    above = sum(probability for height, probability in years if height > found.limit + 1e-6)
    assert found.false_alarm_probability == pytest.approx(above, abs=4 * found.standard_error)
    assert found.lower <= found.limit <= found.upper
    reached = np.cumsum([probability for _, probability in years])
    quantile = years[int(np.flatnonzero(reached > 0.1)[0])][0]
    assert found.lower - 1e-6 <= quantile <= found.upper + 1e-6, "the exact quantile lies in the interval stated"


@pytest.mark.parametrize("odds_ratio", [WORSE, BETTER])
def test_distribution_of_the_highest_point_as_by_every_possible_year(odds_ratio: float) -> None:
    found = highest_points(FEW, odds_ratio, 20_000, seed=2)
    years = _every_year(odds_ratio, 1.0)
    for limit in (0.05, 0.2, 0.5, 0.8, 1.3):
        wanted = sum(probability for height, probability in years if height > limit)
        assert float((found > limit).mean()) == pytest.approx(wanted, abs=4.5 * math.sqrt(max(wanted, 1e-4) / 20_000))


def _plainly(p: Floats, odds_ratio: float, replicates: int, seed: int) -> Floats:
    """One draw per admission, one step per admission: other draws, another algorithm."""
    rng = np.random.default_rng(seed)
    height, highest = np.zeros(replicates), np.zeros(replicates)
    for one in p.tolist():
        died = rng.random(replicates) < one
        weight = np.where(died, _weight(True, one, odds_ratio, 1.0), _weight(False, one, odds_ratio, 1.0))
        height = np.maximum(0.0, height + weight)
        highest = np.maximum(highest, height)
    return highest


@pytest.fixture(scope="module")
def year() -> Floats:
    """2,000 admissions with 90 expected deaths, a few near certain."""
    return np.clip(np.random.default_rng(8).gamma(0.4, 0.11, 2000), 1e-6, 0.97)


@pytest.mark.parametrize("odds_ratio", [WORSE, BETTER])
def test_against_a_plain_simulation(year: Floats, odds_ratio: float) -> None:
    plain = _plainly(year, odds_ratio, 8000, seed=4)
    found = highest_points(year, odds_ratio, 8000, seed=6)
    assert ks_2samp(plain, found).pvalue > 0.001
    limit = simulate_limit(year, odds_ratio, 0.05, replicates=8000, seed=6)
    assert limit.false_alarm_probability == 0.05 and limit.standard_error == pytest.approx(math.sqrt(0.05 * 0.95 / 8000))
    two_errors = math.sqrt(2) * limit.standard_error
    assert float((plain > limit.limit).mean()) == pytest.approx(0.05, abs=4 * two_errors), "alarms of a hospital in control"


def test_the_interval_covers_the_limit_as_often_as_it_says(year: Floats) -> None:
    """Truth: the quantile of a large simulation. Of 60 small ones with other seeds about 57 intervals hold it."""
    short = year[:300]
    truth = float(np.quantile(highest_points(short, WORSE, 40_000, seed=1), 0.9))
    small = [simulate_limit(short, WORSE, 0.1, replicates=400, seed=seed) for seed in range(100, 160)]
    held = sum(one.lower <= truth <= one.upper for one in small)
    assert 51 <= held <= 60
    assert max(one.false_alarm_probability for one in small) <= 0.1


@pytest.mark.parametrize("at_once", [1, 7, 100, 5000])
def test_the_same_however_many_replicates_at_once(year: Floats, at_once: int) -> None:
    wanted = highest_points(year, WORSE, 300, seed=77, at_once=64)
    np.testing.assert_array_equal(highest_points(year, WORSE, 300, seed=77, at_once=at_once), wanted)
    np.testing.assert_array_equal(highest_points(year, WORSE, 100, seed=77, at_once=at_once), wanted[:100])


def test_other_seeds_and_replicates_are_other_years(year: Floats) -> None:
    heights = np.concatenate([highest_points(year, WORSE, 200, seed=seed) for seed in (1, 2)])
    assert len(np.unique(heights)) > 390


def test_certain_outcomes_change_nothing(year: Floats) -> None:
    certain = np.insert(year, [0, 500, 2000], [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(highest_points(certain, WORSE, 50, seed=3), highest_points(year, WORSE, 50, seed=3))


def test_a_year_without_admissions_never_signals() -> None:
    found = simulate_limit([], WORSE, 0.05, replicates=100, seed=1)
    assert (found.limit, found.false_alarm_probability) == (0.0, 0.0)
    assert 0 < found.standard_error <= 0.01


def test_tied_heights_keep_the_chosen_probability() -> None:
    """Ten admissions with p = 0.5: heights are sums of a few ln(4/3) and -ln(1.5), so many years reach the very same one.

    A signal is above the limit, so the years that tie with it are no false alarms, and those above are at most 5%.
    """
    found = simulate_limit(np.full(10, 0.5), WORSE, 0.05, replicates=4000, seed=5)
    assert found.false_alarm_probability <= 0.05
    heights = highest_points(np.full(10, 0.5), WORSE, 4000, seed=5)
    assert len(np.unique(heights)) < 40 and (heights >= found.limit).mean() > 0.05


def test_seed_is_the_digest_of_what_it_is_for() -> None:
    """printf '["AMC",2019,2.0]' | sha256sum, the first 16 digits, halved."""
    assert stable_seed("AMC", 2019, 2.0) == int("f0712c4254c24895", 16) >> 1
    assert stable_seed("a", "b1") != stable_seed("ab", 1) != stable_seed("ab1")

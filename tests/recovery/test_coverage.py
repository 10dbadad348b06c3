"""What confidence limits do in the long run (METHOD section 5): coverage, false alarms and power over replicates.

The rates expected of the exact Poisson limits follow from the variance of O - E alone: they are computed here from the
set of O that the limits let pass, and a normal O with that variance.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

import replicates as r
from lbz_indicators.stats import intervals

pytestmark = pytest.mark.long
Floats = NDArray[np.float64]
REPLICATES = 1500
INSIDE, OUTSIDE = np.arange(r.HOSPITALS) < r.IN_FIT, np.arange(r.HOSPITALS) >= r.IN_FIT
EXCESS = {hospital: np.log(1.5) for hospital in (0, 6, 12, 18, 24, 61, 67)}


def _effects(some: bool) -> Floats:
    """None; or seven hospitals with odds of 1.5 and a spread of 0.08 over all."""
    if not some:
        return np.zeros(r.HOSPITALS)
    spread = np.random.default_rng(3).normal(0, 0.08, r.HOSPITALS)
    return np.array([EXCESS.get(hospital, 0.0) for hospital in range(r.HOSPITALS)]) + spread


@pytest.fixture(
    scope="module",
    params=[(event, some) for event in r.INTERCEPTS for some in (False, True)],
    ids=lambda chosen: f"{chosen[0]}, {'' if chosen[1] else 'no '}effects",
)
def nation(request: pytest.FixtureRequest) -> tuple[r.Nation, list[r.Replicate], Floats]:
    """Hospitals outside the fit are as a later year is, scored with the models of earlier ones: readmissions always are."""
    event, some = request.param
    made = r.make_nation(_effects(some), 1, event)
    return made, r.run(made, REPLICATES, seed=2), r.true_ratio(made)


def _covered(limits: tuple[Floats, Floats], truth: Floats) -> NDArray[np.bool_]:
    return (limits[0] <= truth) & (truth <= limits[1])


def _rate(runs: list[r.Replicate], confidence: float, part: NDArray[np.bool_]) -> float:
    """Mean over hospitals of P(100 within the exact limits) when O is normal with mean E and the known variance."""
    expected, variance = np.mean([x.expected for x in runs], axis=0)[part], np.mean([x.variance for x in runs], axis=0)[part]
    counts = np.arange(0, 2000)
    rates = []
    for e, v in zip(expected, variance, strict=True):
        passing = counts[_covered(intervals.exact_poisson_limits(counts, np.full(len(counts), e), confidence), np.array(100.0))]
        upper, lower = (passing[-1] + 0.5 - e) / np.sqrt(v), (passing[0] - 0.5 - e) / np.sqrt(v)
        rates.append(norm.cdf(upper) - norm.cdf(lower))
    return float(np.mean(rates))


@pytest.mark.parametrize("part", [INSIDE, OUTSIDE], ids=["in the fit", "outside"])
@pytest.mark.parametrize("confidence", [0.95, 0.98])
def test_exact_poisson_limits_are_conservative_by_as_much_as_the_variance_says(
    nation: tuple[r.Nation, list[r.Replicate], Floats], confidence: float, part: NDArray[np.bool_]
) -> None:
    _, runs, truth = nation
    by_replicate = np.array([_covered(r.exact(run, confidence), truth)[part].mean() for run in runs])
    error = by_replicate.std() / np.sqrt(len(runs))
    assert by_replicate.mean() >= confidence + 2 * error
    # Three standard errors, and a fifth of a point for a normal where deaths are counts.
    assert by_replicate.mean() == pytest.approx(_rate(runs, confidence, part), abs=3 * error + 0.002)


@pytest.mark.parametrize("part", [INSIDE, OUTSIDE], ids=["in the fit", "outside"])
@pytest.mark.parametrize("size", range(len(r.EXPECTED)), ids=[f"E about {e}" for e in r.EXPECTED])
@pytest.mark.parametrize("confidence", [0.95, 0.98])
def test_model_aware_limits_cover_within_a_point_of_nominal(
    nation: tuple[r.Nation, list[r.Replicate], Floats], confidence: float, size: int, part: NDArray[np.bool_]
) -> None:
    """Half a hospital's error is the count's own discreteness, so small hospitals are covered a little more often."""
    _, runs, truth = nation
    chosen = part & (np.arange(r.HOSPITALS) % len(r.EXPECTED) == size)
    covered = np.array([_covered(r.model_aware(run, confidence), truth)[chosen] for run in runs])
    error = covered.mean(axis=1).std() / np.sqrt(len(runs))
    assert abs(covered.mean() - confidence) <= 0.01 + 3 * error


def test_hospitals_without_effect_are_flagged_no_more_often_than_the_limits_imply() -> None:
    """About 3 in 100 at 95%, on both sides alike: the exact limits are conservative, not twice 2.5."""
    made = r.make_nation(_effects(False), seed=1)
    runs = r.run(made, REPLICATES, seed=4)
    verdicts = np.array([intervals.significance(*r.exact(run, 0.95)) for run in runs])
    higher, lower = (verdicts == intervals.HIGHER).mean(), (verdicts == intervals.LOWER).mean()
    assert 0.020 <= higher + lower <= 0.035
    assert higher == pytest.approx(lower, abs=0.004)


def test_power_grows_with_effect_and_size_as_the_normal_says() -> None:
    """Power of 'higher' for odds of 1.2, 1.5 and 2 by the deaths expected; truth: a normal O around its true mean."""
    table = r.power((1.2, 1.5, 2.0), replicates=400, seed=5)
    for row in table:
        assert row.flagged == pytest.approx(row.theory, abs=4 * np.sqrt(0.25 / 400) + 0.02), row
    by_effect = [[row.flagged for row in table if row.odds == odds] for odds in (1.2, 1.5, 2.0)]
    assert all(np.all(np.diff(powers) > -0.03) for powers in by_effect), "larger hospitals are seen sooner"
    assert all(np.all(np.diff(column) > -0.03) for column in zip(*by_effect, strict=True)), "larger effects are seen sooner"


def test_wilson_limits_of_a_share_cover_it_as_often_as_they_say() -> None:
    """By the binomial itself, no draws: mean over the shares that hospitals have; a single share can be a few points off."""
    for number in (100, 400, 1500):
        count = np.arange(number + 1)
        lower, upper = intervals.wilson_limits(count, np.full(number + 1, number), 0.95)
        shares = np.linspace(0.02, 0.25, 200)
        inside = _covered((lower[:, None], upper[:, None]), 100 * shares)
        covered = (binom.pmf(count[:, None], number, shares) * inside).sum(axis=0)
        assert abs(covered.mean() - 0.95) < 0.01 and covered.min() > 0.91, number

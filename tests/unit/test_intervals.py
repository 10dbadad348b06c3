"""Ratios, limits and verdicts (METHOD sections 5 and 10)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2, gamma, poisson

from lbz_indicators.stats.intervals import (
    byar_limits,
    exact_poisson_limits,
    scaled_poisson_limits,
    significance,
    standardised_ratio,
    wilson_limits,
)

PUBLISHED = Path(__file__).parent / "data" / "dutch_hsmr_published.csv"


def _counts(limits: tuple[NDArray[np.float64], NDArray[np.float64]], expected: float = 100.0) -> tuple[float, float]:
    """Limits of a ratio with this expected number, as limits of the observed number."""
    low, high = limits
    return float(low) * expected / 100, float(high) * expected / 100


@pytest.mark.parametrize(
    ("observed", "lower", "upper"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904), (100, 81.3640, 121.6268)],
)
def test_exact_95(observed: int, lower: float, upper: float) -> None:
    """Truth: METHOD section 10, the numbers of every printed table of exact Poisson limits."""
    assert _counts(exact_poisson_limits(observed, 100.0, 0.95)) == pytest.approx((lower, upper), abs=5e-5)


def test_exact_998() -> None:
    """Truth: METHOD section 10."""
    assert _counts(exact_poisson_limits(10, 100.0, 0.998)) == pytest.approx((2.9605, 24.1340), abs=5e-5)


def test_byar_95() -> None:
    """Truth: METHOD section 10."""
    assert _counts(byar_limits(10, 100.0, 0.95)) == pytest.approx((4.7874, 18.3915), abs=5e-5)
    assert float(byar_limits(0, 100.0, 0.95)[0]) == 0.0


def test_byar_upper_limit_without_deaths() -> None:
    """By hand, z = 1.959964: (0 + 1) x (1 - 1/9 + z/3)^3 = 1.542210^3 = 3.668011."""
    assert _counts(byar_limits(0, 100.0, 0.95))[1] == pytest.approx(3.668011, abs=2e-6)


@pytest.mark.parametrize("confidence", [0.95, 0.98, 0.998])
def test_exact_limits_are_where_the_tails_are_half_of_alpha(confidence: float) -> None:
    """The definition of Garwood's limits, with the Poisson distribution of scipy."""
    observed = np.array([1, 2, 7, 40, 381, 2500])
    low, high = exact_poisson_limits(observed, np.full(6, 100.0), confidence)
    tail = (1 - confidence) / 2
    np.testing.assert_allclose(poisson.sf(observed - 1, low), tail, rtol=1e-9)
    np.testing.assert_allclose(poisson.cdf(observed, high), tail, rtol=1e-9)


def test_limits_are_a_ratio_per_hundred_of_the_expected_number() -> None:
    """10 deaths where 8 were expected: 100 x 4.7954 / 8 and 100 x 18.3904 / 8."""
    low, high = exact_poisson_limits(10, 8.0, 0.95)
    assert (float(low), float(high)) == pytest.approx((59.9425, 229.88), abs=1e-3)


def test_nothing_expected_gives_no_ratio_and_no_limits() -> None:
    observed, nothing = np.array([0, 3]), np.array([0.0, 0.0])
    assert np.isnan(standardised_ratio(observed, nothing)).all()
    for limits in (
        exact_poisson_limits(observed, nothing, 0.95),
        byar_limits(observed, nothing, 0.95),
        scaled_poisson_limits(observed, nothing, np.array([0.8, 0.8]), 0.95),
    ):
        assert np.isnan(limits).all()


def test_ratio() -> None:
    np.testing.assert_allclose(standardised_ratio([0, 5, 121], [4.0, 4.0, 144.0]), [0.0, 125.0, 84.0277777778])


def test_lower_limit_is_zero_without_deaths() -> None:
    assert float(exact_poisson_limits(0, 2.0, 0.95)[0]) == 0.0
    assert float(scaled_poisson_limits(0, 2.0, 0.6, 0.95)[0]) == 0.0


def test_scaled_limits_with_dispersion_one_are_the_exact_ones() -> None:
    """METHOD section 5; the exact ones from scipy's gamma distribution (shape O and O + 1)."""
    observed, expected = np.array([0, 1, 10, 454]), np.array([0.7, 3.0, 8.0, 544.0])
    low, high = scaled_poisson_limits(observed, expected, np.ones(4), 0.98)
    np.testing.assert_allclose(low, [0.0, *(100 * gamma.ppf(0.01, observed[1:]) / expected[1:])], rtol=1e-10)
    np.testing.assert_allclose(high, 100 * gamma.ppf(0.99, observed + 1) / expected, rtol=1e-10)


def test_scaled_limits_at_k_08() -> None:
    """O = 10, E = 8, k = 0.8: 2 O/k = 25 and 27 degrees of freedom.

    By hand from a printed chi-square table: 13.120 (25, 2.5%) and 43.195 (27, 97.5%), times 100 x 0.8 / (2 x 8) = 5.
    """
    low, high = scaled_poisson_limits(10, 8.0, 0.8, 0.95)
    assert (float(low), float(high)) == pytest.approx((5 * 13.120, 5 * 43.195), abs=5e-3)
    assert float(low) == pytest.approx(5 * chi2.ppf(0.025, 25), rel=1e-12)
    assert float(high) == pytest.approx(5 * chi2.ppf(0.975, 27), rel=1e-12)


def test_no_variance_no_limits() -> None:
    low, high = scaled_poisson_limits([5, 5, 5], [4.0, 4.0, 4.0], [0.0, np.nan, 1.0], 0.95)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]


def test_significance_is_judged_on_unrounded_limits() -> None:
    """METHOD section 5: 100.0000001 lies above 100 although it is printed as 100; 100 itself does not."""
    low = [100.0000001, 100.0, 60.0, 60.0, 60.0, np.nan, 60.0]
    high = [140.0, 140.0, 99.9999999, 100.0, 140.0, 140.0, np.nan]
    assert significance(low, high).tolist() == ["higher", "none", "lower", "none", "none", None, None]


def _published() -> list[dict[str, str]]:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _reproduces(row: dict[str, str], expected: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    rounded = np.stack([np.rint(100 * int(row["observed_deaths"]) / expected), np.rint(low), np.rint(high)])
    printed = np.array([int(row["hsmr"]), int(row["ci95_low"]), int(row["ci95_high"])])
    return bool((rounded == printed[:, None]).all(axis=0).any())


def _within_rounding(row: dict[str, str]) -> NDArray[np.float64]:
    """Expected numbers that round to the printed one."""
    return int(row["expected_deaths_rounded"]) + np.linspace(-0.4999, 0.4999, 2001)


@pytest.mark.parametrize("row", _published(), ids=lambda row: f"{row['hospital']}-{row['period']}")
def test_published_dutch_figures_are_reproduced(row: dict[str, str]) -> None:
    """Truth: HSMR and 95% limits as two Dutch hospitals published them (data/dutch_hsmr_published.csv)."""
    expected = _within_rounding(row)
    observed = np.full_like(expected, int(row["observed_deaths"]))
    assert _reproduces(row, expected, *exact_poisson_limits(observed, expected, 0.95))


def test_published_figures_tell_methods_apart() -> None:
    """The rows have the power they are used for: log-normal limits, ratio x exp(+-1.96/sqrt(O)), fail on some."""
    failing = 0
    for row in _published():
        expected = _within_rounding(row)
        ratio, factor = 100 * int(row["observed_deaths"]) / expected, np.exp(1.96 / np.sqrt(int(row["observed_deaths"])))
        failing += not _reproduces(row, expected, ratio / factor, ratio * factor)
    assert len(_published()) == 8
    assert failing == 2


def test_wilson_limits_solve_their_equation() -> None:
    """A limit p is where the observed share lies z standard errors of p away: (o/n - p)^2 = z^2 p (1 - p) / n."""
    observed, number = np.array([0, 1, 3, 150, 1000]), np.array([7, 1, 20, 1000, 1000])
    for confidence, z in ((0.95, 1.959963984540054), (0.98, 2.3263478740408408)):
        for limit in wilson_limits(observed, number, confidence):
            p = limit / 100
            np.testing.assert_allclose((observed / number - p) ** 2, z**2 * p * (1 - p) / number, atol=1e-12)
    lower, upper = wilson_limits(observed, number, 0.95)
    assert (lower <= 100 * observed / number).all() and (upper >= 100 * observed / number).all()
    assert lower[0] == 0 and upper[-1] == 100
    assert np.isnan(wilson_limits([0], [0], 0.95)).all()

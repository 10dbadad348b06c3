"""The gamma model of the expected stay, one stratum: statsmodels on single admissions is the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from lbz_indicators.models.stay_gamma import StayClass, StayDesign
from lbz_indicators.stats.gamma import GammaFit, fit_gamma


@dataclass(frozen=True)
class Stratum:
    """Admissions x (n, k) with nights y (n,), and what the program makes of their cells from `start`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def settled(self, start: NDArray[np.float64]) -> GammaFit:
        patterns, place = np.unique(self.x, axis=0, return_inverse=True)
        number = np.bincount(place)
        columns = [np.flatnonzero(pattern) for pattern in patterns]
        return fit_gamma(columns, np.bincount(place, self.y) / number, number.astype(float), np.bincount(place, self.y**2), start)


@pytest.fixture
def stratum() -> Stratum:
    random = np.random.default_rng(5)
    x = np.column_stack([np.ones(800), random.random((800, 4)) < (0.5, 0.3, 0.1, 0.05)]).astype(float)
    mean = np.exp(x @ [1.2, 0.4, -0.3, 0.8, 0.2])
    return Stratum(x, 1 + np.floor(random.gamma(1.3, mean / 1.3)))


@pytest.mark.parametrize("start", [[1.0, 0, 0, 0, 0], [0, 3, -3, 0, 2.0]])
def test_coefficients_errors_and_dispersion_are_those_of_statsmodels(stratum: Stratum, start: list[float]) -> None:
    truth = sm.GLM(stratum.y, stratum.x, family=sm.families.Gamma(sm.families.links.Log())).fit(tol=1e-14, maxiter=200)
    found = stratum.settled(np.array(start))
    np.testing.assert_allclose(found.coefficients, truth.params, atol=1e-9)
    np.testing.assert_allclose(found.errors, truth.bse, rtol=1e-7)
    assert found.dispersion == pytest.approx(truth.scale, rel=1e-9)
    assert found.decrement < 1e-16 and found.largest_score < 1e-6


@pytest.mark.parametrize("mean", [4, 20, 60])
def test_a_saturated_mean_is_exact_wherever_the_engine_stopped(mean: int) -> None:
    """A stay of exactly 1.5 times it is a tie: what is left of an error must not decide. Starts near and far."""
    columns = [np.array([0]), np.array([0, 1])]
    truth = np.array([np.log(7.0), np.log(mean / 7.0)])
    random = np.random.default_rng(mean)
    for size in (1e-6, 1e-3, 1e-2, 1e-1):
        for weight in (2.0, 20.0, 100.0):
            for _ in range(40):
                weights, means = np.array([50.0, weight]), np.array([7.0, mean])
                found = fit_gamma(columns, means, weights, 2 * weights * means**2, truth + size * random.standard_normal(2))
                assert round(float(np.exp(found.coefficients.sum())) * 150, 5) == mean * 150


def test_the_score_equations_hold(stratum: Stratum) -> None:
    found = stratum.settled(np.zeros(5))
    mean = np.exp(stratum.x @ found.coefficients)
    np.testing.assert_allclose(stratum.x.T @ (stratum.y / mean - 1), 0, atol=1e-7)


def test_as_many_parameters_as_admissions_leave_no_dispersion() -> None:
    found = fit_gamma([np.array([0])], np.array([6.0]), np.array([1.0]), np.array([36.0]), np.array([0.0]))
    assert found.coefficients[0] == pytest.approx(np.log(6)) and found.dispersion is None and found.errors is None


def test_the_reference_has_most_admissions_and_no_column() -> None:
    classes = (
        StayClass("main_diagnosis_category", "I21", 30), StayClass("main_diagnosis_category", "I22", 30),
        StayClass("main_procedure", "", 10), StayClass("main_procedure", "P1", 50),
        StayClass("age_class", "85+", 60),
    )  # fmt: skip
    design = StayDesign(2019, "100", 60, 240, 4, classes)
    assert {c.term: c.code for c in design.references.values()} == {
        "main_diagnosis_category": "I21", "main_procedure": "P1", "age_class": "85+"
    }  # fmt: skip
    assert [(c.term, c.label) for c in design.columns] == [
        ("intercept", "(none)"), ("main_diagnosis_category", "I22"), ("main_procedure", "(none)")
    ]  # fmt: skip
    assert [c.code for c in design.without([1]).columns] == ["", ""]

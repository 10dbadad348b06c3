"""Many replicates of one small nation, its truth known: what limits and verdicts do in the long run. NumPy only.

Three diagnosis groups, 60 hospitals in the fit and 15 outside it, three covariates; patterns of covariates instead of
single admissions, so that a replicate takes milliseconds. Deaths are drawn anew in every replicate, the model is fitted
anew, ratios and limits come from the program's own functions.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from lbz_indicators.stats import intervals, logistic

Floats = NDArray[np.float64]
HOSPITALS, IN_FIT = 75, 60
CLASSES = (8, 4, 3)
INTERCEPTS = {"deaths": (-5.6, -4.2, -3.2), "readmissions": (-3.4, -2.8, -2.1)}
"""Of the groups: events as rare as deaths, and as frequent as readmissions."""
GROUPS = 3
EXPECTED = (25, 50, 100, 200, 400)
"""Deaths that hospitals expect on average: every fifth hospital the same number."""


@dataclass(frozen=True)
class Nation:
    """x (p, k) patterns; admissions (g, h, p); truth (g, p) without effects; effects (h,) on the log odds."""

    x: Floats
    admissions: Floats
    truth: Floats
    effects: Floats

    @property
    def probability(self) -> Floats:
        """(g, h, p)"""
        eta = np.log(self.truth) - np.log1p(-self.truth)
        return np.asarray(expit(eta[:, None, :] + self.effects[None, :, None]))


@dataclass(frozen=True)
class Replicate:
    """Sums of every hospital over the groups, each (h,): observed, expected, Var(O - E)."""

    observed: Floats
    expected: Floats
    variance: Floats


def make_nation(effects: Floats, seed: int, event: str = "deaths") -> Nation:
    """Hospitals of five sizes with case mixes of their own."""
    random = np.random.default_rng(seed)
    patterns = np.array(list(itertools.product(*(range(size) for size in CLASSES))))
    x = np.column_stack(
        [np.ones(len(patterns)), *(patterns[:, c] == v for c, size in enumerate(CLASSES) for v in range(1, size))]
    )
    x = x.astype(float)
    slopes = np.r_[np.linspace(0.2, 1.8, CLASSES[0] - 1), np.linspace(0.1, 0.6, CLASSES[1] - 1), [0.5, 0.9]]
    truth = np.array([expit(x @ np.r_[b, slopes * random.uniform(0.6, 1.2, len(slopes))]) for b in INTERCEPTS[event]])
    admissions = np.zeros((GROUPS, HOSPITALS, len(x)))
    for hospital in range(HOSPITALS):
        mix = random.dirichlet(np.full(len(x), 2.0))
        shares = random.dirichlet(np.full(GROUPS, 5.0))
        wanted = EXPECTED[hospital % len(EXPECTED)] * shares
        for group in range(GROUPS):
            admissions[group, hospital] = np.ceil(wanted[group] * mix / (mix @ truth[group]))
    return Nation(x, admissions, truth, effects)


def _fit(nation: Nation, group: int, events: Floats) -> tuple[Floats, Floats]:
    """(coefficients, covariance) of a group from the events (h, p) of the hospitals in the fit."""
    admissions = nation.admissions[group, :IN_FIT].sum(axis=0)
    patterns = logistic.Patterns(nation.x, admissions, events[:IN_FIT].sum(axis=0))
    beta = logistic.fit_ridge(patterns, 0.0, 50, 1e-16)
    p = expit(nation.x @ beta)
    return beta, logistic.covariance((nation.x.T * (admissions * p * (1 - p))) @ nation.x)


def replicate(nation: Nation, random: np.random.Generator) -> Replicate:
    """Draws the deaths of everyone, fits, and sums up."""
    observed, expected, variance = np.zeros((3, HOSPITALS))
    probability = nation.probability
    for group in range(GROUPS):
        deaths = random.binomial(nation.admissions[group].astype(int), probability[group])
        beta, covariance = _fit(nation, group, deaths)
        p = expit(nation.x @ beta)
        weight = nation.admissions[group] * p * (1 - p)
        own = np.einsum("hi,ij,hj->h", weight @ nation.x, covariance, weight @ nation.x)
        observed += deaths.sum(axis=1)
        expected += nation.admissions[group] @ p
        variance += weight.sum(axis=1) + np.where(np.arange(HOSPITALS) < IN_FIT, -own, own)
    return Replicate(observed, expected, variance)


def true_ratio(nation: Nation) -> Floats:
    """(h,) 100 x sum of true p / sum of E of a model fitted to the true p: an excess elsewhere lowers everyone's."""
    probability = nation.probability
    above, below = np.zeros(HOSPITALS), np.zeros(HOSPITALS)
    for group in range(GROUPS):
        beta, _ = _fit(nation, group, nation.admissions[group] * probability[group])
        above += (nation.admissions[group] * probability[group]).sum(axis=1)
        below += nation.admissions[group] @ expit(nation.x @ beta)
    return 100 * above / below


def run(nation: Nation, replicates: int, seed: int) -> list[Replicate]:
    random = np.random.default_rng(seed)
    return [replicate(nation, random) for _ in range(replicates)]


def exact(result: Replicate, confidence: float) -> tuple[Floats, Floats]:
    return intervals.exact_poisson_limits(result.observed, result.expected, confidence)


def model_aware(result: Replicate, confidence: float) -> tuple[Floats, Floats]:
    return intervals.scaled_poisson_limits(result.observed, result.expected, result.variance / result.expected, confidence)


@dataclass(frozen=True)
class Power:
    """How often a hospital with a true effect is found higher at 95%, and how often theory says it would be."""

    odds: float
    expected: float
    ratio: float
    flagged: float
    theory: float


def power(odds: tuple[float, ...], replicates: int, seed: int) -> list[Power]:
    """One hospital of each size with the effect, everyone else without; by effect and deaths expected."""
    table = []
    for effect in odds:
        effects = np.zeros(HOSPITALS)
        effects[: len(EXPECTED)] = np.log(effect)
        nation = make_nation(effects, seed=1)
        runs, truth = run(nation, replicates, seed), true_ratio(nation)
        for hospital in range(len(EXPECTED)):
            expected = float(np.mean([x.expected[hospital] for x in runs]))
            flagged = np.mean([intervals.significance(*exact(x, 0.95))[hospital] == intervals.HIGHER for x in runs])
            theory = _theory(nation, hospital, expected, truth[hospital] / 100)
            table.append(Power(effect, expected, float(truth[hospital]), float(flagged), theory))
    return table


def _theory(nation: Nation, hospital: int, expected: float, ratio: float) -> float:
    """P(lower limit above 100) for a normal O with the binomial variance of the hospital's true probabilities."""
    counts = np.arange(0, 4000)
    lower, _ = intervals.exact_poisson_limits(counts, np.full(len(counts), expected), 0.95)
    first = counts[lower > 100][0]
    p = nation.probability[:, hospital]
    variance = float((nation.admissions[:, hospital] * p * (1 - p)).sum())
    return float(norm.sf((first - 0.5 - expected * ratio) / np.sqrt(variance)))

"""Solving the logistic models: Newton steps, Wald tests, aliased columns, separation, ridge. Knows no Spark.

Shapes: n rows, k columns of a 0/1 design.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.special import expit
from scipy.stats import chi2

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def newton_step(information: Floats, score: Floats) -> tuple[Floats, float]:
    """(I^-1 g, g' I^-1 g): the Newton step and its decrement. (inf) where the information is singular."""
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    try:
        step = scale * np.linalg.solve(information * np.outer(scale, scale), score * scale)
    except np.linalg.LinAlgError:
        return np.zeros_like(score), float("inf")
    decrement = float(score @ step)
    return step, decrement if np.isfinite(decrement) and decrement >= 0 else float("inf")


def covariance(information: Floats) -> Floats:
    """I^-1 (k, k), by way of the correlation scale."""
    scale = 1 / np.sqrt(np.diag(information))
    return np.linalg.inv(information * np.outer(scale, scale)) * np.outer(scale, scale)


def wald_test(estimates: Floats, cov: Floats) -> tuple[float, int, float]:
    """(chi-square, degrees of freedom, p) that all estimates (m,) with covariance (m, m) are 0."""
    statistic = float(estimates @ np.linalg.solve(cov, estimates))
    return statistic, len(estimates), float(chi2.sf(statistic, len(estimates)))


def aliased_columns(gram: Integers, tolerance: float = 1e-7) -> list[int]:
    """Columns that are combinations of earlier ones, judged in column order as R's glm does.

    gram (k, k) is X'X. A column is aliased where what earlier columns leave of it is at most `tolerance` of its
    length. Clear cases are decided in floating point, close ones in exact rational arithmetic on the integers.
    """
    kept: list[int] = []
    aliased: list[int] = []
    span: _Span | None = None
    factor = np.zeros_like(gram, dtype=float)
    for column in range(len(gram)):
        length = float(gram[column, column])
        rest = _forward(factor, kept, gram[kept, column].astype(float))
        residual = length - float(rest @ rest)
        if residual < 1e-6 * length:
            # Close cases are rare: the span is made at the first, and only what is not in it needs fractions.
            span = span or _Span.of(gram, kept)
            residual = 0.0 if span.holds(gram[:, column]) else float(_exact_residual(gram, kept, column))
        if length == 0 or residual <= tolerance**2 * length:
            aliased.append(column)
            continue
        row = len(kept)
        factor[row, :row] = rest
        factor[row, row] = np.sqrt(residual)
        kept.append(column)
        if span is not None:
            span.add(gram[:, column])
    return aliased


@dataclass
class _Span:
    """What the kept columns of a gram matrix span, modulo a prime: a column of the design is a combination of others where
    its column of the gram matrix is (and, by a chance of one in two thousand million, where it is not)."""

    rows: list[Integers]
    pivots: list[int]

    @classmethod
    def of(cls, gram: Integers, kept: list[int]) -> _Span:
        span = cls([], [])
        for column in kept:
            span.add(gram[:, column])
        return span

    def _rest(self, values: Integers) -> Integers:
        rest = values % PRIME
        for row, pivot in zip(self.rows, self.pivots, strict=True):
            if rest[pivot]:
                rest = (rest - rest[pivot] * row) % PRIME
        return rest

    def holds(self, values: Integers) -> bool:
        return not self._rest(values).any()

    def add(self, values: Integers) -> None:
        rest = self._rest(values)
        if not rest.any():
            return
        pivot = int(np.flatnonzero(rest)[0])
        self.rows.append(rest * pow(int(rest[pivot]), PRIME - 2, PRIME) % PRIME)
        self.pivots.append(pivot)


PRIME = 2**31 - 1
"""Products of two remainders fit 64 bits."""


def _forward(factor: Floats, kept: list[int], values: Floats) -> Floats:
    """Solves L r = values with the Cholesky factor of the kept columns."""
    rest = np.zeros(len(kept))
    for row in range(len(kept)):
        rest[row] = (values[row] - factor[row, :row] @ rest[:row]) / factor[row, row]
    return rest


def _exact_residual(gram: Integers, kept: list[int], column: int) -> Fraction:
    """Squared length of what the kept columns leave of a column, exactly."""
    size = len(kept)
    rows = [[Fraction(int(gram[i, j])) for j in (*kept, column)] for i in (*kept, column)]
    for pivot in range(size):
        for below in range(pivot + 1, size + 1):
            if rows[below][pivot]:
                ratio = rows[below][pivot] / rows[pivot][pivot]
                for j in range(pivot, size + 1):
                    rows[below][j] -= ratio * rows[pivot][j]
    return rows[size][size]


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of a design: x (m, k), admissions (m,) and events (m,) of each."""

    x: Floats
    admissions: Floats
    events: Floats


def is_separated(patterns: Patterns) -> bool:
    """Whether some combination of the columns separates events from survivors, completely or in part.

    A linear programme: maximise the sum of s_i x_i b over patterns, s = +1 for events and -1 for survivors, subject
    to s_i x_i b >= 0 and |b| <= 1; separated where the maximum is above 0. Then no maximum of the likelihood exists.
    Source: Konis, DPhil thesis, Oxford 2007.
    """
    some_events, some_survivors = patterns.events > 0, patterns.events < patterns.admissions
    signed = np.vstack([patterns.x[some_events], -patterns.x[some_survivors]])
    columns = patterns.x.shape[1]
    solution = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=[(-1, 1)] * columns, method="highs")
    return bool(solution.success and -solution.fun > 1e-7)


def fit_ridge(patterns: Patterns, ridge: float, maximum_steps: int, decrement: float) -> Floats:
    """Logistic coefficients (k,) with a penalty ridge/2 x sum b^2 on all columns but the first (the intercept)."""
    penalty = np.full(patterns.x.shape[1], ridge)
    penalty[0] = 0.0
    total = patterns.events.sum() / patterns.admissions.sum()
    beta = np.zeros(patterns.x.shape[1])
    beta[0] = np.log(total / (1 - total))
    for _ in range(maximum_steps):
        eta = patterns.x @ beta
        p = expit(eta)
        score = patterns.x.T @ (patterns.events * expit(-eta) - (patterns.admissions - patterns.events) * p) - penalty * beta
        information = (patterns.x.T * (patterns.admissions * p * expit(-eta))) @ patterns.x + np.diag(penalty)
        step, size = newton_step(information, score)
        if size < decrement:
            break
        share, before = 1.0, _penalised_deviance(patterns, penalty, beta)
        while share > 1e-10 and _penalised_deviance(patterns, penalty, beta + share * step) > before:
            share /= 2
        beta = beta + share * step
    return beta


def _penalised_deviance(patterns: Patterns, penalty: Floats, beta: Floats) -> float:
    eta = patterns.x @ beta
    survivors = patterns.admissions - patterns.events
    loss = patterns.events * np.logaddexp(0, -eta) + survivors * np.logaddexp(0, eta)
    return float(2 * loss.sum() + penalty @ beta**2)

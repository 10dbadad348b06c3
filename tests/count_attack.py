"""What a reader of two tables with the same totals computes of counts that are not shown, by linear programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from lbz_indicators.publish.disclosure import SMALLEST_SHOWN, with_totals

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Case = tuple[Integers, list[int] | None, Integers, list[int] | None]
"""Counts and clusters of the one table, and of the other."""


def _sums(place: Integers, clusters: list[int] | None, number: int) -> list[NDArray[np.float64]]:
    """All that the totals of a table say, one equation over all `number` counts each; `place` numbers the table's counts."""
    m = max(clusters) + 1 if clusters else 0
    columns = place.shape[1] - 1 - m
    said = [(place[:-1, j], place[-1, j]) for j in range(place.shape[1])]
    for row in place:
        said.append((row[:columns], row[-1]))
        for k in range(m):
            said.append((row[:columns][np.array(clusters) == k], row[columns + k]))
    equations = []
    for parts, whole in said:
        equation = np.zeros(number)
        equation[parts] += 1
        equation[whole] -= 1
        equations.append(equation)
    return equations


def computed(case: Case, hidden: tuple[Booleans, Booleans]) -> list[int]:
    """Suppressed counts of which a reader of both tables finds the exact value, who knows which ones are below 5."""
    (a, clusters_a), (b, clusters_b) = (case[0], case[1]), (case[2], case[3])
    first, second = with_totals(a, clusters_a), with_totals(b, clusters_b)
    at_first = np.arange(first.size).reshape(first.shape)
    at_second = first.size + np.arange(second.size).reshape(second.shape)
    # Both tables' totals are the same counts.
    at_second[:, -1] = at_first[:, -1]
    number = first.size + second.size
    truth = np.zeros(number)
    truth[at_second], truth[at_first] = second, first
    is_hidden = np.zeros(number, dtype=bool)
    is_hidden[at_second], is_hidden[at_first] = hidden[1], hidden[0]
    equations = np.array(_sums(at_first, clusters_a, number) + _sums(at_second, clusters_b, number))
    unknown = np.flatnonzero(is_hidden)
    bounds = [(0, SMALLEST_SHOWN - 1) if truth[one] < SMALLEST_SHOWN else (SMALLEST_SHOWN, 10**5) for one in unknown]
    right = -equations @ np.where(is_hidden, 0, truth)
    sure = set(range(len(unknown)))

    def look(aim: NDArray[np.float64]) -> None:
        """Any possible pair of tables shows for all counts in which it differs from the truth that they are not exact."""
        solution = linprog(aim, A_eq=equations[:, unknown], b_eq=right, bounds=bounds, method="highs")
        assert solution.status == 0, "the true tables are possible"
        sure.difference_update(np.flatnonzero(np.abs(solution.x - truth[unknown]) > 0.5).tolist())

    for draw in np.random.default_rng(1).normal(size=(3 if sure else 0, len(unknown))):
        look(draw)
    for one in sorted(sure):
        for sign in (1.0, -1.0):
            if one in sure:
                look(sign * np.eye(len(unknown))[one])
    return [int(unknown[one]) for one in sorted(sure)]

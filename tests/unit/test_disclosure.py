"""Suppression of small counts, attacked by linear programming (METHOD section 8)."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from lbz_indicators.publish.disclosure import SMALLEST_SHOWN, Suppression, computed_back, suppress, with_totals

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def _sums(rows: int, columns: int, clusters: list[int] | None) -> Floats:
    """All that the totals of a table say, one equation (sum of parts - total = 0) per row; every total, also the needless ones."""
    m = max(clusters) + 1 if clusters else 0
    place = np.arange((rows + 1) * (columns + m + 1)).reshape(rows + 1, -1)
    groups, of_cluster, total = place[:, :columns], place[:, columns:-1], place[:, -1]
    said = [(place[:-1, j], place[-1, j]) for j in range(place.shape[1])]
    for i in range(rows + 1):
        said.append((groups[i], total[i]))
        if clusters:
            said.append((of_cluster[i], total[i]))
            said += [(groups[i, np.array(clusters) == k], of_cluster[i, k]) for k in range(m)]
    equations = np.zeros((len(said), place.size))
    for equation, (parts, whole) in zip(equations, said):
        equation[parts] += 1
        equation[whole] -= 1
    return equations


def _attacked(table: Integers, suppressed: NDArray[np.bool_], primary: NDArray[np.bool_], sums: Floats) -> list[int]:
    """The suppressed counts that a reader can compute exactly, who knows the totals and which counts are below 5.

    A linear programme over the suppressed counts: a count is exact where its smallest and largest possible value are the same. Any
    possible table that differs from the true one shows for all counts that differ that they are not.
    """
    truth, hidden, small = table.ravel(), np.flatnonzero(suppressed), primary.ravel()
    shown = np.where(suppressed.ravel(), 0, truth)
    bounds = [(0, SMALLEST_SHOWN - 1) if small[one] else (SMALLEST_SHOWN, 10**5) for one in hidden]
    sure = set(range(len(hidden)))
    if not sure:
        return []

    def look(aim: Floats) -> None:
        solution = linprog(aim, A_eq=sums[:, hidden], b_eq=-sums @ shown, bounds=bounds, method="highs")
        assert solution.status == 0, "the true table is possible"
        sure.difference_update(np.flatnonzero(np.abs(solution.x - truth[hidden]) > 0.5).tolist())

    for draw in np.random.default_rng(1).normal(size=(4, len(hidden))):
        look(draw)
    for one in sorted(sure):
        for sign in (1.0, -1.0):
            if one in sure:
                look(sign * np.eye(len(hidden))[one])
    return [int(hidden[one]) for one in sorted(sure)]


def _exposed(counts: Integers, clusters: list[int] | None, found: Suppression | None = None) -> list[int]:
    found = found or suppress(counts, clusters)
    table = with_totals(counts, clusters)
    return _attacked(table, found.suppressed, found.primary, _sums(*counts.shape, clusters))


SMALL = st.integers(0, 7)
MIXED = st.one_of(SMALL, st.integers(0, 60))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Integers, list[int] | None]:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    value = draw(st.sampled_from([SMALL, MIXED]))
    counts = draw(st.lists(value, min_size=rows * columns, max_size=rows * columns))
    clusters = None
    if draw(st.booleans()):
        m = draw(st.integers(1, columns))
        clusters = [*range(m), *(draw(st.integers(0, m - 1)) for _ in range(columns - m))]
    return np.array(counts).reshape(rows, columns), clusters


@settings(max_examples=60)
@given(tables())
@example((np.array([[4, 1]]), None))
@example((np.array([[4], [1]]), [0]))
@example((np.array([[0, 5], [5, 5]]), None))
def test_no_suppressed_count_can_be_computed_back(case: tuple[Integers, list[int] | None]) -> None:
    counts, clusters = case
    assert _exposed(counts, clusters) == []


@settings(max_examples=60)
@given(tables(), st.data())
def test_what_can_be_computed_back_is_what_the_attack_computes(
    case: tuple[Integers, list[int] | None], data: st.DataObject
) -> None:
    """With any other counts suppressed beside the small ones: the same list, count by count."""
    counts, clusters = case
    table = with_totals(counts, clusters)
    also = data.draw(st.lists(st.booleans(), min_size=table.size, max_size=table.size))
    primary = table < SMALLEST_SHOWN
    found = Suppression(primary, np.array(also).reshape(table.shape) & ~primary)
    assert np.flatnonzero(computed_back(counts, found.suppressed, clusters)).tolist() == _exposed(counts, clusters, found)


def test_no_suppressed_count_of_a_larger_table_can_be_computed_back() -> None:
    """20 hospitals, 24 groups in 6 clusters; half of the counts small."""
    rng = np.random.default_rng(4)
    counts = rng.poisson(rng.gamma(0.8, 12, (20, 24)))
    clusters = (np.arange(24) % 6).tolist()
    found = suppress(counts, clusters)
    assert 0 < found.secondary.sum() < found.primary.sum()
    assert _exposed(counts, clusters, found) == []


def test_every_table_of_two_hospitals_and_two_groups() -> None:
    """By trying all tables nearby instead of a programme: for each suppressed count one of them agrees with what is shown, and with
    which counts are small, and has another number there."""
    nearby = np.array(list(product([-1, 0, 1], repeat=4))).reshape(-1, 2, 2)
    changes = np.stack([with_totals(change) for change in nearby])
    for values in product([0, 1, 3, 4, 5, 6], repeat=4):
        counts = np.array(values).reshape(2, 2)
        found, table = suppress(counts), with_totals(counts)
        others = table + changes
        agree = (changes[:, ~found.suppressed] == 0).all(axis=1) & (others >= 0).all(axis=(1, 2))
        agree &= ((others < SMALLEST_SHOWN) == found.primary).all(axis=(1, 2))
        assert (changes[agree] != 0).any(axis=0)[found.suppressed].all(), counts


def test_totals_by_hand() -> None:
    """Groups 1 and 3 are cluster 0, group 2 is cluster 1; then all; the nation last."""
    assert with_totals([[1, 2, 3], [10, 20, 30]], [0, 1, 0]).tolist() == [
        [1, 2, 3, 4, 2, 6],
        [10, 20, 30, 40, 20, 60],
        [11, 22, 33, 44, 22, 66],
    ]
    assert with_totals([[1, 2]]).tolist() == [[1, 2, 3], [1, 2, 3]]


def test_one_small_count_is_hidden_by_the_smallest_rectangle() -> None:
    """3 alone can be computed from its row or its column. With 9, 8 and 7 it lies on a cycle; every other has a larger sum."""
    found = suppress([[3, 9, 40], [8, 7, 50], [60, 70, 80]])
    assert np.argwhere(found.primary).tolist() == [[0, 0]]
    assert np.argwhere(found.secondary).tolist() == [[0, 1], [1, 0], [1, 1]]


def test_counts_of_five_and_more_are_shown_and_none_goes_with_them() -> None:
    found = suppress([[5, 9], [12, 30]])
    assert not found.suppressed.any()
    assert suppress([[4, 9], [12, 30]]).primary.sum() == 1


def test_no_deaths_are_a_small_count() -> None:
    """0 is below 5 (METHOD section 8)."""
    assert suppress([[0, 9], [12, 30]]).primary.tolist() == [[True, False, False], [False, False, False], [False, False, False]]


def test_small_totals_are_small_counts() -> None:
    """A hospital with 3 deaths in all: its total is suppressed too, and cannot be computed from the nation's."""
    found = suppress([[1, 2], [20, 30], [15, 40]])
    assert found.primary[0].tolist() == [True, True, True]
    assert found.secondary[1:3, -1].any() or found.secondary[-1, -1]
    assert _exposed(np.array([[1, 2], [20, 30], [15, 40]]), None, found) == []


def test_a_cluster_of_one_group_goes_with_it() -> None:
    """Shown beside it, the cluster would be the count."""
    counts = np.array([[3, 20, 30], [40, 50, 60]])
    found = suppress(counts, [0, 1, 1])
    assert found.primary[0, 0] and found.primary[0, 3], "cluster 0 of hospital 1 is 3 too"
    assert (found.secondary[:, 0] == found.secondary[:, 3]).all()


def _masks(table: Integers, also: list[tuple[int, int]]) -> Suppression:
    secondary = np.zeros(table.shape, dtype=bool)
    for place in also:
        secondary[place] = True
    return Suppression(table < SMALLEST_SHOWN, secondary & (table >= SMALLEST_SHOWN))


def test_the_attack_finds_what_is_badly_hidden() -> None:
    """It has the power that it is used for: against primary suppression alone, one complement in the row alone, and a rectangle
    whose counts cannot move: 0 beside a 5, which the reader knows is no less, is 0."""
    plain = np.array([[3, 9, 40], [8, 7, 50], [60, 70, 80]])
    table = with_totals(plain)
    assert _exposed(plain, None, _masks(table, [])) == [0]
    assert _exposed(plain, None, _masks(table, [(0, 1)])) == [0, 1]
    assert _exposed(plain, None, _masks(table, [(0, 1), (1, 0), (1, 1)])) == []
    stuck = np.array([[0, 5, 40], [5, 5, 50], [60, 70, 80]])
    rectangle = _masks(with_totals(stuck), [(0, 1), (1, 0), (1, 1)])
    assert _exposed(stuck, None, rectangle) == [0, 1, 4, 5]
    assert _exposed(stuck, None) == [] and suppress(stuck).secondary.sum() > 2


def test_a_table_without_hospitals_hides_nothing() -> None:
    with pytest.raises(ValueError, match="hide"):
        suppress(np.zeros((0, 0), dtype=int))

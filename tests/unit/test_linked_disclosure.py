"""Suppression in two tables with the same hospital totals, attacked by linear programming over both (METHOD section 8)."""

from __future__ import annotations

import numpy as np
import pytest
from count_attack import Case, computed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lbz_indicators.publish.disclosure import SMALLEST_SHOWN, CountTable, suppress, suppress_linked, with_totals

ALONE_NOT_ENOUGH: Case = (
    np.array([[4, 50, 40], [50, 1, 40], [50, 40, 2]]),
    None,
    np.array([[94, 0], [90, 1], [91, 1]]),
    None,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two tables of the same hospitals; the second divides each hospital's total otherwise."""
    rows, columns, others = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    count = st.integers(0, 9) | st.integers(0, 60)
    a = np.array(draw(st.lists(st.lists(count, min_size=columns, max_size=columns), min_size=rows, max_size=rows)))
    b = np.zeros((rows, others), dtype=int)
    for row, total in enumerate(a.sum(axis=1)):
        cuts = sorted(draw(st.lists(st.integers(0, int(total)), min_size=others - 1, max_size=others - 1)))
        b[row] = np.diff([0, *cuts, int(total)])
    clusters = draw(st.none() | st.just([column // 2 for column in range(columns)]))
    return a, clusters, b, draw(st.none() | st.just([column // 2 for column in range(others)]))


@settings(max_examples=60)
@given(cases())
@example(ALONE_NOT_ENOUGH)
def test_no_suppressed_count_of_two_linked_tables_can_be_computed_back(case: Case) -> None:
    a, clusters_a, b, clusters_b = case
    first, second = suppress_linked(CountTable(a, clusters_a), CountTable(b, clusters_b))
    assert (first.primary == (with_totals(a, clusters_a) < SMALLEST_SHOWN)).all()
    assert (second.primary == (with_totals(b, clusters_b) < SMALLEST_SHOWN)).all()
    assert (first.suppressed[:, -1] == second.suppressed[:, -1]).all()
    assert computed(case, (first.suppressed, second.suppressed)) == []


def test_tables_that_are_suppressed_each_by_itself_give_counts_away_together() -> None:
    """Why they are judged together: a search for two tables whose own suppressions, laid side by side, leave a count exact."""
    draws = np.random.default_rng(3)
    given_away = 0
    for _ in range(30):
        a = draws.integers(0, 8, (3, 2))
        left = np.minimum(draws.integers(0, 8, 3), a.sum(axis=1))
        b = np.column_stack([left, a.sum(axis=1) - left])
        alone = suppress(a).suppressed, suppress(b).suppressed
        # A total that one table hides is shown by the other.
        both = alone[0][:, -1] & alone[1][:, -1]
        alone[0][:, -1], alone[1][:, -1] = both, both
        given_away += bool(computed((a, None, b, None), alone))
        together = suppress_linked(CountTable(a), CountTable(b))
        assert computed((a, None, b, None), (together[0].suppressed, together[1].suppressed)) == []
    assert given_away > 3


def test_tables_with_other_totals_are_refused() -> None:
    with pytest.raises(ValueError, match="totals"):
        suppress_linked(CountTable(np.array([[5, 6]])), CountTable(np.array([[5, 7]])))


def test_nothing_is_hidden_where_every_count_is_large() -> None:
    first, second = suppress_linked(CountTable(np.array([[50, 60], [70, 80]])), CountTable(np.array([[100, 10], [75, 75]])))
    assert not first.suppressed.any() and not second.suppressed.any()

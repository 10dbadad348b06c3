"""Packs of groups: never one group alone where there are more, limits, places in the pack."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.models.classes import Count, GroupCounts
from lbz_indicators.models.design import GroupDesign, Term
from lbz_indicators.models.packing import Pack, pack_groups, place


def _design(group: str, columns: int, admissions: int, events: int | None = None) -> GroupDesign:
    count = Count(admissions, admissions // 10 if events is None else events)
    terms = [Term("intercept", "intercept", (0,), count), *(Term(f"age:{c}", "age", (c,), count) for c in range(1, columns))]
    reference = Term("age:0", "age", (0,), count, is_reference=True)
    return GroupDesign(GroupCounts(group, count, 1, {}), (*terms, reference), (False, False))


def _layout(packs: list[Pack]) -> list[list[tuple[str, int]]]:
    return [[(placed.design.group, placed.offset) for placed in pack.groups] for pack in packs]


def test_packs_by_hand() -> None:
    """60 columns and 1,000 rows a pack. Most events per row first: A (600 rows, 20 columns), B (500, 30), C (300, 30),
    D (100, 20) with shares 1/10, 1/20, 1/30, 1/50.

    A opens the first pack; B would make 1,100 rows, opens the second; C fits with A (900 rows, 50 columns); D would make
    70 columns there, fits with B (600 rows, 50 columns).
    """
    designs = [_design("D", 20, 100, 2), _design("B", 30, 500, 25), _design("A", 20, 600, 60), _design("C", 30, 300, 10)]
    packs = pack_groups(designs, 60, 1000)
    assert _layout(packs) == [[("A", 0), ("C", 20)], [("B", 0), ("D", 30)]]
    assert [(pack.number, pack.columns, pack.rows, pack.alone) for pack in packs] == [
        (0, 50, 900, False),
        (1, 50, 600, False),
    ]


def test_groups_with_like_shares_of_events_go_together() -> None:
    """By size it would be A with B; a pack needs as many iterations as the group with the rarest event."""
    designs = [_design("A", 20, 600, 1), _design("B", 20, 500, 50), _design("C", 20, 400, 40), _design("D", 20, 300, 1)]
    assert _layout(pack_groups(designs, 40, 10_000)) == [[("B", 0), ("C", 20)], [("D", 0), ("A", 20)]]


def test_groups_of_equal_share_are_packed_by_name() -> None:
    designs = [_design(group, 10, 100) for group in "CADB"]
    assert _layout(pack_groups(designs, 20, 1000)) == [[("A", 0), ("B", 10)], [("C", 0), ("D", 10)]]


def test_a_single_group_is_alone_without_its_intercept_column() -> None:
    """MLlib fits its own intercept there: the group's columns begin one before the pack's, the intercept falls out."""
    (pack,) = pack_groups([_design("A", 20, 600)], 60, 1000)
    assert (pack.alone, pack.columns, [placed.offset for placed in pack.groups]) == (True, 19, [-1])
    assert place(4, [_design("A", 20, 600)]).number == 4


def test_a_group_beyond_the_limits_still_gets_company() -> None:
    designs = [_design("A", 20, 5000), _design("B", 20, 200), _design("C", 20, 100), _design("D", 20, 50)]
    packs = pack_groups(designs, 60, 1000)
    assert sorted(len(pack.groups) for pack in packs) == [2, 2]
    with_largest = next(pack for pack in packs if pack.groups[0].design.group == "A")
    assert with_largest.groups[1].design.group == "D"


def test_two_groups_that_do_not_fit_together_are_together_all_the_same() -> None:
    assert _layout(pack_groups([_design("A", 50, 900), _design("B", 50, 800)], 60, 1000)) in (
        [[("A", 0), ("B", 50)]],
        [[("B", 0), ("A", 50)]],
    )


def test_no_groups_no_packs() -> None:
    assert pack_groups([], 60, 1000) == []


Sizes = list[tuple[int, int]]
SIZES = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 900)), min_size=2, max_size=25)
"""(columns, admissions) of each group."""


def _pack(sizes: Sizes, columns: int, rows: int) -> tuple[list[GroupDesign], list[Pack]]:
    designs = [_design(f"{number:03}", *size) for number, size in enumerate(sizes)]
    return designs, pack_groups(designs, columns, rows)


@given(SIZES, st.integers(2, 120), st.integers(1, 1500))
def test_every_group_is_in_one_pack_of_at_least_two(sizes: Sizes, columns: int, rows: int) -> None:
    designs, packs = _pack(sizes, columns, rows)
    packed = [placed.design.group for pack in packs for placed in pack.groups]
    assert sorted(packed) == [design.group for design in designs]
    assert all(len(pack.groups) >= 2 for pack in packs)
    assert [pack.number for pack in packs] == list(range(len(packs)))


@given(SIZES, st.integers(2, 120), st.integers(1, 1500))
def test_only_packs_that_save_a_group_from_being_alone_exceed_the_limits(sizes: Sizes, columns: int, rows: int) -> None:
    """Such a pack holds two groups, or the two of the pack that took it and the one that was alone."""
    for pack in _pack(sizes, columns, rows)[1]:
        if pack.columns > columns or pack.rows > rows:
            assert len(pack.groups) <= 3


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 300)), min_size=2, max_size=40))
def test_limits_hold_where_three_of_the_groups_always_fit(sizes: Sizes) -> None:
    for pack in _pack(sizes, 60, 900)[1]:
        assert sum(placed.width for placed in pack.groups) <= 60
        assert sum(placed.design.counts.total.admissions for placed in pack.groups) <= 900


@given(SIZES)
def test_places_in_a_pack_follow_each_other_without_gap_or_overlap(sizes: Sizes) -> None:
    for pack in _pack(sizes, 100, 1000)[1]:
        taken = [column for placed in pack.groups for column in range(placed.offset, placed.offset + placed.width)]
        assert taken == list(range(pack.columns))


@given(SIZES, st.randoms(use_true_random=False))
def test_packs_do_not_depend_on_the_order_of_the_groups(sizes: Sizes, random: Random) -> None:
    designs, packs = _pack(sizes, 100, 1000)
    shuffled = list(designs)
    random.shuffle(shuffled)
    assert _layout(pack_groups(shuffled, 100, 1000)) == _layout(packs)


@pytest.mark.parametrize("columns", [2, 63, 600, 4096])
def test_no_pack_exceeds_what_mllib_can_take(columns: int) -> None:
    """157 groups of up to 63 columns: never more than MLlib's 4,096 columns, whatever the setting."""
    sizes = [(1 + 62 * (number % 3) // 2, 100 + number) for number in range(157)]
    for pack in _pack(sizes, columns, 10**9)[1]:
        assert pack.columns <= max(columns, 3 * 63) <= 4096

"""Why two ratios differ: worked by hand, and the checks of METHOD section 5."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.stats.difference import Difference, Figures, Pair, Sums, difference


def _found(figures: Figures) -> Difference:
    found = difference(figures)
    assert found is not None
    return found


def test_last_year_and_this_year_by_hand() -> None:
    """Last year 40 deaths of 1,000 where 32 are expected; this year 44 of 800: the old model expects 20, the new one 22.

    125 becomes 200. Crude mortality rises from 4% to 5.5%, by 1.375; expected mortality falls from 3.2% to 2.5%, which
    raises the ratio by 1.28; the new model expects 1.1 times as much, which lowers it to 1 / 1.1.
    """
    this_year = Sums(800, 44, 22.0)
    found = _found(Figures(Sums(1000, 40, 32.0), this_year, Sums(800, 44, 20.0), this_year))
    assert math.exp(found.crude) == pytest.approx(1.375, rel=1e-12)
    assert math.exp(found.case_mix) == pytest.approx(1.28, rel=1e-12)
    assert math.exp(found.model) == pytest.approx(1 / 1.1, rel=1e-12)
    assert found.population == 0 and math.exp(found.total) == pytest.approx(200 / 125, rel=1e-12)


def test_rows_that_only_one_run_holds_by_hand() -> None:
    """60 deaths of 60 expected: 100. A late month adds 100 admissions with 10 deaths where the model expects 2, and one earlier
    death is corrected to a survivor: 69 deaths of 62 expected, 59 of 60 in the rows of both.
    """
    now = Sums(1000, 69, 62.0)
    found = _found(Figures(Sums(900, 60, 60.0), now, now, now, Pair(Sums(900, 60, 60.0), Sums(900, 59, 60.0))))
    assert math.exp(found.crude) == pytest.approx(59 / 60, rel=1e-12) and found.case_mix == 0 and found.model == 0
    assert math.exp(found.population) == pytest.approx((69 / 62) / (59 / 60), rel=1e-12)
    assert math.exp(found.total) == pytest.approx((69 / 62) / (60 / 60), rel=1e-12)


def test_a_group_that_the_earlier_model_does_not_know_is_population_by_hand() -> None:
    """A new disease: 200 admissions, 30 deaths where the new model expects 24; the old model has nothing for them.

    The old groups: 50 deaths, 40 expected by the old model and 50 by the new one. Provisional 125, definitive 80 / 74: 108.1.
    """
    old, definitive = Sums(1000, 50, 40.0), Sums(1200, 80, 74.0)
    found = _found(Figures(old, definitive, old, Sums(1000, 50, 50.0), Pair(old, old)))
    assert (found.crude, found.case_mix) == (0, 0)
    assert math.exp(found.model) == pytest.approx(40 / 50, rel=1e-12)
    assert math.exp(found.population) == pytest.approx((80 / 74) / (50 / 50), rel=1e-12)
    assert math.exp(found.total) == pytest.approx((80 / 74) / 1.25, rel=1e-12)


SUMS = st.builds(Sums, st.integers(1, 10**6), st.integers(1, 10**5), st.floats(0.01, 1e5))
EXPECTED = st.floats(0.01, 1e5)


@given(SUMS, SUMS, SUMS, EXPECTED, SUMS, SUMS)
def test_the_terms_add_up_whatever_the_rows(a: Sums, b: Sums, by_a: Sums, by_b: float, both_a: Sums, both_b: Sums) -> None:
    wanted = math.log(b.observed / b.expected) - math.log(a.observed / a.expected)
    for in_both in (None, Pair(both_a, both_b)):
        found = _found(Figures(a, b, by_a, Sums(by_a.admissions, by_a.observed, by_b), in_both))
        assert found.total == pytest.approx(wanted, abs=1e-9)


@given(SUMS, SUMS)
def test_the_same_model_has_no_model_term_and_the_same_rows_no_other(a: Sums, b: Sums) -> None:
    assert _found(Figures(a, b, b, b)).model == 0
    other_model = Sums(a.admissions, a.observed, b.expected)
    same_rows = _found(Figures(a, other_model, a, other_model, Pair(a, a)))
    assert (same_rows.crude, same_rows.case_mix, same_rows.population) == (0, 0, 0)


@pytest.mark.parametrize("wrong", [Sums(0, 0, 0.0), Sums(10, 0, 2.0), Sums(10, 1, 0.0)])
@pytest.mark.parametrize("place", range(6))
def test_without_an_observed_or_expected_event_there_are_no_terms(wrong: Sums, place: int) -> None:
    sums = [Sums(10, 1, 2.0)] * 6
    sums[place] = wrong
    assert difference(Figures(*sums[:4], Pair(*sums[4:]))) is None

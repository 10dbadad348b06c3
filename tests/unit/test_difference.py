"""Why two ratios differ: worked by hand, and the checks of METHOD section 5."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.stats.difference import Rows, Sums, difference


def test_worked_by_hand() -> None:
    """Last year 40 deaths of 1,000 where 32 are expected; this year 44 of 800: the old model expects 20, the new one 22.

    125 becomes 200. Crude mortality rises from 4% to 5.5%, by 1.375; expected mortality falls from 3.2% to 2.5%, which
    raises the ratio by 1.28; the new model expects 1.1 times as much, which lowers it to 1 / 1.1.
    """
    found = difference(Rows(Sums(1000, 40, 32.0), Sums(800, 44, 20.0)), 22.0)
    assert found is not None
    assert math.exp(found.crude) == pytest.approx(1.375, rel=1e-12)
    assert math.exp(found.case_mix) == pytest.approx(1.28, rel=1e-12)
    assert math.exp(found.model) == pytest.approx(1 / 1.1, rel=1e-12)
    assert found.population is None and math.exp(found.total) == pytest.approx(200 / 125, rel=1e-12)


def test_rows_that_only_one_run_holds_by_hand() -> None:
    """60 deaths of 60 expected: 100. A late month adds 100 admissions with 10 deaths where the model expects 2, and one earlier
    death is corrected to a survivor: 69 deaths of 62 expected, 59 of 60 in the rows of both.
    """
    found = difference(Rows(Sums(900, 60, 60.0), Sums(1000, 69, 62.0)), 62.0, Rows(Sums(900, 60, 60.0), Sums(900, 59, 60.0)))
    assert found is not None
    assert math.exp(found.crude) == pytest.approx(59 / 60, rel=1e-12) and found.case_mix == 0 and found.model == 0
    assert found.population is not None
    assert math.exp(found.population) == pytest.approx((69 / 62) / (59 / 60), rel=1e-12)
    assert math.exp(found.total) == pytest.approx((69 / 62) / (60 / 60), rel=1e-12)


SUMS = st.builds(Sums, st.integers(1, 10**6), st.integers(1, 10**5), st.floats(0.01, 1e5))


@given(SUMS, SUMS, st.floats(0.01, 1e5), SUMS, SUMS)
def test_the_terms_add_up_whatever_the_rows(a: Sums, b: Sums, expected_b: float, both_a: Sums, both_b: Sums) -> None:
    wanted = math.log(b.observed / expected_b) - math.log(a.observed / a.expected)
    for in_both in (None, Rows(both_a, Sums(both_a.admissions, both_b.observed, both_b.expected))):
        found = difference(Rows(a, b), expected_b, in_both)
        assert found is not None and found.total == pytest.approx(wanted, abs=1e-9)


@given(SUMS, SUMS)
def test_the_same_model_has_no_model_term_and_the_same_rows_no_other(a: Sums, b: Sums) -> None:
    same_model = difference(Rows(a, b), b.expected)
    assert same_model is not None and same_model.model == 0
    same_rows = difference(Rows(a, a), b.expected, Rows(a, a))
    assert same_rows is not None and (same_rows.crude, same_rows.case_mix, same_rows.population) == (0, 0, 0)


@pytest.mark.parametrize("wrong", [Sums(0, 0, 0.0), Sums(10, 0, 2.0), Sums(10, 1, 0.0)])
def test_without_an_observed_or_expected_event_there_are_no_terms(wrong: Sums) -> None:
    good = Sums(10, 1, 2.0)
    assert difference(Rows(wrong, good), 1.0) is None and difference(Rows(good, wrong), 1.0) is None
    assert difference(Rows(good, good), 0.0) is None and difference(Rows(good, good), 1.0, Rows(good, wrong)) is None

"""Deaths by quarter and how they add up, by hand: nothing is drawn across a quarter that is not shown."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hospital_reports import row

from lbz_indicators.publish.report.figures import Figure, read_figures
from lbz_indicators.publish.site.quarters import Deaths, Quarter, followed, sum_quarters


def _year(year: int, observed: int, expected: float) -> Figure:
    figures = read_figures(pd.DataFrame([row("hsmr", "H1", observed, expected, years=(year, year))]))
    return next(iter(figures.by_key.values()))[0]


YEARS = {2021: _year(2021, 40, 44.0), 2022: _year(2022, 50, 44.0)}
SHOWN = {Quarter(year, number): Deaths(10 if year == 2021 else 12, 11.0) for year in YEARS for number in (1, 2, 3)}
SHOWN |= {Quarter(2021, 4): Deaths(10, 11.0), Quarter(2022, 4): Deaths(14, 11.0)}


def test_it_adds_up_expected_less_observed() -> None:
    path = followed((2021, 2022), YEARS, SHOWN)
    assert list(path.values()) == pytest.approx([1, 2, 3, 4, 3, 2, 1, -2])


def test_after_a_hidden_quarter_it_goes_on_at_the_end_of_the_year() -> None:
    shown = {quarter: deaths for quarter, deaths in SHOWN.items() if quarter != Quarter(2021, 2)}
    path = followed((2021, 2022), YEARS, shown)
    assert list(path.values())[:4] == [1.0, None, None, 4.0]
    assert path[Quarter(2022, 1)] == pytest.approx(3.0)


def test_after_a_hidden_year_it_ends() -> None:
    path = followed((2021, 2022), {2022: YEARS[2022]}, SHOWN)
    assert list(path.values()) == [1.0, 2.0, 3.0, None, None, None, None, None]


def test_months_make_quarters() -> None:
    months = [(None, 1, 5, 4.0), (None, 3, 2, 1.5), (None, 4, 1, 1.0), ("H1", 12, 7, 6.0)]
    rows = pd.DataFrame(
        [{"hospital_id": h, "discharge_month": dt.date(2022, m, 1), "observed": o, "expected": e} for h, m, o, e in months]
    )
    found = sum_quarters(rows)
    assert found[None] == {Quarter(2022, 1): Deaths(7, 5.5), Quarter(2022, 2): Deaths(1, 1.0)}
    assert found["H1"] == {Quarter(2022, 4): Deaths(7, 6.0)}

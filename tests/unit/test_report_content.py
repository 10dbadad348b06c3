"""What a report holds, from rows of gold.indicators: the right figures under the right key, and nothing shown twice."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hospital_reports import compared_row, indicator_rows, labels, mortality_rows, row

from lbz_indicators.publish.report.content import Hospital
from lbz_indicators.publish.report.figures import Key, Period, read_figures, value_order
from lbz_indicators.publish.report.followed import follow
from lbz_indicators.publish.report.from_gold import hsmr_content, indicators_content, model_facts
from lbz_indicators.publish.report.indicator_tables import MOST_DIAGNOSES, chosen
from lbz_indicators.publish.report.ratios import place_in_funnel

H1 = Hospital("H1", "Ziekenhuis Een")


def test_figures_are_found_by_what_they_are_about() -> None:
    rows = pd.DataFrame(
        [
            row("hsmr", "H1", 12, 10.5, years=(2020, 2022), years_included=[2022, 2020]),
            row("hsmr", None, 100, 100.5, years=(2020, 2022)),
            row("smr", "H1", 0, 0.0, breakdown="diagnosis_group", breakdown_value="9"),
            row("smr", "H1", 4, None, breakdown="diagnosis_group", breakdown_value="10"),
        ]
    )
    found = read_figures(rows)
    whole = Period(2020, 2022)
    own = found.one("hsmr", "definitive", "H1", whole)
    assert own is not None and (own.observed, own.expected, own.years_included) == (12, 10.5, (2020, 2022))
    assert own.is_partial and own.value == pytest.approx(114.2857142857)
    assert found.periods("hsmr", "definitive", None) == [whole]
    groups = found.rows(Key("smr", "definitive", "H1", "diagnosis_group", Period(2022, 2022)))
    assert [(f.breakdown_value, f.value, f.expected, f.verdict) for f in groups] == [
        ("9", None, 0.0, None),
        ("10", None, None, None),
    ]
    assert found.hospitals("hsmr", "definitive", whole).keys() == {"H1"}


def test_pandas_timestamps_and_missing_numbers_are_read_too() -> None:
    rows = pd.DataFrame([row("hsmr", None, 5, None)]).astype({"value": float})
    rows["period_start"], rows["period_end"] = pd.Timestamp(2022, 1, 1), pd.Timestamp(2022, 12, 31)
    rows["years_included"] = [np.array([2022], dtype=np.int32)]
    figure = read_figures(rows).one("hsmr", "definitive", None, Period(2022, 2022))
    assert figure is not None and figure.value is None and not figure.is_partial


def test_two_model_versions_of_one_figure_are_refused() -> None:
    rows = pd.DataFrame([row("hsmr", "H1", 5, 4.0), row("hsmr", "H1", 5, 4.1, model_version="another")])
    with pytest.raises(ValueError, match="hsmr of H1"):
        read_figures(rows)


def test_values_stand_in_the_order_of_a_reader() -> None:
    given = [None, "covid", "100", "9", "85+", "5-14", "0-4", "B38"]
    assert sorted(given, key=value_order) == ["0-4", "5-14", "9", "85+", "100", "B38", "covid", None]


def test_the_verdict_of_a_provisional_figure_is_against_the_nation() -> None:
    """100 lies above its limits, but the nation's ratio is lower still; and where the nation has none, there is no verdict."""
    rows = pd.DataFrame(
        [
            compared_row("hsmr", 850, 1000.0, 70.0),
            compared_row("smr", 3, 9.0, 0.0, breakdown="specialty", breakdown_value="0303"),
        ]
    )
    assert list(rows["significance"]) == ["lower", "lower" if rows["upper"][1] < 100 else "none"]
    found = read_figures(rows)
    assert [figure.verdict for rows in found.by_key.values() for figure in rows] == ["higher", None]


def test_periods_of_a_report_are_the_three_years_and_all_of_them() -> None:
    rows = mortality_rows(3, years=(2019, 2020, 2021, 2022))
    rows = rows[rows["period_start"].map(lambda day: day.year) > 2018]
    extra = pd.DataFrame([row("hsmr", hospital_id, 9, 9.0, years=(2020, 2022)) for hospital_id in ("H1", None)])
    rows = pd.concat(
        [rows[~((rows["period_start"] == dt.date(2019, 1, 1)) & (rows["period_end"] == dt.date(2022, 12, 31)))], extra]
    )
    content = hsmr_content(H1, 2022, rows, labels("nl"))
    assert content.periods == (Period(2020, 2020), Period(2021, 2021), Period(2022, 2022), Period(2020, 2022))
    assert content.smr_periods == (Period(2020, 2022), Period(2022, 2022))


def test_a_hospital_without_a_figure_of_the_year_has_no_report() -> None:
    rows = mortality_rows(2, years=(2020, 2021))
    with pytest.raises(ValueError, match="H1 has no definitive HSMR of 2022"):
        hsmr_content(H1, 2022, rows, labels("nl"))
    with pytest.raises(ValueError, match="H9 has no indicator of 2022"):
        indicators_content(Hospital("H9", ""), 2022, indicator_rows(), labels("nl"))


def test_indicators_that_are_not_given_are_not_reported() -> None:
    rows = indicator_rows((2021, 2022), diagnoses=3)
    content = indicators_content(H1, 2022, rows[rows["indicator"] != "olo"], labels("en"))
    assert [indicator for indicator, _ in content.indicators()] == ["hsmr", "readmission_ratio"]
    assert [figure.period.last for figure in content.trend("hsmr", "provisional")] == [2021, 2022]
    assert len(content.rows("hsmr", "provisional", "main_diagnosis", 2022)) == 3


def test_main_diagnoses_shown_are_those_that_differ_and_the_largest() -> None:
    figures = read_figures(indicator_rows(diagnoses=200)).rows(
        Key("smr", "provisional", "H1", "main_diagnosis", Period(2022, 2022))
    )
    shown = chosen(figures)
    differing = {f.breakdown_value for f in figures if f.comparison_significance in ("higher", "lower")}
    assert differing and differing <= {f.breakdown_value for f in shown}
    assert len(shown) == max(MOST_DIAGNOSES, len(differing))
    assert [f.breakdown_value for f in shown] == sorted(str(f.breakdown_value) for f in shown)


def test_facts_of_a_model_come_from_its_rows() -> None:
    fit = pd.DataFrame(
        {
            "admissions": [10, 20, 5],
            "events": [1, 3, 0],
            "status": ["fitted", "fitted", "no_events"],
            "c_statistic": [0.7, 0.8, None],
        }
    )
    model = {
        "model_version": "v",
        "model_years": np.array([2019, 2020]),
        "settings": '{"a": 1}',
        "references": '{"charlson": "x"}',
    }
    facts = model_facts(model, fit)
    assert (facts.groups, facts.groups_without_events, facts.admissions, facts.events) == (3, 1, 35, 4)
    assert facts.median_c_statistic == pytest.approx(0.75) and facts.model_years == (2019, 2020)
    assert facts.settings == {"a": 1}


def test_a_year_followed_by_hand() -> None:
    """Three admissions on two days with p = 1/2, one dies last: p - y sums to 0.5, 1, 0.5; the weights are ln(2/3) and ln(4/3)."""
    days = [dt.date(2022, 1, 1), dt.date(2022, 1, 1), dt.date(2022, 1, 5)]
    found = follow(days, [0, 0, 1], [0.5, 0.5, 0.5], worse_limit=0.2, better_limit=9.0)
    assert found.days == (dt.date(2022, 1, 1), dt.date(2022, 1, 5)) and found.admissions == 3
    assert found.vlad == pytest.approx((1.0, 0.5))
    assert found.worse.heights == pytest.approx((0.0, np.log(4 / 3)), abs=1e-9)
    assert found.worse.signals == (dt.date(2022, 1, 5),) and found.better.signals == ()
    assert found.better.heights[0] == pytest.approx(2 * np.log(4 / 3), abs=1e-9)
    with pytest.raises(ValueError, match="nobody"):
        follow([], [], [], 1.0, 1.0)


@pytest.mark.parametrize(
    ("observed", "place"), [(10, "inside"), (18, "above_95"), (26, "above_998"), (3, "below_95"), (1, "below_998")]
)
def test_the_place_in_the_funnel_is_that_of_the_exact_limits(observed: int, place: str) -> None:
    """E = 10: control limits 38.34-171.27 (docs/methods.md); the 99.8% ones hold where 100 lies in the exact 99.8% interval."""
    figure = read_figures(pd.DataFrame([row("hsmr", "H1", observed, 10.0)])).one("hsmr", "definitive", "H1", Period(2022, 2022))
    assert figure is not None
    wide = row("hsmr", "H1", observed, 10.0, confidence=0.998)["significance"]
    assert ("998" in place) == (wide != "none")
    assert place_in_funnel(figure) == place

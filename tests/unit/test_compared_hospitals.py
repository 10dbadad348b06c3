"""Hospitals beside each other and what stands out: rows worked by hand, and the numbers of METHOD sections 9 and 10."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from lbz_indicators import tables
from lbz_indicators.indicators import compared, deviations
from lbz_indicators.schemas import SCHEMAS

EXPECTED = [812.37, 1534.92, 2210.55, 987.04, 1875.63, 640.18, 2954.81, 1423.26, 1108.49, 3320.07,
     755.90, 1689.34, 2087.71, 1266.58, 934.42, 2513.66, 1799.15, 1157.83, 2689.20, 1391.77]  # fmt: skip
OBSERVED = [790, 1702, 2105, 1060, 1790, 715, 2811, 1398, 1195, 3155,
     742, 1755, 2331, 1180, 1011, 2440, 1712, 1240, 2588, 1468]  # fmt: skip


def _figure(hospital_id: str | None, observed: int, expected: float, **other: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(SCHEMAS[tables.GOLD_INDICATORS].names)
    found |= {"indicator": "hsmr", "definition": "death_in_hospital", "variant": "definitive", "hospital_id": hospital_id,
              "breakdown": "none", "period_start": dt.date(2022, 1, 1), "period_end": dt.date(2022, 12, 31),
              "model_version": "m", "observed": observed, "expected": expected, "confidence": 0.95,
              "significance": "none", "national_value": 100.0}  # fmt: skip
    return found | other


def _frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=SCHEMAS[tables.GOLD_INDICATORS].names)


def test_columns_are_those_of_the_tables() -> None:
    assert [*compared.FUNNEL, "run_id"] == SCHEMAS[tables.GOLD_FUNNEL].names
    assert [*deviations.SIGNALS, "run_id"] == SCHEMAS[tables.GOLD_SIGNALS].names
    assert [*deviations.LISTS, "run_id"] == SCHEMAS[tables.GOLD_SIGNAL_LISTS].names


def test_control_limits_of_every_convention() -> None:
    """METHOD section 9: E = 10, 95%: 0.3775-1.6160, 0.3834-1.7127, 0.4795-1.8390; O = 18 is above all but the last."""
    rows = compared.funnel_rows(_frame(_figure("H1", 18, 10.0)), [0.95]).set_index("method")
    found = rows.loc[["poisson_quantile", "inverse_exact", "chi_square"], ["lower", "upper"]].to_numpy()
    np.testing.assert_allclose(found, [[37.75, 161.60], [38.34, 171.27], [47.95, 183.90]], atol=0.006)
    positions = rows["position"].to_dict()
    assert positions == {
        "poisson_quantile": "higher", "inverse_exact": "higher", "chi_square": "none", "shmi": None, "cqc": None
    }  # fmt: skip
    assert rows["tau2"].isna().all() and rows.loc["shmi", "part"] == "kept"  # one hospital: not estimated


def test_over_dispersion_of_a_funnel() -> None:
    """METHOD section 9: phi 4.0286534, tau2 0.0022951080, units 2, 7, 10, 13 dropped; CQC phi 4.78669, tau2 0.00061569."""
    rows = compared.funnel_rows(
        _frame(*[_figure(f"H{n:02}", o, e) for n, (o, e) in enumerate(zip(OBSERVED, EXPECTED), 1)]), [0.95, 0.998]
    )
    assert len(rows) == 20 * 5 * 2
    shmi = rows[(rows.method == "shmi") & (rows.confidence == 0.95)]
    assert shmi.phi.unique() == pytest.approx([4.0286534], abs=5e-8)
    assert shmi.tau2.unique() == pytest.approx([0.0022951080], abs=5e-11)
    assert shmi[shmi.part == "trimmed"].hospital_id.tolist() == ["H02", "H07", "H10", "H13"]
    cqc = rows[rows.method == "cqc"]
    assert cqc.phi.unique() == pytest.approx([4.78669], abs=5e-6) and cqc.tau2.unique() == pytest.approx([0.00061569], abs=5e-9)
    # H02 differs by more than chance, not by more than hospitals do: the reason for limits with over-dispersion.
    of_one = rows[(rows.hospital_id == "H02") & (rows.confidence == 0.95)].set_index("method").position
    assert of_one["inverse_exact"] == "higher" and of_one["shmi"] == "none"


def test_funnels_do_not_mix() -> None:
    """Ten hospitals in each of two periods: over-dispersion is of a period's own."""
    rows = [_figure(f"H{n}", o, e, period_start=dt.date(first, 1, 1)) for first in (2020, 2022)
            for n, (o, e) in enumerate(zip(OBSERVED[: 10], EXPECTED[: 10]))]  # fmt: skip
    found = compared.funnel_rows(_frame(*rows), [0.95])
    assert len(found) == 2 * 10 * 5
    assert found[found.method == "shmi"].groupby("period_start").tau2.nunique().tolist() == [1, 1]


def test_a_provisional_ratio_is_compared_with_the_nation() -> None:
    """O 90, E 100 under a frozen model whose national ratio is 80: E' = 80, value 112.5, as comparison_value has it."""
    rows = compared.against_the_nation(_frame(_figure("H1", 90, 100.0, variant="provisional", national_value=80.0)))
    assert (rows.expected[0], rows.value[0]) == (80.0, 112.5)


def test_nothing_expected_is_no_ratio() -> None:
    rows = compared.funnel_rows(_frame(_figure("H1", 1, 0.0)), [0.95])
    assert rows.value.isna().all() and rows.position.isna().all() and rows.lower.isna().all()


def _grid() -> pd.DataFrame:
    """Two hospitals in two groups: one cell is far out, one is not judged, one is as expected; and the nation's."""
    group: dict[str, Any] = {"indicator": "smr", "breakdown": "diagnosis_group", "confidence": 0.98}
    return _frame(
        _figure("H1", 30, 10.0, **group, breakdown_value="1", significance="higher"),
        _figure("H1", 10, 10.0, **group, breakdown_value="2"),
        _figure("H2", 3, 10.0, **group, breakdown_value="1", significance="lower"),
        _figure("H2", 5, 5.0, **group, breakdown_value="2", significance=None),
        _figure(None, 33, 20.0, **group, breakdown_value="1", significance=None),
    )


def test_p_values_and_discoveries() -> None:
    """p = 2 min(P(X <= O), P(X >= O)); Benjamini-Hochberg by hand over the three cells that are judged."""
    judged = deviations.judged_figures(_grid(), 0.05)
    assert judged[["hospital_id", "diagnosis_group"]].to_numpy().tolist() == [["H1", "1"], ["H1", "2"], ["H2", "1"]]
    p = [2 * poisson.sf(29, 10), 1.0, 2 * poisson.cdf(3, 10)]
    np.testing.assert_allclose(judged.p_value, p)
    np.testing.assert_allclose(judged.adjusted_p_value, [3 * p[0], 1.0, 3 * p[2] / 2])
    assert judged.discovery.tolist() == [True, False, 3 * p[2] / 2 <= 0.05]


def test_signals_are_what_lies_on_one_side() -> None:
    rows = deviations.signal_rows(deviations.judged_figures(_grid(), 0.05))
    assert rows[["hospital_id", "diagnosis_group", "direction", "value"]].to_numpy().tolist() == [
        ["H1", "1", "higher", 300.0], ["H2", "1", "lower", 30.0]
    ]  # fmt: skip


def test_lists_say_how_many_false_alarms_chance_makes() -> None:
    """E = 10, 98%: called lower at O <= 2, for P(X <= 3) = 0.0103 is not below 0.01; higher at O >= 19 (P = 0.00719)."""
    lists = deviations.list_rows(deviations.judged_figures(_grid(), 0.05)).set_index("hospital_id")
    low, high = poisson.cdf(2, 10), poisson.sf(18, 10)
    assert poisson.cdf(3, 10) > 0.01 > poisson.sf(18, 10) and poisson.sf(17, 10) > 0.01
    assert lists.loc["H1", ["tested", "higher", "lower"]].tolist() == [2, 1, 0]
    assert lists.loc["H1", "false_lower"] == pytest.approx(2 * low) and lists.loc["H1", "false_higher"] == pytest.approx(2 * high)
    nation = deviations.list_rows(deviations.judged_figures(_grid(), 0.05)).query("hospital_id.isna()").iloc[0]
    assert nation[["tested", "higher", "lower"]].tolist() == [3, 1, 1]
    assert nation["false_higher"] == pytest.approx(3 * high) and bool(nation["by_group"])


def test_counts_stay_whole_beside_lists_without_them() -> None:
    """Charts have no discoveries: the column must not become one of doubles, which the table refuses."""
    charts = pd.DataFrame(
        {"hospital_id": ["H1"], "diagnosis_group": [None], "odds_ratio": [2.0], "variant": "definitive", "model_version": "m",
         "year": 2022, "observed": [12], "expected": [8.0], "false_alarm_probability": [0.05], "signals": [0], "first_signal": [None]}
    )  # fmt: skip
    columns = [*deviations.SIGNALS, "by_group", "false_higher", "false_lower"]
    judged = [deviations.judged_figures(_grid(), 0.05), deviations.judged_charts(charts, "hsmr")]
    lists = deviations.list_rows(pd.concat([one[columns].astype(object) for one in judged], ignore_index=True))
    assert {type(value) for value in lists["discoveries"]} == {int, type(None)}
    assert {type(value) for value in lists["tested"]} == {int}


def test_charts_that_signalled() -> None:
    charts = pd.DataFrame(
        {"hospital_id": ["H1", "H1", "H2"], "diagnosis_group": [None, "1", None], "odds_ratio": [2.0, 0.5, 2.0],
         "variant": "definitive", "model_version": "m", "year": 2022, "observed": [12, 4, 9], "expected": [8.0, 8.0, 9.0],
         "false_alarm_probability": [0.05, 0.04, 0.03], "signals": [2, 1, 0],
         "first_signal": [dt.date(2022, 3, 1), dt.date(2022, 6, 1), None]}
    )  # fmt: skip
    judged = deviations.judged_charts(charts, "hsmr")
    rows = deviations.signal_rows(judged)
    assert rows[["hospital_id", "diagnosis_group", "direction", "day", "signals", "value"]].to_numpy().tolist() == [
        ["H1", None, "higher", dt.date(2022, 3, 1), 2, 150.0], ["H1", "1", "lower", dt.date(2022, 6, 1), 1, 50.0]
    ]  # fmt: skip
    lists = deviations.list_rows(judged)
    nation = lists[lists.hospital_id.isna()].set_index("by_group")
    assert nation.loc[False, "tested"] == 2 and nation.loc[False, "false_higher"] == pytest.approx(0.08)
    assert nation.loc[True, "lower"] == 1 and nation.loc[True, "false_lower"] == pytest.approx(0.04)
    assert nation["discoveries"].isna().all()

"""A hospital followed through a year: days worked by hand, whatever the order in which its admissions come."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from lbz_indicators.config import load_settings
from lbz_indicators.indicators.monitored import FOLLOWED, Plan, follow_hospital

SETTINGS = load_settings(None, ["comparison.cusum_replicates=200", "comparison.group_replicates=100"]).comparison
PLAN = Plan(2022, SETTINGS.model_copy(update={"followed_expected_deaths": 0.5}))


def _rows() -> pd.DataFrame:
    """Five admissions of three days; group 1 expects 0.8, group 2 0.4, too little to be followed."""
    day = [dt.date(2022, 1, 2), dt.date(2022, 1, 1), dt.date(2022, 1, 1), dt.date(2022, 1, 5), dt.date(2022, 1, 2)]
    return pd.DataFrame(
        {
            "hospital_id": "H1", "diagnosis_group": ["1", "1", "2", "1", "2"], "discharge_date": day,
            "discharge_minutes": [600.0, np.nan, 700.0, 10.0, 900.0], "admission_id": ["a", "b", "c", "d", "e"],
            "observed": [True, False, True, False, False], "expected": [0.2, 0.1, 0.3, 0.5, 0.1],
        }
    )  # fmt: skip


def test_days_by_hand() -> None:
    """Order: c (11:40), b (no time, last of its day), a, e, d. VLAD: -0.7, -0.6; -1.4, -1.3; -0.8."""
    days = follow_hospital(_rows(), PLAN)
    assert days.columns.tolist() == [column.split()[0] for column in FOLLOWED.split(", ")]
    whole = days[days.diagnosis_group.isna()]
    assert whole.day.tolist() == [dt.date(2022, 1, 1), dt.date(2022, 1, 2), dt.date(2022, 1, 5)]
    assert whole.admissions.tolist() == [2, 2, 1] and whole.observed.tolist() == [1, 1, 0]
    np.testing.assert_allclose(whole.expected, [0.4, 0.3, 0.5])
    np.testing.assert_allclose(whole.vlad, [-0.6, -1.3, -0.8])


def test_heights_by_hand() -> None:
    """Odds ratio 2: death ln 2 - ln(1 + p), survivor -ln(1 + p); the day shows its highest height."""
    whole = follow_hospital(_rows(), PLAN)
    whole = whole[whole.diagnosis_group.isna()]
    assert not whole.worse_signals.any()
    after_c = np.log(2) - np.log(1.3)
    after_a = max(0.0, after_c - np.log(1.1)) + np.log(2) - np.log(1.2)
    after_d = max(0.0, max(0.0, after_a - np.log(1.1)) - np.log(1.5))
    np.testing.assert_allclose(whole.worse_height, [after_c, after_a, after_d], atol=1e-9)


def test_groups_with_enough_expected_deaths_are_followed() -> None:
    days = follow_hospital(_rows(), PLAN)
    assert set(days.diagnosis_group.dropna()) == {"1"}
    own = days[days.diagnosis_group == "1"]
    assert own.admissions.tolist() == [1, 1, 1]
    np.testing.assert_allclose(own.vlad, [0.1, -0.7, -0.2])
    assert own.worse_replicates.unique().tolist() == [100]


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = _rows()
    pd.testing.assert_frame_equal(follow_hospital(rows, PLAN), follow_hospital(rows.sample(frac=1, random_state=3), PLAN))


def test_a_hospital_that_does_worse_signals() -> None:
    """Odds of death four times the model's over 600 admissions: the chart for worse signals, the other does not."""
    draws = np.random.default_rng(1)
    p = draws.uniform(0.02, 0.3, 600)
    died = draws.random(600) < 4 * p / (1 + 3 * p)
    rows = pd.DataFrame(
        {"hospital_id": "H1", "diagnosis_group": "1", "discharge_minutes": np.nan, "observed": died, "expected": p,
         "discharge_date": [dt.date(2022, 1, 1) + dt.timedelta(days=n // 2) for n in range(600)],
         "admission_id": [f"{n:04}" for n in range(600)]}
    )  # fmt: skip
    days = follow_hospital(rows, PLAN)
    whole = days[days.diagnosis_group.isna()]
    assert whole.worse_signals.sum() >= 1 and whole.better_signals.sum() == 0
    assert whole.worse_false_alarm_probability.iloc[0] <= SETTINGS.cusum_false_alarm


@pytest.mark.parametrize("died", [True, False])
def test_nobody_is_expected_to_die(died: bool) -> None:
    rows = _rows().assign(expected=0.0, observed=died)
    days = follow_hospital(rows, PLAN)
    assert days.empty and days.columns.tolist() == [column.split()[0] for column in FOLLOWED.split(", ")]

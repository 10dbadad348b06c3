"""The charts: vectors and text only, the same bytes every time, everything inside the axes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hospital_reports import followed

from lbz_indicators.publish.report.charts import Point, funnel_svg, interval_svg, shares_svg
from lbz_indicators.publish.report.monitoring_charts import cusum_svg, vlad_svg
from lbz_indicators.publish.report.numerals import NUMERALS

NL = NUMERALS["nl"]
NAMES = {
    key: key for key in ("x", "y", "own", "others", "limits_95", "limits_998", "nation", "worse", "better", "limit", "signal")
}
POINTS = [Point("2021", 95.4, 80.0, 112.0, 99.0), Point("2022", None, None, None, 101.0), Point("2020–2022", 1250.0, 0.0, 1300.0)]


def _all() -> dict[str, str]:
    e = np.array([5.0, 400.0, 2500.0, 1200.0])
    return {
        "funnel": funnel_svg(e, [0.0, 110.0, 96.0, 310.0], 3, "inverse_exact", NAMES, NL),
        "interval": interval_svg(POINTS, NAMES, NL, reference=100.0),
        "shares": shares_svg(["0–4", "85+"], [30.0, 70.0], [45.5, 54.5], NAMES, NL),
        "vlad": vlad_svg(followed(), NAMES, NL),
        "cusum": cusum_svg(followed(), NAMES, NL),
    }


def test_no_chart_has_a_raster_or_a_date_and_all_are_the_same_again() -> None:
    first, second = _all(), _all()
    assert first == second
    for name, svg in first.items():
        assert not re.search(r"<image|data:image|<dc:date|href=\"http", svg), name
        assert ElementTree.fromstring(svg).tag.endswith("svg"), name


def test_text_is_text_with_the_marks_of_the_language() -> None:
    charts = _all()
    assert all(f">{text}<" in charts["interval"] for text in ("2021", "95", "1.250", "2020–2022", "own", "nation"))
    assert all(f">{text}<" in charts["funnel"] for text in ("2.000", "own", "others", "limits_95", "limits_998"))
    assert all(f">{text}<" in charts["cusum"] for text in ("jan", "dec", "worse", "better", "limit", "signal"))
    assert ">signal<" not in cusum_svg(followed(signals=False), NAMES, NL)


@pytest.mark.parametrize("own", range(4))
def test_every_hospital_and_the_own_mark_lie_inside_the_funnel(own: int) -> None:
    """Also one without deaths, one far above and one with few expected: the places of the marks against the frame."""
    svg = funnel_svg(np.array([5.0, 400.0, 2500.0, 1200.0]), [0.0, 110.0, 96.0, 310.0], own, "inverse_exact", NAMES, NL)
    frame = re.search(r'<g id="patch_2">\s*<path d="M ([\d.]+) ([\d.]+) \s*L ([\d.]+) [\d.]+ \s*L [\d.]+ ([\d.]+)', svg)
    assert frame is not None
    left, bottom, right, top = (float(number) for number in frame.groups())
    # The two sets of marks are the first; those of the legend stand below the frame.
    drawn = re.findall(r'<g id="PathCollection_[12]">(.*?)\n   </g>', svg, re.DOTALL)
    marks = [(float(x), float(y)) for part in drawn for x, y in re.findall(r'<use [^>]*?x="(-?[\d.]+)" y="(-?[\d.]+)"', part)]
    assert len(marks) == 4
    assert all(left <= x <= right and top <= y <= bottom for x, y in marks), marks


def test_a_point_without_a_value_leaves_its_place_empty() -> None:
    svg = interval_svg([Point("a", None, None, None), Point("b", 5.0, None, None)], NAMES, NL)
    assert ">a<" in svg and ">b<" in svg and ">nation<" not in svg


def test_days_that_were_followed_before_give_the_same_charts() -> None:
    """Truth: the charts made of the admissions themselves; rows of days as gold.monitoring has them, in another order."""
    import datetime as dt

    import numpy as np
    import pandas as pd

    from lbz_indicators.config import load_settings
    from lbz_indicators.indicators.monitored import Plan, follow_hospital
    from lbz_indicators.publish.report.followed import follow, followed_days

    draws = np.random.default_rng(4)
    p = draws.uniform(0.02, 0.4, 300)
    died = draws.random(300) < 3 * p / (1 + 2 * p)
    days = [dt.date(2022, 1, 1) + dt.timedelta(days=n // 3) for n in range(300)]
    rows = pd.DataFrame({"hospital_id": "H1", "diagnosis_group": "1", "discharge_date": days, "discharge_minutes": np.nan,
                         "admission_id": [f"{n:03}" for n in range(300)], "observed": died, "expected": p})  # fmt: skip
    settings = load_settings(None, ["comparison.cusum_replicates=200", "comparison.followed_expected_deaths=1000000"]).comparison
    made = follow_hospital(rows, Plan(2022, settings))
    worse, better = made.worse_limit.iloc[0], made.better_limit.iloc[0]
    found = followed_days(made.sample(frac=1, random_state=1), worse, better)
    truth = follow(days, died, p, worse, better)
    assert found.worse.signals and found == truth

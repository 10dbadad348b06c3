"""Variances of figures where there is nothing to sum."""

from __future__ import annotations

import pandas as pd

from lbz_indicators.indicators.variance import FIGURE_VARIANCE, figure_variances


def test_no_admissions_in_the_reported_years_give_no_figures() -> None:
    """Deliveries of t-3 only fit a model and have nothing to report: no rows, not a failure."""
    cells = pd.DataFrame(columns=["diagnosis_group", "hospital_id", "discharge_year", "total", "sums"])
    found = figure_variances(cells, {}, {}, [(2019,), (2017, 2018, 2019)], (2016, 2017, 2018, 2019))
    assert list(found.columns) == FIGURE_VARIANCE and found.empty

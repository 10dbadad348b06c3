"""Deaths by quarter, and how they add up: the course of a hospital as everyone may see it.

Quarters and not months, for a month of many a hospital has fewer than five deaths. What is followed here is made of shown
numbers alone, so it tells nothing that they do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from lbz_indicators.publish.report.figures import Figure
from lbz_indicators.stats.monitoring import vlad

QUARTERS = (1, 2, 3, 4)


class Quarter(NamedTuple):
    """A quarter of a calendar year of discharge."""

    year: int
    number: int


@dataclass(frozen=True)
class Deaths:
    """Observed and expected deaths of a hospital in a quarter."""

    observed: int
    expected: float


ByQuarter = Mapping[str | None, Mapping[Quarter, Deaths]]
"""Deaths by hospital (None: the nation) and quarter; a quarter without admissions may be missing."""


def sum_quarters(months: pd.DataFrame) -> ByQuarter:
    """Quarters from rows of gold.month_figures, of each month the row that was recorded last.

    Columns hospital_id (null = the nation), discharge_month, observed, expected.
    """
    found: defaultdict[str | None, dict[Quarter, Deaths]] = defaultdict(dict)
    for row in months.to_dict("records"):
        hospital = None if pd.isna(row["hospital_id"]) else str(row["hospital_id"])
        month = row["discharge_month"]
        quarter = Quarter(month.year, (month.month + 2) // 3)
        before = found[hospital].get(quarter, Deaths(0, 0.0))
        found[hospital][quarter] = Deaths(before.observed + int(row["observed"]), before.expected + float(row["expected"]))
    return dict(found)


def followed(years: Sequence[int], of_year: Mapping[int, Figure], shown: Mapping[Quarter, Deaths]) -> dict[Quarter, float | None]:
    """Deaths fewer than expected so far, at the end of every quarter of these years; None where it is not to be shown.

    of_year, shown: figures of years and deaths of quarters that are shown. After a quarter that is not, the path goes on at the
    end of its year, from the year's own figure; after a year that is not shown it ends. Drawn across a single suppressed
    quarter it would be that quarter's deaths.
    """
    path: dict[Quarter, float | None] = {}
    before: float | None = 0.0
    for year in years:
        of_quarters = [shown.get(Quarter(year, number)) for number in QUARTERS]
        known = of_quarters[: of_quarters.index(None)] if None in of_quarters else of_quarters
        heights = vlad([deaths.observed for deaths in known if deaths], [deaths.expected for deaths in known if deaths])
        for number in QUARTERS:
            height = float(heights[number - 1]) if number <= len(heights) else None
            path[Quarter(year, number)] = None if before is None or height is None else before + height
        before = _at_end(before, of_year.get(year))
        path[Quarter(year, QUARTERS[-1])] = before
    return path


def _at_end(before: float | None, figure: Figure | None) -> float | None:
    """The height at the end of a year."""
    if before is None or figure is None or figure.expected is None:
        return None
    return before + figure.expected - figure.observed

"""A hospital followed through a year, as its chart shows it: day by day, made of its admissions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lbz_indicators.stats.monitoring import BETTER, WORSE, cusum_path, cusum_weights, vlad


@dataclass(frozen=True)
class Chart:
    """A CUSUM by days (d,): its highest height of each day, its limit, and the days on which it signalled."""

    heights: tuple[float, ...]
    limit: float
    signals: tuple[dt.date, ...]


@dataclass(frozen=True)
class Followed:
    """Days with discharges (d,), deaths fewer than expected so far at the end of each, and both charts."""

    days: tuple[dt.date, ...]
    vlad: tuple[float, ...]
    worse: Chart
    better: Chart
    admissions: int


def follow(
    days: Sequence[dt.date], observed: ArrayLike, probability: ArrayLike, worse_limit: float, better_limit: float
) -> Followed:
    """The charts of a year from its admissions (n,) with an expected value, in the order of `stats.monitoring_order`.

    The limits are those of `stats.cusum_limit` for odds ratios of 2 and 1/2. ValueError without admissions.
    """
    if not len(days):
        raise ValueError("nobody to follow: leave the chart out")
    firsts = [place for place in range(len(days)) if place == 0 or days[place] != days[place - 1]]
    lasts = [*[place - 1 for place in firsts[1:]], len(days) - 1]
    return Followed(
        days=tuple(days[place] for place in firsts),
        vlad=tuple(float(height) for height in vlad(observed, probability)[lasts]),
        worse=_chart(days, cusum_weights(observed, probability, WORSE), worse_limit, firsts),
        better=_chart(days, cusum_weights(observed, probability, BETTER), better_limit, firsts),
        admissions=len(days),
    )


def followed_days(days: pd.DataFrame, worse_limit: float, better_limit: float) -> Followed:
    """The same of days that were followed before: rows of gold.monitoring of one series, in any order. ValueError without any."""
    if days.empty:
        raise ValueError("nobody to follow: leave the chart out")
    ordered = days.sort_values("day")

    def chart(name: str, limit: float) -> Chart:
        signalled = ordered[ordered[f"{name}_signals"] > 0]
        # A day on which a chart signalled twice has two signals.
        signals = [day for day, times in zip(signalled["day"], signalled[f"{name}_signals"]) for _ in range(int(times))]
        return Chart(tuple(float(height) for height in ordered[f"{name}_height"]), limit, tuple(signals))

    return Followed(
        days=tuple(ordered["day"]),
        vlad=tuple(float(height) for height in ordered["vlad"]),
        worse=chart("worse", worse_limit),
        better=chart("better", better_limit),
        admissions=int(ordered["admissions"].sum()),
    )


def _chart(days: Sequence[dt.date], weights: NDArray[np.float64], limit: float, firsts: list[int]) -> Chart:
    path = cusum_path(weights, limit)
    highest = np.maximum.reduceat(path.heights, firsts)
    return Chart(tuple(float(height) for height in highest), limit, tuple(days[place] for place in path.signals))

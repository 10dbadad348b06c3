"""A small nation for the page of everyone: rows of gold.indicators and gold.month_figures that add up, made without the program."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from hospital_reports import labels, row, share_row

from lbz_indicators.publish.site.content import SiteContent
from lbz_indicators.publish.site.from_gold import site_content

YEARS = (2020, 2021, 2022)
GROUPS = ("1", "2", "3", "100", "101")
Deaths = Mapping[str, np.ndarray[Any, Any]]
"""Deaths (12 quarters x 5 groups) by hospital."""


def draw_deaths(hospitals: int, mean: float, seed: int = 4) -> dict[str, Any]:
    """Deaths of hospitals H1, H2, ... whose size grows with their number, and that differ by more than chance."""
    draws = np.random.default_rng(seed)
    share = np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    effects = np.exp(draws.normal(0, 0.1, hospitals))
    return {f"H{n}": draws.poisson(effects[n - 1] * _mean(n, hospitals, mean) * share, (12, 5)) for n in range(1, hospitals + 1)}


def _mean(number: int, hospitals: int, mean: float) -> float:
    return mean * number / hospitals * 2


def expect_deaths(hospitals: int, mean: float) -> dict[str, Any]:
    """What is expected of these hospitals."""
    share = np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    return {f"H{n}": np.ones((12, 1)) * _mean(n, hospitals, mean) * share for n in range(1, hospitals + 1)}


def nation_rows(deaths: Deaths, expected: Deaths | None = None, variant: str = "definitive") -> pd.DataFrame:
    """Every figure that the page reads, and one breakdown that it does not show."""
    expected = expected or _alike(deaths)
    every = {**deaths, None: sum(deaths.values())}
    e = {**expected, None: sum(expected.values())}
    cluster_of = labels("en").cluster_of
    rows = []
    for hospital in every:
        o, x = every[hospital], e[hospital]
        times = 1 if hospital else len(deaths)

        def make(indicator: str, o: Any, e: Any, years: Any, *of: Any, hospital: Any = hospital, times: int = times) -> None:
            rows.append(_figure(indicator, hospital, o, e, years, variant, *of, times=times))

        for place, year in enumerate(YEARS):
            make("hsmr", o[4 * place : 4 * place + 4], x[4 * place : 4 * place + 4], (year, year))
        whole = (YEARS[0], YEARS[-1])
        make("hsmr", o, x, whole)
        for number, group in enumerate(GROUPS):
            if o[:, number].sum() or hospital is None or number < 4:
                make("smr", o[:, [number]], x[:, [number]], whole, "diagnosis_group", group)
        for cluster in sorted({cluster_of[group] for group in GROUPS}):
            members = [number for number, group in enumerate(GROUPS) if cluster_of[group] == cluster]
            make("smr", o[:, members], x[:, members], whole, "diagnosis_cluster", cluster)
        make("smr", o, x, whole, "sex", "male")
    return pd.DataFrame(rows + _others(deaths))


def _alike(deaths: Deaths) -> Deaths:
    """Every hospital expects its own mean by group."""
    return {name: np.maximum(counts.mean(axis=0, keepdims=True), 0.3) * np.ones((12, 1)) for name, counts in deaths.items()}


def _figure(
    indicator: str,
    hospital: Any,
    o: Any,
    e: Any,
    years: Any,
    variant: str,
    breakdown: str = "none",
    value: Any = None,
    times: int = 1,
) -> dict[str, Any]:
    observed = int(o.sum())
    admissions = 40 * observed + 25 * o.size * times
    return row(
        indicator,
        hospital,
        observed,
        float(e.sum()),
        years=years,
        variant=variant,
        breakdown=breakdown,
        breakdown_value=value,
        admissions=admissions,
    )


def _others(deaths: Deaths) -> list[dict[str, Any]]:
    """Readmissions of the last year and long stays of every year."""
    rows = []
    sizes = {name: 5 * int(counts.sum()) + 200 for name, counts in deaths.items()}
    for name, size in [*sizes.items(), (None, sum(sizes.values()))]:
        number = int(name[1:]) if name else 0
        returned = size // 10 + number if name else sum(s // 10 + int(n[1:]) for n, s in sizes.items())
        made = row("readmission_ratio", name, returned, size * 0.11, variant="provisional", admissions=size, definition="any_30d")
        rows.append(made)
        for year in YEARS:
            long = size // 7 + number if name else sum(s // 7 + int(n[1:]) for n, s in sizes.items())
            rows.append(share_row(name, long, size, 15.0, years=(year, year)))
    nation = next(made["value"] for made in rows if made["indicator"] == "readmission_ratio" and made["hospital_id"] is None)
    for made in rows:
        if made["indicator"] == "readmission_ratio":
            compared = {f"comparison_{name}": made[name] / nation * 100 for name in ("value", "lower", "upper")}
            low, high = compared["comparison_lower"], compared["comparison_upper"]
            verdict = "higher" if low > 100 else "lower" if high < 100 else "none"
            made.update(compared, national_value=nation, comparison_significance=verdict)
    return rows


def month_rows(deaths: Deaths, expected: Deaths | None = None) -> pd.DataFrame:
    """Months that the quarters are made of: all deaths in the first, expected deaths spread evenly."""
    expected = expected or _alike(deaths)
    rows = []
    for name, o, e in [
        *[(name, deaths[name], expected[name]) for name in deaths],
        (None, sum(deaths.values()), sum(expected.values())),
    ]:
        for place in range(12):
            for month in range(3):
                day = dt.date(YEARS[place // 4], 3 * (place % 4) + month + 1, 1)
                observed = int(o[place].sum()) if month == 0 else 0
                rows.append(
                    {"hospital_id": name, "discharge_month": day, "observed": observed, "expected": float(e[place].sum()) / 3}
                )
    return pd.DataFrame(rows)


def nation_content(
    deaths: Deaths,
    names: Mapping[str, str] | None = None,
    *,
    expected: Deaths | None = None,
    language: str = "nl",
    left_out: Sequence[str] = (),
    months: bool = True,
) -> SiteContent:
    """The content of the page of these deaths."""
    found = names or {name: f"Ziekenhuis {name}" for name in deaths}
    rows, recorded = nation_rows(deaths, expected), month_rows(deaths, expected) if months else None
    return site_content(rows, recorded, found, labels(language), year=YEARS[-1], variant="definitive", left_out=left_out)

"""Hospitals made for the reports: rows of gold.indicators with limits by SciPy alone, and what a reader must find of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from lbz_indicators.config import load_settings
from lbz_indicators.publish.report.followed import Followed, follow
from lbz_indicators.publish.report.labels import Labels, labels_of
from lbz_indicators.references import References, load_references
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import GOLD_INDICATORS

HOSTILE = (
    "=cmd|' /C calc'!A0 \"De 'Kroon'\" / \\ #read(\"/etc/passwd\") $x^2$ *vet* _schuin_ <b>&amp;</b> @verwijzing [a] {b} ~ ` // /* "
    "Ελληνικό Больница Çelik Łódź"
)
LONG = "Stichting Samenwerkende Ziekenhuizen voor de Noordelijke en Oostelijke Rivieren, Duinen en Polders " * 3 + "X" * 120
YEAR = 2022
AGES = ("0-4", "5-14", "15-44", "45-64", "65-74", "75-84", "85+")


def references() -> References:
    """The shipped lists."""
    return load_references(load_settings(None, []).references)


def labels(language: str) -> Labels:
    """Names by the shipped lists."""
    return labels_of(references(), "groups", language)


def row(indicator: str, hospital_id: str | None, observed: int, expected: float | None, **other: Any) -> dict[str, Any]:
    """A row of gold.indicators; ratio and exact limits where something is expected, else null."""
    first, last = other.pop("years", (YEAR, YEAR))
    confidence = other.get("confidence", 0.95 if indicator != "smr" else 0.98)
    found: dict[str, Any] = dict.fromkeys(SCHEMAS[GOLD_INDICATORS].names)
    found |= {
        "indicator": indicator,
        "definition": "death_in_hospital",
        "variant": "definitive",
        "hospital_id": hospital_id,
        "breakdown": "none",
        "period_start": dt.date(first, 1, 1),
        "period_end": dt.date(last, 12, 31),
        "model_version": "mortality-2019-2022-test",
        "years_included": list(range(first, last + 1)),
        "admissions": 1000,
        "observed": observed,
        "expected": expected,
        "confidence": confidence,
        "interval_method": "exact_poisson",
        "run_id": "run",
    }
    if expected:
        tail = (1 - confidence) / 2
        lower = 100 * chi2.ppf(tail, 2 * observed) / 2 / expected if observed else 0.0
        upper = 100 * chi2.ppf(1 - tail, 2 * observed + 2) / 2 / expected
        verdict = "higher" if lower > 100 else "lower" if upper < 100 else "none"
        found |= {"value": 100 * observed / expected, "lower": lower, "upper": upper, "significance": verdict}
    return found | other


def share_row(hospital_id: str | None, long: int, admissions: int, nation: float, **other: Any) -> dict[str, Any]:
    """A row of olo with limits of a normal approximation: any numbers do, for the report may not compute them anew."""
    other = {"definition": "cell_mean_over_50"} | other
    found = row("olo", hospital_id, long, None, admissions=admissions, **other)
    value = 100 * long / admissions
    half = 196 * float(np.sqrt(value / 100 * (1 - value / 100) / admissions))
    lower, upper = max(0.0, value - half), min(100.0, value + half)
    verdict = "higher" if lower > nation else "lower" if upper < nation else "none"
    found |= {"value": value, "lower": lower, "upper": upper, "national_value": nation, "significance": verdict}
    return found | {"interval_method": "wilson"}


def compared_row(indicator: str, observed: int, expected: float, nation: float, **other: Any) -> dict[str, Any]:
    """A provisional figure: beside it the ratio divided by the nation's, which the verdict is of."""
    other = {"definition": "any_30d" if indicator == "readmission_ratio" else "death_in_hospital"} | other
    found = row(indicator, "H1", observed, expected, variant="provisional", national_value=nation, **other)
    if found["value"] is None or not nation:
        return found
    value, lower, upper = (found[name] / nation * 100 for name in ("value", "lower", "upper"))
    verdict = "higher" if lower > 100 else "lower" if upper < 100 else "none"
    compared = {"comparison_value": value, "comparison_lower": lower, "comparison_upper": upper}
    return found | compared | {"comparison_significance": verdict}


def mortality_rows(
    groups: int = 20, *, deaths: float = 1.0, risk: float = 1.0, years: Sequence[int] = (2020, 2021, 2022), hospitals: int = 12
) -> pd.DataFrame:
    """Definitive figures of hospital H1, the nation, and the HSMR of other hospitals.

    `deaths` scales the observed deaths (0: nobody dies), `risk` the expected ones (0: the model expects none). Groups are the
    first of the shipped list, and their clusters.
    """
    draws = np.random.default_rng(5)
    cluster_of = labels("en").cluster_of
    names = [str(number + 1) for number in range(groups)]
    periods = [(year, year) for year in years] + ([(years[0], years[-1])] if len(years) > 1 else [])
    rows = []
    for period in periods:
        expected = draws.gamma(0.6, 6.0, groups) * risk * (period[1] - period[0] + 1)
        observed = np.round(draws.poisson(1.0 + expected * 1.1) * deaths).astype(int)
        admissions = draws.integers(5, 2500, groups)
        for hospital_id, times in (("H1", 1), (None, 9)):
            of_group = {name: (int(o), float(e), int(a)) for name, o, e, a in zip(names, observed, expected, admissions)}
            rows += _mortality(hospital_id, of_group, cluster_of, period, times)
        for number in range(2, hospitals + 1):
            e = 40.0 * number * (period[1] - period[0] + 1)
            rows.append(row("hsmr", f"H{number}", int(draws.poisson(e)), e, years=period))
    return pd.DataFrame(rows)


def _mortality(
    hospital_id: str | None,
    of_group: dict[str, tuple[int, float, int]],
    cluster_of: Any,
    period: tuple[int, int],
    times: int,
) -> list[dict[str, Any]]:
    def make(indicator: str, breakdown: str, value: str | None, parts: list[tuple[int, float, int]], share: float = 1.0) -> Any:
        observed, expected, admissions = (sum(part[place] for part in parts) for place in range(3))
        return row(
            indicator,
            hospital_id,
            round(observed * times * share),
            expected * times * share,
            admissions=round(admissions * times * share),
            breakdown=breakdown,
            breakdown_value=value,
            years=period,
        )

    everything = list(of_group.values())
    rows = [make("hsmr", "none", None, everything)]
    rows += [make("smr", "diagnosis_group", group, [parts]) for group, parts in of_group.items()]
    for cluster in sorted({cluster_of[group] for group in of_group}):
        parts = [numbers for group, numbers in of_group.items() if cluster_of[group] == cluster]
        rows.append(make("smr", "diagnosis_cluster", cluster, parts))
    rows += [make("smr", "sex", sex, everything, 0.5) for sex in ("male", "female")]
    rows += [make("smr", "urgency", kind, everything, share) for kind, share in (("acute", 0.8), ("planned", 0.2))]
    return rows + [make("smr", "age_class", age, everything, (place + 1) / 28) for place, age in enumerate(AGES)]


def indicator_rows(years: Sequence[int] = (2020, 2021, 2022), diagnoses: int = 60, specialties: int = 8) -> pd.DataFrame:
    """Provisional HSMR, readmission ratio and OLO of hospital H1 by year, specialty and main diagnosis."""
    draws = np.random.default_rng(9)
    codes = [f"{'ABCDEFGHIJKLMN'[number % 14]}{10 + number % 60}" for number in range(diagnoses)]
    parts = [("none", None, 900.0)]
    parts += [("specialty", f"03{1 + number:02d}", 120.0) for number in range(specialties)]
    parts += [("main_diagnosis", code, 12.0) for code in codes]
    rows = []
    for year in years:
        for breakdown, value, size in parts:
            part = {"breakdown": breakdown, "breakdown_value": value, "years": (year, year), "admissions": round(size * 20)}
            smr = "hsmr" if breakdown == "none" else "smr"
            for indicator, nation in ((smr, 92.4), ("readmission_ratio", 98.6)):
                e = float(draws.gamma(4.0, size / 4))
                rows.append(compared_row(indicator, int(draws.poisson(e * nation / 100 * 1.1)), e, nation, **part))
            long = int(draws.binomial(part["admissions"], 0.17))
            rows.append(share_row("H1", long, part.pop("admissions"), 15.13, **part))
    return pd.DataFrame(rows)


def followed(signals: bool = True) -> Followed:
    """A year of 900 admissions; deaths pile up in spring where it shall signal."""
    draws = np.random.default_rng(11)
    place = np.sort(draws.integers(0, 365, 900))
    days = [dt.date(YEAR, 1, 1) + dt.timedelta(int(number)) for number in place]
    p = draws.beta(0.5, 12, 900)
    y = draws.random(900) < p * (np.where((place > 80) & (place < 140), 4.0, 0.9) if signals else 0.95)
    return follow(days, y, p, 3.5 if signals else 50.0, 3.5 if signals else 50.0)


def written(number: Any, places: int, language: str) -> str:
    """A number as it must stand in a report, by another way than the program's: decimal arithmetic."""
    if number is None or pd.isna(number):
        return "–"
    rounded = Decimal(float(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    whole, _, fraction = str(abs(rounded)).partition(".")
    grouped = ""
    for place, digit in enumerate(reversed(whole)):
        grouped = digit + ({"nl": ".", "en": ","}[language] if place and place % 3 == 0 else "") + grouped
    sign = "\u2212" if rounded < 0 else ""
    return sign + grouped + ({"nl": ",", "en": "."}[language] + fraction if fraction else "")

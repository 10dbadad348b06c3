"""Hospitals followed admission by admission: VLAD, both CUSUMs, and their simulated limits (METHOD section 9).

A CUSUM has a memory, so it takes the admissions in order, those of one hospital and year at a time. What comes out are days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lbz_indicators.config import ComparisonSettings
from lbz_indicators.stats.cusum_limit import simulate_limit, stable_seed
from lbz_indicators.stats.monitoring import BETTER, WORSE, cusum_path, cusum_weights, monitoring_order, vlad

CHARTS = {"worse": WORSE, "better": BETTER}
_LIMIT = ("limit", "false_alarm_probability", "standard_error", "limit_lower", "limit_upper")
_DAY = (
    "hospital_id string, diagnosis_group string, day date, admissions bigint, observed bigint, expected double, vlad double, "
    "worse_height double, better_height double, worse_signals int, better_signals int"
)
_OF_CHART = ", ".join(
    f"{', '.join(f'{chart}_{name} double' for name in _LIMIT)}, {chart}_replicates bigint, {chart}_seed bigint"
    for chart in CHARTS
)
FOLLOWED = f"{_DAY}, {_OF_CHART}"
"""Columns of follow_hospital: a day of a series, and beside it the limits of the series."""


@dataclass(frozen=True)
class Plan:
    """Which year is followed, and by which settings."""

    year: int
    settings: ComparisonSettings


def follow_hospital(rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Days of a hospital, and of its diagnosis groups with enough expected deaths. Grain: diagnosis_group (None: all), day.
    Columns: FOLLOWED; no rows where nobody is expected to die.

    `rows`: hospital_id (one), diagnosis_group, discharge_date, discharge_minutes (nan: unknown), admission_id, observed, expected
    (not missing), of the year. Their order does not matter.
    """
    order = monitoring_order(
        pd.to_datetime(rows["discharge_date"]).to_numpy(),
        rows["discharge_minutes"].to_numpy(float),
        rows["admission_id"].to_numpy(str),
    )
    ordered = rows.iloc[order].reset_index(drop=True)
    chosen = plan.settings
    parts = [_series(ordered, None, plan, chosen.cusum_replicates)]
    for group, of_group in ordered.groupby("diagnosis_group", sort=True):
        if of_group["expected"].sum() >= chosen.followed_expected_deaths:
            parts.append(_series(of_group, str(group), plan, chosen.group_replicates))
    found = [part for part in parts if part is not None]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[c.split()[0] for c in FOLLOWED.split(", ")])


def _series(rows: pd.DataFrame, group: str | None, plan: Plan, replicates: int) -> pd.DataFrame | None:
    """The days of one series, admissions in order."""
    observed, probability = rows["observed"].to_numpy(float), rows["expected"].to_numpy(float)
    if not probability.sum() > 0:
        return None
    hospital_id = str(rows["hospital_id"].iloc[0])
    days = pd.to_datetime(rows["discharge_date"]).to_numpy()
    firsts = np.flatnonzero(np.r_[True, days[1:] != days[:-1]])
    lasts = np.r_[firsts[1:] - 1, len(rows) - 1]
    found = {
        "hospital_id": hospital_id,
        "diagnosis_group": group,
        "day": pd.to_datetime(days[firsts]).date,
        "admissions": lasts - firsts + 1,
        "observed": np.add.reduceat(observed, firsts).astype(np.int64),
        "expected": np.add.reduceat(probability, firsts),
        "vlad": vlad(observed, probability)[lasts],
    }
    limits: dict[str, object] = {}
    for chart, odds_ratio in CHARTS.items():
        seed = stable_seed(hospital_id, group or "", plan.year, odds_ratio)
        limit = simulate_limit(probability, odds_ratio, plan.settings.cusum_false_alarm, replicates=replicates, seed=seed)
        path = cusum_path(cusum_weights(observed, probability, odds_ratio), limit.limit)
        signalled = np.zeros(len(rows), dtype=np.int64)
        signalled[list(path.signals)] = 1
        found[f"{chart}_height"] = np.maximum.reduceat(path.heights, firsts)
        found[f"{chart}_signals"] = np.add.reduceat(signalled, firsts)
        values = (limit.limit, limit.false_alarm_probability, limit.standard_error, limit.lower, limit.upper)
        limits |= {f"{chart}_{name}": value for name, value in zip(_LIMIT, values, strict=True)}
        limits |= {f"{chart}_replicates": replicates, f"{chart}_seed": seed}
    return pd.DataFrame(found | limits)[[c.split()[0] for c in FOLLOWED.split(", ")]]

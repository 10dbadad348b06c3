"""What stands out, and how much of it chance alone would bring: lists of figures and of charts (METHOD section 9).

Figures are rows of gold.indicators in pandas, charts rows of gold.monitoring_limits. A list is what is judged together: the
figures of one indicator and period by diagnosis group or without breakdown, or the charts of a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from lbz_indicators.indicators.compared import against_the_nation
from lbz_indicators.indicators.figures import GROUP, PROVISIONAL
from lbz_indicators.stats.intervals import HIGHER, LOWER
from lbz_indicators.stats.many_tests import attainable_poisson_size, benjamini_hochberg, exact_poisson_p
from lbz_indicators.stats.monitoring import WORSE

FIGURE, CUSUM = "figure", "cusum"
SIGNALS = (
    "kind", "indicator", "variant", "hospital_id", "diagnosis_group", "period_start", "period_end", "day", "direction",
    "model_version", "observed", "expected", "value", "p_value", "adjusted_p_value", "discovery", "signals",
)  # fmt: skip
LISTS = (
    "kind", "indicator", "variant", "hospital_id", "by_group", "period_start", "period_end", "model_version",
    "tested", "higher", "lower", "discoveries", "false_higher", "false_lower",
)  # fmt: skip
_LIST = ["indicator", "definition", "variant", "model_version", "period_start", "period_end", "breakdown"]


def judged_figures(figures: pd.DataFrame, false_discovery_rate: float) -> pd.DataFrame:
    """Hospitals' ratios with p value, adjusted p value over their list, verdict, and the chance of a false alarm on each side.

    Figures that are not judged (nothing expected, or their own reference alone) are left out. The verdict is that of the
    table: of provisional figures the one against the nation.
    """
    verdict = np.where(figures["variant"] == PROVISIONAL, figures["comparison_significance"], figures["significance"])
    known = pd.notna(verdict) & figures["hospital_id"].notna().to_numpy()
    rows = against_the_nation(figures[known]).assign(direction=verdict[known])
    rows["p_value"] = exact_poisson_p(rows["observed"].to_numpy(float), rows["expected"].to_numpy(float))
    rows["adjusted_p_value"] = np.nan
    rows["false_lower"] = rows["false_higher"] = np.nan
    for _, members in rows.groupby(_LIST, sort=False):
        rows.loc[members.index, "adjusted_p_value"] = benjamini_hochberg(members["p_value"].to_numpy())
    for confidence, members in rows.groupby("confidence", sort=False):
        lower, higher = attainable_poisson_size(members["expected"].to_numpy(float), confidence)  # type: ignore[arg-type]
        rows.loc[members.index, "false_lower"], rows.loc[members.index, "false_higher"] = lower, higher
    rows["discovery"] = (rows["adjusted_p_value"] <= false_discovery_rate).to_numpy(bool)
    by_group = (rows["breakdown"] == GROUP).to_numpy()
    rows["diagnosis_group"] = rows["breakdown_value"].where(by_group, None)
    return rows.assign(kind=FIGURE, by_group=by_group, day=None, signals=None)


def judged_charts(limits: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """Charts of gold.monitoring_limits in the same columns: a chart is in the list where it signalled, on the side it looks out
    for, and its chance of a false alarm is that of its limit."""
    worse = (limits["odds_ratio"] == WORSE).to_numpy()
    alarm = limits["false_alarm_probability"].to_numpy(float)
    signalled = (limits["signals"] > 0).to_numpy()
    side = np.where(worse, HIGHER, LOWER)
    year = limits["year"].astype(str)
    return limits.assign(
        kind=CUSUM,
        indicator=indicator,
        period_start=pd.to_datetime(year + "-01-01").dt.date,
        period_end=pd.to_datetime(year + "-12-31").dt.date,
        day=limits["first_signal"],
        direction=np.where(signalled, side, "none"),
        value=100 * limits["observed"] / limits["expected"],
        p_value=np.nan,
        adjusted_p_value=np.nan,
        discovery=None,
        by_group=limits["diagnosis_group"].notna(),
        false_higher=np.where(worse, alarm, 0.0),
        false_lower=np.where(worse, 0.0, alarm),
    )


def signal_rows(judged: pd.DataFrame) -> pd.DataFrame:
    """gold.signals but run_id: what lies on one side."""
    return judged[judged["direction"].isin([HIGHER, LOWER])][list(SIGNALS)]


def list_rows(judged: pd.DataFrame) -> pd.DataFrame:
    """gold.signal_lists but run_id: of every hospital, and of all together (hospital_id None)."""
    key = ["kind", "indicator", "variant", "model_version", "period_start", "period_end", "by_group"]
    rows = list(_lists(judged.groupby([*key, "hospital_id"], sort=True), [*key, "hospital_id"]))
    rows += list(_lists(judged.groupby(key, sort=True), key))
    return pd.DataFrame(rows, columns=list(LISTS), dtype=object)  # counts stay whole where others are missing


def _lists(grouped: Iterable[tuple[tuple[object, ...], pd.DataFrame]], key: list[str]) -> Iterator[dict[str, object]]:
    for values, members in grouped:
        figures = members["kind"].iloc[0] == FIGURE
        listed = members["direction"].isin([HIGHER, LOWER])
        yield (
            {"hospital_id": None}
            | dict(zip(key, values, strict=True))
            | {
                "tested": len(members),
                "higher": int((members["direction"] == HIGHER).sum()),
                "lower": int((members["direction"] == LOWER).sum()),
                "discoveries": int((listed & members["discovery"].astype(bool)).sum()) if figures else None,
                "false_higher": float(members["false_higher"].sum()),
                "false_lower": float(members["false_lower"].sum()),
            }
        )

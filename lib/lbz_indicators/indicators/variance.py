"""Variance of observed minus expected, which knows that the model was estimated (METHOD section 5).

Per diagnosis group, V = D - C I^-1 C' for admissions that were in the fit and D + C I^-1 C' under a frozen model, with
D = sum p(1-p) and C = sum p(1-p)x over the figure's admissions; V adds up over groups. C I^-1 C'/D is the figure's
share in its own reference. Computed for figures without breakdown, per diagnosis group and per cluster.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.indicators.figures import CLUSTER, GROUP, NONE
from lbz_indicators.models.classes import EITHER, Slot, slots, sum_by_class
from lbz_indicators.models.design import INTERCEPT
from lbz_indicators.models.score import FIXED_POINT, fixed_point
from lbz_indicators.population.comorbidity import MERGED_PAIRS
from lbz_indicators.population.covariates import COMORBIDITY
from lbz_indicators.stats.logistic import covariance

Floats = NDArray[np.float64]
FIGURE_VARIANCE = [
    "hospital_id", "breakdown", "breakdown_value", "period_start", "period_end", "variance_d", "variance_v"
]  # fmt: skip
FIGURE_VARIANCE_SCHEMA = (
    "hospital_id string, breakdown string, breakdown_value string, period_start date, period_end date, "
    "variance_d double, variance_v double"
)
NEGLIGIBLE = 1e-9
"""V below this share of D is rounding of a figure that is its own reference: counted as 0."""


@dataclass(frozen=True)
class GroupInformation:
    """Of one group: the slots whose sums make up each column of the design, and I^-1 (k, k)."""

    columns: tuple[tuple[Slot, ...], ...]
    inverse: Floats


def weight_cells(scored: DataFrame, model_years: Sequence[int]) -> DataFrame:
    """D (`total`) and the sums behind C (`sums`, one per slot), in 10^-12, over `admissions`.

    Grain: diagnosis_group, hospital_id (reporting), discharge_year. `scored` has the columns of silver.covariates and
    expected.
    """
    weight = fixed_point(F.col("expected") * (1 - F.col("expected")))
    rows = scored.where("expected IS NOT NULL").withColumn("hospital_id", F.col("reporting_hospital_id"))
    return sum_by_class(rows, ["diagnosis_group", "hospital_id", "discharge_year"], weight, model_years)


def group_information(
    coefficients: Iterable[Mapping[str, object]], terms: Sequence[str], matrix: Sequence[float], ridge: float
) -> GroupInformation:
    """From a group's rows of gold.model_coefficients and gold.model_information; `ridge` is 0 but for a separated group."""
    slots_of: dict[str, list[Slot]] = {}
    for row in coefficients:
        slots_of.setdefault(str(row["term_id"]), []).append(Slot(str(row["covariate"]), int(row["class"])))  # type: ignore[call-overload]
    columns = tuple(_column_slots(term, slots_of[term]) for term in terms)
    information = np.array(matrix, dtype=float).reshape(len(terms), len(terms))
    penalty = np.full(len(terms), ridge)
    penalty[0] = 0.0
    return GroupInformation(columns, covariance(information + np.diag(penalty)))


def _column_slots(term: str, members: Sequence[Slot]) -> tuple[Slot, ...]:
    if term == INTERCEPT:
        return ()
    conditions = [slot.class_code for slot in members if slot.covariate == COMORBIDITY]
    for first, second in MERGED_PAIRS:
        if first in conditions and second in conditions:
            return (Slot(EITHER, first),)
    return tuple(members)


def figure_variances(
    cells: pd.DataFrame,
    groups: Mapping[str, GroupInformation],
    cluster_by_group: Mapping[str, str],
    periods: Sequence[Sequence[int]],
    model_years: Sequence[int],
) -> pd.DataFrame:
    """D and V of every figure that has one.

    Grain of the result: hospital_id (None = the nation), breakdown, breakdown_value, period_start, period_end (dates);
    columns variance_d and variance_v, events. `cells` is weight_cells as pandas: small, groups x hospitals x years.
    """
    order = {slot: place for place, slot in enumerate(slots(model_years))}
    # One order of rows, so that floating sums are the same whatever partitions they came from.
    cells = cells.sort_values(["diagnosis_group", "hospital_id", "discharge_year"])
    parts = []
    for group, of_group in cells.groupby("diagnosis_group", sort=True):
        total = of_group["total"].to_numpy(dtype=float) / FIXED_POINT
        sums = np.array(of_group["sums"].tolist(), dtype=float).reshape(len(of_group), len(order)) / FIXED_POINT
        information = groups.get(str(group))
        c = _columns(information, total, sums, order) if information else np.zeros((len(of_group), 1))
        inverse = information.inverse if information else np.zeros((1, 1))
        for place, period in enumerate(periods):
            chosen = of_group["discharge_year"].isin(list(period)).to_numpy()
            hospitals, member = np.unique(of_group["hospital_id"].to_numpy()[chosen], return_inverse=True)
            d = np.bincount(member, weights=total[chosen], minlength=len(hospitals))
            c_hospital = np.zeros((len(hospitals), c.shape[1]))
            np.add.at(c_hospital, member, c[chosen])
            # The last row is the nation.
            d, c_all = np.r_[d, d.sum()], np.vstack([c_hospital, c_hospital.sum(axis=0)])
            own = np.einsum("ij,jk,ik->i", c_all, inverse, c_all)
            in_fit = set(period) <= set(model_years)
            names = [*hospitals.tolist(), None]
            parts.append(pd.DataFrame({"hospital_id": names, "group": group, "period": place, "variance_d": d,
                                       "variance_v": d - own if in_fit else d + own}))  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=FIGURE_VARIANCE)
    by_group = pd.concat(parts, ignore_index=True)
    by_group["cluster"] = by_group["group"].map(cluster_by_group)
    by_group[NONE] = None
    levels = []
    for breakdown, column in ((NONE, NONE), (GROUP, "group"), (CLUSTER, "cluster")):
        grouped = by_group.groupby(["hospital_id", column, "period"], dropna=False, sort=True)
        level = grouped[["variance_d", "variance_v"]].sum().reset_index()
        levels.append(level.rename(columns={column: "breakdown_value"}).assign(breakdown=breakdown))
    result = pd.concat(levels, ignore_index=True)
    result.loc[result["variance_v"] < NEGLIGIBLE * result["variance_d"], "variance_v"] = 0.0
    result["period_start"] = [dt.date(periods[place][0], 1, 1) for place in result["period"]]
    result["period_end"] = [dt.date(periods[place][-1], 12, 31) for place in result["period"]]
    plain: pd.DataFrame = result.astype(object).where(result.notna(), None)
    return plain[FIGURE_VARIANCE]


def _columns(information: GroupInformation, total: Floats, sums: Floats, order: Mapping[Slot, int]) -> Floats:
    """C (cells, k) from the slot sums (cells, slots): the intercept's is D, a term's the sum over its classes."""
    columns = [
        total if not members else sums[:, [order[slot] for slot in members]].sum(axis=1) for members in information.columns
    ]
    return np.column_stack(columns)

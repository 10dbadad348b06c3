"""Why two figures of a hospital or group differ (METHOD section 5): their rows, each under its model and under the other's.

A figure is a model version, years of discharge, and the tables as they are or as a run found them. Where the versions were made
with other settings, reference lists or severity classes, the rows are derived anew with those of each, so that E_A(B) is what
the organisation that made A would have expected of the admissions of B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.models.score import FIXED_POINT, fixed_point, with_expected
from lbz_indicators.stats.difference import Difference, Figures, Pair, Sums, difference
from lbz_indicators.steps import rederived
from lbz_indicators.steps.current import Version, broadcastable, read_model
from lbz_indicators.steps.predicted import KEY, Predicted, predicted_events


@dataclass(frozen=True)
class Side:
    """One of the two figures. `store`: the tables as they are, or as `run_id` found them; models are never pinned."""

    version: Version
    years: tuple[int, ...]
    store: Store
    run_id: str | None = None


@dataclass(frozen=True)
class Part:
    """Of what the figures are; None: of all hospitals, of all diagnosis groups."""

    hospital: str | None = None
    group: str | None = None

    def holds(self) -> Column:
        """Whether a row with the columns of silver.covariates belongs to it."""
        hospital = F.lit(True) if self.hospital is None else F.col("reporting_hospital_id") == self.hospital
        return hospital if self.group is None else hospital & (F.col("diagnosis_group") == self.group)


@dataclass(frozen=True)
class Explanation:
    """The sums behind both figures, and the terms of the logarithm of their quotient; no terms where an O or E is 0."""

    a: Side
    b: Side
    part: Part
    figures: Figures
    terms: Difference | None


def explain(store: Store, settings: Settings, a: Side, b: Side, part: Part) -> Explanation:
    """Divides the difference of two figures of one indicator. `store`: the tables as they are, with the models."""
    event = next(e for e in predicted_events(settings) if e.indicator == a.version.family.indicator)
    rows_a = _scored(store, settings, a, a, event, part)
    rows_b = _scored(store, settings, b, b, event, part)
    of_a = rows_a.select(*KEY, F.col("event").alias("_observed_a"), F.col("_expected").alias("_a"))
    of_b = rows_b.select(*KEY, F.col("event").alias("_observed_b"), F.col("_expected").alias("_b"))
    # Whatever the population and groups of A: the admissions of B as A would have scored them.
    b_by_a = _scored(store, settings, b, a, event, Part(part.hospital), whole=True).select(
        *KEY, F.col("_expected").alias("_b_by_a")
    )
    joined = of_b.join(b_by_a, on=[*KEY], how="left").join(of_a, on=[*KEY], how="full_outer")
    figures = _figures(joined, same_period=a.years == b.years)
    return Explanation(a, b, part, figures, difference(figures))


def _scored(
    store: Store, settings: Settings, side: Side, model: Side, event: Predicted, part: Part, *, whole: bool = False
) -> DataFrame:
    """The rows of a side under the model of one: those in its population that have an expected value, or the `whole` side's.

    Adds `event` and `_expected`, a whole number of 10^-12.
    """
    rows = rederived.rows_as_for(side.store, settings, model.version, event, side.years, part.hospital)
    chosen = rows.where(F.col("discharge_year").isin(*side.years) & part.holds())
    chosen = chosen if whole else chosen.where(F.col(event.out).isNull())
    scored = with_expected(chosen, broadcastable(store, read_model(store, model.version)))
    known = scored.where("expected IS NOT NULL")
    return known.withColumns({"event": F.col(event.event), "_expected": fixed_point(F.col("expected"))})


def _figures(joined: DataFrame, *, same_period: bool) -> Figures:
    """All sums in one pass. `joined`: per admission what each side observed and expected, null where it has it not."""
    in_a, in_b = F.col("_a").isNotNull(), F.col("_b").isNotNull()
    scored, both = in_b & F.col("_b_by_a").isNotNull(), in_a & in_b & F.col("_b_by_a").isNotNull()
    wanted = [
        (in_a, "_observed_a", "_a"),
        (in_b, "_observed_b", "_b"),
        (scored, "_observed_b", "_b_by_a"),
        (scored, "_observed_b", "_b"),
        (both, "_observed_a", "_a"),
        (both, "_observed_b", "_b_by_a"),
    ]
    found = joined.agg(*[column for number, item in enumerate(wanted) for column in _sums(number, *item)]).collect()[0]
    sums = [Sums(found[f"n{i}"], found[f"o{i}"], float(found[f"e{i}"] or 0) / FIXED_POINT) for i in range(len(wanted))]
    a, b, scored_by_a, scored_by_b, both_a, both_b = sums
    return Figures(a, b, scored_by_a, scored_by_b, Pair(both_a, both_b) if same_period else None)


def _sums(number: int, rows: Column, observed: str, expected: str) -> Sequence[Column]:
    whole = F.when(rows, F.col(expected)).cast("decimal(38,0)")
    return (
        F.count_if(rows).alias(f"n{number}"),
        F.count_if(rows & F.col(observed)).alias(f"o{number}"),
        F.sum(whole).alias(f"e{number}"),
    )

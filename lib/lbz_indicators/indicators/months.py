"""Observed and expected deaths by month of discharge, and how they moved as data matured.

Official title: none; the HSMR (indicators.mortality) of one month.
Known limitation: a month of one hospital has few deaths; what is of interest is how it moves, not its height.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.models.score import FIXED_POINT, fixed_point

KEY = ("hospital_id", "discharge_month")
_SUMS = ("admissions", "observed", "expected")


def month_sums(scored: DataFrame, hospitals: DataFrame) -> DataFrame:
    """Grain: hospital_id (reporting; null = the nation), discharge_month (its first day). Columns admissions, observed, expected.

    `scored`: rows of gold.expected of one version; `hospitals`: hospital_id and reporting_hospital_id, small.
    """
    counted = scored.where("expected IS NOT NULL").groupBy("hospital_id", "discharge_year", "discharge_month").agg(
        F.count("*").alias("admissions"),
        F.count_if("observed").alias("observed"),
        F.sum(fixed_point(F.col("expected"))).alias("expected"),
    )  # fmt: skip
    first_day = F.make_date("discharge_year", "discharge_month", F.lit(1)).alias("discharge_month")
    named = counted.join(F.broadcast(hospitals), on="hospital_id", how="inner")
    cells = named.select(F.col("reporting_hospital_id").alias("hospital_id"), first_day, *_SUMS)
    nation = cells.withColumn("hospital_id", F.lit(None).cast("string"))
    sums = [F.sum(F.col(name).cast("decimal(38,0)")).alias(name) for name in _SUMS]
    summed = cells.unionByName(nation).groupBy(*KEY).agg(*sums)
    return summed.select(
        *KEY,
        F.col("admissions").cast("bigint"),
        F.col("observed").cast("bigint"),
        (F.col("expected").cast("double") / FIXED_POINT).alias("expected"),
    )


def moved_months(current: DataFrame, recorded: DataFrame, years: Sequence[int]) -> DataFrame:
    """Months that are not as they were last recorded, one that is gone with zeros. Grain: KEY.

    `current`: month_sums with model_version; `recorded`: gold.month_figures of the same variant.
    """
    last = latest(recorded).where(F.year("discharge_month").isin(*years))
    known = last.select(*[F.col(name).alias(joins.other(name)) for name in (*KEY, "model_version", *_SUMS)])
    joined = current.join(known, on=joins.same_keys(KEY), how="full_outer")
    is_gone = F.col("admissions").isNull()
    same = F.lit(True)
    for name in ("model_version", *_SUMS):
        same = same & F.col(name).eqNullSafe(F.col(joins.other(name)))
    was_gone = is_gone & (F.col(joins.other("admissions")) == 0)
    kept = [F.when(is_gone, F.col(joins.other(name))).otherwise(F.col(name)).alias(name) for name in (*KEY, "model_version")]
    zeros = [F.coalesce(F.col(name), F.lit(0)).alias(name) for name in _SUMS]
    return joined.where(~same & ~was_gone).select(*kept, *zeros)


def latest(recorded: DataFrame) -> DataFrame:
    """Of each month the row recorded last."""
    newest = Window.partitionBy(*KEY).orderBy(F.desc("recorded_at"))
    return recorded.withColumn("_n", F.row_number().over(newest)).where("_n = 1").drop("_n")


def revisions(recorded: DataFrame) -> DataFrame:
    """How each month moved, from gold.month_figures of one variant. Grain: KEY x recorded_at.

    Columns: revision (0 = first reported), state (first, revised, last; only: never revised), the figures, and how the value
    differs from the revision before and from the first one.
    """
    by_time = Window.partitionBy(*KEY).orderBy("recorded_at")
    whole = Window.partitionBy(*KEY)
    rows = recorded.withColumns(
        {
            "revision": F.row_number().over(by_time) - 1,
            "_last": F.count("*").over(whole) - 1,
            "change": F.col("value") - F.lag("value").over(by_time),
            "change_from_first": F.col("value") - F.first("value").over(by_time),
        }
    )
    return rows.withColumn("state", _state()).drop("_last").orderBy(*KEY, "revision")


def _state() -> Column:
    first, last = F.col("revision") == 0, F.col("revision") == F.col("_last")
    return F.when(first & last, F.lit("only")).when(first, F.lit("first")).when(last, F.lit("last")).otherwise(F.lit("revised"))


def month_rows(
    moved: DataFrame, variant: str, recorded_at: dt.datetime, delivered_until: dt.date | None, run_id: str
) -> DataFrame:
    """gold.month_figures of moved_months."""
    return moved.select(
        F.lit(variant).alias("variant"),
        *KEY,
        F.lit(recorded_at).alias("recorded_at"),
        "model_version",
        *_SUMS,
        F.when(F.col("expected") > 0, 100 * F.col("observed") / F.col("expected")).alias("value"),
        F.lit(delivered_until).cast("date").alias("delivered_until"),
        F.lit(run_id).alias("run_id"),
    )

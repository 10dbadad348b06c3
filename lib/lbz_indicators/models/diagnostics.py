"""How well a model fits its cohort: c-statistic and calibration, from predicted risks in Spark SQL."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lbz_indicators.models.score import FIXED_POINT, fixed_point

DECILES = 10


def ranked_risks(scored: DataFrame) -> DataFrame:
    """Distinct risks of each group in order. Grain: diagnosis_group, risk (10^-12).

    `scored` has diagnosis_group, event, expected. Columns n and events of the risk, and the sums over all lower risks and
    over the group.
    """
    risks = scored.where("expected IS NOT NULL").groupBy("diagnosis_group", fixed_point(F.col("expected")).alias("risk"))
    counted = risks.agg(F.count("*").alias("n"), F.count_if("event").alias("events"))
    lower = Window.partitionBy("diagnosis_group").orderBy("risk").rowsBetween(Window.unboundedPreceding, -1)
    group = Window.partitionBy("diagnosis_group")
    return counted.select(
        "diagnosis_group",
        "risk",
        "n",
        "events",
        _sum("n", lower).alias("n_lower"),
        _sum("events", lower).alias("events_lower"),
        F.sum("n").over(group).alias("n_group"),
        F.sum("events").over(group).alias("events_group"),
    )


def _sum(name: str, window: WindowSpec) -> Column:
    return F.coalesce(F.sum(name).over(window), F.lit(0))


def c_statistics(ranked: DataFrame) -> DataFrame:
    """Grain: diagnosis_group. Column c_statistic: probability that an event had a higher risk than a survivor, ties half.

    Null without events or without survivors. `ranked` is what ranked_risks gives.
    """
    survivors = F.col("n") - F.col("events")
    survivors_lower = F.col("n_lower") - F.col("events_lower")
    # Twice the number of concordant pairs, a whole number: its sum does not depend on order.
    doubled = F.sum((F.col("events") * (2 * survivors_lower + survivors)).cast("decimal(38,0)"))
    pairs = F.first("events_group") * (F.first("n_group") - F.first("events_group"))
    return ranked.groupBy("diagnosis_group").agg(F.when(pairs > 0, doubled.cast("double") / (2.0 * pairs)).alias("c_statistic"))


def calibration(ranked: DataFrame) -> DataFrame:
    """Grain: diagnosis_group, decile of risk 0..9. Columns admissions, observed, expected.

    A risk belongs to the tenth that holds the middle of its admissions; admissions of equal risk stay together.
    """
    middle = (2 * F.col("n_lower") + F.col("n")) * DECILES
    decile = F.least(F.floor(middle / (2 * F.col("n_group"))), F.lit(DECILES - 1)).cast("int").alias("decile")
    return ranked.groupBy("diagnosis_group", decile).agg(
        F.sum("n").alias("admissions"),
        F.sum("events").alias("observed"),
        (F.sum((F.col("risk") * F.col("n")).cast("decimal(38,0)")).cast("double") / FIXED_POINT).alias("expected"),
    )

"""Figures from admissions: breakdowns, periods, and sums that do not depend on partitions (METHOD section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.models.score import FIXED_POINT, fixed_point
from lbz_indicators.population.covariates import SEX, URGENCY, age_label

NONE, GROUP, CLUSTER, SPECIALTY, MAIN_DIAGNOSIS = "none", "diagnosis_group", "diagnosis_cluster", "specialty", "main_diagnosis"
DEFINITIVE, PROVISIONAL = "definitive", "provisional"

AGE_CLASSES = (("0-4", 1), ("5-14", 3), ("15-44", 9), ("45-64", 13), ("65-74", 15), ("75-84", 17), ("85+", 20))
"""Breakdown by age: label and last covariate class (of five years) in it."""


def breakdowns(cluster_by_group: Mapping[str, str]) -> dict[str, Column]:
    """Value of every breakdown of an admission with the columns of silver.covariates."""
    clusters = F.create_map(*[F.lit(item) for pair in sorted(cluster_by_group.items()) for item in pair])
    return {
        NONE: F.lit(None).cast("string"),
        GROUP: F.col("diagnosis_group"),
        CLUSTER: clusters[F.col("diagnosis_group")],
        "sex": F.when(F.col("sex") == 0, F.lit(SEX.labels[0])).otherwise(F.lit(SEX.labels[1])),
        "urgency": F.when(F.col("urgency") == 0, F.lit(URGENCY.labels[0])).otherwise(F.lit(URGENCY.labels[1])),
        "age_class": age_label(AGE_CLASSES),
        SPECIALTY: F.col("specialty"),
        MAIN_DIAGNOSIS: F.col("main_diagnosis_category"),
    }


def sum_cells(rows: DataFrame, values: Mapping[str, Column], measures: Mapping[str, Column]) -> DataFrame:
    """Sums of every breakdown in one aggregation.

    Grain: hospital_id (reporting), discharge_year, breakdown, breakdown_value. Columns admissions and the sums of
    `measures`, whole numbers. `rows` has the columns of silver.covariates that the breakdowns need.
    """
    items = [F.struct(F.lit(name).alias("breakdown"), value.alias("breakdown_value")) for name, value in values.items()]
    measured = rows.select(
        F.col("reporting_hospital_id").alias("hospital_id"),
        "discharge_year",
        *[value.cast("bigint").alias(name) for name, value in measures.items()],
        F.explode(F.array(*items)).alias("item"),
    )
    return (
        measured.select("hospital_id", "discharge_year", *measures, "item.*")
        .groupBy("hospital_id", "discharge_year", "breakdown", "breakdown_value")
        .agg(F.count("*").alias("admissions"), *[F.sum(name).alias(name) for name in measures])
    )


def reporting_periods(years: Sequence[int]) -> list[tuple[int, ...]]:
    """Every reported year by itself, and all together where there are several."""
    single: list[tuple[int, ...]] = [(year,) for year in years]
    return [*single, tuple(years)] if len(years) > 1 else single


def sum_figures(cells: DataFrame, periods: Sequence[Sequence[int]], measures: Iterable[str]) -> DataFrame:
    """Cells summed to figures of hospitals and of the nation (hospital_id null).

    Grain: hospital_id, breakdown, breakdown_value, period_start, period_end. Columns years_included, admissions and the
    sums of `measures`, decimal(38,0).
    """
    spans = [F.struct(*_span(period), F.array(*map(F.lit, period)).alias("years")) for period in periods]
    spread = cells.withColumn("_span", F.explode(F.array(*spans))).where(F.array_contains("_span.years", F.col("discharge_year")))
    spread = spread.select("*", "_span.period_start", "_span.period_end").drop("_span")
    key = ["breakdown", "breakdown_value", "period_start", "period_end"]
    # Not a collect_set, for which Spark would sort the cells instead of hashing them.
    years = [F.max(F.when(F.col("discharge_year") == year, F.lit(year))) for year in sorted({y for p in periods for y in p})]
    sums = [
        F.array_compact(F.array(*years)).alias("years_included"),
        F.sum("admissions").alias("admissions"),
        *[F.sum(F.col(name).cast("decimal(38,0)")).alias(name) for name in measures],
    ]
    hospitals = spread.groupBy("hospital_id", *key).agg(*sums)
    nation = spread.groupBy(*key).agg(*sums).withColumn("hospital_id", F.lit(None).cast("string"))
    return hospitals.unionByName(nation)


def ratio_cells(scored: DataFrame, values: Mapping[str, Column]) -> DataFrame:
    """Sums of observed and expected events, from rows with the columns of silver.covariates, observed and expected.

    Grain: that of sum_cells. Columns admissions, observed (events), expected_fixed (10^-12 events; null where no row has an
    expected value).
    """
    measures = {"observed": F.col("observed").cast("int"), "expected_fixed": fixed_point(F.col("expected"))}
    return sum_cells(scored, values, measures)


def ratio_figures(cells: DataFrame, periods: Sequence[Sequence[int]]) -> DataFrame:
    """Observed and expected events of every figure, from ratio_cells.

    Grain: hospital_id, breakdown, breakdown_value, period_start, period_end. Columns years_included, admissions, observed
    and expected (events; null where no row has an expected value).
    """
    sums = sum_figures(cells, periods, ("observed", "expected_fixed"))
    expected = F.col("expected_fixed").cast("double") / FIXED_POINT
    return sums.withColumns({"observed": F.col("observed").cast("bigint"), "expected": expected}).drop("expected_fixed")


def _span(period: Sequence[int]) -> list[Column]:
    return [
        F.make_date(F.lit(period[0]), F.lit(1), F.lit(1)).alias("period_start"),
        F.make_date(F.lit(period[-1]), F.lit(12), F.lit(31)).alias("period_end"),
    ]

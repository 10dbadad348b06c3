"""HSMR and SMR (METHOD section 5).

Official title: Hospital Standardised Mortality Ratio; Standardised Mortality Ratio.
Numerator: observed in-hospital deaths. Denominator: expected deaths, the sum of the model's probabilities.
Value: 100 x observed / expected, HSMR over all diagnosis groups, SMR over a part of the admissions.
Exclusions: population.exclusions; admissions without an expected value count in neither and are counted apart.
Window: year of discharge, and the reporting years together.
Known limitations: in-hospital deaths only, so discharge practice moves it; what is not coded cannot be adjusted
for; ratios of hospitals with different case mix do not rank them. A figure with a large own part in the model
(own_reference_share) is drawn towards 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.models.score import FIXED_POINT, fixed_point
from lbz_indicators.population.covariates import SEX, URGENCY

HSMR, SMR = "hsmr", "smr"
NONE, GROUP, CLUSTER = "none", "diagnosis_group", "diagnosis_cluster"
DEFINITIVE = "definitive"

AGE_CLASSES = (("0-4", 1), ("5-14", 3), ("15-44", 9), ("45-64", 13), ("65-74", 15), ("75-84", 17), ("85+", 20))
"""Breakdown by age: label and last covariate class (of five years) in it."""


def breakdowns(cluster_by_group: Mapping[str, str]) -> dict[str, Column]:
    """Value of every breakdown of an admission with the columns of silver.covariates."""
    clusters = F.create_map(*[F.lit(item) for pair in sorted(cluster_by_group.items()) for item in pair])
    age = F.lit(AGE_CLASSES[-1][0])
    for label, last in reversed(AGE_CLASSES[:-1]):
        age = F.when(F.col("age") <= last, F.lit(label)).otherwise(age)
    return {
        NONE: F.lit(None).cast("string"),
        GROUP: F.col("diagnosis_group"),
        CLUSTER: clusters[F.col("diagnosis_group")],
        "sex": F.when(F.col("sex") == 0, F.lit(SEX.labels[0])).otherwise(F.lit(SEX.labels[1])),
        "urgency": F.when(F.col("urgency") == 0, F.lit(URGENCY.labels[0])).otherwise(F.lit(URGENCY.labels[1])),
        "age_class": age,
        "specialty": F.col("specialty"),
        "main_diagnosis": F.col("main_diagnosis_category"),
    }


def sum_cells(scored: DataFrame, values: Mapping[str, Column]) -> DataFrame:
    """Sums of every breakdown in one aggregation.

    Grain: hospital_id (reporting), discharge_year, breakdown, breakdown_value. Columns admissions, observed,
    expected_fixed (10^-12). `scored` has the columns of silver.covariates, observed and expected; rows without an
    expected value are left out.
    """
    items = [F.struct(F.lit(name).alias("breakdown"), value.alias("breakdown_value")) for name, value in values.items()]
    rows = scored.where("expected IS NOT NULL").select(
        F.col("reporting_hospital_id").alias("hospital_id"),
        "discharge_year",
        "observed",
        fixed_point(F.col("expected")).alias("expected_fixed"),
        F.explode(F.array(*items)).alias("item"),
    )
    keyed = rows.select("hospital_id", "discharge_year", "observed", "expected_fixed", "item.*")
    return keyed.groupBy("hospital_id", "discharge_year", "breakdown", "breakdown_value").agg(
        F.count("*").alias("admissions"),
        F.count_if("observed").alias("observed"),
        F.sum("expected_fixed").alias("expected_fixed"),
    )


def reporting_periods(years: Sequence[int]) -> list[tuple[int, ...]]:
    """Every reported year by itself, and all together where there are several."""
    single: list[tuple[int, ...]] = [(year,) for year in years]
    return [*single, tuple(years)] if len(years) > 1 else single


def sum_figures(cells: DataFrame, periods: Sequence[Sequence[int]]) -> DataFrame:
    """Cells summed to figures of hospitals and of the nation (hospital_id null).

    Grain: hospital_id, breakdown, breakdown_value, period_start, period_end. Columns years_included, admissions,
    observed, expected (events), expected_fixed.
    """
    spans = [F.struct(*_span(period), F.array(*map(F.lit, period)).alias("years")) for period in periods]
    spread = cells.withColumn("_span", F.explode(F.array(*spans))).where(F.array_contains("_span.years", F.col("discharge_year")))
    spread = spread.select("*", "_span.period_start", "_span.period_end").drop("_span")
    key = ["breakdown", "breakdown_value", "period_start", "period_end"]
    sums = [
        F.array_sort(F.collect_set("discharge_year")).alias("years_included"),
        F.sum("admissions").alias("admissions"),
        F.sum("observed").alias("observed"),
        F.sum(F.col("expected_fixed").cast("decimal(38,0)")).alias("expected_fixed"),
    ]
    hospitals = spread.groupBy("hospital_id", *key).agg(*sums)
    nation = spread.groupBy(*key).agg(*sums).withColumn("hospital_id", F.lit(None).cast("string"))
    figures = hospitals.unionByName(nation)
    return figures.withColumn("expected", F.col("expected_fixed").cast("double") / FIXED_POINT).drop("expected_fixed")


def _span(period: Sequence[int]) -> list[Column]:
    return [
        F.make_date(F.lit(period[0]), F.lit(1), F.lit(1)).alias("period_start"),
        F.make_date(F.lit(period[-1]), F.lit(12), F.lit(31)).alias("period_end"),
    ]


def name_indicator(figures: DataFrame) -> DataFrame:
    """Adds `indicator`: hsmr without a breakdown, smr with one."""
    return figures.withColumn("indicator", F.when(F.col("breakdown") == NONE, F.lit(HSMR)).otherwise(F.lit(SMR)))

"""Scoring: the expected probability of every admission from coefficients broadcast to the executors, in Spark SQL only.

One small row per diagnosis group holds arrays indexed by class code; a merged pair of comorbidities is one term.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.models.classes import SLICE_STARTS, class_index, combinations, slice_of
from lbz_indicators.models.design import INTERCEPT
from lbz_indicators.models.packing import effective_mask
from lbz_indicators.population.comorbidity import CONDITIONS, MERGED_PAIRS, bit
from lbz_indicators.population.covariates import COMORBIDITY, YEAR, ordered_covariates

FIXED_POINT = 1_000_000_000_000
"""Published sums are sums of round(p x 10^12) in 64-bit integers: nine million admissions at p = 1 fit."""

NO_MODEL = "no_model"
_NO_EVENTS, _ALL_EVENTS, _UNUSABLE = "no_events", "all_events", ("no_admissions", "not_converged")


@dataclass(frozen=True)
class ScoringModel:
    """One row per diagnosis group: status, coefficients and classes the fit never saw, ready to broadcast.

    b_<covariate> holds coefficients by class code, b_conditions_<start> sums by the mask of a slice of conditions;
    `unseen` is one mask over the classes of all covariates, the bits of each from its place in `_offsets` on;
    unseen_conditions is one over conditions. Few and short expressions per row keep Spark's generated code small enough
    for Java to compile.
    """

    rows: DataFrame
    model_years: tuple[int, ...]


def scoring_model(
    spark: SparkSession,
    coefficients: Sequence[Mapping[str, Any]],
    fits: Sequence[Mapping[str, Any]],
    model_years: Sequence[int],
) -> ScoringModel:
    """From the rows of gold.model_coefficients and gold.model_fit of one version. Small: groups x classes."""
    by_group: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in coefficients:
        by_group[row["diagnosis_group"]].append(row)
    covariates, offsets = ordered_covariates(model_years), _offsets(model_years)
    rows = []
    for fit in fits:
        if fit["status"] in _UNUSABLE:
            continue
        known = {(row["covariate"], row["class"]): row for row in by_group[fit["diagnosis_group"]]}
        estimates = {key: row["estimate"] for key, row in known.items()}
        arrays = [[estimates.get((c.name, code), 0.0) for code in range(len(c.labels))] for c in covariates]
        unseen = {key for key, row in known.items() if row["admissions"] == 0}
        conditions = range(1, CONDITIONS + 1)
        term = {c: known[COMORBIDITY, c]["term_id"] for c in conditions if (COMORBIDITY, c) in known}
        joined = [term.get(first) is not None and term.get(first) == term.get(second) for first, second in MERGED_PAIRS]
        rows.append(
            (
                fit["diagnosis_group"],
                fit["status"],
                estimates.get((INTERCEPT, 0), 0.0),
                *arrays,
                *_condition_sums([estimates.get((COMORBIDITY, c), 0.0) for c in conditions]),
                joined,
                sum(1 << (offsets[name] + code) for name, code in unseen if name in offsets),
                sum(bit(c) for c in conditions if (COMORBIDITY, c) in unseen),
            )
        )
    arrays_of = ", ".join(f"b_{c.name} array<double>" for c in covariates)
    sums_of = ", ".join(f"b_conditions_{start} array<double>" for start in SLICE_STARTS)
    schema = (
        f"diagnosis_group string, status string, intercept double, {arrays_of}, {sums_of}, joined array<boolean>, "
        "unseen bigint, unseen_conditions int"
    )
    return ScoringModel(spark.createDataFrame(rows, schema), tuple(model_years))


def _offsets(model_years: Sequence[int]) -> dict[str, int]:
    """Place of every covariate's first class in the mask `unseen`."""
    offsets, place = {}, 0
    for covariate in ordered_covariates(model_years):
        offsets[covariate.name] = place
        place += len(covariate.labels)
    assert place < 64, "the classes of all covariates share one 64-bit mask"
    return offsets


def _condition_sums(estimates: Sequence[float]) -> list[list[float]]:
    """Per slice of conditions the sum of the coefficients of every combination, added from the first condition on."""
    return [[sum(held, 0.0) for held in combinations(estimates, start)] for start in SLICE_STARTS]


def with_expected(admissions: DataFrame, model: ScoringModel) -> DataFrame:
    """Adds expected (null = no model), no_expected_reason and unseen_classes. Grain unchanged.

    `admissions` has the columns of silver.covariates. A group that had no events in the fit has expected 0, one in
    which all had the event 1. Terms are added in one fixed order, so that equal admissions have equal values.
    """
    years = model.model_years
    joined = admissions.join(F.broadcast(model.rows), on="diagnosis_group", how="left")
    joined = joined.withColumn("_mask", effective_mask(F.col(COMORBIDITY), F.col("joined")))
    names = [c.name for c in ordered_covariates(years)]
    terms = [F.get(F.col(f"b_{name}"), class_index(name, years)) for name in names]
    terms += [F.get(F.col(f"b_conditions_{start}"), slice_of(F.col("_mask"), start)) for start in SLICE_STARTS]
    predictor = reduce(lambda left, right: left + right, terms, F.col("intercept"))
    probability = (
        F.when(F.col("status") == _NO_EVENTS, 0.0)
        .when(F.col("status") == _ALL_EVENTS, 1.0)
        .when(F.col("status").isNotNull(), 1.0 / (1.0 + F.exp(-predictor)))
    )
    return (
        joined.withColumn("expected", probability)
        .withColumn("no_expected_reason", F.when(F.col("status").isNull(), F.lit(NO_MODEL)))
        .withColumn("unseen_classes", F.coalesce(_unseen(names, years), F.lit(0)))
        .drop(*model.rows.drop("diagnosis_group").columns, "_mask")
    )


def without_model(admissions: DataFrame) -> DataFrame:
    """What with_expected adds, where there is no model at all: nothing expected, and why. Grain unchanged."""
    return (
        admissions.withColumn("expected", F.lit(None).cast("double"))
        .withColumn("no_expected_reason", F.lit(NO_MODEL))
        .withColumn("unseen_classes", F.lit(0))
    )


def _unseen(names: Sequence[str], years: Sequence[int]) -> Column:
    """How many covariates have a class the fit never saw; a year outside the fit is one."""
    offsets = _offsets(years)

    def is_unseen(name: str) -> Column:
        return F.getbit(F.col("unseen"), class_index(name, years) + F.lit(offsets[name]))

    of_year = F.when(F.col(YEAR).isin(*years), is_unseen(YEAR)).otherwise(F.lit(1))
    conditions = F.bit_count(F.col(COMORBIDITY).bitwiseAND(F.col("unseen_conditions")))
    of_covariates = [is_unseen(name) for name in names if name != YEAR]
    return reduce(lambda left, right: left + right, of_covariates, of_year + conditions).cast("int")


def fixed_point(probability: Column) -> Column:
    """A probability as a whole number of 10^-12, for sums that do not depend on partitions."""
    return F.round(probability * F.lit(float(FIXED_POINT))).cast("bigint")

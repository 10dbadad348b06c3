"""Sums over every class of every covariate in one aggregation.

The same sums serve twice: admissions and events per class before a fit, and the vectors C = sum p(1-p)x of the
model-aware limits afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.population.comorbidity import CONDITIONS, MERGED_PAIRS, bit
from lbz_indicators.population.covariates import COMORBIDITY, YEAR, ordered_covariates

EITHER = "comorbidity_either"
"""Pseudo covariate of the slots that hold 'either of a pair of conditions', numbered by the joined condition."""

_TWO_COUNTS = 1 << 32
Value = TypeVar("Value")


@dataclass(frozen=True)
class Slot:
    """One class of one covariate, in the fixed order in which sums are laid out."""

    covariate: str
    class_code: int


def slots(model_years: Sequence[int]) -> list[Slot]:
    """Every class of every covariate, each comorbidity, and each pair of comorbidities that may merge."""
    ordered = [Slot(c.name, code) for c in ordered_covariates(model_years) for code in range(len(c.labels))]
    conditions = [Slot(COMORBIDITY, condition) for condition in range(1, CONDITIONS + 1)]
    return [*ordered, *conditions, *(Slot(EITHER, joined) for joined, _ in MERGED_PAIRS)]


def class_index(covariate: str, model_years: Sequence[int]) -> Column:
    """Class code of a row of silver.covariates; the year's is its place in the model years."""
    if covariate != YEAR:
        return F.col(covariate).cast("int")
    first, last = model_years[0], model_years[-1]
    year = F.col(YEAR)
    # A year outside the fit takes the last model year's coefficient (setting models.frozen_year).
    return F.when(year.between(first, last), year - first).otherwise(last - first).cast("int")


def has_condition(mask: Column, condition: int) -> Column:
    """Whether a comorbidity mask holds a condition 1..17."""
    return mask.bitwiseAND(F.lit(bit(condition))) != 0


SLICE_BITS = 6
SLICE_STARTS = tuple(range(0, CONDITIONS, SLICE_BITS))
"""The comorbidity mask is looked up six conditions at a time, in tables of what their 2^6 combinations amount to.

Seventeen look-ups would make Spark's generated code too long for Java to compile: it then runs some ten times slower.
"""


def slice_of(mask: Column, start: int) -> Column:
    """The bits of a comorbidity mask from `start` on, as the index of a table of combinations."""
    return F.shiftright(mask, start).bitwiseAND(F.lit((1 << SLICE_BITS) - 1))


def combinations(values: Sequence[Value], start: int) -> list[list[Value]]:
    """For every mask of the slice the values of the conditions it holds, in their order; `values` has one per condition."""
    part = values[start : start + SLICE_BITS]
    return [[value for place, value in enumerate(part) if mask >> place & 1] for mask in range(1 << len(part))]


def _in_slot(slot: Slot, model_years: Sequence[int]) -> Column:
    mask = F.col(COMORBIDITY)
    if slot.covariate == COMORBIDITY:
        return has_condition(mask, slot.class_code)
    if slot.covariate == EITHER:
        return has_condition(mask, slot.class_code) | has_condition(mask, dict(MERGED_PAIRS)[slot.class_code])
    return class_index(slot.covariate, model_years) == slot.class_code


def sum_by_class(rows: DataFrame, keys: Sequence[str], measure: Column, model_years: Sequence[int]) -> DataFrame:
    """Sums an integer measure over every slot.

    Grain: `keys`. Columns `admissions` (rows), `total` (bigint) and `sums` (array<bigint>, one per slot in the order of `slots`).
    Integer sums do not depend on partitions or order.
    """
    sums = [F.sum(F.when(_in_slot(slot, model_years), measure).otherwise(F.lit(0))) for slot in slots(model_years)]
    return rows.groupBy(*keys).agg(F.count("*").alias("admissions"), F.sum(measure).alias("total"), F.array(*sums).alias("sums"))


@dataclass(frozen=True)
class Count:
    """Admissions of a class, and events among them."""

    admissions: int
    events: int


@dataclass(frozen=True)
class GroupCounts:
    """Counts of one diagnosis group: all, by slot, and the number of hospitals."""

    group: str
    total: Count
    hospitals: int
    by_slot: Mapping[Slot, Count]


def count_classes(cohort: DataFrame, model_years: Sequence[int]) -> list[GroupCounts]:
    """Counts every class of every diagnosis group in one aggregation, admissions and events packed in one long.

    `cohort` is silver.covariates with the boolean `event`. The result has one element per group present, sorted.
    """
    packed = F.lit(_TWO_COUNTS) + F.col("event").cast("bigint")
    sums = sum_by_class(cohort, ["diagnosis_group"], packed, model_years)
    hospitals = cohort.groupBy("diagnosis_group").agg(F.count_distinct("reporting_hospital_id").alias("hospitals"))
    order = slots(model_years)
    return [
        GroupCounts(
            row["diagnosis_group"],
            _unpack(row["total"]),
            row["hospitals"],
            {slot: _unpack(packed_sum) for slot, packed_sum in zip(order, row["sums"], strict=True)},
        )
        for row in sums.join(hospitals, on="diagnosis_group", how="inner").orderBy("diagnosis_group").collect()
    ]


def _unpack(packed: int) -> Count:
    return Count(packed // _TWO_COUNTS, packed % _TWO_COUNTS)

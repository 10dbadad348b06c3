"""Ratios, limits and verdicts of figures, as rows of gold.indicators and gold.interval_variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.indicators.figures import PROVISIONAL
from lbz_indicators.joins import look_up
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.schemas.gold import FIGURE_KEY_NAMES
from lbz_indicators.stats import intervals
from lbz_indicators.tables import GOLD_INDICATORS, GOLD_INTERVAL_VARIANTS

EXACT_POISSON, BYAR, MODEL_AWARE = "exact_poisson", "byar", "model_aware"
_ADDED = (
    "value",
    "own_reference_share",
    "lower",
    "upper",
    "byar_lower",
    "byar_upper",
    "model_lower",
    "model_upper",
)
OWN_REFERENCE = 1 - 1e-9
"""A figure with at least this share in its own reference is 100 by construction, and not judged."""


def with_limits(figures: DataFrame) -> DataFrame:
    """Adds value, exact Poisson limits and significance, and the limits of the other methods.

    `figures` has the grain of gold.indicators with hospital_id, observed, expected, confidence, variance_d and
    variance_v (null where unknown). Figures are aggregates, so Python sees none of the admissions.
    """
    added = [T.StructField(name, T.DoubleType()) for name in _ADDED]
    schema = T.StructType([*figures.schema.fields, *added, T.StructField("significance", T.StringType())])

    def add(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            yield _add_limits(part)

    return figures.mapInPandas(add, schema)


def _add_limits(part: pd.DataFrame) -> pd.DataFrame:
    part = part.copy()
    observed, expected = part["observed"].to_numpy(float), part["expected"].to_numpy(float)
    d, v = part["variance_d"].to_numpy(float), part["variance_v"].to_numpy(float)
    part["value"] = intervals.standardised_ratio(observed, expected)
    of_confidence = {value: (part["confidence"] == value).to_numpy() for value in part["confidence"].unique()}
    names = {"": intervals.exact_poisson_limits, "byar_": intervals.byar_limits}
    dispersion = np.divide(v, expected, out=np.full_like(expected, np.nan), where=expected > 0)
    for prefix in (*names, "model_"):
        lower, upper = np.full(len(part), np.nan), np.full(len(part), np.nan)
        for confidence, chosen in of_confidence.items():
            o, e = observed[chosen], expected[chosen]
            if prefix == "model_":
                limits = intervals.scaled_poisson_limits(o, e, dispersion[chosen], confidence)
            else:
                limits = names[prefix](o, e, confidence)
            lower[chosen], upper[chosen] = limits
        part[f"{prefix}lower"], part[f"{prefix}upper"] = lower, upper
    # Under a frozen model V is above D: the hospital has no part in its reference.
    share = np.divide(d - v, d, out=np.full_like(d, np.nan), where=(d > 0) & (v <= d))
    part["own_reference_share"] = share
    verdict = intervals.significance(part["lower"], part["upper"])
    verdict[(share >= OWN_REFERENCE) | part["hospital_id"].isna().to_numpy()] = None
    part["significance"] = verdict
    return part.astype({"significance": object})


def with_national_value(limited: DataFrame) -> DataFrame:
    """Adds national_value: the nation's value of the same figure. Grain unchanged."""
    key = [name for name in FIGURE_KEY_NAMES if name != "hospital_id"]
    nation = limited.where("hospital_id IS NULL").select(*key, F.col("value").alias("national_value"))
    return _nan_to_null(look_up(limited, F.broadcast(nation), key))


def against_nation() -> Column:
    """Verdict on a hospital's figure: whether the nation's value lies outside its limits; null without limits."""
    verdict = (
        F.when(F.col("lower") > F.col("national_value"), F.lit(intervals.HIGHER))
        .when(F.col("upper") < F.col("national_value"), F.lit(intervals.LOWER))
        .when(F.col("lower").isNotNull() & F.col("national_value").isNotNull(), F.lit(intervals.NONE))
    )
    return F.when(F.col("hospital_id").isNotNull(), verdict)


def _per_nation(name: str) -> Column:
    return F.try_divide(100 * F.col(name), F.col("national_value"))


def indicator_rows(limited: DataFrame, run_id: str) -> DataFrame:
    """gold.indicators of ratios, with the nation's value of the same breakdown and period beside each figure.

    Against a frozen model nearly every ratio may lie below 100: a provisional figure is therefore compared with the
    nation's ratio too. Its limits divided alike lie on one side of 100 where they lie on one side of the nation's ratio.
    """
    rows = with_national_value(limited)
    compared = (F.col("variant") == PROVISIONAL) & F.col("hospital_id").isNotNull()
    return (
        rows.withColumn("interval_method", F.lit(EXACT_POISSON))
        .withColumns({f"comparison_{name}": F.when(compared, _per_nation(name)) for name in ("value", "lower", "upper")})
        .withColumn("comparison_significance", F.when(compared, against_nation()))
        .withColumn("run_id", F.lit(run_id))
        .select(*SCHEMAS[GOLD_INDICATORS].names)
    )


def variant_rows(limited: DataFrame, run_id: str) -> DataFrame:
    """gold.interval_variants: Byar for every figure, model-aware where the variance is known and not 0."""
    byar = _variant(limited, BYAR, "byar", F.lit(None).cast("double"))
    aware = _variant(limited.where("variance_v > 0"), MODEL_AWARE, "model", F.col("variance_v"))
    rows = byar.unionByName(aware).where("lower IS NOT NULL OR upper IS NOT NULL")
    return rows.withColumn("run_id", F.lit(run_id)).select(*SCHEMAS[GOLD_INTERVAL_VARIANTS].names)


def _variant(limited: DataFrame, method: str, prefix: str, variance: Column) -> DataFrame:
    chosen = limited.select(
        *FIGURE_KEY_NAMES,
        F.lit(method).alias("interval_method"),
        "confidence",
        F.col(f"{prefix}_lower").alias("lower"),
        F.col(f"{prefix}_upper").alias("upper"),
        variance.alias("variance"),
    )
    return _nan_to_null(chosen)


def _nan_to_null(frame: DataFrame) -> DataFrame:
    doubles = [field.name for field in frame.schema.fields if isinstance(field.dataType, T.DoubleType)]
    return frame.withColumns({name: F.when(~F.isnan(name), F.col(name)) for name in doubles})

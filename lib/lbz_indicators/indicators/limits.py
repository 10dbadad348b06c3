"""Ratios, limits and verdicts of figures, as rows of gold.indicators and gold.interval_variants."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.indicators import in_python
from lbz_indicators.indicators.figures import PROVISIONAL
from lbz_indicators.joins import look_up
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.schemas.gold import FIGURE_KEY_NAMES
from lbz_indicators.stats import intervals
from lbz_indicators.tables import GOLD_INDICATORS, GOLD_INTERVAL_VARIANTS

EXACT_POISSON, BYAR, MODEL_AWARE = "exact_poisson", "byar", "model_aware"
_NUMBERS = ("value", "own_reference_share", "lower", "upper", "byar_lower", "byar_upper", "model_lower", "model_upper")
_ADDED = T.StructType(
    [*(T.StructField(name, T.DoubleType()) for name in _NUMBERS), T.StructField("significance", T.StringType())]
)
OWN_REFERENCE = 1 - 1e-9
"""A figure with at least this share in its own reference is 100 by construction, and not judged."""


def with_limits(figures: DataFrame) -> DataFrame:
    """Adds value, exact Poisson limits and significance, and the limits of the other methods.

    `figures` has the grain of gold.indicators with hospital_id, observed, expected, confidence, variance_d and
    variance_v (null where unknown).
    """
    numbers = [F.col(name).cast("double") for name in ("observed", "expected", "variance_d", "variance_v", "confidence")]
    return in_python.with_columns(figures, _limits, _ADDED, *numbers, F.col("hospital_id").isNull())


def _limits(
    observed: pd.Series,
    expected: pd.Series,
    variance_d: pd.Series,
    variance_v: pd.Series,
    confidence: pd.Series,
    nation: pd.Series,
) -> pd.DataFrame:
    o, e = observed.to_numpy(float), expected.to_numpy(float)
    d, v = variance_d.to_numpy(float), variance_v.to_numpy(float)
    added = {name: np.full(len(o), np.nan) for name in _NUMBERS}
    added["value"] = intervals.standardised_ratio(o, e)
    dispersion = np.divide(v, e, out=np.full_like(e, np.nan), where=e > 0)
    for value in confidence.unique():
        chosen = (confidence == value).to_numpy()
        of = o[chosen], e[chosen]
        of_method = {
            "": intervals.exact_poisson_limits(*of, value),
            "byar_": intervals.byar_limits(*of, value),
            "model_": intervals.scaled_poisson_limits(*of, dispersion[chosen], value),
        }
        for prefix, (lower, upper) in of_method.items():
            added[f"{prefix}lower"][chosen], added[f"{prefix}upper"][chosen] = lower, upper
    # Under a frozen model V is above D: the hospital has no part in its reference.
    share = added["own_reference_share"] = np.divide(d - v, d, out=np.full_like(d, np.nan), where=(d > 0) & (v <= d))
    verdict = intervals.significance(added["lower"], added["upper"])
    verdict[(share >= OWN_REFERENCE) | nation.to_numpy(bool)] = None
    return pd.DataFrame(added).assign(significance=verdict.astype(object))


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

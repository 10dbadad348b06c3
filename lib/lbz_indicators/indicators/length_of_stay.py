"""Unexpectedly long stay (OLO) and the ratio of nights (METHOD section 7).

Official title: onverwacht lange opnameduur, share of admissions that stayed more than 50% longer than expected.
Numerator: admissions whose nights exceed 1.5 times those expected. Denominator: clinical admissions of the population,
discharged alive. Expected: national mean of the same year by main diagnosis, main procedure and age (cell_mean), or a gamma
model of the same (gamma_model); the definition names the estimator.
Value: per cent, with Wilson limits; a hospital deviates where the nation's share, every admission counting alike, lies
outside them. los_ratio: 100 x nights / expected nights, without limits.
Exclusions: those of the population; care types other than clinical; deaths; COVID-19 as main diagnosis in the years of
olo.covid_excluded_years.
Window: year of discharge.
Known limitations: the hospital is part of its own reference; waiting for a nursing home counts like illness; what is not in
diagnosis, procedure and age is not adjusted for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.config import LongStaySettings
from lbz_indicators.indicators import figures, in_python
from lbz_indicators.indicators.figures import MAIN_DIAGNOSIS, NONE, SPECIALTY
from lbz_indicators.indicators.limits import against_nation, with_national_value
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.stats import intervals
from lbz_indicators.tables import GOLD_INDICATORS

OLO, LOS_RATIO = "olo", "los_ratio"
BREAKDOWNS = (NONE, SPECIALTY, MAIN_DIAGNOSIS)
WILSON, NO_INTERVAL = "wilson", "none"
NIGHTS_FIXED_POINT = 1_000_000_000
"""Sums of expected nights are sums of round(nights x 10^9) in 64-bit integers: nine million admissions of 365 nights fit."""

ESTIMATORS: Mapping[str, tuple[str, str]] = {
    "cell_mean": ("long_stay", "expected_nights"),
    "gamma_model": ("long_stay_gamma", "expected_nights_gamma"),
}
"""Columns of gold.expected_nights: the verdict and the expected nights of each estimator."""
_VALUES = T.StructType([T.StructField(name, T.DoubleType()) for name in ("value", "lower", "upper")])


def stay_sums(rows: DataFrame, years: Sequence[int]) -> DataFrame:
    """Sums of every figure, of each year by itself.

    Grain: hospital_id (null = the nation), breakdown, breakdown_value, period_start, period_end. Columns years_included,
    admissions, nights, and per estimator long_<estimator> and expected_<estimator> (10^-9 nights). `rows` has the columns
    of silver.covariates and of gold.expected_nights.
    """
    # Only what the breakdowns of stays name is needed, so no cluster.
    values = {name: column for name, column in figures.breakdowns({}).items() if name in BREAKDOWNS}
    measures = {"nights": F.col("nights")}
    for name, (verdict, expected) in ESTIMATORS.items():
        measures[f"long_{name}"] = F.col(verdict).cast("int")
        measures[f"expected_{name}"] = F.round(F.col(expected) * float(NIGHTS_FIXED_POINT))
    return figures.sum_figures(figures.sum_cells(rows, values, measures), [(year,) for year in years], measures)


def stay_figures(sums: DataFrame, settings: LongStaySettings) -> DataFrame:
    """OLO and los_ratio from stay_sums, of the estimator that is not chosen without breakdown only.

    Grain: that of gold.indicators within one model version. Columns of the key but model_version, and admissions, observed,
    expected, value, lower, upper, confidence, interval_method.
    """
    none = F.lit(None).cast("double")
    kinds = []
    for name in ESTIMATORS:
        expected = F.col(f"expected_{name}").cast("double") / NIGHTS_FIXED_POINT
        long = F.col(f"long_{name}")
        chosen = name == settings.estimator
        kinds += [
            _kind(OLO, settings.definition(name), long, none, F.lit(settings.confidence), BREAKDOWNS if chosen else (NONE,)),
            _kind(LOS_RATIO, name, F.col("nights"), expected, none, (NONE, SPECIALTY) if chosen else (NONE,)),
        ]
    key = ["hospital_id", "breakdown", "breakdown_value", "period_start", "period_end", "years_included", "admissions"]
    rows = sums.select(*key, F.explode(F.array(*kinds)).alias("_kind")).select(*key, "_kind.*").where("wanted").drop("wanted")
    rows = rows.withColumn("variant", F.lit(figures.DEFINITIVE))
    numbers = [F.col(name).cast("double") for name in ("observed", "admissions", "expected", "confidence")]
    return in_python.with_columns(rows, _values, _VALUES, *numbers, F.col("indicator") == OLO)


def _kind(
    indicator: str, definition: str, observed: Column, expected: Column, confidence: Column, breakdowns: Sequence[str]
) -> Column:
    return F.struct(
        F.lit(indicator).alias("indicator"),
        F.lit(definition).alias("definition"),
        observed.cast("bigint").alias("observed"),
        expected.alias("expected"),
        confidence.alias("confidence"),
        F.lit(WILSON if indicator == OLO else NO_INTERVAL).alias("interval_method"),
        F.col("breakdown").isin(*breakdowns).alias("wanted"),
    )


def _values(
    observed: pd.Series, admissions: pd.Series, expected: pd.Series, confidence: pd.Series, share: pd.Series
) -> pd.DataFrame:
    o, number, is_share = observed.to_numpy(float), admissions.to_numpy(float), share.to_numpy(bool)
    ratio = intervals.standardised_ratio(o, np.nan_to_num(expected.to_numpy(float)))
    lower, upper = intervals.wilson_limits(o, number, np.nan_to_num(confidence.to_numpy(float), nan=0.95))
    limits = {name: np.where(is_share, limit, np.nan) for name, limit in (("lower", lower), ("upper", upper))}
    return pd.DataFrame({"value": np.where(is_share, 100 * o / number, ratio), **limits})


def stay_rows(stays: DataFrame, run_id: str) -> DataFrame:
    """gold.indicators from stay_figures with their model_version: beside each figure the nation's, and the verdict."""
    rows = with_national_value(stays)
    described = rows.withColumns(
        {
            "significance": against_nation(),
            "own_reference_share": F.lit(None).cast("double"),
            **{f"comparison_{name}": F.lit(None).cast("double") for name in ("value", "lower", "upper")},
            "comparison_significance": F.lit(None).cast("string"),
            "run_id": F.lit(run_id),
        }
    )
    return described.select(*SCHEMAS[GOLD_INDICATORS].names)

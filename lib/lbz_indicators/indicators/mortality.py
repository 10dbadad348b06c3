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

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.indicators.figures import NONE

HSMR, SMR = "hsmr", "smr"
DEFINITION = "death_in_hospital"


def name_indicator(figures: DataFrame) -> DataFrame:
    """Adds `indicator`: hsmr without a breakdown, smr with one."""
    return figures.withColumn("indicator", F.when(F.col("breakdown") == NONE, F.lit(HSMR)).otherwise(F.lit(SMR)))

"""Severity of a main diagnosis: its class of national in-hospital mortality in the history years (METHOD section 4.1).

Known limitation: it says how often patients with that code died in the past, not how ill this patient is; a code that
hospitals begin to use differently keeps its class until severity is derived anew.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import SeveritySettings
from lbz_indicators.population.covariates import SEVERITY

UPPER_PERCENTAGES = (1, 2, 5, 10, 20, 30, 40)
"""Upper bounds of all classes but the last, per cent, not included in the class."""

OTHER = len(SEVERITY.labels) - 1


def severity_classes(history: DataFrame, settings: SeveritySettings) -> DataFrame:
    """Class of every main diagnosis of the history. Grain: main_diagnosis (full code as delivered, upper case, no dot).

    Needs main_diagnosis, died and reporting_hospital_id of the admissions in the population. Columns: admissions,
    deaths, hospitals, severity (0..7, or 8 = other: too few admissions, or used by too few hospitals).
    """
    counts = history.groupBy("main_diagnosis").agg(
        F.count("*").alias("admissions"),
        F.count_if("died").alias("deaths"),
        F.countDistinct("reporting_hospital_id").alias("hospitals"),
    )
    few = (F.col("admissions") < settings.minimum_admissions) | (F.col("hospitals") < settings.minimum_hospitals)
    severity = F.when(few, F.lit(OTHER)).otherwise(mortality_class(F.col("deaths"), F.col("admissions")))
    return counts.withColumn("severity", severity.cast("byte"))


def mortality_class(deaths: Column, admissions: Column) -> Column:
    """Class 0..7 of deaths / admissions, compared in whole numbers: 1 death in 100 is not below 1%."""
    classes = F.when(deaths * 100 < admissions * UPPER_PERCENTAGES[0], F.lit(0))
    for number, bound in enumerate(UPPER_PERCENTAGES[1:], start=1):
        classes = classes.when(deaths * 100 < admissions * bound, F.lit(number))
    return classes.otherwise(F.lit(len(UPPER_PERCENTAGES)))

"""The work table of admissions: everything later steps need of a row, and nothing else."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.returns import TRAITS

KEPT = (
    *TRAITS,
    "row_key", "level", "link", "kind", "hospital", "urgency", "disposition", "code", "group", "severity", "procedure",
    "admission_date", "discharge_date", "nights", "expected_nights", "admission_minutes", "discharge_minutes", "age_years",
    "age", "source", "discharge_year", "admission_month", "secondary", "comorbidity", "palliative", "probability_death",
    "expected_death", "died", "probability_return", "expected_return", "next_link", "next_date", "next_hospital", "destination",
)  # fmt: skip


def discharged_within(rows: DataFrame, plan: Plan) -> DataFrame:
    """Admissions discharged within the period, read back from the work table: the register closes on discharges.

    Never part of the plan that makes the rows: Spark would push the filter down and write out every draw it rests on, anew
    at each mention.
    """
    return rows.where(F.col("discharge_date") <= F.lit(dt.date(plan.delivered_years[-1], 12, 31)))


def work_rows(rows: DataFrame) -> DataFrame:
    """Grain: one admission."""
    return rows.select(*KEPT, F.col("_mix").alias("mix"), F.col("_dot").alias("dot"))

"""The nine covariates of the models as class codes (METHOD section 4.1): all categorical, main effects only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.hashing import hash_of
from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.stats.standardise import weighted_quintiles
from lbz_indicators.tables import SILVER_COVARIATES


@dataclass(frozen=True)
class Covariate:
    """A covariate with its classes in order.

    `special` is a class without a place in the order (unknown, other); `joins` is the class it joins where it is
    too small, None for the class with most admissions.
    """

    name: str
    labels: tuple[str, ...]
    special: int | None = None
    joins: int | None = None


AGE = Covariate("age", ("0", "1-4", *(f"{low}-{low + 4}" for low in range(5, 95, 5)), "95+"))
SEX = Covariate("sex", ("male", "female"))
SES = Covariate("ses", ("lowest", "below average", "average", "above average", "highest", "unknown"), special=5, joins=2)
SEVERITY = Covariate(
    "severity",
    ("[0,.01)", "[.01,.02)", "[.02,.05)", "[.05,.1)", "[.1,.2)", "[.2,.3)", "[.3,.4)", "[.4,1]", "other"),
    special=8,
)
URGENCY = Covariate("urgency", ("planned", "acute"))
COMORBIDITY = "comorbidity"
SOURCE = Covariate("source", ("home", "institution", "hospital"))
YEAR = "discharge_year"
ADMISSION_MONTH = Covariate("admission_month", ("Jan-Feb", "Mar-Apr", "May-Jun", "Jul-Aug", "Sep-Oct", "Nov-Dec"))

BEFORE_COMORBIDITY = (AGE, SEX, SES, SEVERITY, URGENCY)
"""Covariates whose columns come before comorbidity in a design; source, year and month come after."""


def ordered_covariates(model_years: Iterable[int]) -> tuple[Covariate, ...]:
    """All covariates but comorbidity, in the order of design columns. The year's class is its place in `model_years`."""
    year = Covariate(YEAR, tuple(str(year) for year in model_years))
    return (*BEFORE_COMORBIDITY, SOURCE, year, ADMISSION_MONTH)


def ses_classes(scores: Iterable[tuple[str, float | None, float]]) -> list[tuple[str, int]]:
    """(postcode4, class) from (postcode4, score, inhabitants); a postcode without a score is left out (unknown)."""
    known = [row for row in scores if row[1] is not None]
    classes = weighted_quintiles(np.array([row[1] for row in known]), np.array([row[2] for row in known]))
    return [(row[0], int(quintile)) for row, quintile in zip(known, classes, strict=True) if quintile >= 0]


def with_month_state(admissions: DataFrame, months: DataFrame, deliveries_with_months: list[str]) -> DataFrame:
    """Adds month_complete and year_validated of the month and year of discharge. Grain unchanged.

    `months` is what ingest.small_tables.hospital_months gives. Where the admission's delivery came with months, or
    its hospital has any, a month without a row is incomplete; without any months all are complete and validated.
    """
    named = F.broadcast(months.select("hospital_id").distinct().withColumn("_named", F.lit(True)))
    years = F.broadcast(months.groupBy("hospital_id", "discharge_year").agg(F.min("year_validated").alias("year_validated")))
    rows = F.broadcast(
        months.select(
            "hospital_id", "discharge_year", F.col("discharge_month").alias("_month"), F.col("complete").alias("_complete")
        )
    )
    judged = F.coalesce("_named", F.lit(False)) | F.col("delivery_id").isin(*deliveries_with_months)
    joined = (
        admissions.withColumn("_month", F.month("discharge_date"))
        .join(named, on="hospital_id", how="left")
        .join(years, on=["hospital_id", "discharge_year"], how="left")
        .join(rows, on=["hospital_id", "discharge_year", "_month"], how="left")
    )
    return (
        joined.withColumn("month_complete", F.coalesce("_complete", ~judged))
        .withColumn("year_validated", F.coalesce("year_validated", F.lit(True)))
        .drop("_month", "_named", "_complete")
    )


def with_classes(admissions: DataFrame, ses: DataFrame, severity: DataFrame) -> DataFrame:
    """Adds the class codes but comorbidity. Grain unchanged.

    `ses` has postcode4 and ses, `severity` has main_diagnosis and severity; both small and unique.
    """
    unknown, other = len(SES.labels) - 1, len(SEVERITY.labels) - 1
    joined = admissions.join(F.broadcast(ses), on="postcode4", how="left").join(
        F.broadcast(severity), on="main_diagnosis", how="left"
    )
    return joined.withColumns(
        {
            "age": age_class(F.col("age_years")),
            "sex": F.when(F.col("sex") == "M", 0).otherwise(1),
            "ses": F.coalesce("ses", F.lit(unknown)),
            "severity": F.coalesce("severity", F.lit(other)),
            "urgency": F.when(F.col("urgency") == "acute", 1).otherwise(0),
            "source": F.when(F.col("origin") == "hospital", 2).when(F.col("origin") == "institution", 1).otherwise(0),
            "admission_month": F.floor((F.month("admission_date") - 1) / 2),
        }
    )


def age_label(classes: Sequence[tuple[str, int]]) -> Column:
    """Label of wider age classes from the class code: (label, last class in it), ascending."""
    label = F.lit(classes[-1][0])
    for name, last in reversed(classes[:-1]):
        label = F.when(F.col(AGE.name) <= last, F.lit(name)).otherwise(label)
    return label


def age_class(age_years: Column) -> Column:
    """Class 0..20 of completed years: 0, 1-4, then five years each, 95 and over."""
    oldest = len(AGE.labels) - 1
    fives = F.floor(age_years / 5) + 1
    return F.when(age_years == 0, 0).when(age_years < 5, 1).otherwise(F.least(fives, F.lit(oldest)))


def nights() -> Column:
    """Length of stay of an admission, nights, at least 1 (METHOD section 7)."""
    return F.greatest(F.datediff("discharge_date", "admission_date"), F.lit(1))


def covariate_rows(admissions: DataFrame) -> DataFrame:
    """silver.covariates from admissions with every derived column. Grain: one valid admission."""
    schema = SCHEMAS[SILVER_COVARIATES]
    described = admissions.withColumns(
        {
            "main_diagnosis_category": F.substring("main_diagnosis", 1, 3),
            "discharge_month": F.month("discharge_date"),
            "nights": nights(),
        }
    )
    typed = described.select(*[F.col(c.name).cast(c.type).alias(c.name) for c in schema.columns if c.name != "row_hash"])
    return typed.withColumn("row_hash", hash_of(schema.hashed)).select(*schema.names)


def comorbidity_labels(charlson: Iterable[dict[str, str]]) -> dict[int, str]:
    """Name of every condition 1..17."""
    names = {int(row["condition"]): row["name"] for row in charlson}
    return {condition: names.get(condition, f"condition {condition}") for condition in range(1, CONDITIONS + 1)}

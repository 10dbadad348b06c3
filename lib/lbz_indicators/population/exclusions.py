"""Exclusions: every valid admission has exactly one reason, the first that applies, or none (METHOD section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import PopulationSettings, minutes_after_midnight
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import GOLD_EXCLUSIONS

INCLUDED = "included"


class Exclusion(str, Enum):
    """Reasons in the order in which they are judged; the first that applies is the admission's."""

    CARE_TYPE_NOT_INCLUDED = "care_type_not_included"
    """Day admissions; in are K (clinical) and O (prolonged observation) [report]."""
    OUTSIDE_PERIOD = "outside_period"
    """The discharge year is neither a model year nor a reporting year of the run."""
    HOSPITAL_YEAR_NOT_VALIDATED = "hospital_year_not_validated"
    """A month of the hospital's year of discharge is not validated [report]."""
    MONTH_INCOMPLETE = "month_incomplete"
    """The month of discharge is incomplete, or not named where months were delivered [report]."""
    NZA_DIED_SAME_EVENING = "nza_died_same_evening"
    """Admitted at or after 20:00 and died on the same calendar day [rule]. Needs the time of admission."""
    NZA_SHORT_ACUTE_OBSERVATION = "nza_short_acute_observation"
    """Care type O, acute, shorter than four hours [rule]. Needs both times."""
    NZA_ACUTE_SAME_DAY_HOME = "nza_acute_same_day_home"
    """Care type K, acute, not died, discharged home on the day of admission [rule]; an institution is not home [ours]."""
    NOT_RESIDENT = "not_resident"
    """Lives outside the Netherlands [report]."""
    COVID_MAIN_DIAGNOSIS = "covid_main_diagnosis"
    """COVID-19 as main diagnosis, discharged in 2020 or 2021 [report]."""
    HEALTHY_PERSON = "healthy_person"
    """Healthy newborns and companions [report], the codes [ours]."""
    DIAGNOSIS_GROUP_UNKNOWN = "diagnosis_group_unknown"
    """The main diagnosis has no category in the list [ours]."""


def with_exclusion(admissions: DataFrame, settings: PopulationSettings, years: Sequence[int]) -> DataFrame:
    """Adds `exclusion_reason` (null = in the population), `time_unknown` and `covid_main_diagnosis`. Grain unchanged.

    Needs silver.admissions with discharge_year, diagnosis_group, month_complete and year_validated. An unknown time
    never excludes; `time_unknown` says that a rule would have needed it.
    """
    conditions = _conditions(settings, years)
    reason = F.coalesce(*[F.when(condition, F.lit(name.value)) for name, condition in conditions.items()])
    covid = begins_with_any(F.col("main_diagnosis"), settings.covid_codes)
    rows = admissions.withColumn("covid_main_diagnosis", covid)
    return rows.withColumn("exclusion_reason", reason).withColumn("time_unknown", _time_unknown(settings))


def _conditions(settings: PopulationSettings, years: Sequence[int]) -> dict[Exclusion, Column]:
    year = F.col("discharge_year")
    nza = year >= settings.nza_rules_from_year
    codes = F.col("main_diagnosis")
    return {
        Exclusion.CARE_TYPE_NOT_INCLUDED: ~F.col("care_type").isin(*settings.care_types),
        Exclusion.OUTSIDE_PERIOD: ~year.isin(*years),
        Exclusion.HOSPITAL_YEAR_NOT_VALIDATED: ~F.col("year_validated"),
        Exclusion.MONTH_INCOMPLETE: ~F.col("month_complete"),
        Exclusion.NZA_DIED_SAME_EVENING: nza
        & _died_same_day()
        & (F.col("admission_minutes") >= minutes_after_midnight(settings.nza_evening_from)),
        Exclusion.NZA_SHORT_ACUTE_OBSERVATION: nza
        & _acute_observation()
        & (_length_of_stay_minutes() < settings.nza_observation_hours * 60),
        Exclusion.NZA_ACUTE_SAME_DAY_HOME: nza
        & (F.col("care_type") == "K")
        & (F.col("urgency") == "acute")
        & ~F.col("died")
        & (F.col("discharge_destination") == "home")
        & _same_day(),
        Exclusion.NOT_RESIDENT: ~F.col("resident"),
        Exclusion.COVID_MAIN_DIAGNOSIS: year.isin(*settings.covid_excluded_years) & F.col("covid_main_diagnosis"),
        Exclusion.HEALTHY_PERSON: begins_with_any(codes, settings.healthy_person_codes),
        Exclusion.DIAGNOSIS_GROUP_UNKNOWN: F.col("diagnosis_group").isNull(),
    }


def _time_unknown(settings: PopulationSettings) -> Column:
    nza = F.col("discharge_year") >= settings.nza_rules_from_year
    evening = _died_same_day() & F.col("admission_minutes").isNull()
    times = F.col("admission_minutes").isNull() | F.col("discharge_minutes").isNull()
    could_be_short = F.datediff("discharge_date", "admission_date") <= 1
    return nza & (evening | (_acute_observation() & times & could_be_short))


def _same_day() -> Column:
    return F.col("admission_date") == F.col("discharge_date")


def _died_same_day() -> Column:
    return F.col("died") & _same_day()


def _acute_observation() -> Column:
    return (F.col("care_type") == "O") & (F.col("urgency") == "acute")


def _length_of_stay_minutes() -> Column:
    days = F.datediff("discharge_date", "admission_date")
    return days * 24 * 60 + F.col("discharge_minutes") - F.col("admission_minutes")


def begins_with_any(code: Column, prefixes: Sequence[str]) -> Column:
    """Whether a code (upper case, no dot) begins with one of the prefixes."""
    conditions = [code.startswith(prefix.replace(".", "").upper()) for prefix in prefixes]
    return reduce(lambda left, right: left | right, conditions, F.lit(False))


def count_exclusions(covariates: DataFrame) -> DataFrame:
    """gold.exclusions: admissions per discharge year and reason, those in the population as `included`."""
    reason = F.coalesce("exclusion_reason", F.lit(INCLUDED)).alias("reason")
    counts = covariates.groupBy("discharge_year", reason).agg(
        F.count("*").alias("admissions"), F.count_if("time_unknown").alias("time_unknown")
    )
    return counts.select(*SCHEMAS[GOLD_EXCLUSIONS].names)

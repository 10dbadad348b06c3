"""The patients, and the spontaneous episodes of each: who they are, where they live, what they suffer from, when they come."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.population.comorbidity import CONDITIONS, bit
from lbz_indicators.synthetic.draws import (
    AliasTables,
    Floats,
    below,
    integers,
    numbers,
    row_key,
    uniform,
    whole,
)
from lbz_indicators.synthetic.mix import SEXES, age_sex_shares
from lbz_indicators.synthetic.nation import POSTCODES_PER_REGION
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.profiles import AGE_LOWEST, AGE_MIDDLE, AGES

RETURNS_PER_EPISODE = 0.117
"""Returns and transfers that follow a spontaneous admission, measured; only the number of patients depends on it."""
HEALTHY_NEWBORN_SHARE = 0.0104
"""Of all records of a normal year; their number does not dip in the pandemic."""
NOT_RESIDENT_SHARE = 0.0053
MOST_EPISODES = 12
AGAIN_YOUNG, AGAIN_OLD = 0.25, 0.48
"""Chance of one more episode within the whole period, by age."""
OWN_DISEASE_AT_BIRTH = -1
AT_BIRTH_SHARE = 0.72
REGION_AGING = 0.5
SLICES = 4
"""Numbers of 16 bits in one hash; enough for a prevalence."""
YEAR_DAYS = 365.25


def episode_shares() -> Floats:
    """Chance of 1 .. MOST_EPISODES episodes by age class, shape (21, 12)."""
    again = AGAIN_YOUNG + (AGAIN_OLD - AGAIN_YOUNG) * np.clip(AGE_MIDDLE / 75, 0, 1)
    shares = again[:, None] ** np.arange(MOST_EPISODES)[None, :]
    shares[0] = [1.0, 0.15, *np.zeros(MOST_EPISODES - 2)]
    normed: Floats = shares / shares.sum(axis=1, keepdims=True)
    return normed


def people(plan: Plan) -> tuple[Floats, float]:
    """Shares of patients by region's age (3), age class and sex, shape (3, 42), and the mean episodes of a patient."""
    mean = (episode_shares() * np.arange(1, MOST_EPISODES + 1)).sum(axis=1)
    wanted = age_sex_shares() / mean[:, None]
    tilt = np.exp(REGION_AGING * np.arange(-1, 2)[:, None] * (AGE_MIDDLE[None, :] - 50) / 50)
    tilt[:, 0] = 1
    tables = (wanted[None] * tilt[:, :, None]).reshape(3, AGES * SEXES)
    tables /= tables.sum(axis=1, keepdims=True)
    hospitals = plan.nation.hospitals
    sizes = np.bincount(hospitals.old_region, weights=hospitals.region_size, minlength=3)
    patients = (tables * (sizes / sizes.sum())[:, None]).sum(axis=0).reshape(AGES, SEXES)
    return tables, float((patients.sum(axis=1) * mean).sum())


def count_patients(plan: Plan) -> tuple[int, float]:
    """(patients, share of healthy newborns among them) that make the wanted number of records."""
    records = plan.settings.synthetic.admissions_per_year
    newborn = HEALTHY_NEWBORN_SHARE * records * len(plan.delivered_years)
    others = records * plan.calendar.normal_years - HEALTHY_NEWBORN_SHARE * records * plan.calendar.normal_years
    patients = others / (1 + RETURNS_PER_EPISODE) / people(plan)[1]
    return math.ceil(newborn + patients), newborn / (newborn + patients)


def make_episodes(spark: SparkSession, plan: Plan) -> DataFrame:
    """Grain: patient, episode (1 ..). Every patient's traits, and `base_date`, the day on which the episode begins.

    Codes are places in the plan's arrays. `own_group` is the disease a patient comes back with.
    """
    count, healthy = count_patients(plan)
    records = plan.settings.synthetic.admissions_per_year * plan.calendar.normal_years
    slices = max(2, math.ceil(records / plan.settings.synthetic.rows_per_partition))
    patients = _with_place_and_age(spark.range(0, count, 1, slices).withColumnRenamed("id", "patient"), plan, healthy)
    episodes = (
        _with_traits(patients, plan)
        .withColumn("episode", F.explode_outer(F.sequence(F.lit(1), F.col("episodes"))))
        .withColumn("several_episodes", F.col("episodes") > 1)
    )
    keyed = episodes.withColumn("row_key", row_key(plan.seed, F.col("patient"), F.col("episode"), F.lit(0)))
    return _with_base_date(keyed, plan)


def _with_place_and_age(patients: DataFrame, plan: Plan, healthy: float) -> DataFrame:
    hospitals, key = plan.nation.hospitals, F.col("person_key")
    regions = AliasTables.of([hospitals.region_size])
    ages = AliasTables.of(list(people(plan)[0]))
    placed = patients.withColumn("person_key", row_key(plan.seed, F.col("patient"), F.lit("person"))).select(
        "*", regions.draw(F.lit(0), key, "region").alias("region"), below(healthy, key, "healthy").alias("healthy")
    )
    table = F.get(integers(hospitals.old_region), F.col("region"))
    category = (ages.draw(table, key, "age and sex") - table * (AGES * SEXES)).cast("int")
    aged = placed.withColumn("_category", category).select(
        "patient",
        "person_key",
        "region",
        "healthy",
        (F.col("_category") % SEXES).alias("sex"),
        F.when(F.col("healthy"), 0).otherwise(F.floor(F.col("_category") / SEXES)).cast("int").alias("person_age"),
    )
    return aged.withColumn("newborn", F.col("person_age") == 0)


def _with_traits(patients: DataFrame, plan: Plan) -> DataFrame:
    settings, key = plan.settings.synthetic, F.col("person_key")
    people_there = plan.nation.postcodes.inhabitants.reshape(-1, POSTCODES_PER_REGION).astype(float)
    postcodes = AliasTables.of(list(people_there))
    counts = AliasTables.of(list(episode_shares()))
    drawn = counts.draw(F.col("person_age"), key, "episodes") - F.col("person_age") * MOST_EPISODES + 1
    diseases = AliasTables.of(_diseases(plan))
    table = F.col("person_age") * SEXES + F.col("sex")
    disease = diseases.draw(table, key, "own disease") - table * len(plan.profiles.groups)
    resident = ~below(NOT_RESIDENT_SHARE, key, "resident")
    unknown = ~resident | below(settings.missing_postcode_share, key, "postcode unknown")
    traits = patients.select(
        "*",
        _birth_date(plan).alias("birth_date"),
        F.when(F.col("healthy"), 1).otherwise(drawn).cast("int").alias("episodes"),
        F.when(F.col("newborn"), OWN_DISEASE_AT_BIRTH).otherwise(disease).cast("int").alias("own_group"),
        resident.alias("resident"),
        (~below(settings.missing_pseudonym_share, key, "pseudonym")).alias("linkable"),
        F.when(~unknown, postcodes.draw(F.col("region"), key, "postcode")).alias("postcode"),
        _conditions(plan).alias("chronic"),
    )
    classes = integers(plan.nation.postcodes.ses)
    return traits.withColumn("ses", F.coalesce(F.get(classes, F.col("postcode")), F.lit(5)))


def _diseases(plan: Plan) -> list[Floats]:
    """Weights of the groups by age class and sex."""
    return list(plan.shares.reshape(len(plan.profiles.groups), AGES * SEXES).T)


def _birth_date(plan: Plan) -> Column:
    """Newborns: any day of the period; others: their age in the middle of the period, to the day."""
    first, last = dt.date(plan.delivered_years[0], 1, 1), dt.date(plan.delivered_years[-1], 12, 31)
    days = (last - first).days + 1
    key, place = F.col("person_key"), F.col("person_age")
    width = np.diff(np.append(AGE_LOWEST, 100.0))
    age = F.get(numbers(AGE_LOWEST), place) + uniform(key, "age within class") * F.get(numbers(width), place)
    middle = F.lit(first + dt.timedelta(days=days // 2))
    born = F.date_add(F.lit(first), whole(key, "day of birth", days))
    return F.when(F.col("newborn"), born).otherwise(F.date_sub(middle, F.floor(age * YEAR_DAYS).cast("int")))


def _conditions(plan: Plan) -> Column:
    """Mask of the patient's Charlson conditions by the prevalence at the patient's age, four to a hash."""
    shares = np.round(plan.prevalence * 2**16)
    hashes = [F.xxhash64(F.col("person_key"), F.lit(f"conditions {n}")) for n in range(-(-CONDITIONS // SLICES))]
    mask = F.lit(0)
    for condition in range(1, CONDITIONS + 1):
        draw = F.shiftrightunsigned(hashes[(condition - 1) // SLICES], 16 * ((condition - 1) % SLICES)).bitwiseAND(65535)
        has = draw < F.get(numbers(shares[condition - 1]), F.col("person_age"))
        mask = mask + F.when(has, bit(condition)).otherwise(0)
    return mask


def _with_base_date(episodes: DataFrame, plan: Plan) -> DataFrame:
    """The months by their volume, days of a month alike; newborns come at birth or in their first year."""
    key = F.col("row_key")
    month = AliasTables.of([plan.calendar.volume]).draw(F.lit(0), key, "month")
    starts = integers([(dt.date(year, month, 1) - dt.date(1970, 1, 1)).days for year, month in plan.calendar.months])
    lengths = integers([(dt.date(y + m // 12, m % 12 + 1, 1) - dt.date(y, m, 1)).days for y, m in plan.calendar.months])
    drawn = episodes.withColumn("_month", month)
    day = F.date_from_unix_date(F.get(starts, F.col("_month")) + whole(key, "day", F.get(lengths, F.col("_month"))))
    at_birth = (F.col("episode") == 1) & (F.col("healthy") | below(AT_BIRTH_SHARE, key, "at birth"))
    later = F.date_add("birth_date", whole(key, "first year", 360))
    base = F.when(F.col("newborn"), F.when(at_birth, F.col("birth_date")).otherwise(later)).otherwise(
        F.when(day < F.col("birth_date"), later).otherwise(day)
    )
    return drawn.withColumn("base_date", base).drop("_month", "episodes", "person_key", "person_age")


def age_class_at(day: Column, born: Column) -> tuple[Column, Column]:
    """(completed years, age class 0..20) on a day, never below 0; the truth borrows no rule from what it tests."""
    had = F.month(day) * 100 + F.dayofmonth(day) >= F.month(born) * 100 + F.dayofmonth(born)
    years = F.greatest(F.year(day) - F.year(born) - F.when(had, 0).otherwise(1), F.lit(0))
    fives = F.least(F.floor(years / 5).cast("int") + 1, F.lit(AGES - 1))
    return years, F.when(years == 0, 0).when(years < 5, 1).otherwise(fives)

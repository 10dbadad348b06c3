"""One admission: where, for what, how urgent, when and how long. Nothing here knows whether the patient will die.

What decides over inclusion (the disposition) and the length of stay are drawn before, and without regard to, the outcome:
then death is an independent draw from the true model among the included, and dropping admissions that end after the
period, or those of the NZa rules, leaves the truth exact. The price: the dying stay as long as the others.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.special import logit

from lbz_indicators.synthetic.codes import COMPANION, NEWBORN, UNKNOWN
from lbz_indicators.synthetic.draws import AliasTables, below, integers, numbers, uniform, whole
from lbz_indicators.synthetic.mix import SEXES
from lbz_indicators.synthetic.nation import FOCUS_SHARE
from lbz_indicators.synthetic.patients import OWN_DISEASE_AT_BIRTH, age_class_at
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.profiles import AGES


class Link(IntEnum):
    """How an admission follows the one before it."""

    NONE = 0
    TRANSFER = 1
    SAME_DAY = 2
    RETURN = 3


class Disposition(IntEnum):
    """What kind of admission it is for the rules of inclusion."""

    CLINICAL = 0
    OBSERVATION = 1
    DAY = 2
    ACUTE_SAME_DAY_HOME = 3
    SHORT_OBSERVATION = 4
    DIED_SAME_EVENING = 5
    CLINICAL_SAME_DAY = 6
    """Acute, elsewhere on the same day: to another hospital or an institution, or died before the evening."""


class Kind(IntEnum):
    """Whether it is an ordinary illness."""

    ORDINARY = 0
    NEWBORN = 1
    COMPANION = 2
    UNKNOWN_GROUP = 3
    COVID = 4


OWN_DISEASE_SHARE = 0.25
COMPANION_SHARE, UNKNOWN_SHARE = 0.0005, 0.0004
COVID_ADULTS = 1.22
"""All admissions for each one that may become a COVID-19 admission (spontaneous, no newborn)."""
AWAY_SHARE = 0.09
"""Of ordinary care outside the home region, one half each in the two next ones."""
RETURN_ACUTE, FOLLOW_ACUTE = 0.79, 0.9
DAY_OF_PLANNED, NZA_OF_ACUTE = 2.95, 1.79
"""From shares of all records to shares of those that may be such: spontaneous planned, spontaneous acute."""
NZA_KINDS = (0.655, 0.335, 0.010)
"""Acute same-day home, short observation, died the same evening: their parts of the NZa exclusions."""
OBSERVATION_OF_ACUTE, SAME_DAY_OF_ACUTE = 0.03, 0.008


def describe_admission(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds group, hospital, urgency, disposition and code to rows with a patient's traits and a context.

    Grain unchanged. The context: row_key, level, link, base_date, given_group and given_hospital (null = free).
    """
    return _with_code(_with_urgency(_with_hospital(_with_group(rows, plan), plan), plan), plan)


def _with_group(rows: DataFrame, plan: Plan) -> DataFrame:
    key, groups = F.col("row_key"), len(plan.profiles.groups)
    years, age_class = age_class_at(F.col("base_date"), F.col("birth_date"))
    first_year = plan.delivered_years[0]
    aged = rows.select(
        "*", years.alias("_age"), age_class.cast("int").alias("_class"),
        F.least(F.year("base_date") - first_year, F.lit(len(plan.delivered_years) - 1)).alias("_year"),
    )  # fmt: skip
    free = F.col("given_group").isNull() & F.col("link").isin(int(Link.NONE), int(Link.RETURN))
    month = F.col("_year") * 12 + F.month("base_date") - 1
    covid = below(F.get(numbers(plan.calendar.covid * COVID_ADULTS), month), key, "covid")
    kind = (
        F.when(F.col("healthy"), int(Kind.NEWBORN))
        .when(~free | F.col("newborn"), int(Kind.ORDINARY))
        .when(covid & (F.col("_age") >= 1), int(Kind.COVID))
        .when(below(COMPANION_SHARE, key, "companion") & (F.col("_age") >= 18), int(Kind.COMPANION))
        .when(below(UNKNOWN_SHARE, key, "unknown group"), int(Kind.UNKNOWN_GROUP))
        .otherwise(int(Kind.ORDINARY))
    )
    tables = AliasTables.of(list(plan.shares.reshape(groups, AGES * SEXES).T))
    table = F.col("_class") * SEXES + F.col("sex")
    drawn = tables.draw(table, key, "group") - table * groups
    own = below(OWN_DISEASE_SHARE, key, "own disease") & (F.col("own_group") != OWN_DISEASE_AT_BIRTH)
    kinds = aged.withColumn("kind", kind.cast("int"))
    ordinary = F.coalesce("given_group", F.when(own & F.col("link").isin(int(Link.NONE)), F.col("own_group")), drawn)
    special = F.when(F.col("kind") == int(Kind.COVID), plan.profiles.covid)
    return kinds.withColumn("_mix", F.coalesce(special, ordinary).cast("int"))


def _with_hospital(rows: DataFrame, plan: Plan) -> DataFrame:
    """The region's general hospital or a neighbour's, the nearest university hospital, or a specialised one."""
    hospitals, key = plan.nation.hospitals, F.col("row_key")
    regions = hospitals.generals
    place, away = uniform(key, "place of care"), uniform(key, "away")
    university = F.get(numbers(plan.profiles.university), F.col("_mix"))
    focus = F.get(integers(plan.nation.focus), F.col("_mix"))
    nearest = F.lit(regions) + F.col("region") % hospitals.universities
    specialised = F.lit(regions + hospitals.universities) + focus
    neighbour = (F.col("region") + F.when(away < AWAY_SHARE / 2, 1).otherwise(regions - 1)) % regions
    home = F.when(away < AWAY_SHARE, neighbour).otherwise(F.col("region"))
    ordinary_kind = F.col("kind").isin(int(Kind.ORDINARY), int(Kind.COVID))
    drawn = (
        F.when(~ordinary_kind, home)
        .when(place < university, nearest)
        .when((place > 1 - FOCUS_SHARE) & (focus >= 0), specialised)
        .otherwise(home)
    )
    return rows.withColumn("hospital", F.coalesce("given_hospital", drawn).cast("int"))


def _with_urgency(rows: DataFrame, plan: Plan) -> DataFrame:
    """Acute or planned by group and hospital; then the disposition."""
    key = F.col("row_key")
    odds = F.get(numbers(logit(np.clip(plan.profiles.acute, 0.001, 0.999))), F.col("_mix"))
    shifted = odds + F.get(numbers(plan.nation.hospitals.acute_shift), F.col("hospital"))
    chance = (
        F.when(F.col("kind") == int(Kind.NEWBORN), 0.0)
        .when(F.col("link") == int(Link.RETURN), RETURN_ACUTE)
        .when(F.col("link") != int(Link.NONE), FOLLOW_ACUTE)
        .otherwise(1 / (1 + F.exp(-shifted)))
    )
    urgent = rows.withColumn("urgency", F.when(below(chance, key, "urgency"), 1).otherwise(0))
    u = uniform(key, "disposition")
    nza = F.get(numbers(plan.calendar.nza * NZA_OF_ACUTE), F.col("_year"))
    marks = [nza * float(part) for part in np.cumsum(NZA_KINDS)]
    acute = (
        F.when(u < marks[0], int(Disposition.ACUTE_SAME_DAY_HOME))
        .when(u < marks[1], int(Disposition.SHORT_OBSERVATION))
        .when(u < marks[2], int(Disposition.DIED_SAME_EVENING))
        .when(u > 1 - OBSERVATION_OF_ACUTE, int(Disposition.OBSERVATION))
        .when(u > 1 - OBSERVATION_OF_ACUTE - SAME_DAY_OF_ACUTE, int(Disposition.CLINICAL_SAME_DAY))
        .otherwise(int(Disposition.CLINICAL))
    )
    day = F.when(u < plan.settings.synthetic.day_admission_share * DAY_OF_PLANNED, int(Disposition.DAY)).otherwise(0)
    plain = (F.col("link") != int(Link.NONE)) | (F.col("kind") == int(Kind.NEWBORN))
    free = F.when(F.col("urgency") == 1, acute).otherwise(day)
    return urgent.withColumn("disposition", F.when(plain, int(Disposition.CLINICAL)).otherwise(free).cast("int"))


def _with_code(rows: DataFrame, plan: Plan) -> DataFrame:
    """The main diagnosis as number of its code, its group (null = none) and severity, and the main procedure."""
    codes, key, groups = plan.codes, F.col("row_key"), len(plan.profiles.groups)
    table = (
        F.when(F.col("kind") == int(Kind.NEWBORN), groups + NEWBORN)
        .when(F.col("kind") == int(Kind.COMPANION), groups + COMPANION)
        .when(F.col("kind") == int(Kind.UNKNOWN_GROUP), groups + UNKNOWN)
        .otherwise(F.col("_mix"))
    )
    drawn = rows.withColumn("_place", codes.tables.draw(table, key, "code"))
    coded = drawn.withColumn("code", F.get(integers(codes.number), F.col("_place")))
    u = uniform(key, "procedure")
    share = F.get(numbers(plan.profiles.procedure), F.col("_mix"))
    # The first procedure of a group takes half of its patients, the second a quarter, and so on.
    which = F.least(F.floor(-F.log2(u / share)).cast("int") + 1, F.lit(4))
    ordinary = F.col("kind") == int(Kind.ORDINARY)
    return coded.select(
        *[name for name in coded.columns if name != "_place"],
        F.nullif(F.get(integers(codes.group), F.col("code")), F.lit(-1)).alias("group"),
        F.get(integers(codes.severity), F.col("code")).alias("severity"),
        F.when(ordinary & (u < share), which).otherwise(0).alias("procedure"),
        whole(key, "written with a dot", 10).alias("_dot"),
    )


def procedure_code(group: Column, procedure: Column) -> Column:
    """Code of a main procedure, null for none; numbers of ours that stand for no real procedure."""
    return F.when(procedure > 0, (F.lit(330000) + group * 10 + procedure).cast("string"))

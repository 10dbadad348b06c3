"""When an admission begins and ends: days, nights and times; and the true length of stay behind it.

nights = 1 + the whole part of (Y + u), u uniform, Y log-normal; so the mean is exactly 1 + the mean of Y, and
log E Y = base of the group + factor of the three-character category + procedure + age class (+ hospital).
"""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.synthetic.admissions import Disposition, Kind, Link
from lbz_indicators.synthetic.draws import Floats, below, normal, numbers, rounded, uniform, whole
from lbz_indicators.synthetic.events import Kind as EventKind
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.planted import event_effect

AGE_BOUNDS = (1, 15, 45, 65, 75, 85)
AGE_LABELS = ("0", "1-14", "15-44", "45-64", "65-74", "75-84", "85+")
AGE_FACTORS = rounded(np.log([1.0, 0.7, 0.8, 0.95, 1.05, 1.2, 1.3]), 6)
PROCEDURE_FACTORS = rounded(np.log([0.95, 0.9, 1.1, 1.3, 1.6]), 6)
"""No procedure, then the group's four."""
SPREAD = 0.72
"""Standard deviation of log Y."""
LONGEST_NIGHTS = 150
WEEKEND_MOVED = 0.85
MINUTES_A_DAY = 1440
AT_MIDNIGHT = 0.05
"""Of acute admissions at any time those at 00:00, the minute that begins a day and that registers write too often."""
EVENING = 1200


def base_log_nights(plan: Plan) -> Floats:
    """log E Y of every group before the other terms, shape (groups,)."""
    return rounded(np.log(np.maximum(plan.profiles.nights - 1, 0.2)), 6)


def with_stay(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds admission_date, discharge_date, nights, expected_nights, admission_minutes, discharge_minutes. Grain unchanged."""
    days = rows.withColumn("admission_date", _admission_date()).withColumn("_log_nights", _log_nights(plan))
    clinical = F.col("disposition") == int(Disposition.CLINICAL)
    effect = F.get(numbers(plan.nation.hospitals.stay), F.col("hospital")) + event_effect(
        plan, (EventKind.LONG_STAYS, EventKind.SHORT_STAYS), F.col("admission_date")
    )
    key = F.col("row_key")
    y = F.exp(F.col("_log_nights") + effect - SPREAD**2 / 2 + SPREAD * normal(key, "nights"))
    nights = F.least(1 + F.floor(y + uniform(key, "part of a night")), F.lit(LONGEST_NIGHTS)).cast("int")
    timed = days.withColumns(
        {
            "nights": F.when(clinical, nights).otherwise(0),
            "expected_nights": F.when(clinical, 1 + F.exp("_log_nights")).otherwise(F.lit(1.0)),
            "admission_minutes": _admission_minutes(),
        }
    )
    return timed.withColumns(
        {
            "discharge_date": F.date_add("admission_date", F.col("nights")),
            "discharge_minutes": _discharge_minutes(),
        }
    ).drop("_log_nights")


def _log_nights(plan: Plan) -> Column:
    age = F.lit(0)
    for bound in AGE_BOUNDS:
        age = age + F.when(F.col("_age") >= bound, 1).otherwise(0)
    return (
        F.get(numbers(base_log_nights(plan)), F.col("_mix"))
        + F.get(numbers(np.log(plan.codes.stay_factor)), F.col("code"))
        + F.get(numbers(PROCEDURE_FACTORS), F.col("procedure"))
        + F.get(numbers(AGE_FACTORS), age)
    )


def _admission_date() -> Column:
    """Planned care moves from the weekend to the Monday after, at the end of a month to the Friday before."""
    base = F.col("base_date")
    weekday = F.dayofweek(base)
    weekend = weekday.isin(1, 7)
    after = F.date_add(base, F.when(weekday == 7, 2).otherwise(1))
    before = F.date_sub(base, F.when(weekday == 7, 1).otherwise(2))
    moved = F.when(F.month(after) == F.month(base), after).otherwise(before)
    planned = (F.col("urgency") == 0) & (F.col("link") == int(Link.NONE)) & ~F.col("newborn")
    moves = planned & weekend & (F.col("kind") != int(Kind.COVID)) & below(WEEKEND_MOVED, F.col("row_key"), "weekend")
    return F.greatest(F.when(moves, moved).otherwise(base), F.col("birth_date"))


def _admission_minutes() -> Column:
    """Planned care begins in the morning, acute care at any time, more by day; same-day kinds so that they fit."""
    key, what = F.col("row_key"), F.col("disposition")
    by_day = 480 + whole(key, "by day", 660)
    any_time = whole(key, "any time", MINUTES_A_DAY)
    return (
        F.when(what == int(Disposition.DIED_SAME_EVENING), EVENING + whole(key, "evening", 200))
        .when(what == int(Disposition.OBSERVATION), 360 + whole(key, "observed from", 660))
        .when(what.isin(int(Disposition.CLINICAL_SAME_DAY), int(Disposition.ACUTE_SAME_DAY_HOME)), 360 + whole(key, "from", 600))
        .when(what == int(Disposition.SHORT_OBSERVATION), by_day)
        .when(what == int(Disposition.DAY), 450 + whole(key, "day care", 270))
        .when(F.col("urgency") == 0, 420 + whole(key, "planned", 240))
        .when(below(0.6, key, "daytime"), by_day)
        .when(below(AT_MIDNIGHT, key, "at midnight"), 0)
        .otherwise(any_time)
    )


def _discharge_minutes() -> Column:
    key, what, begin = F.col("row_key"), F.col("disposition"), F.col("admission_minutes")
    left = F.lit(MINUTES_A_DAY - 1) - begin
    return (
        F.when(what == int(Disposition.DIED_SAME_EVENING), begin + whole(key, "to death", left + 1))
        .when(what == int(Disposition.OBSERVATION), begin + 240 + whole(key, "observed", left - 239))
        .when(what == int(Disposition.SHORT_OBSERVATION), begin + 45 + whole(key, "briefly", 195))
        .when(F.col("nights") == 0, begin + 60 + whole(key, "hours", 360))
        .otherwise(540 + whole(key, "goes home", 600))
    )

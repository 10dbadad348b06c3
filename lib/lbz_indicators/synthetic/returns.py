"""What follows an admission within 30 days: a transfer, a return on the same day, a readmission, or nothing.

A readmission is one Bernoulli draw per stay with the probability of the true model for the stay's first admission, given
that the patient left alive and was not transferred. Spontaneous episodes never fall within 30 days of a stay (see `lives`),
so a stay has a readmission exactly where one was drawn.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.synthetic.admissions import Disposition, Kind, Link
from lbz_indicators.synthetic.draws import below, numbers, row_key, uniform
from lbz_indicators.synthetic.events import Kind as EventKind
from lbz_indicators.synthetic.outcomes import USUAL
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.planted import event_effect

TRANSFER_SHARE, SAME_DAY_SHARE = 0.018, 0.003
SAME_HOSPITAL = 0.915
SAME_DISEASE = 0.4
TRANSFER_SAME_DAY, TRANSFER_TO_UNIVERSITY = 0.7, 0.6
WITHIN_DAYS, LATER_LESS_LIKELY = 30, 1.5
TO_INSTITUTION_OLD, TO_INSTITUTION_YOUNG, TO_OTHER = 0.16, 0.012, 0.012
OLD = 75
TRAITS = (
    "patient", "episode", "birth_date", "sex", "region", "postcode", "ses", "chronic", "own_group", "newborn", "healthy",
    "resident", "linkable", "several_episodes",
)  # fmt: skip
"""What a following admission takes from the one before it, beside its context."""


def with_what_follows(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds the probability of readmission, `next_link`, `next_date`, `next_hospital` and the destination. Grain unchanged.

    A same-day return carries the probability of the stay it belongs to.
    """
    key, last = F.col("row_key"), plan.settings.synthetic.longest_chain
    clinical = F.col("disposition").isin(int(Disposition.CLINICAL), int(Disposition.CLINICAL_SAME_DAY))
    modelled = clinical & F.col("kind").isin(int(Kind.ORDINARY), int(Kind.COVID))
    own_odds = F.when(modelled, plan.readmission.log_odds(F.col("group")))
    effect = F.get(numbers(plan.nation.hospitals.readmission), F.col("hospital")) + event_effect(
        plan, (EventKind.READMISSIONS,), F.col("discharge_date")
    )
    effect = effect + plan.readmission.unrecorded(F.col("group"), F.col(USUAL))
    same_stay = F.col("link") == int(Link.SAME_DAY)
    odds = rows.withColumn("_return_odds", own_odds)
    likely = odds.withColumns(
        {
            "probability_return": F.when(same_stay, F.col("stay_return")).otherwise(
                1 / (1 + F.exp(-(F.col("_return_odds") + effect)))
            ),
            "expected_return": F.when(same_stay, F.col("stay_expected_return")).otherwise(
                1 / (1 + F.exp(-F.col("_return_odds")))
            ),
        }
    )
    u = uniform(key, "follows")
    link = (
        F.when(F.col("died") | F.col("probability_return").isNull() | (F.col("level") >= last), int(Link.NONE))
        .when(u < TRANSFER_SHARE, int(Link.TRANSFER))
        .when(u < TRANSFER_SHARE + SAME_DAY_SHARE, int(Link.SAME_DAY))
        .when(below(F.col("probability_return"), key, "returns"), int(Link.RETURN))
        .otherwise(int(Link.NONE))
    )
    linked = likely.withColumn("next_link", link.cast("int"))
    return linked.withColumns(_next_place(plan)).withColumn("destination", _destination()).drop("_return_odds")


def _next_place(plan: Plan) -> dict[str, Column]:
    """Where and when the following admission is; null where there is none."""
    key, hospitals = F.col("row_key"), plan.nation.hospitals
    regions = hospitals.generals
    here, link = F.col("hospital"), F.col("next_link")
    university = F.lit(regions) + F.col("region") % hospitals.universities
    neighbour = F.when(here == F.col("region"), (F.col("region") + 1) % regions).otherwise(F.col("region"))
    to_university = (here < regions) & below(TRANSFER_TO_UNIVERSITY, key, "to university")
    elsewhere = F.when(to_university, university).otherwise(neighbour)
    returns_here = below(SAME_HOSPITAL, key, "returns here")
    same = (link == int(Link.SAME_DAY)) | ((link == int(Link.RETURN)) & returns_here)
    first_day = F.when(returns_here, 1).otherwise(2)
    later = F.pow(uniform(key, "days until return"), F.lit(LATER_LESS_LIKELY))
    days = F.when(link == int(Link.RETURN), first_day + F.floor(later * (WITHIN_DAYS + 1 - first_day))).otherwise(
        F.when((link == int(Link.TRANSFER)) & ~below(TRANSFER_SAME_DAY, key, "transfer today"), 1).otherwise(0)
    )
    follows = link != int(Link.NONE)
    return {
        "next_hospital": F.when(follows, F.when(same, here).otherwise(elsewhere)).cast("int"),
        "next_date": F.when(follows, F.date_add("discharge_date", days.cast("int"))),
    }


def _destination() -> Column:
    """As the contract names it. Same-day clinical admissions never end at home, or the NZa rule would apply."""
    u = uniform(F.col("row_key"), "destination")
    institution = F.when(F.col("age_years") >= OLD, TO_INSTITUTION_OLD).otherwise(TO_INSTITUTION_YOUNG)
    return (
        F.when(F.col("died"), "deceased")
        .when(F.col("next_link") == int(Link.TRANSFER), "hospital")
        .when(F.col("disposition") == int(Disposition.CLINICAL_SAME_DAY), F.when(u < 0.6, "institution").otherwise("hospital"))
        .when(F.col("disposition") == int(Disposition.ACUTE_SAME_DAY_HOME), "home")
        .when(u < institution, "institution")
        .when(u > 1 - TO_OTHER, "other")
        .otherwise("home")
    )


def following_admissions(rows: DataFrame, plan: Plan) -> DataFrame:
    """Contexts of the admissions that follow `rows`, one level on. Grain: patient, episode, level."""
    level = F.col("level") + 1
    same_group = (F.col("next_link") != int(Link.RETURN)) | below(SAME_DISEASE, F.col("row_key"), "same disease")
    merged = F.col("next_link") == int(Link.SAME_DAY)
    return rows.where(F.col("next_link") != int(Link.NONE)).select(
        *TRAITS,
        level.cast("int").alias("level"),
        F.col("next_link").alias("link"),
        F.col("next_date").alias("base_date"),
        F.when(same_group, F.col("group")).alias("given_group"),
        F.col("next_hospital").alias("given_hospital"),
        F.when(merged, F.col("probability_return")).alias("stay_return"),
        F.when(merged, F.col("expected_return")).alias("stay_expected_return"),
        row_key(plan.seed, F.col("patient"), F.col("episode"), level.cast("int")).alias("row_key"),
    )


def first_admissions(episodes: DataFrame) -> DataFrame:
    """Contexts of the spontaneous admissions. Grain: patient, episode."""
    nothing = {"given_group": "int", "given_hospital": "int", "stay_return": "double", "stay_expected_return": "double"}
    return episodes.select(
        *TRAITS,
        F.lit(0).alias("level"),
        F.lit(int(Link.NONE)).alias("link"),
        "base_date",
        *[F.lit(None).cast(kind).alias(name) for name, kind in nothing.items()],
        "row_key",
    )

"""What the models see of an admission, and what they decide: covariates, death, and whether the patient returns.

Death is one Bernoulli draw per admission with the probability of the true model, given that the patient is alive at
admission; nothing later changes a row that was drawn. So leaving out the admissions of the dead keeps the truth exact.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.population.comorbidity import CONDITIONS, bit
from lbz_indicators.population.covariates import COMORBIDITY
from lbz_indicators.synthetic.admissions import Disposition, Kind, Link
from lbz_indicators.synthetic.comorbidities import METASTASES, METASTASES_WITH_CANCER
from lbz_indicators.synthetic.draws import below, integers, numbers, pick, uniform
from lbz_indicators.synthetic.events import Kind as EventKind
from lbz_indicators.synthetic.nation import COMPLICATION_FLAGGED
from lbz_indicators.synthetic.patients import age_class_at
from lbz_indicators.synthetic.plan import FROM_HOSPITAL, INSTITUTION_OLD, INSTITUTION_YOUNG, OLD_CLASS, Plan
from lbz_indicators.synthetic.planted import event_effect

DEATH_EVENTS = (EventKind.DEATHS, EventKind.DEATHS_IN_GROUP, EventKind.DEATHS_FROM_MONTH)
PALLIATIVE_LOG_ODDS, PALLIATIVE_AGE = 1.5, 60
OTHER_DIAGNOSES = (0.78, 0.62, 0.42)
"""Chance of the first, second and third secondary diagnosis that is no Charlson condition."""
COMPLICATION_SHARE = 0.07
CANCER_GROUPS = tuple(str(group) for group in range(6, 27))
MODELLED = (int(Disposition.CLINICAL), int(Disposition.OBSERVATION), int(Disposition.CLINICAL_SAME_DAY))
"""Dispositions whose outcome is drawn; in the others the rule of exclusion fixes it."""
USUAL = "usual_comorbidity"
DIAGNOSIS_FACTOR = 2
"""A secondary diagnosis is one number: code x 2, + 1 where flagged as complication; 0 stands for none."""


def with_outcome(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds covariates, secondary diagnoses, true probabilities and died. Grain unchanged."""
    return _with_death(_with_secondary(_with_classes(rows, plan), plan), plan)


def _with_classes(rows: DataFrame, plan: Plan) -> DataFrame:
    key, last = F.col("row_key"), len(plan.delivered_years) - 1
    years, age_class = age_class_at(F.col("admission_date"), F.col("birth_date"))
    u = uniform(key, "source")
    aged = rows.withColumns({"age_years": years.cast("int"), "age": age_class.cast("int")})
    institution = F.when(F.col("age") >= OLD_CLASS, INSTITUTION_OLD).otherwise(INSTITUTION_YOUNG)
    source = (
        F.when(F.col("link") == int(Link.TRANSFER), 2)
        .when(u < FROM_HOSPITAL, 2)
        .when(u < FROM_HOSPITAL + institution, 1)
        .otherwise(0)
    )
    return aged.withColumns(
        {
            "source": source,
            "discharge_year": F.least(F.year("discharge_date") - plan.delivered_years[0], F.lit(last)),
            "admission_month": F.floor((F.month("admission_date") - 1) / 2).cast("int"),
        }
    )


def _with_secondary(rows: DataFrame, plan: Plan) -> DataFrame:
    """`secondary`: numbers of its diagnoses; `comorbidity`: the mask METHOD section 4.1 makes of them.

    USUAL has the mask that the same patient would have without planted events: the risk follows that one, for a patient is
    not less ill where less is written down.
    """
    key, secondary, years = F.col("row_key"), plan.secondary, len(plan.delivered_years)
    hospitals = plan.nation.hospitals
    place = ((F.col("hospital"), 0), (F.col("discharge_year"), years))
    cancer = integers([int(group in CANCER_GROUPS) for group in plan.profiles.groups])
    spread = (F.get(cancer, F.col("_mix")) == 1) & below(METASTASES_WITH_CANCER, key, "metastases")
    suffers = F.col("chronic").bitwiseOR(F.when(spread, bit(METASTASES)).otherwise(0))
    depth, usual_depth = pick(numbers(hospitals.coding_depth), *place), F.get(numbers(hospitals.usual_depth), F.col("hospital"))
    flagged_share = pick(numbers(hospitals.complication_flagged), *place)
    numbered = rows.withColumns(
        {
            "_conditions": _named_conditions(suffers, plan, depth),
            # Null where the hospital's record is as usual, and most are: then nothing is drawn a second time.
            "_usual_conditions": F.when(
                (depth != usual_depth) | (flagged_share != COMPLICATION_FLAGGED), _named_conditions(suffers, plan, usual_depth)
            ),
        }
    )
    dying = (F.col("_age") >= PALLIATIVE_AGE) & (F.col("urgency") == 1) & (F.col("kind") == int(Kind.ORDINARY))
    palliative = dying & below(pick(numbers(hospitals.palliative), *place), key, "palliative")
    complicated = below(COMPLICATION_SHARE, key, "complicated") & ~F.col("healthy")
    which = F.floor(uniform(key, "complication") * len(secondary.complication)).cast("int")
    drawn = numbered.withColumns(
        {
            "palliative": palliative,
            "_flagged": below(flagged_share, key, "flagged"),
            "_usually_flagged": below(COMPLICATION_FLAGGED, key, "flagged"),
            "_complication": F.when(complicated, which),
        }
    )
    number = F.get(integers(secondary.complication), F.col("_complication"))
    complication_mask = F.when(number != F.col("code"), F.get(integers(secondary.complication_masks), F.col("_complication")))
    listed = [
        *[F.coalesce(F.get("_conditions", F.lit(place)), F.lit(0)) for place in range(CONDITIONS)],
        *_other_diagnoses(plan),
        F.when(F.col("palliative"), secondary.palliative * DIAGNOSIS_FACTOR).otherwise(0),
        F.coalesce(number * DIAGNOSIS_FACTOR + F.when(F.col("_flagged"), 1).otherwise(0), F.lit(0)),
    ]
    written = drawn.withColumns(
        {
            "secondary": F.array_distinct(F.array_remove(F.array(*listed), 0)),
            COMORBIDITY: _mask("_conditions", "_flagged", complication_mask),
            USUAL: _mask("_usual_conditions", "_usually_flagged", complication_mask),
        }
    )
    as_usual = F.when(F.col("_usual_conditions").isNull(), F.col(COMORBIDITY)).otherwise(F.col(USUAL))
    return written.withColumn(USUAL, as_usual).drop(
        "_conditions", "_usual_conditions", "_flagged", "_usually_flagged", "_complication"
    )


def _mask(conditions: str, flagged: str, of_complication: Column) -> Column:
    """What METHOD section 4.1 counts: the conditions named, and those of a complication that is not flagged."""
    mask = F.lit(0)
    for place in range(CONDITIONS):
        mask = mask + F.when(F.get(conditions, F.lit(place)) > 0, bit(place + 1)).otherwise(0)
    return mask.bitwiseOR(F.coalesce(F.when(~F.col(flagged), of_complication), F.lit(0)))


def _named_conditions(suffers: Column, plan: Plan, depth: Column) -> Column:
    """Array of 17: the diagnosis that names each condition, 0 where the patient lacks it or the record leaves it out.

    One that equals the main diagnosis is left out, for it would not count.
    """
    key, secondary = F.col("row_key"), plan.secondary
    numbers_ = integers(secondary.condition_codes)
    found = []
    for condition in range(1, CONDITIONS + 1):
        # One number decides whether the condition is named and, as a part of the depth, by which code; the first most often.
        part = uniform(key, f"names {condition}") / depth
        named = (suffers.bitwiseAND(bit(condition)) != 0) & (part < 1)
        first, size = int(secondary.condition_offsets[condition - 1]), int(secondary.condition_sizes[condition - 1])
        number = F.get(numbers_, (first + F.floor(F.least(part, F.lit(1 - 1e-9)) * part * size)).cast("int"))
        written = F.nullif(number, F.col("code")) * DIAGNOSIS_FACTOR
        found.append(F.when(named & ~F.col("healthy"), F.coalesce(written, F.lit(0))).otherwise(0))
    return F.array(*found)


def _other_diagnoses(plan: Plan) -> list[Column]:
    key, other = F.col("row_key"), plan.secondary.other
    listed = []
    for place, chance in enumerate(OTHER_DIAGNOSES):
        u = uniform(key, f"other diagnosis {place}")
        number = F.get(integers(other), F.floor(u / chance * len(other)).cast("int"))
        listed.append(F.when((u < chance) & (F.col("age") > 3), number * DIAGNOSIS_FACTOR).otherwise(0))
    return listed


def _with_death(rows: DataFrame, plan: Plan) -> DataFrame:
    """`probability_death`: the draw's; `expected_death`: what the record lets expect, without effects and planted events."""
    key, hospitals = F.col("row_key"), plan.nation.hospitals
    modelled = F.col("disposition").isin(*MODELLED) & F.col("kind").isin(int(Kind.ORDINARY), int(Kind.COVID))
    odds = rows.withColumn("_odds", F.when(modelled, plan.mortality.log_odds(F.col("group"))))
    effect = (
        F.get(numbers(hospitals.mortality), F.col("hospital"))
        + event_effect(plan, DEATH_EVENTS, F.col("discharge_date"))
        + F.when(F.col("palliative"), PALLIATIVE_LOG_ODDS).otherwise(0.0)
        + plan.mortality.unrecorded(F.col("group"), F.col(USUAL))
    )
    likely = odds.withColumns(
        {
            "probability_death": 1 / (1 + F.exp(-(F.col("_odds") + effect))),
            "expected_death": 1 / (1 + F.exp(-F.col("_odds"))),
        }
    )
    died = F.coalesce(below(F.col("probability_death"), key, "death"), F.lit(False)) | (
        F.col("disposition") == int(Disposition.DIED_SAME_EVENING)
    )
    return likely.withColumn("died", died).drop("_odds")

"""The truth beside the delivery: what every figure of a programme should come near to."""

from __future__ import annotations

import datetime as dt

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.population.covariates import (
    ADMISSION_MONTH,
    AGE,
    COMORBIDITY,
    SES,
    SEVERITY,
    SEX,
    SOURCE,
    URGENCY,
    YEAR,
    comorbidity_labels,
)
from lbz_indicators.population.exclusions import Exclusion
from lbz_indicators.synthetic.admissions import Disposition, Kind, Link
from lbz_indicators.synthetic.draws import texts
from lbz_indicators.synthetic.events import Kind as EventKind
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.planted import delivered_hospital, reporting_hospital
from lbz_indicators.synthetic.risks import Risk
from lbz_indicators.synthetic.stays import AGE_FACTORS, AGE_LABELS, PROCEDURE_FACTORS, base_log_nights

COEFFICIENTS = "indicator string, diagnosis_group string, covariate string, class int, class_label string, estimate double"
STAYS = "term string, value string, log_factor double"
EFFECTS = "hospital_id string, hospital_type string, indicator string, effect double"
EVENTS = "event string, hospital_id string, first_day date, last_day date, size double, diagnosis_group string"
CODES = "diagnosis_code string, diagnosis_group string, severity int, mortality double, stay_factor double"
_LABELS = {c.name: c.labels for c in (AGE, SEX, SES, SEVERITY, URGENCY, SOURCE, ADMISSION_MONTH)}

Row = tuple[object, ...]


def coefficient_rows(plan: Plan) -> list[Row]:
    """COEFFICIENTS: the true models, with the classes and labels of METHOD section 4.1; year classes from 0, labelled."""
    labels = {**_LABELS, YEAR: tuple(str(year) for year in plan.delivered_years)}
    conditions = comorbidity_labels([dict(row) for row in plan.references.charlson.rows])
    rows: list[Row] = []
    for risk in (plan.mortality, plan.readmission):
        for place, group in enumerate(plan.profiles.groups):
            rows.append((risk.indicator, group, "intercept", 0, "intercept", float(risk.intercept[place])))
            rows += [
                (risk.indicator, group, name, number, labels[name][number], float(value))
                for name, values in risk.classes.items()
                for number, value in enumerate(values[place])
            ]
            rows += _condition_rows(risk, place, group, conditions)
    return rows


def _condition_rows(risk: Risk, place: int, group: str, labels: dict[int, str]) -> list[Row]:
    return [
        (risk.indicator, group, COMORBIDITY, condition, labels[condition], float(risk.comorbidity[place, condition - 1]))
        for condition in range(1, CONDITIONS + 1)
    ]


def stay_rows(plan: Plan) -> list[Row]:
    """STAYS: log factors of the mean nights beyond the first."""
    groups = zip(plan.profiles.groups, base_log_nights(plan), strict=True)
    rows: list[Row] = [("diagnosis_group", group, float(value)) for group, value in groups]
    rows += [("age", label, float(value)) for label, value in zip(AGE_LABELS, AGE_FACTORS, strict=True)]
    rows += [("procedure", str(number), float(value)) for number, value in enumerate(PROCEDURE_FACTORS)]
    factors = {code[:3]: float(np.log(f)) for code, f in zip(plan.codes.codes, plan.codes.stay_factor, strict=True)}
    return rows + [("category", stem, value) for stem, value in sorted(factors.items())]


def effect_rows(plan: Plan) -> list[Row]:
    """EFFECTS: on the log odds (mortality, readmission) or the log nights (stay), planted events not among them."""
    hospitals = plan.nation.hospitals
    named = {"mortality": hospitals.mortality, "readmission": hospitals.readmission, "stay": hospitals.stay}
    return [
        (code, kind, indicator, float(values[place]))
        for place, (code, kind) in enumerate(zip(hospitals.code, hospitals.kind, strict=True))
        for indicator, values in named.items()
    ]


def event_rows(plan: Plan) -> list[Row]:
    """EVENTS."""
    return [(e.kind.value, e.hospital, e.first_day, e.last_day, e.size, e.diagnosis_group) for e in plan.nation.events]


def code_rows(plan: Plan) -> list[Row]:
    """CODES: every code that can be a main diagnosis of a group."""
    codes = plan.codes
    return [
        (
            code,
            plan.profiles.groups[codes.group[n]],
            int(codes.severity[n]),
            float(codes.mortality[n]),
            float(codes.stay_factor[n]),
        )
        for n, code in enumerate(codes.codes)
        if not np.isnan(codes.mortality[n])
    ]


def admission_truth(rows: DataFrame, plan: Plan) -> DataFrame:
    """Grain: one admission, by the key it would be delivered with. `rows` have persons and `defect`.

    Probabilities are null where a rule of exclusion fixes the outcome. Expected ones leave out hospital effects and
    planted events, and know of a patient only what the record names. returned: a readmission within 30 days was drawn
    (delivered, unless it ends after the period).
    """
    return rows.select(
        delivered_hospital(plan).alias("hospital_id"),
        reporting_hospital(plan).alias("reporting_hospital_id"),
        "admission_id",
        "patient_id",
        F.get(texts([link.name.lower() for link in Link]), F.col("link")).alias("link"),
        F.get(texts([kind.name.lower() for kind in Disposition]), F.col("disposition")).alias("disposition"),
        (F.col("discharge_year") + plan.delivered_years[0]).alias("discharge_year"),
        F.get(texts(plan.profiles.groups), F.col("group")).alias("diagnosis_group"),
        exclusion_reason(plan).alias("exclusion_reason"),
        *[F.col(name) for name in (AGE.name, SEX.name, SES.name, SEVERITY.name, URGENCY.name, COMORBIDITY, SOURCE.name)],
        ADMISSION_MONTH.name,
        "died",
        "probability_death",
        "expected_death",
        (F.col("next_link") == int(Link.RETURN)).alias("returned"),
        (F.col("next_hospital") == F.col("hospital")).alias("returned_here"),
        (F.col("next_link") == int(Link.TRANSFER)).alias("transferred_out"),
        F.col("probability_return").alias("probability_readmission"),
        F.col("expected_return").alias("expected_readmission"),
        "nights",
        "expected_nights",
        F.get(texts([code[:3] for code in plan.codes.codes]), F.col("code")).alias("category"),
        "procedure",
        "age_years",
        "palliative",
        "defect",
    )


def exclusion_reason(plan: Plan) -> Column:
    """METHOD section 3 from what the row was made for, not from what its record says."""
    settings, year = plan.settings, F.col("discharge_year") + plan.delivered_years[0]
    what, kind = F.col("disposition"), F.col("kind")
    covid = kind == int(Kind.COVID)
    given_covid = F.col("group") == plan.profiles.covid
    reasons = {
        Exclusion.CARE_TYPE_NOT_INCLUDED: what == int(Disposition.DAY),
        Exclusion.OUTSIDE_PERIOD: ~year.isin(*settings.population_years),
        Exclusion.HOSPITAL_YEAR_NOT_VALIDATED: _in_event(plan, EventKind.YEAR_NOT_VALIDATED),
        Exclusion.MONTH_INCOMPLETE: _in_event(plan, EventKind.INCOMPLETE_MONTHS),
        Exclusion.NZA_DIED_SAME_EVENING: what == int(Disposition.DIED_SAME_EVENING),
        Exclusion.NZA_SHORT_ACUTE_OBSERVATION: what == int(Disposition.SHORT_OBSERVATION),
        Exclusion.NZA_ACUTE_SAME_DAY_HOME: what == int(Disposition.ACUTE_SAME_DAY_HOME),
        Exclusion.NOT_RESIDENT: ~F.col("resident"),
        Exclusion.COVID_MAIN_DIAGNOSIS: (covid | given_covid) & year.isin(*settings.population.covid_excluded_years),
        Exclusion.HEALTHY_PERSON: kind.isin(int(Kind.NEWBORN), int(Kind.COMPANION)),
        Exclusion.DIAGNOSIS_GROUP_UNKNOWN: kind == int(Kind.UNKNOWN_GROUP),
    }
    return F.coalesce(*[F.when(F.coalesce(met, F.lit(False)), reason.value) for reason, met in reasons.items()])


def _in_event(plan: Plan, kind: EventKind) -> Column:
    """Whether the row's day of discharge lies in an event of this kind of its hospital."""
    met = F.lit(False)
    for event in plan.nation.events:
        if event.kind is kind:
            here = F.col("hospital") == plan.nation.hospitals.code.index(event.hospital)
            met = met | (here & F.col("discharge_date").between(_day(event.first_day), _day(event.last_day)))
    return met


def _day(value: dt.date) -> Column:
    return F.lit(value)

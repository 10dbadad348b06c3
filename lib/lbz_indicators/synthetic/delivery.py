"""The admissions as the register delivers them: text in the contract's columns (METHOD section 2)."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.schemas.bronze import ADMISSIONS
from lbz_indicators.synthetic.admissions import Disposition, procedure_code
from lbz_indicators.synthetic.draws import below, row_key, texts, uniform
from lbz_indicators.synthetic.events import MERGED_HOSPITAL, Kind
from lbz_indicators.synthetic.nation import GENERAL, SPECIALISED
from lbz_indicators.synthetic.outcomes import DIAGNOSIS_FACTOR
from lbz_indicators.synthetic.plan import Plan
from lbz_indicators.synthetic.planted import delivered_hospital

NUMBER_FACTOR, NUMBER_BITS = 11400715, 45
"""Numbers of admissions are spread by an odd factor, so that they say nothing about the patient and stay unique."""
EPISODES_BITS, LEVEL_BITS = 4, 3
DOTTED_TENTHS = 5
DEADLINE_MONTH, DEADLINE_DAY, DELIVERED_DAY = 3, 31, 10
"""The deadline of a year's delivery is 31 March of the next, and hospitals deliver on the 10th."""

Row = tuple[str | None, ...]


def with_person(rows: DataFrame, lives: DataFrame, plan: Plan) -> DataFrame:
    """Adds admission_id and patient_id (null for those without a pseudonym). Grain unchanged."""
    number = ((F.col("patient") * 2**EPISODES_BITS + F.col("episode")) * 2**LEVEL_BITS + F.col("level")) * NUMBER_FACTOR
    pseudonym = row_key(plan.seed, F.col("patient"), F.coalesce("life", F.lit(0)), F.lit("pseudonym"))
    return rows.join(lives, on=["patient", "episode"], how="left").withColumns(
        {
            "admission_id": number.bitwiseAND(2**NUMBER_BITS - 1).cast("string"),
            "patient_id": F.when(F.col("linkable"), F.lower(F.lpad(F.hex(pseudonym), 16, "0"))),
        }
    )


def admission_records(rows: DataFrame, plan: Plan) -> DataFrame:
    """The contract's columns of admissions with `defect`. Grain: one admission; keeps what diagnoses and defects need."""
    key = F.col("row_key")
    # With a night in between no rule of inclusion asks for a time: so a missing one changes nobody's truth.
    timed = ~(
        below(plan.settings.synthetic.missing_time_share, key, "time unknown")
        & (F.col("disposition") == int(Disposition.CLINICAL))
    )
    text = {
        "hospital_id": delivered_hospital(plan),
        "admission_date": F.col("admission_date").cast("string"),
        "admission_time": F.when(timed, _clock("admission_minutes")),
        "discharge_date": F.col("discharge_date").cast("string"),
        "discharge_time": F.when(timed, _clock("discharge_minutes")),
        "care_type": _care_type(),
        "urgency": F.when(F.col("urgency") == 1, "acute").otherwise("planned"),
        "origin": F.get(texts(("home", "institution", "hospital")), F.col("source")),
        "discharge_destination": F.col("destination"),
        "died": F.col("died").cast("string"),
        "sex": F.when(F.col("sex") == 1, "F").otherwise("M"),
        "age_years": F.col("age_years").cast("string"),
        "postcode4": F.get(texts(plan.nation.postcodes.code), F.col("postcode")),
        "resident": F.col("resident").cast("string"),
        "specialty": F.get(texts(plan.profiles.specialty), F.col("mix")),
        "main_diagnosis": written_code(plan, F.col("code"), F.col("dot") < DOTTED_TENTHS),
        "main_procedure": procedure_code(F.col("mix"), F.col("procedure")),
    }
    columns = {name: text.get(name, F.col(name)).alias(name) for name in (column.name for column in ADMISSIONS)}
    beside = [F.col(name) for name in ("row_key", "secondary", "defect")]
    beside += [F.col("hospital").alias("hospital_number"), F.col("discharge_date").alias("discharged")]
    return rows.select(*columns.values(), *beside)


def diagnosis_records(records: DataFrame, plan: Plan) -> DataFrame:
    """Grain: one secondary diagnosis of an admission in `records`, in the contract's columns, with `defect` and `place`."""
    listed = records.select(
        "admission_id", "hospital_id", "row_key", "defect", F.posexplode("secondary").alias("place", "number")
    )
    code = F.floor(F.col("number") / DIAGNOSIS_FACTOR).cast("int")
    return listed.select(
        "admission_id",
        "hospital_id",
        written_code(plan, code, uniform(F.col("row_key"), "dots of secondary") < 0.5).alias("diagnosis_code"),
        (F.col("number") % DIAGNOSIS_FACTOR == 1).cast("string").alias("is_complication"),
        "defect",
        "place",
    )


def written_code(plan: Plan, number: Column, dotted: Column) -> Column:
    """A diagnosis code by its number, with or without the dot."""
    code = F.get(texts(plan.codes.codes), number)
    with_dot = F.concat(F.substring(code, 1, 3), F.lit("."), F.substring(code, 4, 2))
    return F.when(dotted & (F.length(code) > 3), with_dot).otherwise(code)


def _clock(minutes: str) -> Column:
    hour = F.floor(F.col(minutes) / 60).cast("string")
    minute = (F.col(minutes) % 60).cast("string")
    return F.concat(F.lpad(hour, 2, "0"), F.lit(":"), F.lpad(minute, 2, "0"))


def _care_type() -> Column:
    names = {Disposition.OBSERVATION: "O", Disposition.SHORT_OBSERVATION: "O", Disposition.DAY: "D"}
    return F.get(texts([names.get(kind, "K") for kind in Disposition]), F.col("disposition"))


def hospital_rows(plan: Plan) -> list[Row]:
    """hospitals.csv."""
    hospitals = plan.nation.hospitals
    refused = {event.hospital for event in plan.nation.events if event.kind is Kind.NOT_AUTHORISED}
    rows: list[Row] = [
        (code, f"Hospital {code[1:]}", kind, _truth(code not in refused), _truth(kind == SPECIALISED), None)
        for code, kind in zip(hospitals.code, hospitals.kind, strict=True)
    ]
    return rows + [
        (MERGED_HOSPITAL, f"Hospital {MERGED_HOSPITAL[1:]}", GENERAL, "true", "false", event.hospital)
        for event in plan.nation.events
        if event.kind is Kind.MERGED
    ]


def _delivering(plan: Plan) -> list[tuple[str, str, dt.date]]:
    """(number delivered under, hospital it counts for, last day) of every hospital, the merged one among them."""
    end = dt.date(plan.delivered_years[-1], 12, 31)
    merged = [(MERGED_HOSPITAL, e.hospital, e.last_day) for e in plan.nation.events if e.kind is Kind.MERGED]
    return [*((code, code, end) for code in plan.nation.hospitals.code), *merged]


def month_rows(plan: Plan) -> list[Row]:
    """hospital_months.csv: every hospital and month of the delivered years."""
    return [
        (number, str(year), str(month), _truth(not _met(plan, Kind.INCOMPLETE_MONTHS, code, year, month)),
         _truth(month != 1 or not _met(plan, Kind.YEAR_NOT_VALIDATED, code, year, month)))
        for number, code, last in _delivering(plan)
        for year, month in plan.calendar.months
        if dt.date(year, month, 1) <= last
    ]  # fmt: skip


def year_rows(plan: Plan) -> list[Row]:
    """hospital_years.csv: when each year was delivered, and when it should have been."""
    rows: list[Row] = []
    for number, code, last in _delivering(plan):
        for year in (year for year in plan.delivered_years if year <= last.year):
            deadline = dt.date(year + 1, DEADLINE_MONTH, DEADLINE_DAY)
            late = [e.size for e in plan.nation.events if e.kind is Kind.LATE_DELIVERY and e.hospital == code]
            met = _met(plan, Kind.LATE_DELIVERY, code, year, 12)
            delivered = deadline + dt.timedelta(days=int(late[0])) if met else dt.date(year + 1, DEADLINE_MONTH, DELIVERED_DAY)
            rows.append((number, str(year), delivered.isoformat(), deadline.isoformat()))
    return rows


def ses_rows(plan: Plan) -> list[Row]:
    """ses.csv."""
    p = plan.nation.postcodes
    scores = [None if score is None else f"{score:.3f}" for score in p.score]
    return [(code, score, str(n)) for code, score, n in zip(p.code, scores, p.inhabitants, strict=True)]


def severity_rows(plan: Plan) -> list[Row]:
    """severity.csv: the true class of every code that can be a main diagnosis."""
    codes = plan.codes
    return [
        (code, str(int(place)))
        for code, place, mortality in zip(codes.codes, codes.severity, codes.mortality, strict=True)
        if mortality == mortality
    ]


def _met(plan: Plan, kind: Kind, hospital: str, year: int, month: int) -> bool:
    """Whether an event of the kind covers that month of the hospital."""
    day = dt.date(year, month, 1)
    return any(e.kind is kind and e.hospital == hospital and e.first_day <= day <= e.last_day for e in plan.nation.events)


def _truth(value: bool) -> str:
    return str(value).lower()

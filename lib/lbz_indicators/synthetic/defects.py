"""The last step: records broken on purpose, one defect a record, at least one for every rule that validation names.

A defect changes only what is delivered, or adds a record; the truth names the defect and keeps what is true. `DEFECTS` maps
each rule of `ingest.rules` to how it comes about; a rule without a defect fails a test.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.ingest.rules import DiagnosisRule, Flag, Rejection
from lbz_indicators.schemas.bronze import ADMISSIONS, DIAGNOSES
from lbz_indicators.synthetic.draws import below, texts, whole
from lbz_indicators.synthetic.plan import Plan

Rule = Rejection | Flag | DiagnosisRule
Change = dict[str, Callable[[], Column]]

OVERLONG, LONG_STAY_DAYS = 1001, 400
CORRECTED_MONTH, MOVED_SHARE = 3, 0.1
"""The correction replaces March of the last year of one hospital, and moves this share of its April there."""


def _text(value: str | None) -> Callable[[], Column]:
    return lambda: F.lit(value).cast("string")


def _shifted(date: str, days: int) -> Callable[[], Column]:
    return lambda: F.date_add(F.to_date(date), days).cast("string")


CHANGED: dict[Rule, Change] = {
    Rejection.MALFORMED_RECORD: {"specialty": _text("x" * OVERLONG)},
    Rejection.MISSING_KEY: {"admission_id": _text(None)},
    Rejection.UNKNOWN_HOSPITAL: {"hospital_id": _text("H000")},
    Rejection.UNREADABLE_ADMISSION_DATE: {"admission_date": _text("2021-02-30")},
    Rejection.UNREADABLE_DISCHARGE_DATE: {"discharge_date": _text("31-12-2021")},
    Rejection.DISCHARGE_BEFORE_ADMISSION: {"discharge_date": _shifted("admission_date", -3)},
    Rejection.DISCHARGE_AFTER_LOAD_DATE: {"discharge_date": _text("2199-12-31")},
    Rejection.AGE_OUT_OF_RANGE: {"age_years": _text("134")},
    Rejection.UNKNOWN_CARE_TYPE: {"care_type": _text("X")},
    Rejection.UNKNOWN_URGENCY: {"urgency": _text("soon")},
    Rejection.UNKNOWN_DIED: {"died": _text(None)},
    Rejection.MISSING_MAIN_DIAGNOSIS: {"main_diagnosis": _text(None)},
    Flag.UNKNOWN_SEX: {"sex": _text(None)},
    Flag.LONG_STAY: {"admission_date": _shifted("discharge_date", -LONG_STAY_DAYS)},
    Flag.DESTINATION_DISAGREES_WITH_DIED: {
        "discharge_destination": lambda: F.when(F.col("died") == "true", "home").otherwise("deceased")
    },
    Flag.UNKNOWN_ORIGIN: {"origin": _text("elsewhere")},
    Flag.UNKNOWN_DESTINATION: {"discharge_destination": _text(None)},
    Flag.UNKNOWN_RESIDENT: {"resident": _text("unknown")},
    Flag.UNREADABLE_TIME: {"admission_time": _text("25:70")},
    Flag.UNREADABLE_POSTCODE: {"postcode4": _text("12AB")},
    Flag.MAIN_DIAGNOSIS_NOT_IN_TREE: {"main_diagnosis": lambda: F.concat("main_diagnosis", F.lit("99"))},
}
"""The columns that a defect changes."""
COPIED: dict[Rule, Change] = {
    Rejection.DUPLICATE_IDENTICAL: {},
    Rejection.DUPLICATE_CONFLICTING: {"specialty": _text("0000")},
    Flag.TWO_HOSPITALS_AT_ONCE: {"admission_id": lambda: F.concat(F.lit("9"), "admission_id")},
}
"""The record comes once more, the copy changed; of two hospitals at once the copy is another hospital's."""
DIAGNOSIS_CHANGED: dict[Rule, Change] = {
    DiagnosisRule.MALFORMED_RECORD: {"diagnosis_code": _text(None)},
    DiagnosisRule.WITHOUT_ADMISSION: {"admission_id": lambda: F.concat(F.lit("0-"), "admission_id")},
    DiagnosisRule.UNKNOWN_IS_COMPLICATION: {"is_complication": _text("perhaps")},
    DiagnosisRule.NOT_IN_TREE: {"diagnosis_code": _text("XYZ99")},
    DiagnosisRule.DUPLICATE: {},
}
"""What happens to the first secondary diagnosis of the record; a duplicate is delivered twice."""
IN_THE_CORRECTION = (Rejection.SUPERSEDED,)
"""Sound in the delivery; the correction says that the patient left in another month."""
FOLLOWING = {DiagnosisRule.OF_REJECTED_ADMISSION: Rejection.AGE_OUT_OF_RANGE}
"""Rules met by the diagnoses of records with another defect."""

DRAWN: tuple[Rule, ...] = (*CHANGED, *COPIED, *DIAGNOSIS_CHANGED)


def with_defect(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds `defect`, the name of the rule an admission's record will meet, null for a sound one. Grain unchanged."""
    key = F.col("row_key")
    names = texts([rule.value for rule in DRAWN])
    dirt = plan.settings.synthetic.dirt
    drawn = F.when(below(dirt, key, "defect"), F.get(names, whole(key, "which defect", len(DRAWN))))
    at_once = drawn == Flag.TWO_HOSPITALS_AT_ONCE.value
    on_diagnosis = drawn.isin(*[rule.value for rule in DIAGNOSIS_CHANGED])
    possible = (~at_once | ((F.col("nights") > 0) & F.col("patient_id").isNotNull())) & (
        ~on_diagnosis | (F.size("secondary") > 0)
    )
    superseded = F.when(_moved(plan), Rejection.SUPERSEDED.value) if dirt > 0 else F.lit(None).cast("string")
    return rows.withColumn("defect", F.coalesce(F.when(possible, drawn), superseded))


def broken_admissions(records: DataFrame, plan: Plan) -> DataFrame:
    """The delivered admissions. Grain: one delivered record."""
    copied = F.col("defect").isin(*[rule.value for rule in COPIED])
    copies = records.withColumn("copy", _once_or_twice(copied))
    other = F.get(texts(plan.nation.hospitals.code), (F.col("hospital_number") + 1) % len(plan.nation.hospitals.code))
    changes = [(F.col("defect") == rule.value, change) for rule, change in CHANGED.items()]
    changes += [((F.col("defect") == rule.value) & (F.col("copy") == 1), change) for rule, change in COPIED.items()]
    elsewhere = (F.col("defect") == Flag.TWO_HOSPITALS_AT_ONCE.value) & (F.col("copy") == 1)
    changes.append((elsewhere, {"hospital_id": lambda: other}))
    return copies.select(*[_changed(column.name, changes) for column in ADMISSIONS])


def broken_diagnoses(diagnoses: DataFrame) -> DataFrame:
    """The delivered secondary diagnoses. Grain: one delivered record."""
    first = F.col("place") == 0
    twice = first & (F.col("defect") == DiagnosisRule.DUPLICATE.value)
    copies = diagnoses.withColumn("copy", _once_or_twice(twice))
    changes = [(first & (F.col("defect") == rule.value), change) for rule, change in DIAGNOSIS_CHANGED.items()]
    return copies.select(*[_changed(column.name, changes) for column in DIAGNOSES])


def correction_records(records: DataFrame, plan: Plan) -> DataFrame:
    """Records of the later delivery: a hospital's month again, and with it those that left in that month after all.

    `records` are those with `defect`. Grain: one admission.
    """
    moved = F.col("defect") == Rejection.SUPERSEDED.value
    last = F.last_day(F.make_date(F.lit(plan.years[-1]), F.lit(CORRECTED_MONTH), F.lit(1)))
    again = (F.col("hospital_number") == _corrected_hospital(plan)) & (F.last_day("discharged") == last)
    return records.where(moved | again).withColumns(
        {
            "admission_date": F.when(moved, F.least(F.to_date("admission_date"), last).cast("string")).otherwise(
                F.col("admission_date")
            ),
            "discharge_date": F.when(moved, last.cast("string")).otherwise(F.col("discharge_date")),
        }
    )


def _once_or_twice(twice: Column) -> Column:
    """Explodes to 0, or to 0 and 1. Outer, or Spark would filter on the array and compute it twice."""
    return F.explode_outer(F.when(twice, F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0))))


def _moved(plan: Plan) -> Column:
    month = F.date_format("discharge_date", "yyyy-MM") == f"{plan.years[-1]}-{CORRECTED_MONTH + 1:02d}"
    here = F.col("hospital") == _corrected_hospital(plan)
    return here & month & below(MOVED_SHARE, F.col("row_key"), "moved")


def _corrected_hospital(plan: Plan) -> int:
    """The last general hospital: planted events begin with the first."""
    return plan.nation.hospitals.generals - 1


def _changed(name: str, changes: list[tuple[Column, Change]]) -> Column:
    """The delivered value of a column."""
    value = F.col(name)
    for condition, change in changes:
        if name in change:
            value = F.when(condition, change[name]()).otherwise(value)
    return value.alias(name)

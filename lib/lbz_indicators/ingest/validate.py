"""Validation of admissions: every record becomes valid or rejected, with all reasons, in one pass.

`check_admissions` judges, the other functions only split and count what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators.config import ValidationSettings
from lbz_indicators.ingest.rules import Flag, Rejection
from lbz_indicators.ingest.sources import MALFORMED
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.schemas.bronze import ADMISSIONS
from lbz_indicators.tables import SILVER_ADMISSIONS, SILVER_REJECTED_ADMISSIONS

CARE_TYPES = ("K", "O", "D")
ORIGINS = ("home", "institution", "hospital")
DESTINATIONS = ("home", "institution", "hospital", "deceased", "other")
_DAY = r"^[1-9]\d{3}-\d{2}-\d{2}\z"
_CLOCK = r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_WHOLE_NUMBER = r"^-?\d{1,9}$"
_KEY = ("hospital_id", "admission_id")
Keep = Callable[[DataFrame], DataFrame]
"""Makes a small look-up once. Spark then knows how small it is, and does not send the records around to join it."""


def normalised_code(name: str) -> Column:
    """A diagnosis code in upper case without dots and spaces."""
    return F.upper(F.translate(F.col(name), ". \t\n\x0b\f\r", ""))


def day(name: str) -> Column:
    """'2019-03-10' as a date; null where it is none, or not written so."""
    return F.when(F.col(name).rlike(_DAY), F.col(name).try_cast("date"))


def _unkept(frame: DataFrame) -> DataFrame:
    return frame


def repeated_keys(records: DataFrame, keep: Keep = _unkept) -> DataFrame:
    """Keys that stand more than once among the records in force.

    Grain: hospital_id, admission_id, delivery_id. Columns: superseded (a later delivery has the key),
    conflicting (its records in this delivery differ), kept_record (the one that stays of identical records).
    """
    content = F.xxhash64(*[column.name for column in ADMISSIONS]).alias("_content")
    keyed = records.where("hospital_id IS NOT NULL AND admission_id IS NOT NULL").withColumn("_hash", F.xxhash64(*_KEY))
    # By hash first: few keys are repeated, and only their records need to be looked at whole.
    repeated_hashes = keep(keyed.groupBy("_hash").agg(F.count("*").alias("_n")).where("_n > 1").select("_hash"))
    columns = (*_KEY, "delivery_id", "loaded_at", "record", content)
    narrow = keep(keyed.join(repeated_hashes, on="_hash", how="left_semi").select(*columns))
    repeated = narrow.groupBy(*_KEY).agg(F.count("*").alias("_n"), F.max(F.struct("loaded_at", "delivery_id")).alias("_latest"))
    among = narrow.join(repeated.where("_n > 1"), on=list(_KEY), how="inner")
    found = among.groupBy(*_KEY, "delivery_id").agg(
        F.first(F.col("_latest.delivery_id") != F.col("delivery_id")).alias("superseded"),
        (F.min("_content") != F.max("_content")).alias("conflicting"),
        F.min("record").alias("kept_record"),
    )
    return keep(found)


def in_two_hospitals(records: DataFrame, keep: Keep = _unkept) -> DataFrame:
    """Records that begin while their patient lies in another hospital. Grain: delivery_id, record.

    A sweep over the first and last days of the overnight admissions of each patient, with sums of beginnings and
    ends over all hospitals and over the own one: it grows with the number of admissions, however many one patient has.
    """
    days = (day("admission_date").alias("_from"), day("discharge_date").alias("_to"))
    nights = records.select("patient_id", "hospital_id", "delivery_id", "record", *days).where(
        "patient_id IS NOT NULL AND hospital_id IS NOT NULL AND _from < _to"
    )
    # By hash first: few patients lie in more than one hospital, and only theirs are sorted.
    nights = nights.withColumn("_hash", F.xxhash64("patient_id"))
    hospital = F.xxhash64("hospital_id")
    places = nights.groupBy("_hash").agg(F.min(hospital).alias("_least"), F.max(hospital).alias("_most"))
    nights = nights.join(keep(places.where("_least < _most").select("_hash")), on="_hash", how="left_semi")
    edges = nights.select(
        "patient_id", "hospital_id", "delivery_id", "record",
        F.explode(F.array(F.struct(F.col("_from").alias("day"), F.lit(1).alias("step")),
                          F.struct(F.col("_to").alias("day"), F.lit(-1).alias("step")))).alias("_edge"),
    ).select("patient_id", "hospital_id", "delivery_id", "record", "_edge.day", "_edge.step")  # fmt: skip
    all_days = Window.partitionBy("patient_id").orderBy("day", "step")
    own_days = Window.partitionBy("patient_id", "hospital_id").orderBy("day", "step")
    beds = edges.withColumn("_beds", F.sum("step").over(all_days)).withColumn("_own_beds", F.sum("step").over(own_days))
    begun = beds.where("step = 1 AND _beds > _own_beds")
    return keep(begun.select("delivery_id", "record", F.lit(True).alias("two_hospitals")))


def check_admissions(
    records: DataFrame,
    known_hospitals: DataFrame,
    known_codes: DataFrame,
    settings: ValidationSettings,
    keep: Keep = _unkept,
) -> DataFrame:
    """Judges every record by every rule, `records` being all that are in force; see judge_admissions."""
    repeated, beside = repeated_keys(records, keep), in_two_hospitals(records, keep)
    return judge_admissions(records, repeated, beside, known_hospitals, known_codes, settings)


def judge_admissions(
    records: DataFrame,
    repeated: DataFrame,
    beside: DataFrame,
    known_hospitals: DataFrame,
    known_codes: DataFrame,
    settings: ValidationSettings,
) -> DataFrame:
    """Judges every record by every rule.

    Grain: one row per record of `records` (bronze.admissions in force). Adds the typed columns of silver.admissions
    with the prefix `t_`, `reasons` (sorted names of Rejection; empty = valid) and `flags` (sorted names of Flag).
    `repeated` is what repeated_keys says of all records in force with these keys, `beside` what in_two_hospitals says of all
    of these patients; `known_hospitals` has hospital_id, `known_codes` the normalised ICD-10 code as `code`.
    """
    typed = records.select("*", *_typed_columns())
    joined = (
        typed.join(repeated, on=[*_KEY, "delivery_id"], how="left")
        .join(beside, on=["delivery_id", "record"], how="left")
        .join(F.broadcast(known_hospitals.select("hospital_id", F.lit(True).alias("_known"))), on="hospital_id", how="left")
        .join(F.broadcast(known_codes.select(F.col("code").alias("t_main_diagnosis"), F.lit(True).alias("_in_tree"))),
              on="t_main_diagnosis", how="left")
    )  # fmt: skip
    reasons = _named(_rejections(settings))
    return joined.withColumn("reasons", reasons).withColumn("flags", _named(_flags(settings)))


def _typed_columns() -> list[Column]:
    return [
        day("admission_date").alias("t_admission_date"),
        _minutes("admission_time").alias("t_admission_minutes"),
        day("discharge_date").alias("t_discharge_date"),
        _minutes("discharge_time").alias("t_discharge_minutes"),
        _one_of("care_type", CARE_TYPES).alias("t_care_type"),
        _one_of("urgency", ("acute", "planned")).alias("t_urgency"),
        _one_of("origin", ORIGINS).alias("t_origin"),
        _one_of("discharge_destination", DESTINATIONS).alias("t_discharge_destination"),
        true_or_false("died").alias("t_died"),
        _one_of("sex", ("M", "F")).alias("t_sex"),
        F.when(F.col("age_years").rlike(_WHOLE_NUMBER), F.col("age_years").try_cast("int")).alias("t_age_years"),
        F.when(F.col("postcode4").rlike(r"^\d{4}$"), F.col("postcode4")).alias("t_postcode4"),
        true_or_false("resident").alias("t_resident"),
        normalised_code("main_diagnosis").alias("t_main_diagnosis"),
    ]


def _rejections(settings: ValidationSettings) -> dict[Rejection, Column]:
    keyed = F.col("hospital_id").isNotNull() & F.col("admission_id").isNotNull()
    superseded = F.coalesce("superseded", F.lit(False))
    conflicting = F.coalesce("conflicting", F.lit(False)) & ~superseded
    again = (F.col("kept_record") != F.col("record")) & ~F.col("conflicting") & ~superseded
    return {
        Rejection.MALFORMED_RECORD: F.col("defect").eqNullSafe(MALFORMED),
        Rejection.MISSING_KEY: ~keyed,
        Rejection.DUPLICATE_IDENTICAL: F.coalesce(again, F.lit(False)),
        Rejection.DUPLICATE_CONFLICTING: conflicting,
        Rejection.SUPERSEDED: superseded,
        Rejection.UNKNOWN_HOSPITAL: F.col("hospital_id").isNotNull() & F.col("_known").isNull(),
        Rejection.UNREADABLE_ADMISSION_DATE: F.col("t_admission_date").isNull(),
        Rejection.UNREADABLE_DISCHARGE_DATE: F.col("t_discharge_date").isNull(),
        Rejection.DISCHARGE_BEFORE_ADMISSION: F.col("t_discharge_date") < F.col("t_admission_date"),
        Rejection.DISCHARGE_AFTER_LOAD_DATE: F.col("t_discharge_date") > F.col("load_date"),
        Rejection.AGE_OUT_OF_RANGE: ~F.coalesce(F.col("t_age_years").between(0, settings.maximum_age_years), F.lit(False)),
        Rejection.UNKNOWN_CARE_TYPE: F.col("t_care_type").isNull(),
        Rejection.UNKNOWN_URGENCY: F.col("t_urgency").isNull(),
        Rejection.UNKNOWN_DIED: F.col("t_died").isNull(),
        Rejection.MISSING_MAIN_DIAGNOSIS: F.col("t_main_diagnosis").isNull() | (F.col("t_main_diagnosis") == ""),
    }


def _flags(settings: ValidationSettings) -> dict[Flag, Column]:
    deceased = F.col("t_discharge_destination") == F.lit("deceased")
    unread = [F.col(f"{name}_time").isNotNull() & F.col(f"t_{name}_minutes").isNull() for name in ("admission", "discharge")]
    return {
        Flag.UNKNOWN_SEX: F.col("t_sex").isNull(),
        Flag.LONG_STAY: F.datediff("t_discharge_date", "t_admission_date") > settings.long_stay_days,
        Flag.DESTINATION_DISAGREES_WITH_DIED: deceased != F.col("t_died"),
        Flag.UNKNOWN_ORIGIN: F.col("t_origin").isNull(),
        Flag.UNKNOWN_DESTINATION: F.col("t_discharge_destination").isNull(),
        Flag.UNKNOWN_RESIDENT: F.col("t_resident").isNull(),
        Flag.UNREADABLE_TIME: unread[0] | unread[1],
        Flag.UNREADABLE_POSTCODE: F.col("postcode4").isNotNull() & F.col("t_postcode4").isNull(),
        Flag.MAIN_DIAGNOSIS_NOT_IN_TREE: F.col("_in_tree").isNull(),
        Flag.TWO_HOSPITALS_AT_ONCE: F.coalesce("two_hospitals", F.lit(False)),
    }


def _named(conditions: dict[Rejection, Column] | dict[Flag, Column]) -> Column:
    """Sorted names of the conditions that hold; one that is null does not hold. Most records meet none."""
    names = [F.when(condition, F.lit(rule.value)) for rule, condition in conditions.items()]
    met = F.sort_array(F.array_compact(F.array(*names)))
    return F.when(reduce(or_, conditions.values()), met).otherwise(F.array().cast("array<string>"))


def _one_of(name: str, values: tuple[str, ...]) -> Column:
    """The delivered value in the contract's spelling, whatever its case; null where it is none of them."""
    spelling = F.lower(F.col(name))
    result = F.lit(None).cast("string")
    for value in values:
        result = F.when(spelling == value.lower(), F.lit(value)).otherwise(result)
    return result


def true_or_false(name: str) -> Column:
    """'true' or 'false' as a boolean, whatever its case; anything else null."""
    return F.when(F.lower(F.col(name)) == "true", F.lit(True)).when(F.lower(F.col(name)) == "false", F.lit(False))


def _minutes(name: str) -> Column:
    """'20:15' as 1215 minutes after midnight; null where it is no time."""
    clock = F.split(F.col(name), ":")
    return F.when(F.col(name).rlike(_CLOCK), clock[0].cast("int") * 60 + clock[1].cast("int"))


def valid_admissions(checked: DataFrame) -> DataFrame:
    """silver.admissions: typed, with what METHOD section 2 takes unknown values for."""
    return checked.where(F.size("reasons") == 0).select(
        *_KEY,
        F.year("t_discharge_date").alias("discharge_year"),
        "delivery_id",
        "patient_id",
        *[F.col(f"t_{name}").alias(name) for name in (
            "admission_date", "admission_minutes", "discharge_date", "discharge_minutes", "care_type", "urgency")],
        F.coalesce("t_origin", F.lit("home")).alias("origin"),
        F.coalesce("t_discharge_destination", F.lit("other")).alias("discharge_destination"),
        F.col("t_died").alias("died"),
        F.col("t_sex").alias("sex"),
        F.col("t_age_years").alias("age_years"),
        F.col("t_postcode4").alias("postcode4"),
        F.coalesce("t_resident", F.lit(True)).alias("resident"),
        "specialty",
        F.col("t_main_diagnosis").alias("main_diagnosis"),
        "main_procedure",
        "flags",
    ).select(*SCHEMAS[SILVER_ADMISSIONS].names)  # fmt: skip


def rejected_admissions(checked: DataFrame) -> DataFrame:
    """silver.rejected_admissions: the record as delivered, with all its reasons."""
    return checked.where(F.size("reasons") > 0).select(*SCHEMAS[SILVER_REJECTED_ADMISSIONS].names)

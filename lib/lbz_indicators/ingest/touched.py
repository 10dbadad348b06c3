"""What a night's deliveries touch: hospital-months, keys and patients, and the records that must be looked at for them.

A verdict rests on the record itself, on the records in force with its key, and a flag on those of its patient. Deliveries
and withdrawals move records in or out of force in the months and under the numbers that they name. So a verdict can change
only under a key that a moved record has, and a flag only for a patient that a moved record is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.hashing import hash_of
from lbz_indicators.ingest.in_force import MONTH, Keep, discharge_month
from lbz_indicators.ingest.rules import Rejection

_KEY = ("hospital_id", "admission_id")


@dataclass(frozen=True)
class Touched:
    """Hospital-months, and hashes of keys (`_key`) and patients (`_patient`): two that share a hash are both looked at."""

    months: DataFrame
    keys: DataFrame
    patients: DataFrame


def key_hash() -> Column:
    """Hash of an admission's key; null where a part of it is missing."""
    return F.when(F.col("hospital_id").isNotNull() & F.col("admission_id").isNotNull(), F.xxhash64(*_KEY)).alias("_key")


def patient_hash() -> Column:
    return F.when(F.col("patient_id").isNotNull(), F.xxhash64("patient_id")).alias("_patient")


def touched_months(
    new_months: DataFrame, new_withdrawals: DataFrame, rejected: DataFrame, known_hospitals: DataFrame
) -> DataFrame:
    """What new deliveries hold or withdraw, and what a hospital has that is known only now. Grain: hospital_id, discharge_month.

    `new_months`: silver.delivered_months of the new deliveries; `rejected`: silver.rejected_admissions before them.
    """
    unknown = rejected.where(F.array_contains("reasons", Rejection.UNKNOWN_HOSPITAL.value))
    known_now = unknown.join(F.broadcast(known_hospitals.select("hospital_id")), on="hospital_id", how="left_semi")
    whole = new_withdrawals.where("admission_id IS NULL")
    every = new_months.select(*MONTH).unionByName(whole.select(*MONTH))
    return every.unionByName(known_now.select("hospital_id", discharge_month())).distinct()


def touched(
    new: DataFrame, months: DataFrame, new_withdrawals: DataFrame, valid: DataFrame, rejected: DataFrame, keep: Keep
) -> Touched:
    """The keys and patients of `new`, of the records in force in the touched months, and of admissions withdrawn.

    `new`: records of bronze.admissions; `valid` and `rejected`: silver before them, of `valid` at least the years touched.
    """
    named = new_withdrawals.where("admission_id IS NOT NULL").select(*_KEY).distinct()
    of_valid = valid.withColumn("discharge_month", F.substring(F.col("discharge_date").cast("string"), 1, 7))
    of_rejected = rejected.withColumn("discharge_month", discharge_month())
    columns = (*_KEY, "patient_id")
    moved = new.select(*columns)
    for before in (of_valid, of_rejected):
        moved = moved.unionByName(_within(before, months, MONTH).select(*columns))
        moved = moved.unionByName(_within(before, named, _KEY).select(*columns))
    found = keep(moved.select(key_hash(), patient_hash()).distinct())
    keys = found.select("_key").unionByName(named.select(key_hash()))
    return Touched(
        months,
        keep(keys.where("_key IS NOT NULL").distinct()),
        keep(found.select("_patient").where("_patient IS NOT NULL").distinct()),
    )


def _within(rows: DataFrame, few: DataFrame, names: Sequence[str]) -> DataFrame:
    """Rows whose `names` are those of one of `few`; nulls are equal. Grain unchanged."""
    renamed = few.select(*[F.col(name).alias(joins.other(name)) for name in names])
    return rows.join(F.broadcast(renamed), on=joins.same_keys(names), how="left_semi")


def valid_looked_at(valid: DataFrame, what: Touched) -> DataFrame:
    """Rows of silver.admissions with a touched key or patient. Adds `_of_key`, whether the key is touched. Grain unchanged."""
    marked = _marked(_marked(valid.withColumns({"_key": key_hash(), "_patient": patient_hash()}), what.keys), what.patients)
    return marked.where("_found_key OR _found_patient").withColumn("_of_key", F.coalesce("_found_key", F.lit(False)))


def rejected_looked_at(rejected: DataFrame, what: Touched) -> DataFrame:
    """Rows of silver.rejected_admissions with a touched key or of a touched month. Adds `_of_key`. Grain unchanged."""
    marked = _marked(rejected.withColumns({"_key": key_hash(), "_patient": patient_hash()}), what.keys)
    marked = joins.look_up(marked.withColumn("discharge_month", discharge_month()), _flagged(what.months), MONTH)
    return marked.where("_found_key OR _of_month").withColumn("_of_key", F.coalesce("_found_key", F.lit(False)))


def with_patients_of(what: Touched, valid: DataFrame, rejected: DataFrame, keep: Keep) -> Touched:
    """Adds the patients of rows with a touched key, which may be others: their flags are told anew."""
    more = valid.where("_of_key").select("_patient").unionByName(rejected.where("_of_key").select("_patient"))
    together = what.patients.unionByName(more.where("_patient IS NOT NULL"))
    return Touched(what.months, what.keys, keep(together.distinct()))


def records_looked_at(bronze: DataFrame, what: Touched) -> DataFrame:
    """Every record of bronze.admissions, in force or not, of a touched month, key or patient. Grain unchanged.

    Adds `_of_key`, whether its key is touched, and `_judged`, whether its key or month is, so that its verdict may change.
    A few records more may be there.
    """
    raw = bronze.withColumns(
        {
            "_key": key_hash(),
            "_patient": patient_hash(),
            "_raw": F.substring("discharge_date", 1, 7),
            "_month": hash_of(["hospital_id", "_raw"]),
            "_place": hash_of(["hospital_id"]),
        }
    )
    # By hash, and dates are read only of what is found: this passes over every record ever delivered.
    months = what.months.withColumn("_month", hash_of(MONTH)).withColumn("_place", hash_of(["hospital_id"]))
    found = _marked(_marked(raw, what.keys), what.patients)
    found = _marked(found, months.where("discharge_month IS NOT NULL").select("_month").distinct())
    found = _marked(found, months.where("discharge_month IS NULL").select("_place").distinct())
    unreadable = F.col("_found_place") & discharge_month().isNull()
    few = found.where(F.col("_found_key") | F.col("_found_patient") | F.col("_found_month") | unreadable)
    placed = joins.look_up(few.withColumn("discharge_month", discharge_month()), _flagged(what.months), MONTH)
    of_key, of_month = (F.coalesce(name, F.lit(False)) for name in ("_found_key", "_of_month"))
    return placed.select(*bronze.columns, of_key.alias("_of_key"), (of_key | of_month).alias("_judged"))


def withdrawals_looked_at(withdrawn: DataFrame, what: Touched) -> DataFrame:
    """Withdrawals of a touched admission or month: whether they meet a record may change. Grain unchanged."""
    columns = withdrawn.columns
    admissions = _marked(withdrawn.withColumn("_key", key_hash()), what.keys).where("_found_key").select(*columns)
    whole = _within(withdrawn.where("admission_id IS NULL"), what.months, MONTH)
    return admissions.unionByName(whole)


def _marked(rows: DataFrame, hashes: DataFrame) -> DataFrame:
    """Adds `_found_x`, true where column `_x` is one of the hashes, else null. Grain unchanged."""
    name = hashes.columns[0]
    return rows.join(F.broadcast(hashes.withColumn(f"_found{name}", F.lit(True))), on=name, how="left")


def _flagged(months: DataFrame) -> DataFrame:
    return F.broadcast(months.withColumn("_of_month", F.lit(True)))

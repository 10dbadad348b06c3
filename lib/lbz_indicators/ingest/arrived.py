"""Validation of only what arrived: silver after new deliveries, from silver before them and the records they touch.

The rules are those of a whole validation, applied to the records that `touched` finds, and the rows are those that it would
give. `keep` makes a frame once and for all: the tables it was read from are written afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import ValidationSettings
from lbz_indicators.ingest import diagnoses, in_force, quality, touched, validate
from lbz_indicators.ingest.in_force import Keep
from lbz_indicators.ingest.rules import Flag
from lbz_indicators.ingest.sources import is_filtered
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import SILVER_ADMISSIONS, SILVER_QUALITY, SILVER_REJECTED_ADMISSIONS

_PAIR = ("admission_id", "hospital_id", "delivery_id")
_VALID, _REJECTED = SCHEMAS[SILVER_ADMISSIONS].names, SCHEMAS[SILVER_REJECTED_ADMISSIONS].names


@dataclass(frozen=True)
class Bronze:
    """What is delivered, the new deliveries included: bronze.admissions and .diagnoses, what `in_force.withdrawals` gives, the
    hospitals known (hospital_id) and the codes of the WHO tree (code)."""

    admissions: DataFrame
    diagnoses: DataFrame
    withdrawals: DataFrame
    hospitals: DataFrame
    codes: DataFrame


@dataclass(frozen=True)
class Silver:
    """silver.admissions, .rejected_admissions, .delivered_months and .quality before the new deliveries."""

    admissions: DataFrame
    rejected: DataFrame
    months: DataFrame
    quality: DataFrame


@dataclass(frozen=True)
class Arrival:
    """The new deliveries: what they hold and withdraw, and the hospital-months they touch."""

    deliveries: tuple[str, ...]
    records: DataFrame
    months: DataFrame
    withdrawals: DataFrame
    touched_months: DataFrame

    @property
    def is_new(self) -> Column:
        """Whether a row is of a new delivery."""
        return F.col("delivery_id").isin(*self.deliveries)


@dataclass(frozen=True)
class Change:
    """Rows of a table that are touched, as they are (`old`) and as they become (`new`)."""

    old: DataFrame
    new: DataFrame


@dataclass(frozen=True)
class Judged:
    """What becomes of the tables. `months`: rows to add; `quality`: the whole table."""

    admissions: Change
    rejected: Change
    diagnoses: Change
    months: DataFrame
    quality: DataFrame


@dataclass(frozen=True)
class _Side:
    """What is touched, before or after: rows of silver, records as mark_in_force gives them, months and withdrawals."""

    valid: DataFrame
    rejected: DataFrame
    marked: DataFrame
    months: DataFrame
    withdrawals: DataFrame


def arrival(bronze: Bronze, silver: Silver, deliveries: Sequence[str], keep: Keep) -> Arrival:
    """What arrived. `deliveries`: ids of deliveries that silver holds nothing of."""
    new = F.col("delivery_id").isin(*deliveries)
    records = keep(bronze.admissions.where(new))
    months = keep(in_force.delivered_months(records))
    withdrawn = keep(bronze.withdrawals.where(new))
    places = keep(touched.touched_months(months, withdrawn, silver.rejected, bronze.hospitals))
    return Arrival(tuple(deliveries), records, months, withdrawn, places)


def judge(bronze: Bronze, silver: Silver, arrived: Arrival, seeds: DataFrame, settings: ValidationSettings, keep: Keep) -> Judged:
    """Silver after the new deliveries, row by row what a whole validation gives.

    `seeds`: silver.admissions, at least of the months touched and the admissions withdrawn.
    """
    what = touched.touched(arrived.records, arrived.touched_months, arrived.withdrawals, seeds, silver.rejected, keep)
    old_valid = keep(touched.valid_looked_at(silver.admissions, what))
    old_rejected = keep(touched.rejected_looked_at(silver.rejected, what))
    what = touched.with_patients_of(what, old_valid, old_rejected, keep)
    records = keep(touched.records_looked_at(bronze.admissions, what))
    withdrawn = keep(touched.withdrawals_looked_at(bronze.withdrawals, what))
    months = keep(silver.months.unionByName(arrived.months))
    earlier = bronze.withdrawals.where(~arrived.is_new)
    before = keep(in_force.mark_in_force(records.where(~arrived.is_new), silver.months, earlier))
    after = keep(in_force.mark_in_force(records, months, bronze.withdrawals))

    among = after.where(F.col("in_force") & ~is_filtered())
    beside = validate.in_two_hospitals(among, keep)
    repeated = validate.repeated_keys(among, keep)
    checked = keep(validate.judge_admissions(among.where("_judged"), repeated, beside, bronze.hospitals, bronze.codes, settings))
    reflagged = keep(_reflagged(old_valid.where("NOT _of_key"), among, beside))
    of_key = old_valid.where("_of_key").select(*_VALID)
    valid = validate.valid_admissions(checked)
    rejected = validate.rejected_admissions(checked)
    old = _Side(of_key, old_rejected.select(*_REJECTED), before, silver.months, withdrawn.where(~arrived.is_new))
    new = _Side(valid, rejected, after, months, withdrawn)
    secondary = _diagnoses(bronze, arrived, old, new, keep)
    flags = Change(reflagged.select(*_VALID), reflagged.withColumn("flags", F.col("_flags")).select(*_VALID))
    admissions = Change(old.valid.unionByName(flags.old), new.valid.unionByName(flags.new))
    counts = _recount(
        silver.quality, _count(old, admissions.old, secondary.old, keep), _count(new, admissions.new, secondary.new, keep)
    )
    return Judged(
        admissions,
        Change(old.rejected, new.rejected),
        Change(diagnoses.valid_diagnoses(secondary.old), diagnoses.valid_diagnoses(secondary.new)),
        arrived.months,
        keep(counts),
    )


def _reflagged(rows: DataFrame, among: DataFrame, beside: DataFrame) -> DataFrame:
    """Rows of silver.admissions whose flag patient_in_two_hospitals changes, with `_flags`, the flags they get."""
    flagged = among.join(beside, on=["delivery_id", "record"], how="left_semi").select(*_PAIR).distinct()
    marked = rows.join(flagged.withColumn("_beside", F.lit(True)), on=list(_PAIR), how="left")
    flag = F.lit(Flag.TWO_HOSPITALS_AT_ONCE.value)
    with_flag = F.sort_array(F.array_union("flags", F.array(flag)))
    flags = F.when(F.col("_beside"), with_flag).otherwise(F.array_remove("flags", flag))
    return marked.withColumn("_flags", flags).where("NOT (flags <=> _flags)")


def _diagnoses(bronze: Bronze, arrived: Arrival, old: _Side, new: _Side, keep: Keep) -> Change:
    """What check_diagnoses gives for the new deliveries' diagnoses, and for those of admissions whose state changes."""
    before, after = keep(_known(old)), keep(_known(new))
    states = [F.col(name).alias(f"_old{name}") for name in ("_valid", "_in_force")]
    both = after.where(~arrived.is_new).join(before.select(*_PAIR, *states), on=list(_PAIR), how="left")
    changed = keep(both.where("NOT (_valid <=> _old_valid AND _in_force <=> _old_in_force)").select(*_PAIR))
    theirs = bronze.diagnoses.where(~arrived.is_new).join(F.broadcast(changed), on=list(_PAIR), how="left_semi")
    theirs = keep(theirs.select(*bronze.diagnoses.columns))
    every = theirs.unionByName(bronze.diagnoses.where(arrived.is_new))
    return Change(
        keep(diagnoses.check_diagnoses(theirs, before, bronze.codes)),
        keep(diagnoses.check_diagnoses(every, after, bronze.codes)),
    )


def _known(side: _Side) -> DataFrame:
    """Every delivered admission with a touched key."""
    out = side.marked.where(~F.col("in_force") & ~is_filtered() & F.col("_of_key"))
    return diagnoses.known_admissions(side.valid, side.rejected, out)


def _count(side: _Side, valid: DataFrame, secondary: DataFrame, keep: Keep) -> DataFrame:
    """Rows of silver.quality of what is touched. `valid`: with the rows that are only flagged anew."""
    met = in_force.with_records_met(side.withdrawals, side.months, side.marked, keep)
    return (
        quality.count_admission_rules(valid, side.rejected)
        .unionByName(quality.count_delivered(side.marked))
        .unionByName(quality.count_withdrawals(met))
        .unionByName(quality.count_diagnosis_rules(secondary))
    )


def _recount(counts: DataFrame, before: DataFrame, after: DataFrame) -> DataFrame:
    """silver.quality with what is touched counted anew: whole numbers, so that the sum is exact."""
    less = before.withColumn("records", -F.col("records"))
    together = counts.unionByName(less).unionByName(after)
    key = SCHEMAS[SILVER_QUALITY].key
    summed = together.groupBy(*key).agg(F.sum("records").alias("records"))
    return summed.where("records != 0").select(*SCHEMAS[SILVER_QUALITY].names)

"""Step 2, validate: bronze to valid, rejected and flagged records in silver, with the counts of every rule."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import diagnoses, in_force, quality, small_tables, validate
from lbz_indicators.ingest.sources import is_filtered
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps import validation
from lbz_indicators.steps.delivered import read_delivered, read_delivered_or_empty
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """Judges every delivered record in force: of each hospital's months of discharge, the latest delivery, less withdrawals."""
    bronze, secondary = read_delivered(store, tables.BRONZE_ADMISSIONS), read_delivered(store, tables.BRONZE_DIAGNOSES)
    hospitals = small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS))
    withdrawn = store.look_up(in_force.withdrawals(read_delivered_or_empty(store, tables.BRONZE_WITHDRAWALS)))
    references = load_references(settings.references)
    known_codes = diagnosis_codes(store.spark, references)
    with validation.validating(store, settings, references, run_id):
        written = [store.replace(tables.SILVER_DELIVERED_MONTHS, in_force.delivered_months(bronze))]
        months = store.look_up(store.read(tables.SILVER_DELIVERED_MONTHS))
        delivered = in_force.mark_in_force(bronze, months, withdrawn)
        used = ~is_filtered()
        records = delivered.where(F.col("in_force") & used)
        checked = validate.check_admissions(records, hospitals, known_codes, settings.validation, store.look_up)
        # Judged anew for each of the two tables: that costs less than to keep so many wide rows.
        written += [
            store.replace(tables.SILVER_ADMISSIONS, validate.valid_admissions(checked)),
            store.replace(tables.SILVER_REJECTED_ADMISSIONS, validate.rejected_admissions(checked)),
        ]
        valid, rejected = store.read(tables.SILVER_ADMISSIONS), store.read(tables.SILVER_REJECTED_ADMISSIONS)
        admissions = diagnoses.known_admissions(valid, rejected, delivered.where(~F.col("in_force") & used))
        judged = store.cache(diagnoses.check_diagnoses(secondary, admissions, known_codes))
        counts = (
            quality.count_admission_rules(valid, rejected)
            .unionByName(quality.count_delivered(delivered))
            .unionByName(quality.count_withdrawals(in_force.with_records_met(withdrawn, months, bronze, store.look_up)))
            .unionByName(quality.count_diagnosis_rules(judged))
        )
        written += [
            store.replace(tables.SILVER_DIAGNOSES, diagnoses.valid_diagnoses(judged)),
            store.replace(tables.SILVER_QUALITY, counts),
        ]
    return outcome(store, sum(item.rows for item in written))


def diagnosis_codes(spark: SparkSession, references: References) -> DataFrame:
    """The codes of the WHO tree, normalised, as column `code`."""
    codes = [(row["icd10"].replace(".", "").upper(),) for row in references.diagnosis_codes.rows]
    return spark.createDataFrame(codes, "code string").distinct()


def outcome(store: Store, rows: int) -> Outcome:
    """The totals of silver.quality in one sentence. `rows`: how many were written."""
    names = [quality.DELIVERED, quality.VALID, quality.REJECTED, quality.WITHDRAWN]
    totals = store.read(tables.SILVER_QUALITY).where(F.col("rule").isin(names)).groupBy("rule").agg(F.sum("records")).collect()
    total = {row[0]: row[1] for row in totals}
    delivered, valid, rejected, withdrawn = (total.get(name, 0) for name in names)
    return Outcome(
        f"{delivered:,} admissions delivered: {valid:,} valid, {rejected:,} rejected, "
        f"{delivered - valid - rejected - withdrawn:,} filtered by the source or replaced by a later delivery"
        + (f", {withdrawn:,} withdrawn" if withdrawn else ""),
        delivered,
        rows,
        rejected,
    )

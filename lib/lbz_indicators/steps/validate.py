"""Step 2, validate: bronze to valid, rejected and flagged records in silver, with the counts of every rule."""

from __future__ import annotations

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import diagnoses, quality, small_tables, validate
from lbz_indicators.ingest.sources import FILTERED
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """Judges every delivered record in force: of each hospital's months of discharge, the latest delivery."""
    bronze = store.read(tables.BRONZE_ADMISSIONS)
    hospitals = small_tables.hospitals(store.read(tables.BRONZE_HOSPITALS))
    codes = [(row["icd10"].replace(".", "").upper(),) for row in load_references(settings.references).diagnosis_codes.rows]
    known_codes = store.spark.createDataFrame(codes, "code string").distinct()

    owners = store.look_up(validate.deliveries_in_force(bronze))
    delivered = validate.mark_in_force(bronze, owners)
    used = ~F.coalesce(F.col("defect").startswith(FILTERED), F.lit(False))
    records = delivered.where(F.col("in_force") & used)
    checked = validate.check_admissions(records, hospitals, known_codes, settings.validation, store.look_up)
    # Judged anew for each of the two tables: that costs less than to keep so many wide rows.
    written = [
        store.replace(tables.SILVER_ADMISSIONS, validate.valid_admissions(checked)),
        store.replace(tables.SILVER_REJECTED_ADMISSIONS, validate.rejected_admissions(checked)),
    ]
    valid, rejected = store.read(tables.SILVER_ADMISSIONS), store.read(tables.SILVER_REJECTED_ADMISSIONS)
    admissions = diagnoses.known_admissions(valid, rejected, delivered.where(~F.col("in_force") & used))
    secondary = store.cache(diagnoses.check_diagnoses(store.read(tables.BRONZE_DIAGNOSES), admissions, known_codes))
    counts = (
        quality.count_admission_rules(valid, rejected)
        .unionByName(quality.count_delivered(delivered))
        .unionByName(quality.count_diagnosis_rules(secondary))
    )
    written += [
        store.replace(tables.SILVER_DIAGNOSES, diagnoses.valid_diagnoses(secondary)),
        store.replace(tables.SILVER_QUALITY, counts),
    ]
    totals = store.read(tables.SILVER_QUALITY).where("severity = 'total'").groupBy("rule").agg(F.sum("records")).collect()
    total = {row[0]: row[1] for row in totals}
    valid_, rejected_, delivered_ = (total.get(name, 0) for name in (quality.VALID, quality.REJECTED, quality.DELIVERED))
    return Outcome(
        f"{delivered_:,} admissions delivered: {valid_:,} valid, {rejected_:,} rejected, "
        f"{delivered_ - valid_ - rejected_:,} filtered by the source or replaced by a later delivery",
        delivered_,
        sum(item.rows for item in written),
        rejected_,
    )

"""Validation of only what arrived since the last whole or incremental validation: the same tables, row by row, in a fraction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.ingest import arrived, in_force, small_tables
from lbz_indicators.io import Store
from lbz_indicators.io.rewritten import rewritten_since
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import validation
from lbz_indicators.steps.delivered import deliveries, read_delivered, read_delivered_or_empty
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.validate import diagnosis_codes, outcome
from lbz_indicators.tables import Table

LARGEST_SHARE = 0.2
"""Of all records delivered: where more arrives at once, a whole validation is quicker."""


def arrived_deliveries(store: Store) -> tuple[str, ...]:
    """Ids of the deliveries loaded since the last validation, sorted; nothing where nothing was validated or loaded yet."""
    last, loaded = validation.last_validation(store), deliveries(store)
    if last is None or loaded is None:
        return ()
    return tuple(sorted(row[0] for row in loaded.where(F.col("loaded_at") > F.lit(last["loaded_until"])).collect()))


def needs_all(store: Store, settings: Settings, deliveries: Sequence[str]) -> str | None:
    """Why only a whole validation will do, None where `validate_arrived` of these deliveries gives the same.

    What it does not look at is the caller's to know: that `deliveries` are all of bronze that silver lacks
    (`arrived_deliveries`).
    """
    last = validation.last_validation(store)
    if last is None:
        return "nothing was validated yet"
    if not last["complete"]:
        return "the last validation did not end"
    wanted = validation.judged_with(settings, load_references(settings.references))
    if last["code_version"] != wanted["code_version"]:
        return f"the last validation was by version {last['code_version']} of the program"
    if last["settings"] != wanted["settings"]:
        return "the settings of validation have changed"
    if last["diagnosis_codes"] != wanted["diagnosis_codes"]:
        return "the list of diagnosis codes has changed"
    for name, version in json.loads(last["inputs"]).items():
        if operations := rewritten_since(store, Table(*name.split(".")), version):
            return f"{name} has not only grown since the last validation ({', '.join(operations)})"
    if not deliveries:
        return None
    new = read_delivered(store, tables.BRONZE_ADMISSIONS).where(F.col("delivery_id").isin(*deliveries)).count()
    all_before = store.read(tables.SILVER_DELIVERED_MONTHS).agg(F.sum("records")).collect()[0][0] or 0
    if new > LARGEST_SHARE * (all_before + new):
        return f"{new:,} of {all_before + new:,} records have just arrived"
    return None


def validate_arrived(store: Store, settings: Settings, progress: Progress, run_id: str, deliveries: Sequence[str]) -> Outcome:
    """Judges the records of these deliveries, and those whose verdict or flag rests on them; writes what differs.

    Gives the rows of a whole validation. It does not where `needs_all` names a reason, and where `deliveries` are not all
    that silver lacks. A hospital that is named only now is no reason: the records it had before are judged anew.
    """
    references = load_references(settings.references)
    bronze = arrived.Bronze(
        read_delivered(store, tables.BRONZE_ADMISSIONS),
        read_delivered(store, tables.BRONZE_DIAGNOSES),
        store.look_up(in_force.withdrawals(read_delivered_or_empty(store, tables.BRONZE_WITHDRAWALS))),
        store.look_up(small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS))),
        store.look_up(diagnosis_codes(store.spark, references)),
    )
    silver = arrived.Silver(
        store.read(tables.SILVER_ADMISSIONS),
        store.read(tables.SILVER_REJECTED_ADMISSIONS),
        store.look_up(store.read(tables.SILVER_DELIVERED_MONTHS)),
        store.read(tables.SILVER_QUALITY),
    )
    came = arrived.arrival(bronze, silver, deliveries, _keep)
    judged = arrived.judge(bronze, silver, came, seeds(silver.admissions, came), settings.validation, _keep)
    with validation.validating(store, settings, references, run_id):
        written = [
            store.replace_touched(tables.SILVER_ADMISSIONS, judged.admissions.old, judged.admissions.new, "discharge_year"),
            store.replace_touched(tables.SILVER_REJECTED_ADMISSIONS, judged.rejected.old, judged.rejected.new, "delivery_id"),
            store.replace_touched(tables.SILVER_DIAGNOSES, judged.diagnoses.old, judged.diagnoses.new, "delivery_id"),
            store.append(tables.SILVER_DELIVERED_MONTHS, judged.months),
            store.replace(tables.SILVER_QUALITY, judged.quality),
        ]
    return outcome(store, sum(item.rows for item in written))


def _keep(frame: DataFrame) -> DataFrame:
    """A checkpoint, for a cached frame would be made again from a table that has changed meanwhile."""
    return frame.localCheckpoint()


def seeds(valid: DataFrame, came: arrived.Arrival) -> DataFrame:
    """silver.admissions of the years touched; of all years where an admission is withdrawn whatever its month."""
    if not came.withdrawals.where("discharge_month IS NULL").isEmpty():
        return valid
    months = came.touched_months.select("discharge_month").unionByName(came.withdrawals.select("discharge_month"))
    years = [row[0] for row in months.where("discharge_month IS NOT NULL").select(_year()).distinct().collect()]
    return valid.where(F.col("discharge_year").isin(*years))


def _year() -> Column:
    return F.substring("discharge_month", 1, 4).cast("int")

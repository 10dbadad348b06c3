"""A dry run for a hospital: everything ingest and validate would say of a delivery, with no table read or written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.ingest import diagnoses, quality, small_tables, validate
from lbz_indicators.ingest.rules import sentence_of
from lbz_indicators.ingest.sources import is_filtered
from lbz_indicators.references import load_references
from lbz_indicators.steps.ingest import read_delivery, read_to_the_end
from lbz_indicators.steps.validate import diagnosis_codes

_DELIVERY = "this delivery"


@dataclass(frozen=True)
class Finding:
    """How many records of a hospital a rule of validation meets. `severity`: total, filtered, rejected, flagged."""

    hospital_id: str | None
    severity: str
    rule: str
    records: int
    sentence: str


def check_delivery(spark: SparkSession, settings: Settings) -> list[Finding]:
    """Counts of every rule, judged against the hospitals that the delivery itself names.

    DeliveryError where ingest would refuse the delivery as a whole. What only other deliveries can tell (a record that
    replaces or withdraws an earlier one, a patient in two hospitals of different deliveries) it cannot say.
    """
    frames = read_delivery(spark, settings)
    read_to_the_end(spark, settings, frames)
    now = utc_now()
    loaded = {table: _as_loaded(frame, settings.delivery.load_date or now.date(), now) for table, frame in frames.items()}
    admissions = loaded[tables.BRONZE_ADMISSIONS].localCheckpoint()
    known_codes = diagnosis_codes(spark, load_references(settings.references))
    hospitals = small_tables.hospitals(loaded[tables.BRONZE_HOSPITALS])
    records = admissions.where(~is_filtered())
    checked = validate.check_admissions(
        records, hospitals, known_codes, settings.validation, lambda frame: frame.localCheckpoint()
    ).localCheckpoint()
    valid, rejected = validate.valid_admissions(checked), validate.rejected_admissions(checked)
    every = diagnoses.known_admissions(valid, rejected, records.limit(0))
    secondary = diagnoses.check_diagnoses(loaded[tables.BRONZE_DIAGNOSES], every, known_codes).localCheckpoint()
    alone = {"in_force": F.lit(True), "replaced": F.lit(False), "withdrawn": F.lit(False)}
    counts = (
        quality.count_admission_rules(valid, rejected)
        .unionByName(quality.count_delivered(admissions.withColumns(alone)))
        .unionByName(quality.count_diagnosis_rules(secondary))
    )
    return [
        _finding(row.asDict())
        for row in counts.orderBy("hospital_id", F.col("severity") != "total", "severity", F.desc("records"), "rule").collect()
    ]


def _as_loaded(frame: DataFrame, load_date: dt.date, loaded_at: dt.datetime) -> DataFrame:
    """The records with the columns that bronze adds."""
    return frame.withColumns(
        {
            "record": F.monotonically_increasing_id(),
            "delivery_id": F.lit(_DELIVERY),
            "load_date": F.lit(load_date),
            "loaded_at": F.lit(loaded_at),
        }
    )


def _finding(row: Mapping[str, object]) -> Finding:
    rule = str(row["rule"])
    hospital = row["hospital_id"]
    return Finding(
        None if hospital is None else str(hospital), str(row["severity"]), rule, int(str(row["records"])), sentence_of(rule)
    )

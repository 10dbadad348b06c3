"""Removing admissions from every table that has a row of them: at a patient's request, or when their retention has passed.

Figures are aggregates and stay. What is derived goes before what it was derived from, so that a removal that broke off finds
the rest when it is started again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.io import Store
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.steps.publications import publications, row_identity
from lbz_indicators.tables import Table

ADMISSION = ("hospital_id", "admission_id")
OF_DELIVERY = (*ADMISSION, "delivery_id")
RECORD = ("delivery_id", "record")
PATIENT, RETENTION = "patient", "retention"
OF_ADMISSIONS = (
    tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.SILVER_ADMISSIONS, tables.SILVER_DIAGNOSES,
    tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_EXPECTED,
    tables.GOLD_EXPECTED_NIGHTS, tables.GOLD_PUBLISHED_COVARIATES,
)  # fmt: skip
"""Tables with a row per admission or stay."""


@dataclass(frozen=True)
class Part:
    """Rows of one table that are to go: those whose columns `on` are among `keys`."""

    table: Table
    keys: DataFrame
    on: Sequence[str]

    def rows(self, store: Store) -> DataFrame:
        """The rows as they are now."""
        return store.read(self.table).join(self.keys.select(*self.on), on=list(self.on), how="left_semi")


def parts_of(store: Store, gone: DataFrame) -> list[Part]:
    """What goes with these rows of bronze.admissions, in the order in which it may go; of gold.published_covariates nothing.

    A key that another record has by now, such as one whose pseudonym was corrected, keeps that record's rows.
    """
    # Checkpoints, for cached rows would be computed again from the tables that rows are being removed from.
    records = gone.select(*RECORD, *ADMISSION).localCheckpoint()
    delivered = records.where("hospital_id IS NOT NULL AND admission_id IS NOT NULL").select(*OF_DELIVERY).distinct()
    valid = store.read_or_empty(tables.SILVER_ADMISSIONS).join(delivered, on=list(OF_DELIVERY), how="left_semi")
    keys = valid.select(*ADMISSION).localCheckpoint()
    by_key = (tables.GOLD_EXPECTED, tables.GOLD_EXPECTED_NIGHTS, tables.SILVER_STAYS, tables.SILVER_COVARIATES)
    parts = [Part(table, keys, ADMISSION) for table in by_key]
    parts += [Part(tables.SILVER_DIAGNOSES, delivered, OF_DELIVERY), Part(tables.SILVER_REJECTED_ADMISSIONS, records, RECORD)]
    parts += [Part(tables.SILVER_ADMISSIONS, delivered, OF_DELIVERY), Part(tables.BRONZE_DIAGNOSES, delivered, OF_DELIVERY)]
    parts.append(Part(tables.BRONZE_ADMISSIONS, records, RECORD))
    return [part for part in parts if store.find_version(part.table) is not None]


def published_parts(store: Store, gone: DataFrame) -> list[Part]:
    """Frozen rows of the admissions that these rows of bronze.admissions ever delivered, in any publication."""
    known = publications(store)
    keys = gone.where("hospital_id IS NOT NULL AND admission_id IS NOT NULL").select(*ADMISSION).distinct().localCheckpoint()
    identities = [
        keys.select(F.lit(one.publication_id).alias("publication_id"), row_identity(one.salt).alias("row_identity"))
        for one in known
    ]
    if not identities:
        return []
    every = reduce(DataFrame.unionByName, identities)
    return [Part(tables.GOLD_PUBLISHED_COVARIATES, every.localCheckpoint(), ("publication_id", "row_identity"))]


def count(store: Store, parts: Sequence[Part]) -> dict[str, int]:
    """Rows that would go, by table."""
    found: dict[str, int] = {}
    for part in parts:
        name = str(part.table)
        found[name] = found.get(name, 0) + part.rows(store).count()
    return {name: number for name, number in found.items() if number}


def count_published(store: Store, parts: Sequence[Part]) -> dict[str, int]:
    """Of gold.published_covariates, by publication."""
    of_published = [part.rows(store) for part in parts if part.table == tables.GOLD_PUBLISHED_COVARIATES]
    return {row[0]: row[1] for rows in of_published for row in rows.groupBy("publication_id").count().collect()}


def record(
    store: Store,
    reason: str,
    patients: int | None,
    by_table: Mapping[str, int],
    by_publication: Mapping[str, int],
    note: str,
    run_id: str,
) -> None:
    """Notes a removal in gold.erasures; before it begins, for what is gone cannot be counted."""
    row = (utc_now(), reason, patients, dict(by_table), dict(by_publication), note, run_id)
    store.append(tables.GOLD_ERASURES, store.frame(tables.GOLD_ERASURES, [row]))


def remove(store: Store, parts: Sequence[Part]) -> None:
    """Deletes the rows, and rewrites and vacuums the files that held them."""
    upkeep = Upkeep(store)
    touched = []
    for part in parts:
        if upkeep.remove(part.table, part.keys, part.on):
            touched.append(part.table)
    for table in dict.fromkeys(touched):
        upkeep.purge(table)
        upkeep.vacuum(table)


def kept_until(store: Store) -> dt.date:
    """The day from which maintain deletes the former versions that still hold what is removed today."""
    return (utc_now() + dt.timedelta(days=store.retention_days + 1)).date()

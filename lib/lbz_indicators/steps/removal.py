"""Removing admissions from every table that has a row of them: at a patient's request, or when their retention has passed.

Figures are aggregates and stay. What is derived goes before what it was derived from, so that a removal that broke off finds
the rest when it is started again. gold.erasures has a row per removal, written before it begins, for what is gone cannot be
counted; its commits carry its name, and how many rows they removed is what the row says in the end.
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
from lbz_indicators.ingest.sources import FILTERED
from lbz_indicators.io import Store
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.steps.publications import publications, row_identity
from lbz_indicators.tables import Table

ADMISSION = ("hospital_id", "admission_id")
OF_DELIVERY = (*ADMISSION, "delivery_id")
RECORD = ("delivery_id", "record")
PATIENT, RETENTION = "patient", "retention"
ERASED = "erased"
"""Why a record of bronze is filtered that is about to go, or that stands for a hospital-month whose last record of a delivery
was erased."""
OF_ADMISSIONS = (
    tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_WITHDRAWALS, tables.SILVER_ADMISSIONS,
    tables.SILVER_DIAGNOSES, tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_COVARIATES, tables.SILVER_STAYS,
    tables.GOLD_EXPECTED, tables.GOLD_EXPECTED_NIGHTS, tables.GOLD_PUBLISHED_COVARIATES,
)  # fmt: skip
"""Tables with a row per admission or stay, or that name one."""


@dataclass(frozen=True)
class Part:
    """Rows of one table that are to go: those whose columns `on` are among `keys`."""

    table: Table
    keys: DataFrame
    on: Sequence[str]

    def rows(self, store: Store) -> DataFrame:
        """The rows as they are now."""
        return store.read(self.table).join(self.keys.select(*self.on), on=list(self.on), how="left_semi")


def parts_of(store: Store, gone: DataFrame, withdrawn_before: int | None = None) -> list[Part]:
    """What goes with these rows of bronze.admissions, in the order in which it may go; of gold.published_covariates nothing.

    A key that another record has by now, such as one whose pseudonym was corrected, keeps that record's rows.
    `withdrawn_before`: what was withdrawn in deliveries loaded before this year goes too, where no record is left of it.
    """
    # Checkpoints, for cached rows would be computed again from the tables that rows are being removed from.
    records = gone.select(*RECORD, *ADMISSION, "defect").localCheckpoint()
    delivered = records.where("hospital_id IS NOT NULL AND admission_id IS NOT NULL").select(*OF_DELIVERY).distinct()
    valid = store.read_or_empty(tables.SILVER_ADMISSIONS).join(delivered, on=list(OF_DELIVERY), how="left_semi")
    keys = valid.select(*ADMISSION).localCheckpoint()
    by_key = (tables.GOLD_EXPECTED, tables.GOLD_EXPECTED_NIGHTS, tables.SILVER_STAYS, tables.SILVER_COVARIATES)
    parts = [Part(table, keys, ADMISSION) for table in by_key]
    parts += [Part(tables.SILVER_DIAGNOSES, delivered, OF_DELIVERY), Part(tables.SILVER_REJECTED_ADMISSIONS, records, RECORD)]
    parts += [Part(tables.SILVER_ADMISSIONS, delivered, OF_DELIVERY), Part(tables.BRONZE_DIAGNOSES, delivered, OF_DELIVERY)]
    parts.append(Part(tables.BRONZE_WITHDRAWALS, _withdrawals(store, records, withdrawn_before), RECORD))
    parts.append(Part(tables.BRONZE_ADMISSIONS, records, RECORD))
    return [part for part in parts if store.find_version(part.table) is not None]


def _withdrawals(store: Store, records: DataFrame, loaded_before: int | None) -> DataFrame:
    """Rows of bronze.withdrawals that name an admission of these records and of none that stays: nothing is left to withdraw.

    One that names another's record too, such as one whose pseudonym was corrected, must stay, or that record would come back.
    Columns RECORD.
    """
    named = store.read_or_empty(tables.BRONZE_WITHDRAWALS).where("hospital_id IS NOT NULL AND admission_id IS NOT NULL")
    keys = records.select(*ADMISSION).distinct().withColumn("_of_records", F.lit(True))
    old = F.lit(False) if loaded_before is None else F.year("load_date") < loaded_before
    rows = named.join(keys, on=list(ADMISSION), how="left").where(F.coalesce("_of_records", F.lit(False)) | old)
    rows = rows.select(*RECORD, *ADMISSION).localCheckpoint()
    # The few names first: bronze has every record ever delivered.
    names = F.broadcast(rows.select(*ADMISSION).distinct())
    held = store.read(tables.BRONZE_ADMISSIONS).select(*RECORD, *ADMISSION).join(names, on=list(ADMISSION), how="left_semi")
    stay = held.join(records.select(*RECORD), on=list(RECORD), how="left_anti")
    return rows.join(stay, on=list(ADMISSION), how="left_anti").select(*RECORD).localCheckpoint()


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


@dataclass(frozen=True)
class Doomed:
    """Parts of tables that are to go, in this order, and how many rows they are by table and, of gold.published_covariates, by
    publication."""

    parts: Sequence[Part]
    by_table: Mapping[str, int]
    by_publication: Mapping[str, int]

    @classmethod
    def of(cls, store: Store, parts: Sequence[Part]) -> Doomed:
        """Counts the rows as they are now."""
        by_table: dict[str, int] = {}
        for part in parts:
            name = str(part.table)
            by_table[name] = by_table.get(name, 0) + part.rows(store).count()
        frozen = [part.rows(store) for part in parts if part.table == tables.GOLD_PUBLISHED_COVARIATES]
        by_publication = {row[0]: row[1] for rows in frozen for row in rows.groupBy("publication_id").count().collect()}
        return cls(parts, {name: number for name, number in by_table.items() if number}, by_publication)


@dataclass(frozen=True)
class Removal:
    """A row of gold.erasures: when, why (PATIENT, RETENTION), rows by table and by publication; whether it came to its end."""

    at: dt.datetime
    reason: str
    by_table: Mapping[str, int]
    by_publication: Mapping[str, int]
    run_id: str
    complete: bool

    @property
    def note(self) -> str:
        """What its commits carry."""
        return f"removal {self.run_id} {self.at:%Y-%m-%dT%H:%M:%S.%f}"

    def as_done(self, store: Store) -> Removal:
        """With the rows that are gone by now: of one that is under way or broke off, what its commits have removed.

        Each part of a table is one commit, and frozen rows are one part: they are all gone, or none. Delta keeps commits for
        storage.retention_days: so long after a removal broke off it must be finished (every command of upkeep does that).
        """
        if self.complete:
            return self
        upkeep = Upkeep(store)
        known = {str(table): table for table in OF_ADMISSIONS}
        removed = {name: upkeep.removed_by(known[name], self.note) for name in self.by_table}
        gone = {name: number for name, number in removed.items() if number}
        frozen = self.by_publication if str(tables.GOLD_PUBLISHED_COVARIATES) in gone else {}
        return Removal(self.at, self.reason, gone, frozen, self.run_id, complete=False)


def removals(store: Store) -> list[Removal]:
    """Every removal, the first one first."""
    rows = store.read_or_empty(tables.GOLD_ERASURES).orderBy("erased_at").collect()
    return [
        # null: an older version of the program made the row, and left none unfinished
        Removal(row["erased_at"], row["reason"], row["rows_by_table"], row["rows_by_publication"], row["run_id"],
                row["complete"] is not False)
        for row in rows
    ]  # fmt: skip


def remove(store: Store, doomed: Doomed, reason: str, patients: int | None, note: str, run_id: str) -> None:
    """Deletes the rows, notes that in gold.erasures, and rewrites and vacuums the files that held them."""
    begun = Removal(utc_now(), reason, doomed.by_table, doomed.by_publication, run_id, complete=False)
    row = (begun.at, reason, patients, dict(doomed.by_table), dict(doomed.by_publication), note, begun.complete, run_id)
    store.append(tables.GOLD_ERASURES, store.frame(tables.GOLD_ERASURES, [row]))
    upkeep = Upkeep(store)
    with upkeep.noting(begun.note):
        for part in doomed.parts:
            if part.table == tables.BRONZE_WITHDRAWALS and str(part.table) in doomed.by_table:
                _put_out_of_force(upkeep, doomed.parts)
            upkeep.remove(part.table, part.keys, part.on)
    _finish(store, begun)


def _put_out_of_force(upkeep: Upkeep, parts: Sequence[Part]) -> None:
    """Filters the records that are about to go: without their withdrawals they would be in force again, if it broke off then."""
    records = next(part.keys for part in parts if part.table == tables.BRONZE_ADMISSIONS)
    filtered = records.withColumn("new_defect", F.lit(f"{FILTERED}{ERASED}")).where("NOT defect <=> new_defect")
    upkeep.update(tables.BRONZE_ADMISSIONS, filtered.select(*RECORD, "new_defect"), RECORD, ["defect"])


def finish(store: Store) -> list[str]:
    """Finishes the removals that broke off, as far as they had come; a sentence on each.

    What they removed is counted, and the files that held it are rewritten. The rest is for the same command to remove.
    """
    said = []
    for begun in removals(store):
        if not begun.complete:
            done = _finish(store, begun)
            rows = ", ".join(f"{name} {number:,}" for name, number in sorted(done.by_table.items())) or "none"
            when = f"{begun.at:%Y-%m-%d %H:%M} UTC"
            said.append(f"A removal of {when} ({begun.reason}) had broken off; rows it had removed: {rows}.")
    return said


def _finish(store: Store, begun: Removal) -> Removal:
    upkeep = Upkeep(store)
    done = begun.as_done(store)
    for table in OF_ADMISSIONS:
        if str(table) in done.by_table:
            upkeep.purge(table)
            upkeep.vacuum(table)
    columns = ("rows_by_table", "rows_by_publication", "complete")
    types = ("map<string,bigint>", "map<string,bigint>", "boolean")
    schema = ", ".join(["erased_at timestamp", "run_id string", *[f"new_{c} {t}" for c, t in zip(columns, types, strict=True)]])
    row = (begun.at, begun.run_id, dict(done.by_table), dict(done.by_publication), True)
    upkeep.update(tables.GOLD_ERASURES, store.spark.createDataFrame([row], schema), ("erased_at", "run_id"), columns)
    return done


def kept_until(store: Store) -> dt.date:
    """The day from which maintain deletes the former versions that still hold what is removed today."""
    return (utc_now() + dt.timedelta(days=store.retention_days + 1)).date()

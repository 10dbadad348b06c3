"""Reading and writing the Delta tables.

Every write checks the table's contract first. A replacing write first compares the new rows with the old ones, key by
key on a hash of the content, and writes only the rows that differ: no difference, no new version.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.config import StorageSettings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.failures import storage_errors
from lbz_indicators.hashing import quote
from lbz_indicators.io.changes import CHANGE, DELETE, UPSERT, changed_rows, conform
from lbz_indicators.places import absolute, is_remote
from lbz_indicators.schemas import SCHEMAS, TableSchema
from lbz_indicators.tables import Table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commit:
    """The latest commit of a table: its version and the rows it wrote."""

    version: int
    rows: int


@dataclass(frozen=True)
class Written:
    """What a write did. `changes` holds the differing rows (with `_change`), None where nothing differed."""

    rows: int
    version: int
    changes: DataFrame | None = None


def require_place(settings: StorageSettings) -> None:
    """SettingsError where neither a folder nor a catalog for the tables is named."""
    if not settings.root and not settings.catalog:
        raise SettingsError("It is not said where the tables lie.", mend="add --output ROOT or storage.catalog.")


class Store:
    """Tables of one place, by the names in `lbz_indicators.tables`.

    `require_lease` is called before every write and raises where the run may write no more; see `io.lease`.
    """

    def __init__(self, spark: SparkSession, settings: StorageSettings, require_lease: Callable[[], None] = lambda: None) -> None:
        require_place(settings)
        self.spark = spark
        self._settings = settings
        self.require_lease = require_lease
        self.versions_read: dict[str, int] = {}
        self.versions_written: dict[str, int] = {}
        self._cached: list[DataFrame] = []
        self._pinned: dict[str, int] = {}

    def pinned(self, versions: Mapping[str, int]) -> Store:
        """The same tables for reading, these at the given Delta versions and the others at their latest."""
        store = Store(self.spark, self._settings)
        store._pinned = dict(versions)
        return store

    @property
    def place(self) -> str:
        """Where the tables lie, for messages."""
        if self._settings.catalog:
            return f"catalog {self._settings.catalog}"
        return absolute(self._settings.root or "")

    @property
    def in_catalog(self) -> bool:
        """Whether the tables lie in a catalog, else on a path."""
        return self._settings.catalog is not None

    @property
    def lease_minutes(self) -> int:
        """How long a lease on these tables is good for without a renewal."""
        return self._settings.lease_minutes

    @property
    def work_path(self) -> str:
        """Folder for the work files of a fit."""
        return self._settings.work_path or f"{self._settings.root}/_work"

    def require_writable(self) -> None:
        """StorageError where the place for the tables cannot be written, before any work is done."""
        root = self._settings.root
        if root is None or is_remote(root):
            return
        try:
            os.makedirs(root, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as error:
            raise StorageError(
                f"The output {root} cannot be written: {error.strerror}.", mend="give a folder you may write to with --output."
            ) from error

    def identifier(self, table: Table) -> str:
        """The table's name in SQL."""
        if self._settings.catalog:
            return ".".join(quote(part) for part in (self._settings.catalog, table.layer, table.name))
        return f"delta.{quote(self.path(table))}"

    def path(self, table: Table) -> str:
        """The table's folder."""
        return f"{absolute(self._settings.root or '')}/{table.layer}/{table.name}"

    def read(self, table: Table) -> DataFrame:
        """The table at its latest version, which is noted; StorageError where it is absent."""
        rows = self.find(table)
        if rows is None:
            raise StorageError(
                f"The table {table} is not there.",
                where=self.place,
                mend="run the earlier steps first: `lbz-indicators run`, or ingest, validate, derive, fit, score.",
            )
        return rows

    def find(self, table: Table) -> DataFrame | None:
        """The table at its latest version, which is noted; None where it is absent."""
        commit = self._last_commit(table)
        if commit is None:
            return None
        version = self._pinned.get(str(table))
        self.versions_read[str(table)] = commit.version if version is None else version
        return self.spark.table(self.identifier(table)) if version is None else self._as_of(table, version)

    def _as_of(self, table: Table, version: int) -> DataFrame:
        try:
            return self.spark.sql(f"SELECT * FROM {self.identifier(table)} VERSION AS OF {version:d}")
        except PySparkException as error:
            log.error("version %d of %s", version, table, exc_info=True)
            raise StorageError(
                f"Version {version} of the table {table} is no longer kept.",
                where=self.place,
                mend="Delta keeps versions for storage.retention_days; what was published is kept by itself.",
            ) from error

    def read_or_empty(self, table: Table) -> DataFrame:
        """The table, or no rows of its schema where it is absent."""
        rows = self.find(table)
        return self.spark.createDataFrame([], SCHEMAS[table].struct) if rows is None else rows

    def version(self, table: Table) -> int:
        """The latest Delta version; StorageError where the table is absent."""
        self.read(table)
        return self.versions_read[str(table)]

    def find_version(self, table: Table) -> int | None:
        """The latest Delta version, None where the table is absent; a StorageError where a folder of its name holds none."""
        commit = self._last_commit(table)
        return None if commit is None else commit.version

    def _last_commit(self, table: Table) -> Commit | None:
        """The latest commit, None where the table is absent."""
        try:
            history = self.spark.sql(f"DESCRIBE HISTORY {self.identifier(table)} LIMIT 1")
            row = history.select("version", F.col("operationMetrics")["numOutputRows"]).collect()[0]
        except PySparkException as error:
            if error.getCondition() in ABSENT:
                return None
            log.error("looking for %s", table, exc_info=True)
            raise StorageError(
                f"The table {table} cannot be opened.",
                where=f"{self.place}, {error.getCondition() or type(error).__name__}",
                mend="check the folder's permissions and that nothing but this program writes there.",
            ) from error
        return Commit(int(row[0]), int(row[1] or 0))

    def frame(self, table: Table, rows: Sequence[Sequence[Any]]) -> DataFrame:
        """A small DataFrame of the table's schema from plain rows in column order."""
        return self.spark.createDataFrame([tuple(row) for row in rows], SCHEMAS[table].struct)

    @staticmethod
    def columns(table: Table) -> list[str]:
        """Column names of the table's contract, in order."""
        return SCHEMAS[table].names

    def append(self, table: Table, frame: DataFrame) -> Written:
        """Adds rows; for tables that are never rewritten. Makes the table where it is absent."""
        with self._writing(table):
            return self._append(table, conform(frame, SCHEMAS[table]), self._last_commit(table))

    def _append(self, table: Table, rows: DataFrame, before: Commit | None) -> Written:
        self.require_lease()
        writer = rows.write.format("delta").mode("append").option("mergeSchema", "false")
        if before is None:
            schema = SCHEMAS[table]
            days = f"interval {self._settings.retention_days} days"
            writer = writer.partitionBy(*schema.partition_by).options(
                **{
                    "delta.enableDeletionVectors": "true",
                    "delta.logRetentionDuration": days,
                    "delta.deletedFileRetentionDuration": days,
                }
            )
        if self._settings.catalog:
            self.create_layer(table)
            writer.saveAsTable(self.identifier(table))
        else:
            writer.save(self.path(table))
        commit = self._last_commit(table)
        assert commit is not None
        if commit == before:  # no rows, no commit
            return self._note(table, Written(0, commit.version))
        changes = rows.withColumn(CHANGE, F.lit(UPSERT))
        return self._note(table, Written(commit.rows, commit.version, changes))

    def create_layer(self, table: Table) -> None:
        """The table's schema of a catalog, where it is absent."""
        catalog, layer = str(self._settings.catalog), table.layer
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {quote(catalog)}.{quote(layer)}").collect()

    def replace(self, table: Table, frame: DataFrame, scope: Column | None = None) -> Written:
        """Makes the table's rows within `scope` (null: all) those of `frame`, touching only rows that differ.

        `scope` is a condition on key or partition columns and holds for every row of `frame`. Rows compare by
        key and by a hash over the content columns; lineage columns of an unchanged row keep their old value.
        """
        schema = SCHEMAS[table]
        new = conform(frame, schema)
        with self._writing(table):
            commit = self._last_commit(table)
            if commit is None:
                return self._append(table, new, None)
            old = self.spark.table(self.identifier(table))
            old = old if scope is None else old.where(scope)
            if old.isEmpty():
                return self._append(table, new, commit)
            # A checkpoint, for a cached frame would be computed again from the table that the merge has just changed.
            changes = changed_rows(new, old, schema).localCheckpoint()
            counts = {row[0]: row[1] for row in changes.groupBy(CHANGE).count().collect()}
            if not counts:
                return self._note(table, Written(0, commit.version))
            self._merge(table, changes, schema)
            merged = self._last_commit(table)
            assert merged is not None
        return self._note(table, Written(sum(counts.values()), merged.version, changes))

    def _merge(self, table: Table, changes: DataFrame, schema: TableSchema) -> None:
        self.require_lease()
        view = f"changes_of_{table.layer}_{table.name}"
        changes.createOrReplaceTempView(view)
        same = " AND ".join(f"t.{quote(k)} <=> c.{quote(k)}" for k in schema.key)
        assign = ", ".join(f"t.{quote(n)} = c.{quote(n)}" for n in schema.names)
        columns = ", ".join(quote(n) for n in schema.names)
        values = ", ".join(f"c.{quote(n)}" for n in schema.names)
        self.spark.sql(
            f"MERGE INTO {self.identifier(table)} t USING {view} c ON {same} "
            f"WHEN MATCHED AND c.{CHANGE} = '{DELETE}' THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {assign} "
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
        ).collect()
        self.spark.catalog.dropTempView(view)

    def delete(self, table: Table, condition: str) -> None:
        """Removes the rows that meet a SQL condition made of trusted text."""
        with self._writing(table):
            self.require_lease()
            self.spark.sql(f"DELETE FROM {self.identifier(table)} WHERE {condition}").collect()

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        with storage_errors(
            f"The table {table} could not be written; it still holds its last complete version.",
            self.place,
            "see spark.log beside the log; free disk space, check permissions, then run the same command again.",
        ):
            yield

    def _note(self, table: Table, written: Written) -> Written:
        self.versions_written[str(table)] = written.version
        return written

    def cache(self, frame: DataFrame) -> DataFrame:
        """Keeps a DataFrame that several actions read, until `release`, where the platform has a cache."""
        try:
            kept = frame.persist()
        except PySparkException:
            return frame
        self._cached.append(kept)
        return kept

    def look_up(self, frame: DataFrame) -> DataFrame:
        """Makes a small DataFrame now and keeps it: Spark plans a join by its real size, and makes it only once."""
        kept = self.cache(frame)
        if kept is not frame:
            kept.count()
        return kept

    def release(self) -> None:
        """Drops everything `cache` keeps."""
        for frame in self._cached:
            frame.unpersist()
        self._cached.clear()


ABSENT = {
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_PATH_DOES_NOT_EXIST",
    "TABLE_OR_VIEW_NOT_FOUND",
    "PATH_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE_COPY_INTO",
    "DELTA_TABLE_ONLY_OPERATION",
}

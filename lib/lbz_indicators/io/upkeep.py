"""Upkeep of Delta tables: removing rows by key, compaction, vacuum, and what Delta says of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.failures import storage_errors
from lbz_indicators.hashing import quote
from lbz_indicators.io.tables import Store
from lbz_indicators.schemas.contract import Column
from lbz_indicators.tables import Table

_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
DELETED_FILES, LOG = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"


@dataclass(frozen=True)
class TableState:
    """What Delta says of a table: latest version and its time, the operation, files, bytes, the oldest
    version in the log, the partition columns."""

    table: Table
    version: int
    changed_at: dt.datetime
    operation: str
    files: int
    bytes: int
    properties: Mapping[str, str]
    oldest_version: int
    partitions: tuple[str, ...]


class Upkeep:
    """Upkeep of the tables of a store. Every statement is one commit, or none where there is nothing to do."""

    def __init__(self, store: Store) -> None:
        self._store, self._spark = store, store.spark

    def state(self, table: Table) -> TableState | None:
        """What Delta says of the table, None where it is absent."""
        if self._store.find_version(table) is None:
            return None
        name = self._store.location.identifier(table)
        detail = self._spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
        history = self._spark.sql(f"DESCRIBE HISTORY {name}").select("version", "timestamp", "operation").collect()
        last, oldest = history[0], history[-1]
        return TableState(
            table,
            last["version"],
            last["timestamp"],
            last["operation"],
            detail["numFiles"],
            detail["sizeInBytes"],
            detail["properties"],
            oldest["version"],
            tuple(detail["partitionColumns"]),
        )

    def notes(self, table: Table) -> set[str]:
        """What commits of the table carry as their note (Delta's userMetadata)."""
        history = self._spark.sql(f"DESCRIBE HISTORY {self._store.location.identifier(table)}").select("userMetadata")
        return {row[0] for row in history.where("userMetadata IS NOT NULL").distinct().collect()}

    @contextmanager
    def noting(self, note: str) -> Iterator[None]:
        """Every commit inside carries the note."""
        conf = self._spark.conf
        before = conf.get(_METADATA, None)
        conf.set(_METADATA, note)
        try:
            yield
        finally:
            if before is None:
                conf.unset(_METADATA)
            else:
                conf.set(_METADATA, before)

    def removed_by(self, table: Table, note: str) -> int:
        """How many rows the commits of the table that carry the note have removed, as far back as Delta keeps its log."""
        history = self._spark.sql(f"DESCRIBE HISTORY {self._store.location.identifier(table)}")
        removed = F.col("operationMetrics")["numTargetRowsDeleted"].cast("bigint")
        return int(history.where(F.col("userMetadata") == note).agg(F.coalesce(F.sum(removed), F.lit(0))).collect()[0][0])

    def remove(self, table: Table, keys: DataFrame, on: Sequence[str]) -> int:
        """Deletes the rows whose columns `on` are among `keys`, which has each once and none null; how many."""
        same = " AND ".join(f"t.{quote(name)} = k.{quote(name)}" for name in on)
        return self._merge(table, keys.select(*on), same, "DELETE", "num_deleted_rows")

    def update(self, table: Table, rows: DataFrame, on: Sequence[str], columns: Sequence[str]) -> int:
        """Gives the rows whose columns `on` are among `rows` its values of `columns`; how many. `rows`: each key once."""
        same = " AND ".join(f"t.{quote(name)} = k.{quote(name)}" for name in on)
        change = ", ".join(f"t.{quote(name)} = k.{quote(f'new_{name}')}" for name in columns)
        return self._merge(table, rows, same, f"UPDATE SET {change}", "num_updated_rows")

    def _merge(self, table: Table, rows: DataFrame, same: str, action: str, count: str) -> int:
        view = f"upkeep_of_{table.layer}_{table.name}"
        rows.createOrReplaceTempView(view)
        with self._writing(table):
            merge = f"MERGE INTO {self._store.location.identifier(table)} t USING {view} k ON {same} WHEN MATCHED THEN {action}"
            number = int(self._spark.sql(merge).collect()[0][count])
        self._spark.catalog.dropTempView(view)
        return number

    def set_properties(self, table: Table, properties: Mapping[str, str]) -> None:
        """Sets table properties, in one commit."""
        values = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
        with self._writing(table):
            self._spark.sql(f"ALTER TABLE {self._store.location.identifier(table)} SET TBLPROPERTIES ({values})").collect()

    def add_columns(self, table: Table, columns: Sequence[Column]) -> None:
        """Adds columns, null in the rows that are there."""
        texts = [column.meaning.replace("\\", "").replace("'", "") for column in columns]
        added = [f"{quote(c.name)} {c.type.simpleString()} COMMENT '{text}'" for c, text in zip(columns, texts, strict=True)]
        with self._writing(table):
            self._spark.sql(f"ALTER TABLE {self._store.location.identifier(table)} ADD COLUMNS ({', '.join(added)})").collect()

    def compact(self, table: Table) -> None:
        """Puts small files together; changes no row."""
        with self._writing(table):
            self._spark.sql(f"OPTIMIZE {self._store.location.identifier(table)}").collect()

    def purge(self, table: Table) -> None:
        """Rewrites files that hold deleted rows, which deletion vectors only mark; changes no row."""
        with self._writing(table):
            self._spark.sql(f"REORG TABLE {self._store.location.identifier(table)} APPLY (PURGE)").collect()

    def vacuum(self, table: Table) -> None:
        """Deletes files that no version within the table's retention needs."""
        with self._writing(table):
            self._spark.sql(f"VACUUM {self._store.location.identifier(table)}").collect()

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        failed = f"The upkeep of {table} failed; the table still holds its last complete version."
        mend = "see the log file, then run the same command again: it finishes the work."
        with storage_errors(failed, self._store.place, mend), self._store.committing(table):
            yield

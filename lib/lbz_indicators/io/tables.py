"""Writing the Delta tables.

Every write checks the table's contract first. A replacing write first compares the new rows with the old ones, key by
key on a hash of the content, and writes only the rows that differ: no difference, no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.config import StorageSettings
from lbz_indicators.failures import storage_errors
from lbz_indicators.hashing import literal, quote
from lbz_indicators.io import layout
from lbz_indicators.io.changes import CHANGE, THERE, UPSERT, Extent, changed_rows, conform, in_partitions
from lbz_indicators.io.delta_tables import DeltaTables
from lbz_indicators.io.place import Commit
from lbz_indicators.io.reading import Tables
from lbz_indicators.schemas import SCHEMAS, TableSchema
from lbz_indicators.tables import Table


@dataclass(frozen=True)
class Written:
    """What a write did. `changes` holds the differing rows (with `_change`), None where nothing differed; `years` the discharge
    years they are or were of, in a table that lies by them and was there before."""

    rows: int
    version: int
    changes: DataFrame | None = None
    years: tuple[int, ...] = ()


YEAR = "discharge_year"
MANY, MUCH = 10_000, 0.1
"""Rows that change, and their share of a table, from which on its partitions are written anew. Every figure has the nation's
beside it, so that one correction changes all of a period: 340,000 of a million took 22 s to merge into gold.indicators."""

Scope = Column | Callable[[DataFrame], DataFrame]
"""Which rows of a table a write may replace."""


def of_keys(keys: DataFrame) -> Callable[[DataFrame], DataFrame]:
    """The rows that have the values of one of `keys`: few rows of some columns, none of them null."""
    return lambda rows: rows.join(F.broadcast(keys), on=keys.columns, how="left_semi")


class Store(Tables):
    """Tables of one place, to read and to write.

    `require_lease` is called before every write and raises where the run may write no more; see `io.lease`. Who holds the lease
    writes alone.
    """

    def __init__(
        self,
        spark: SparkSession,
        settings: StorageSettings,
        require_lease: Callable[[], None] | None = None,
        location: DeltaTables | None = None,
    ) -> None:
        super().__init__(spark, settings, location, writes_alone=require_lease is not None)
        self.require_lease = require_lease or (lambda: None)
        self.versions_written: dict[str, int] = {}

    def pinned(self, versions: Mapping[str, int]) -> Store:
        """The same tables for reading, these at the given Delta versions (-1: not there) and the others at their latest."""
        store = Store(self.spark, self._settings, None, self.location)
        store._pinned = versions
        store._current = self._current
        store._commits = self._commits
        return store

    def anew(self, require_lease: Callable[[], None]) -> Store:
        """The same tables, of which nothing has been read or written yet."""
        store = Store(self.spark, self._settings, require_lease, self.location)
        store._current = self._current
        return store

    def of_any_layout(self) -> Store:
        """The same tables, also those that another version of the program wrote: for lifting them."""
        store = Store(self.spark, self._settings, self.require_lease, self.location)
        store._any_layout = True
        store._commits = self._commits
        return store

    @property
    def work_path(self) -> str:
        """Folder for the work files of a fit."""
        return self._settings.work_path or f"{self._settings.root}/_work"

    @property
    def retention_days(self) -> int:
        """How long Delta keeps old versions and their log."""
        return self._settings.retention_days

    def require_writable(self) -> None:
        """StorageError where the place for the tables cannot be written, before any work is done."""
        self.location.require_writable()

    @contextmanager
    def committing(self, table: Table) -> Iterator[None]:
        """Around every statement that may commit to a table: under the lease, and its last commit is not known afterwards."""
        self.require_lease()
        try:
            yield
        finally:
            if self._commits is not None:
                self._commits.pop(table, None)

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
        with self.committing(table):
            if before is None:
                self.location.create(table, rows, self.properties(table))
            else:
                self.location.append(table, rows)
        commit = self._last_commit(table)
        assert commit is not None
        if commit == before:  # no rows, no commit
            return self._note(table, Written(0, commit.version))
        changes = rows.withColumn(CHANGE, F.lit(UPSERT))
        return self._note(table, Written(commit.rows, commit.version, changes, self._years_of(table, before, commit)))

    def _years_of(self, table: Table, before: Commit | None, commit: Commit) -> tuple[int, ...]:
        """Discharge years of an append, from what it wrote, for the rows themselves may take long to make again."""
        schema = SCHEMAS[table]
        if before is None or YEAR not in schema.partition_by or not schema.change_feed:
            return ()
        rows = self.location.change_feed(table, commit.version, commit.version).select(YEAR).distinct().collect()
        return tuple(sorted(row[0] for row in rows))

    def properties(self, table: Table) -> dict[str, str]:
        """Of a table that is made, or lifted from an older layout."""
        return layout.properties(table, self._settings.retention_days)

    def empty(self, table: Table) -> None:
        """Makes the table one without rows, of the columns of its contract; former versions stay readable."""
        with self._writing(table), self.committing(table):
            self.location.empty(table)

    def replace(self, table: Table, frame: DataFrame, scope: Scope | None = None) -> Written:
        """Makes the table's rows within `scope` (null: all) those of `frame`, touching only rows that differ.

        `scope` is a condition that holds for every row of `frame`, or a choice of rows (see `of_keys`) that would take every
        row of `frame`. Rows compare by key and by a hash over the content columns; lineage columns of an unchanged row keep
        their old value.
        """
        schema = SCHEMAS[table]
        new = conform(frame, schema)
        with self._writing(table):
            commit = self._last_commit(table)
            if commit is None:
                return self._append(table, new, None)
            old = self.location.rows(table)
            if scope is not None:
                old = old.where(scope) if isinstance(scope, Column) else scope(old).select(*schema.names)
            chosen = scope is not None and not isinstance(scope, Column)
            if not chosen and old.isEmpty():  # of a choice it would take as long as to compare
                return self._append(table, new, commit)
            changes, extent = self._compared(new, old, schema)
            if not extent.rows:
                return self._note(table, Written(0, commit.version))
            bounds = in_partitions(extent.partitions)
            if chosen:
                self._write_in_two(table, changes, extent, bounds)
            elif self._is_much(table, extent.rows):
                self._write_anew(table, changes, bounds)
            else:
                self._merge(table, changes, bounds, inserts=True)
            merged = self._last_commit(table)
            assert merged is not None
        years = tuple(extent.partitions.get(YEAR, ()))
        return self._note(table, Written(extent.rows, merged.version, changes.select(*schema.names, CHANGE), years))

    def _is_much(self, table: Table, changed: int) -> bool:
        """Whether so many rows change that those that stay cost less to write again than a merge to look for the others. Not
        where a change feed would then name all of them."""
        if SCHEMAS[table].change_feed or changed < MANY:
            return False
        return changed > MUCH * self.location.rows(table).count()

    def _write_anew(self, table: Table, changes: DataFrame, bounds: Sequence[str]) -> None:
        """Writes partitions as they become, in one commit; an unchanged row as it is."""
        schema = SCHEMAS[table]
        there = reduce(DataFrame.where, bounds, self.location.rows(table))
        keys = changes.select(*[F.col(quote(key)).alias(joins.other(key)) for key in schema.key])
        kept = there.join(keys, on=joins.same_keys(schema.key), how="left_anti").select(*schema.names)
        rows = kept.unionByName(changes.where(F.col(CHANGE) == UPSERT).select(*schema.names))
        self.overwrite(table, rows, " AND ".join(bounds) or "true")

    @staticmethod
    def _compared(new: DataFrame, old: DataFrame, schema: TableSchema) -> tuple[DataFrame, Extent]:
        """Rows that differ, made once and for all: a cached frame would be made again from the table that is written next."""
        changes = changed_rows(new, old, schema).localCheckpoint(eager=False)
        return changes, Extent.of(changes, schema)

    def _write_in_two(self, table: Table, changes: DataFrame, extent: Extent, bounds: Sequence[str]) -> None:
        """Rows that change or go, then rows that come: one merge for both would shuffle the whole table for few rows."""
        if extent.there:
            self._merge(table, changes.where(THERE), bounds, inserts=False)
        if extent.rows > extent.there:
            fresh = changes.where(~F.col(THERE)).select(*SCHEMAS[table].names)
            self._append(table, fresh, self._last_commit(table))

    def _merge(self, table: Table, changes: DataFrame, bounds: Sequence[str], *, inserts: bool) -> None:
        with self.committing(table):
            self.location.merge(table, changes, bounds, inserts=inserts)

    def replace_touched(self, table: Table, old: DataFrame, new: DataFrame, bound: str) -> Written:
        """Makes the rows `old` of a table the rows `new`, writing only those that differ, in two commits.

        `old` holds every row of the table with a key that `new` has; both are kept (localCheckpoint), for the table changes.
        `bound`: a column, of partitions best, whose few values among the old rows that change bound where they are looked for.
        """
        schema = SCHEMAS[table]
        with self._writing(table):
            changes, extent = self._compared(conform(new, schema), old, schema)
            if not extent.rows:
                return Written(0, self.version(table))
            keys = [F.col(quote(key)).alias(joins.other(key)) for key in schema.key]
            known = old.select(*keys, F.col(quote(bound)).alias("_bound"))
            there = changes.where(THERE).join(known, on=joins.same_keys(schema.key), how="inner")
            places = [row[0] for row in there.select("_bound").distinct().collect()]
            self._write_in_two(table, changes, extent, [f"{quote(bound)} IN ({', '.join(map(literal, places))})"])
            commit = self._last_commit(table)
            assert commit is not None
        return self._note(table, Written(extent.rows, commit.version, changes.select(*schema.names, CHANGE)))

    def overwrite(self, table: Table, frame: DataFrame, condition: str) -> Written:
        """Makes the table's rows that meet a SQL condition, made of trusted text, those of `frame`, in one commit and without
        comparing: for partitions of which most rows differ."""
        schema = SCHEMAS[table]
        new = conform(frame, schema)
        with self._writing(table):
            if self._last_commit(table) is None:
                return self._append(table, new, None)
            with self.committing(table):
                self.location.overwrite(table, new, condition)
            commit = self._last_commit(table)
            assert commit is not None
        return self._note(table, Written(commit.rows, commit.version))

    def delete(self, table: Table, condition: str) -> None:
        """Removes the rows that meet a SQL condition made of trusted text."""
        with self._writing(table):
            with self.committing(table):
                self.location.delete(table, condition)
            commit = self._last_commit(table)
            assert commit is not None
        self._note(table, Written(0, commit.version))

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

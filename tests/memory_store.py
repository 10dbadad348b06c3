"""The tables of a store as plain DataFrames, version by version: for tests of steps without Delta's seconds per commit.

What a write compares, and in which commits it writes, is the program's own: only the statements that commit are others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.config import StorageSettings
from lbz_indicators.hashing import quote
from lbz_indicators.io import CHANGE, Store
from lbz_indicators.io.changes import UPSERT
from lbz_indicators.io.delta_tables import DeltaTables
from lbz_indicators.io.place import Commit
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table

Versions = Mapping[str, Sequence[DataFrame]]
SETTINGS = StorageSettings(root="memory")


class MemoryTables(DeltaTables):
    """What Delta would do, in memory. `kept`: the versions of each table; `commits`: which table each commit was of."""

    def __init__(self, spark: SparkSession, versions: Versions) -> None:
        super().__init__(spark, SETTINGS)
        self.kept = {name: list(frames) for name, frames in versions.items()}
        self.commits: list[str] = []
        self._written: dict[str, int] = {}

    def require_writable(self) -> None:
        """It can."""

    def require_current(self, table: Table) -> None:
        """It is."""

    def rows(self, table: Table) -> DataFrame:
        return self.kept[str(table)][-1]

    def at_version(self, table: Table, version: int) -> DataFrame:
        return self.kept[str(table)][version]

    def last_commit(self, table: Table) -> Commit | None:
        frames = self.kept.get(str(table))
        return None if frames is None else Commit(len(frames) - 1, self._written.get(str(table), 0))

    def rows_unchanged_since(self, table: Table, version: int) -> bool:
        return len(self.kept[str(table)]) - 1 == version

    def keeps(self, table: Table, version: int) -> bool:
        return 0 <= version < len(self.kept[str(table)])

    def change_feed(self, table: Table, first: int, last: int) -> DataFrame:
        before, now = self.kept[str(table)][first - 1], self.kept[str(table)][last]
        return before.exceptAll(now).union(now.exceptAll(before))

    def create(self, table: Table, rows: DataFrame, properties: Mapping[str, str]) -> None:
        made = rows.localCheckpoint()
        self.keep(table, made, made)

    def append(self, table: Table, rows: DataFrame) -> None:
        made = rows.localCheckpoint()
        if not made.isEmpty():
            self.keep(table, self.rows(table).union(made), made)

    def overwrite(self, table: Table, rows: DataFrame, condition: str) -> None:
        made = rows.localCheckpoint()
        self.keep(table, self._without(table, condition).union(made), made)

    def empty(self, table: Table) -> None:
        self.keep(table, self.spark.createDataFrame([], SCHEMAS[table].struct))

    def delete(self, table: Table, condition: str) -> None:
        self.keep(table, self._without(table, condition))

    def merge(self, table: Table, changes: DataFrame, bounds: Sequence[str], *, inserts: bool) -> None:
        schema = SCHEMAS[table]
        bounded = " AND ".join(bounds) or "true"
        same = joins.same_keys(schema.key)
        keys = changes.select(*[F.col(quote(key)).alias(joins.other(key)) for key in schema.key])
        there = self.rows(table).where(bounded)
        kept = self._without(table, bounded).union(there.join(keys, on=same, how="left_anti"))
        known = there.select(*[F.col(quote(key)).alias(joins.other(key)) for key in schema.key])
        upserts = changes.where(F.col(CHANGE) == UPSERT)
        written = upserts if inserts else upserts.join(known, on=same, how="left_semi")
        self.keep(table, kept.union(written.select(*schema.names)))

    def _without(self, table: Table, condition: str) -> DataFrame:
        return self.rows(table).where(f"NOT coalesce({condition}, false)")

    def keep(self, table: Table, rows: DataFrame, written: DataFrame | None = None) -> None:
        """A new version; `written`: the rows of it that the commit wrote, where that is asked for."""
        self.kept.setdefault(str(table), []).append(rows.select(*SCHEMAS[table].names).localCheckpoint())
        self._written[str(table)] = 0 if written is None else written.count()
        self.commits.append(str(table))


class MemoryStore(Store):
    """A store on such tables; `fork` gives a copy that goes its own way."""

    def __init__(self, spark: SparkSession, versions: Versions | None = None) -> None:
        self.tables = MemoryTables(spark, versions or {})
        super().__init__(spark, SETTINGS, None, self.tables)

    @property
    def kept(self) -> dict[str, list[DataFrame]]:
        """The versions of each table."""
        return self.tables.kept

    def fork(self) -> MemoryStore:
        return MemoryStore(self.spark, self.kept)

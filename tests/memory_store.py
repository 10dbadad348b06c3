"""The tables of a store as plain DataFrames, version by version: for tests of steps without Delta's seconds per commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.config import StorageSettings
from lbz_indicators.io import ABSENT, CHANGE, Store, Written
from lbz_indicators.io.changes import UPSERT, changed_rows, conform
from lbz_indicators.io.tables import YEAR, Scope
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table


class MemoryStore(Store):
    """Reads and writes as Store does, in memory; `fork` gives a copy that goes its own way."""

    def __init__(self, spark: SparkSession, versions: Mapping[str, Sequence[DataFrame]] | None = None) -> None:
        super().__init__(spark, StorageSettings(root="memory"))
        self.kept = {name: list(frames) for name, frames in (versions or {}).items()}

    def fork(self) -> MemoryStore:
        return MemoryStore(self.spark, self.kept)

    def pinned(self, versions: Mapping[str, int]) -> MemoryStore:
        then = {name: frames[: versions.get(name, len(frames) - 1) + 1] for name, frames in self.kept.items()}
        return MemoryStore(self.spark, {name: frames for name, frames in then.items() if versions.get(name) != ABSENT})

    def find(self, table: Table) -> DataFrame | None:
        frames = self.kept.get(str(table))
        if frames is None:
            return None
        self.versions_read[str(table)] = len(frames) - 1
        return frames[-1]

    def find_version(self, table: Table) -> int | None:
        return len(self.kept[str(table)]) - 1 if str(table) in self.kept else None

    def is_as_left(self, table: Table, version: int | None) -> bool:
        return self.find_version(table) == version

    def changed_since(self, table: Table, version: int, columns: Sequence[str]) -> DataFrame:
        self.version(table)
        before, now = self.kept[str(table)][version], self.kept[str(table)][-1]
        return before.exceptAll(now).select(*columns).union(now.exceptAll(before).select(*columns)).distinct()

    def append(self, table: Table, frame: DataFrame) -> Written:
        rows = conform(frame, SCHEMAS[table])
        before = self.find(table)
        return self._keep(table, rows if before is None else before.union(rows), rows)

    def overwrite(self, table: Table, frame: DataFrame, condition: str) -> Written:
        rows = conform(frame, SCHEMAS[table])
        before = self.find(table)
        kept = rows if before is None else before.where(f"NOT coalesce({condition}, false)").union(rows)
        return self._keep(table, kept, rows)

    def delete(self, table: Table, condition: str) -> None:
        self._keep(table, self.read(table).where(f"NOT coalesce({condition}, false)"), None)

    def replace(self, table: Table, frame: DataFrame, scope: Scope | None = None) -> Written:
        schema = SCHEMAS[table]
        new = conform(frame, schema).localCheckpoint()
        before = self.find(table)
        if before is None:
            kept = self._keep(table, new, new)
            return Written(kept.rows, kept.version, new.withColumn(CHANGE, F.lit(UPSERT)))
        chosen = before if scope is None else before.where(scope) if callable(getattr(scope, "isNull", None)) else scope(before)
        old = chosen.select(*schema.names).localCheckpoint()
        changes = changed_rows(new, old, schema).localCheckpoint()
        if changes.isEmpty():
            return Written(0, len(self.kept[str(table)]) - 1)
        keys = changes.select(*[F.col(k).alias(f"_k_{k}") for k in schema.key])
        same = [F.col(k).eqNullSafe(F.col(f"_k_{k}")) for k in schema.key]
        untouched = before.join(keys, on=same, how="left_anti")
        written = changes.where(F.col(CHANGE) != "delete").select(*schema.names)
        years: set[int] = set()
        if YEAR in schema.partition_by:
            years = {y for row in changes.select(YEAR, f"_former_{YEAR}").distinct().collect() for y in row if y is not None}
        kept = self._keep(table, untouched.union(written), None)
        return Written(changes.count(), kept.version, changes.select(*schema.names, CHANGE), tuple(sorted(years)))

    def _keep(self, table: Table, rows: DataFrame, written: DataFrame | None) -> Written:
        frames = self.kept.setdefault(str(table), [])
        frames.append(rows.select(*SCHEMAS[table].names).localCheckpoint())
        version = self.versions_written[str(table)] = len(frames) - 1
        return Written(0 if written is None else written.count(), version)

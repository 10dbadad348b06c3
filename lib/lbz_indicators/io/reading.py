"""Reading the Delta tables: which version of each was read, and whether it is what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators.config import StorageSettings
from lbz_indicators.errors import StorageError
from lbz_indicators.io.delta_tables import DeltaTables
from lbz_indicators.io.place import Commit
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table

ABSENT = -1
"""Stands for the version of a table that was not there."""


class Tables:
    """Tables of one place, by the names in `lbz_indicators.tables`, for reading.

    `writes_alone`: nobody else writes them meanwhile, so the last commit of a table is asked for once and after every write, not
    at every look.
    """

    def __init__(
        self, spark: SparkSession, settings: StorageSettings, location: DeltaTables | None, *, writes_alone: bool
    ) -> None:
        self.spark = spark
        self.location = location or DeltaTables(spark, settings)
        self.versions_read: dict[str, int] = {}
        self._settings = settings
        self._commits: dict[Table, Commit] | None = {} if writes_alone else None
        self._cached: list[DataFrame] = []
        self._pinned: Mapping[str, int] = {}
        self._current: set[Table] = set()
        self._any_layout = False

    @property
    def place(self) -> str:
        """Where the tables lie, for messages."""
        return self.location.name

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
        if version == ABSENT:
            return None
        self.versions_read[str(table)] = commit.version if version is None else version
        return self.location.rows(table) if version is None else self.location.at_version(table, version)

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
        """The latest commit, None where the table is absent; StorageError where another version of the program wrote it."""
        if self._commits is not None and table in self._commits:
            return self._commits[table]
        commit = self.location.last_commit(table)
        if commit is not None and self._commits is not None:
            self._commits[table] = commit
        if commit is not None and table not in self._current and not self._any_layout:
            self.location.require_current(table)
            self._current.add(table)
        return commit

    def changed_since(self, table: Table, version: int, columns: Sequence[str]) -> DataFrame:
        """Values of `columns` in the rows that commits after `version` removed or wrote, each once; of a table with a change
        feed. A row that was rewritten as it was is among them."""
        last = self.version(table)
        if last <= version:
            return self.spark.createDataFrame([], SCHEMAS[table].struct).select(*columns)
        return self.location.change_feed(table, version + 1, last).select(*columns).distinct()

    def keeps(self, table: Table, version: int) -> bool:
        """Whether a former version (ABSENT: that it was not there) can still be read with `pinned`."""
        return version == ABSENT or version == self.find_version(table) or self.location.keeps(table, version)

    def is_as_left(self, table: Table, version: int | None) -> bool:
        """Whether the table's rows are still those of a version; None: whether it is still absent."""
        commit = self._last_commit(table)
        if commit is None or version is None:
            return commit is None and version is None
        return commit.version == version or self.location.rows_unchanged_since(table, version)

    def cache(self, frame: DataFrame) -> DataFrame:
        """Keeps a DataFrame that several actions read, until `release`, where the platform has a cache."""
        self._persist(frame)
        return frame

    def look_up(self, frame: DataFrame) -> DataFrame:
        """Makes a small DataFrame now and keeps it: Spark plans a join by its real size, and makes it only once."""
        if self._persist(frame):
            frame.count()
        return frame

    def _persist(self, frame: DataFrame) -> bool:
        """Whether the platform keeps it."""
        try:
            self._cached.append(frame.persist())
        except PySparkException:
            return False
        return True

    def release(self) -> None:
        """Drops everything `cache` keeps."""
        # The last one first: Spark looks for what else was made of a frame, and plans that anew.
        for frame in reversed(self._cached):
            frame.unpersist()
        self._cached.clear()

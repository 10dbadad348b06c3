"""Where the Delta tables lie, and what Delta says of one: its last commit, a former version, its change feed."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.config import StorageSettings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.hashing import quote
from lbz_indicators.io.delta_log import DeltaLog
from lbz_indicators.places import absolute, is_remote
from lbz_indicators.tables import Table

log = logging.getLogger(__name__)

UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "COMPUTE STATS", "REORG")
"""Operations of Delta that change no row."""


@dataclass(frozen=True)
class Commit:
    """The latest commit of a table: its version and the rows it wrote."""

    version: int
    rows: int


def require_place(settings: StorageSettings) -> None:
    """SettingsError where neither a folder nor a catalog for the tables is named."""
    if not settings.root and not settings.catalog:
        raise SettingsError("It is not said where the tables lie.", mend="add --output ROOT or storage.catalog.")


class Place:
    """Tables on a path or in a catalog, by the settings; `name` is for messages."""

    def __init__(self, spark: SparkSession, settings: StorageSettings) -> None:
        require_place(settings)
        self.spark = spark
        self.settings = settings

    @property
    def name(self) -> str:
        """Where the tables lie."""
        if self.settings.catalog:
            return f"catalog {self.settings.catalog}"
        return absolute(self.settings.root or "")

    def require_writable(self) -> None:
        """StorageError where the place for the tables cannot be written, before any work is done."""
        root = self.settings.root
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
        if self.settings.catalog:
            return ".".join(quote(part) for part in (self.settings.catalog, table.layer, table.name))
        return f"delta.{quote(self.path(table))}"

    def path(self, table: Table) -> str:
        """The table's folder, where tables lie on a path."""
        return f"{absolute(self.settings.root or '')}/{table.layer}/{table.name}"

    def _last_commit_by_log(self, table: Table) -> tuple[Commit | None] | None:
        """What last_commit gives; None where only SQL can tell."""
        try:
            log_of_table = None if self.settings.catalog else DeltaLog.of(self.spark, self.path(table))
            if log_of_table is None:
                return None
            version = log_of_table.version()
            if version is None:
                return (None,) if log_of_table.is_absent() else None
            return (Commit(version, log_of_table.rows_written(version)),)
        except (PySparkException, Py4JError):
            log.info("Delta's log of %s cannot be read; SQL is asked", table, exc_info=True)
            return None

    def make_layer(self, table: Table) -> None:
        """The catalog's schema of the table's layer; nothing where tables lie on a path."""
        if not self.settings.catalog:
            return
        catalog, layer = str(self.settings.catalog), table.layer
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {quote(catalog)}.{quote(layer)}").collect()

    def last_commit(self, table: Table) -> Commit | None:
        """The latest commit, None where the table is absent; a StorageError where a folder of its name holds none."""
        try:
            if known := self._last_commit_by_log(table):
                return known[0]
            history = self.spark.sql(f"DESCRIBE HISTORY {self.identifier(table)} LIMIT 1")
            row = history.select("version", F.col("operationMetrics")["numOutputRows"]).collect()[0]
        except (PySparkException, Py4JError) as error:
            condition = error.getCondition() if isinstance(error, PySparkException) else None
            if condition in NOT_THERE:
                return None
            log.error("looking for %s", table, exc_info=True)
            raise StorageError(
                f"The table {table} cannot be opened.",
                where=f"{self.name}, {condition or type(error).__name__}",
                mend="check the folder's permissions and that nothing but this program writes there.",
            ) from error
        return Commit(int(row[0]), int(row[1] or 0))

    def rows_unchanged_since(self, table: Table, version: int) -> bool:
        """Whether no commit after `version` changed a row: none is there, or only upkeep (compaction, vacuum)."""
        history = self.spark.sql(f"DESCRIBE HISTORY {self.identifier(table)} LIMIT 50").select("version", "operation").collect()
        later = [row["operation"] for row in history if row["version"] > version]
        reaches = bool(history) and history[-1]["version"] <= version + 1
        return reaches and all(operation in UPKEEP for operation in later)

    def keeps(self, table: Table, version: int) -> bool:
        """Whether a version can still be read.

        Delta keeps a version for the table's retention from its own commit on, not from the one that followed: the last version
        of a table that was not written for longer goes with the next commit.
        """
        try:
            self._as_of(table, version)
        except PySparkException as error:
            if error.getCondition() not in _NO_LONGER_KEPT:
                raise
            return False
        return True

    def _as_of(self, table: Table, version: int) -> DataFrame:
        return self.spark.sql(f"SELECT * FROM {self.identifier(table)} VERSION AS OF {version:d}")

    def at_version(self, table: Table, version: int) -> DataFrame:
        """The table as it was at a version; StorageError where that is no longer kept."""
        try:
            return self._as_of(table, version)
        except PySparkException as error:
            log.error("version %d of %s", version, table, exc_info=True)
            raise StorageError(
                f"Version {version} of the table {table} is no longer kept.",
                where=self.name,
                mend="Delta keeps versions for storage.retention_days; what was published is kept by itself.",
            ) from error

    def change_feed(self, table: Table, first: int, last: int) -> DataFrame:
        """Rows as the commits `first`..`last` removed and wrote them, with Delta's _change_type, both ends included."""
        reader = self.spark.read.format("delta").option("readChangeFeed", "true")
        reader = reader.option("startingVersion", first).option("endingVersion", last)
        return reader.table(self.identifier(table)) if self.settings.catalog else reader.load(self.path(table))


_NO_LONGER_KEPT = {
    "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION",
    "DELTA_VERSION_NOT_FOUND",
    "DELTA_NO_RECREATABLE_HISTORY_FOUND",
    "DELTA_TRUNCATED_TRANSACTION_LOG",
    "DELTA_LOG_FILE_NOT_FOUND",
}
"""What Delta says of a version that is too old, or whose log it has cleaned away."""
NOT_THERE = {
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_PATH_DOES_NOT_EXIST",
    "TABLE_OR_VIEW_NOT_FOUND",
    "PATH_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE_COPY_INTO",
    "DELTA_TABLE_ONLY_OPERATION",
}

"""Work files of a fit: the design as Parquet, because a vector schema cannot be laid over a Delta table."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from lbz_indicators.failures import storage_errors
from lbz_indicators.io.folders import remove_folder
from lbz_indicators.io.tables import Store
from lbz_indicators.places import is_remote


def _of_tables(store: Store) -> str:
    """The folder for all work on these tables: others may share the work path."""
    return f"{store.work_path}/{hashlib.sha256(store.place.encode()).hexdigest()[:12]}"


def _writing(path: str) -> AbstractContextManager[None]:
    return storage_errors(
        "The work files of the fit cannot be written or read.",
        path,
        "free space in that folder, or give another that driver and executors share (storage.work_path); "
        "then run the same command again.",
    )


def remove_leftovers(store: Store) -> None:
    """Deletes the work files of runs on these tables that were killed."""
    path = _of_tables(store)
    if is_remote(path) or Path(path).is_dir():
        with _writing(path):
            remove_folder(store.spark, path)


class WorkFolder:
    """A folder of one run below the store's work path; `remove` deletes it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self.path = f"{_of_tables(store)}/{name}"

    def write(self, frame: DataFrame, partition: str) -> None:
        """Replaces the folder's content."""
        self._store.require_lease()
        with _writing(self.path):
            frame.write.mode("overwrite").partitionBy(partition).parquet(self.path)

    def read(self, schema: T.StructType) -> DataFrame:
        """The content under a schema that names some of its columns."""
        with _writing(self.path):
            return self._store.spark.read.schema(schema).parquet(self.path)

    def remove(self) -> None:
        """Deletes the folder, and those above it where nothing else is in them; behind a URL an empty file remains."""
        with _writing(self.path):
            remove_folder(self._store.spark, self.path)
        of_tables = Path(_of_tables(self._store))
        if is_remote(self.path):
            return
        for folder in (of_tables, of_tables.parent):
            if folder.is_dir() and not any(folder.iterdir()) and (folder == of_tables or folder.name == "_work"):
                folder.rmdir()

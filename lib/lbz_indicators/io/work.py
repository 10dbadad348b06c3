"""Work files of a fit: the design as Parquet, because a vector schema cannot be laid over a Delta table."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from lbz_indicators.failures import storage_errors
from lbz_indicators.io.folders import remove_folder
from lbz_indicators.io.tables import Store
from lbz_indicators.places import is_remote


class WorkFolder:
    """A folder of one run below the store's work path; `remove` deletes it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self.path = f"{store.work_path}/{name}"

    def write(self, frame: DataFrame, partition: str) -> None:
        """Replaces the folder's content."""
        self._store.require_lease()
        with self._writing():
            frame.write.mode("overwrite").partitionBy(partition).parquet(self.path)

    def read(self, schema: T.StructType) -> DataFrame:
        """The content under a schema that names some of its columns."""
        with self._writing():
            return self._store.spark.read.schema(schema).parquet(self.path)

    def remove(self) -> None:
        """Deletes the folder, and the work path where nothing else is in it; behind a URL an empty file remains."""
        with self._writing():
            remove_folder(self._store.spark, self.path)
        parent = Path(self.path).parent
        if not is_remote(self.path) and parent.name == "_work" and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    def _writing(self) -> AbstractContextManager[None]:
        return storage_errors(
            "The work files of the fit cannot be written or read.",
            self.path,
            "give a folder with space that driver and executors share (storage.work_path).",
        )

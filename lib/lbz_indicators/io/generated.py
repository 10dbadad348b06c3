"""Writing a generated nation: its delivery as files, its truth as Parquet, and the work files between."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from lbz_indicators.errors import StorageError
from lbz_indicators.failures import storage_errors
from lbz_indicators.io.folders import is_there, remove_folder
from lbz_indicators.places import absolute, is_remote


class GeneratedFolder:
    """The folder of one nation: delivery/, correction/, truth/, and _work/ while it is made."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark = spark
        self.root = absolute(root).rstrip("/")

    def clear(self) -> None:
        """Removes what an earlier generation left in a local folder, and nothing else.

        Behind a URL nothing can be deleted, and a file left there would be read with the new ones: StorageError where a
        nation is there.
        """
        names = ("delivery", "correction", "truth", "_work")
        if not is_remote(self.root):
            for name in names:
                remove_folder(self.spark, f"{self.root}/{name}")
            return
        with self._writing("delivery"):
            taken = is_there(self.spark, f"{self.root}/delivery")
        if taken:
            raise StorageError("A nation is there already.", where=self.root, mend="give another folder (--output).")

    def write(self, name: str, frame: DataFrame, form: str = "parquet") -> None:
        """A folder of parts; CSV with a header, missing values empty."""
        with self._writing(name):
            writer = frame.write.mode("overwrite")
            if form == "csv":
                writer.option("header", True).option("escape", '"').csv(f"{self.root}/{name}")
            else:
                writer.parquet(f"{self.root}/{name}")

    def read(self, *names: str) -> DataFrame:
        """Parquet folders written before, one below the other."""
        with self._writing(", ".join(names)):
            return self.spark.read.parquet(*[f"{self.root}/{name}" for name in names])

    def write_table(self, name: str, rows: Iterable[tuple[object, ...]], schema: str) -> None:
        """A small table as one Parquet part."""
        self.write(name, self.spark.createDataFrame(list(rows), schema).coalesce(1))

    def write_csv(self, name: str, columns: Sequence[str], rows: Iterable[tuple[str | None, ...]]) -> None:
        """A small table as one CSV file, or over a remote path as a folder with one part."""
        if is_remote(self.root):
            frame = self.spark.createDataFrame(list(rows), ", ".join(f"{column} string" for column in columns))
            self.write(name, frame.coalesce(1), "csv")
            return
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
        with self._writing(name):
            path = Path(self.root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.getvalue(), encoding="utf-8")

    def remove_work(self) -> None:
        """Deletes the work files; behind a URL an empty file remains."""
        with self._writing("_work"):
            remove_folder(self.spark, f"{self.root}/_work")

    def _writing(self, name: str) -> AbstractContextManager[None]:
        return storage_errors(
            "The generated nation cannot be written.", f"{self.root}/{name}", "give a folder with space (--output)."
        )

"""Reading delivered files. CSV and Parquet, as text columns of their own names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.errors import DeliveryError, SettingsError
from lbz_indicators.failures import storage_errors
from lbz_indicators.ingest.sources import CORRUPT, FILE, FileFormat
from lbz_indicators.places import absolute, is_remote

UNREADABLE = "truncated, damaged, or not of the format its name says"
_MEND = "deliver the file again; details stand in spark.log beside the log."


class FileState(NamedTuple):
    """A delivered file as it was found: size in bytes, and when it was last written by the clock of its file system."""

    size: int
    written: float


def require_folder(folder: str | None) -> None:
    """SettingsError where no delivery is named, DeliveryError where a local one is not there."""
    if not folder:
        raise SettingsError("It is not said what to load.", mend="add --input FOLDER.")
    if not is_remote(folder) and not os.path.isdir(folder):
        what = "is a file, not a folder" if os.path.exists(folder) else "is not there"
        raise DeliveryError(f"The delivery {folder} {what}.", mend="give the folder that holds admissions.csv.")


def delivery_folders(folder: str) -> list[str]:
    """The deliveries of a folder: itself; or, where it holds nothing but folders, each of these in the order of their names."""
    if is_remote(folder):
        return [folder]
    require_folder(folder)
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    is_inbox = all(entry.is_dir() and not entry.name.endswith((".parquet", ".csv")) for entry in entries)
    return [entry.path for entry in entries] if is_inbox else [folder]


def list_files(spark: SparkSession, folder: str) -> dict[str, FileState]:
    """Every file by path relative to the delivered folder; DeliveryError where there is none."""
    files = _remote_files(spark, folder) if is_remote(folder) else _local_files(folder)
    if not files:
        raise DeliveryError(f"The delivery {folder} holds no file.", mend="give the folder that holds admissions.csv.")
    return files


def _local_files(folder: str) -> dict[str, FileState]:
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with suppress(FileNotFoundError):  # taken away since the folder was listed
                state = os.stat(path)
                found[os.path.relpath(path, folder)] = FileState(state.st_size, state.st_mtime)
    return found


def _remote_files(spark: SparkSession, folder: str) -> dict[str, FileState]:
    with storage_errors(
        f"The delivery {folder} cannot be listed.", folder, "check the path and the access to it.", DeliveryError
    ):
        listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(_literal_path(folder))
        rows = listing.select("path", "length", F.unix_micros("modificationTime").alias("written")).collect()
    prefix = folder.rstrip("/") + "/"
    return {row["path"].removeprefix(prefix): FileState(row["length"], row["written"] / 1e6) for row in rows}


def read_text(
    spark: SparkSession, folder: str, files: Sequence[str], found: Mapping[str, FileState], form: FileFormat
) -> DataFrame:
    """All columns of the files (one table, one format), with their file's name; CSV lines that do not fit are marked.

    Raises DeliveryError for an empty file, mixed formats, or a file whose head cannot be read.
    """
    empty = [file for file in files if found[file].size == 0]
    if empty:
        raise DeliveryError(f"The file {empty[0]} is empty.", where=folder, mend="deliver the file again.")
    paths = [_literal_path(f"{absolute(folder)}/{file}") for file in files]
    kinds = {"parquet" if file.endswith(".parquet") or ".parquet/" in file else "csv" for file in files}
    if len(kinds) > 1:
        raise DeliveryError("One table is delivered as CSV and as Parquet.", where=", ".join(files), mend="deliver one of them.")
    with storage_errors(f"The file {files[0]} cannot be read: {UNREADABLE}.", folder, _MEND, DeliveryError):
        frame = spark.read.parquet(*paths) if kinds == {"parquet"} else _read_csv(spark, paths, form)
        return frame.withColumn(FILE, F.col("_metadata.file_name"))


def _read_csv(spark: SparkSession, paths: list[str], form: FileFormat) -> DataFrame:
    reader = _csv_reader(spark, form)
    header = reader.csv(paths[0]).columns
    names = [*header, CORRUPT]
    schema = T.StructType([T.StructField(name, T.StringType()) for name in names])
    return (
        reader.options(mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT, enforceSchema=False, columnPruning=False)
        .schema(schema)
        .csv(paths)
    )


def _csv_reader(spark: SparkSession, form: FileFormat) -> DataFrameReader:
    return spark.read.options(header=True, sep=form.delimiter, encoding=form.encoding, quote=form.quote, escape=form.quote)


def header_problems(spark: SparkSession, folder: str, files: Sequence[str], form: FileFormat) -> list[str]:
    """How the headers of a table's CSV parts differ from its first part's. One small read per part: for after a failure."""
    reader = _csv_reader(spark, form)
    first: list[str] = []
    problems = []
    for file in files:
        header = reader.csv(_literal_path(f"{absolute(folder)}/{file}")).columns
        first = first or header
        lacks, adds = [n for n in first if n not in header], [n for n in header if n not in first]
        if header != first:
            what = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"adds {', '.join(adds)}"] * bool(adds)
            problems.append(f"{file}: the header {' and '.join(what) or 'has another order'}, compared with {files[0]}")
    return problems


def _literal_path(path: str) -> str:
    """A path in which Spark finds no pattern."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def read_mapping(spark: SparkSession, path: str) -> DataFrame:
    """Pairs of text from a CSV file with the columns old and new; SettingsError where it has other columns or cannot be read."""
    with storage_errors(f"The mapping {path} cannot be read.", path, "give a CSV file with the columns old,new.", SettingsError):
        pairs = spark.read.options(header=True, encoding="UTF-8").csv(_literal_path(absolute(path)))
        if pairs.columns != ["old", "new"]:
            raise SettingsError(
                "The mapping does not have the columns old and new.", where=path, mend="write a first line old,new."
            )
        return pairs

"""Step 1, ingest: a delivered folder to bronze, as text, once per delivery."""

from __future__ import annotations

import hashlib

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.config import Settings
from lbz_indicators.errors import DeliveryError
from lbz_indicators.failures import storage_errors
from lbz_indicators.ingest import small_tables, sources
from lbz_indicators.io import Store
from lbz_indicators.io.files import UNREADABLE, FileState, header_problems, list_files, read_text, require_folder
from lbz_indicators.progress import Progress
from lbz_indicators.schemas.bronze import DELIVERY_TABLES, REQUIRED_TABLES
from lbz_indicators.steps.loading import Content, Watched, load
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.tables import BRONZE_ADMISSIONS, BRONZE_HOSPITALS, BRONZE_WITHDRAWALS, Table

_OF_EXPRESSIONS = {
    "CAST_INVALID_INPUT", "CANNOT_PARSE_TIMESTAMP", "CANNOT_PARSE_DATE", "DIVIDE_BY_ZERO", "USER_RAISED_EXCEPTION",
    "INVALID_ARRAY_INDEX", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "ARITHMETIC_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE",
}  # fmt: skip
"""Conditions that Spark raises for a value, not for a file."""


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """Reads and judges the delivery as a whole, then appends it to bronze unless it is there already."""
    require_folder(settings.delivery.input)
    files = Watched.begin(str(settings.delivery.input), lambda: _files(store, settings))
    with files.while_read():
        frames = read_delivery(store.spark, settings)
        prints = read_to_the_end(store.spark, settings, frames)
    records = prints[BRONZE_ADMISSIONS][0]
    delivery_id = settings.delivery.id or _content_id(settings.delivery.source, prints)
    if not load(store, settings, frames, prints, delivery_id, files, run_id):
        return Outcome(f"delivery {delivery_id} ({records:,} admissions) is loaded already", records, 0)
    return Outcome(f"delivery {delivery_id}: {records:,} admissions from {settings.delivery.input}", records, records)


def _files(store: Store, settings: Settings) -> dict[str, FileState]:
    """The files of the delivered tables, whatever else lies in the folder."""
    mapping = sources.load_source(settings.delivery.source)
    found = list_files(store.spark, str(settings.delivery.input))
    of_tables = [sources.matching_files(list(found), table, mapping.table(table)) for table in DELIVERY_TABLES]
    return {file: found[file] for files in of_tables for file in files}


def read_delivery(spark: SparkSession, settings: Settings) -> dict[Table, DataFrame]:
    """The delivered tables in the contract's columns, as text; DeliveryError listing all that is missing."""
    require_folder(settings.delivery.input)
    folder = str(settings.delivery.input)
    mapping = sources.load_source(settings.delivery.source)
    found = list_files(spark, folder)
    frames: dict[Table, DataFrame] = {}
    problems: list[str] = []
    for table in DELIVERY_TABLES:
        source = mapping.table(table)
        files = sources.matching_files(list(found), table, source)
        if not files:
            problems += [f"{table.name}: no file {source.file or table.name + '.csv'}"] if table in REQUIRED_TABLES else []
            continue
        problems += sources.layout_problems(files, table, source)
        raw = read_text(spark, folder, files, found, mapping.format)
        wrong = sources.column_problems(raw.schema, table, source, mapping.format.delimiter)
        if not source.explode:
            wrong += sources.expression_problems(raw, table, source)
        problems += wrong
        if not wrong:
            with storage_errors(
                f"The columns of {table.name} are not those of the source {settings.delivery.source!r}.",
                ", ".join(files),
                "name the right source with --source.",
                DeliveryError,
            ):
                limit = settings.validation.maximum_field_characters
                frames[table] = sources.map_to_contract(raw, table, source, limit)
    if problems:
        raise DeliveryError(
            "The delivery does not have the layout of its source: " + "; ".join(problems) + ".",
            where=folder,
            mend="correct the files, or name the right source with --source; the layout stands in docs/data-dictionary.md.",
        )
    return frames


def read_to_the_end(spark: SparkSession, settings: Settings, frames: dict[Table, DataFrame]) -> dict[Table, Content]:
    """(records, order-free hash) per delivered table; DeliveryError where a file breaks off or a part has other columns."""
    folder = settings.delivery.input or ""
    reading: Table | None = None
    try:
        prints = {}
        for reading, frame in frames.items():
            with storage_errors(
                f"The delivery {folder} cannot be read to its end: a file is {UNREADABLE}.",
                reading.name,
                "deliver the file again; details stand in spark.log beside the log.",
                DeliveryError,
            ):
                prints[reading] = _fingerprint(frame, reading)
        if not prints.get(BRONZE_WITHDRAWALS, (0, 0))[0]:  # a delivery may only withdraw
            sources.require_records(BRONZE_ADMISSIONS, prints[BRONZE_ADMISSIONS][0])
        sources.require_records(BRONZE_HOSPITALS, prints[BRONZE_HOSPITALS][0])
        small_tables.require_usable({t: f for t, f in frames.items() if t in small_tables.KEYS})
        return prints
    except DeliveryError as error:
        if isinstance(error.__cause__, PySparkException) and error.__cause__.getCondition() in _OF_EXPRESSIONS:
            raise DeliveryError(
                f"An expression of the source {settings.delivery.source!r} fails on a delivered value "
                f"({error.__cause__.getCondition()}).",
                where=reading.name if reading else None,
                mend="make the mapping's expressions safe: try_cast, try_to_date, get; a null becomes a counted reason.",
            ) from error
        if error.__cause__ is not None:
            _require_equal_headers(spark, settings, frames, error)
        raise


def _require_equal_headers(
    spark: SparkSession, settings: Settings, frames: dict[Table, DataFrame], failure: DeliveryError
) -> None:
    """The clearer message where reading failed because the parts of a table have different columns."""
    folder = settings.delivery.input or ""
    mapping = sources.load_source(settings.delivery.source)
    found = list_files(spark, folder)
    problems: list[str] = []
    for table in frames:
        files = sources.matching_files(list(found), table, mapping.table(table))
        with storage_errors(failure.what, folder, "deliver the file again.", DeliveryError):
            problems += header_problems(spark, folder, files, mapping.format) if len(files) > 1 else []
    if problems:
        raise DeliveryError(
            "The parts of a table have different columns: " + "; ".join(problems) + ".",
            where=folder,
            mend="write every part with the same header.",
        ) from failure


def _fingerprint(frame: DataFrame, table: Table) -> Content:
    """(records, order-free hash) of a delivered table, read to its end; refuses an undecodable one."""
    row = frame.agg(*sources.content(table), F.count_if(sources.undecodable(table)).alias("undecodable")).collect()[0]
    sources.require_decodable(table, row["records"], row["undecodable"])
    return row["records"], int(row["hash"] or 0)


def _content_id(source: str, prints: dict[Table, Content]) -> str:
    """A delivery id made of the content: the same records, in whatever files and order, are the same delivery."""
    text = repr(sorted((table.name, *content) for table, content in prints.items()))
    return f"{source.rsplit('/', 1)[-1]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

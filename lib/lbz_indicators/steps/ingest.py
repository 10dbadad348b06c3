"""Step 1, ingest: a delivered folder to bronze, as text, once per delivery."""

from __future__ import annotations

import datetime as dt
import hashlib

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import DeliveryError
from lbz_indicators.failures import storage_errors
from lbz_indicators.ingest import small_tables, sources
from lbz_indicators.io import Store
from lbz_indicators.io.files import UNREADABLE, header_problems, list_files, read_text, require_folder
from lbz_indicators.progress import Progress
from lbz_indicators.schemas.bronze import DELIVERY_TABLES, REQUIRED_TABLES
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.tables import BRONZE_ADMISSIONS, BRONZE_HOSPITALS, BRONZE_WITHDRAWALS, Table

_OF_EXPRESSIONS = {
    "CAST_INVALID_INPUT", "CANNOT_PARSE_TIMESTAMP", "CANNOT_PARSE_DATE", "DIVIDE_BY_ZERO", "USER_RAISED_EXCEPTION",
    "INVALID_ARRAY_INDEX", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "ARITHMETIC_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE",
}  # fmt: skip
"""Conditions that Spark raises for a value, not for a file."""


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """Reads and judges the delivery as a whole, then appends it to bronze unless it is there already."""
    frames = read_delivery(store.spark, settings)
    prints = read_to_the_end(store.spark, settings, frames)
    records = prints[BRONZE_ADMISSIONS][0]
    delivery_id = settings.delivery.id or _content_id(settings.delivery.source, prints)
    if not _load(store, settings, frames, prints, delivery_id):
        return Outcome(f"delivery {delivery_id} ({records:,} admissions) is loaded already", records, 0)
    return Outcome(f"delivery {delivery_id}: {records:,} admissions from {settings.delivery.input}", records, records)


def read_delivery(spark: SparkSession, settings: Settings) -> dict[Table, DataFrame]:
    """The delivered tables in the contract's columns, as text; DeliveryError listing all that is missing."""
    require_folder(settings.delivery.input)
    folder = str(settings.delivery.input)
    mapping = sources.load_source(settings.delivery.source)
    sizes = list_files(spark, folder)
    frames: dict[Table, DataFrame] = {}
    problems: list[str] = []
    for table in DELIVERY_TABLES:
        source = mapping.table(table)
        files = sources.matching_files(list(sizes), table, source)
        if not files:
            problems += [f"{table.name}: no file {source.file or table.name + '.csv'}"] if table in REQUIRED_TABLES else []
            continue
        problems += sources.layout_problems(files, table, source)
        raw = read_text(spark, folder, files, sizes, mapping.format)
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


def read_to_the_end(spark: SparkSession, settings: Settings, frames: dict[Table, DataFrame]) -> dict[Table, tuple[int, int]]:
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
    sizes = list_files(spark, folder)
    problems: list[str] = []
    for table in frames:
        files = sources.matching_files(list(sizes), table, mapping.table(table))
        with storage_errors(failure.what, folder, "deliver the file again.", DeliveryError):
            problems += header_problems(spark, folder, files, mapping.format) if len(files) > 1 else []
    if problems:
        raise DeliveryError(
            "The parts of a table have different columns: " + "; ".join(problems) + ".",
            where=folder,
            mend="write every part with the same header.",
        ) from failure


def _fingerprint(frame: DataFrame, table: Table) -> tuple[int, int]:
    """(records, order-free hash) of a delivered table, read to its end; refuses an undecodable one."""
    row = frame.agg(
        F.count("*"),
        F.count_if(sources.undecodable(table)),
        F.sum(sources.record_hash(table).cast("decimal(38,0)")),
    ).collect()[0]
    sources.require_decodable(table, row[0], row[1])
    return row[0], int(row[2] or 0)


def _content_id(source: str, prints: dict[Table, tuple[int, int]]) -> str:
    """A delivery id made of the content: the same records, in whatever files and order, are the same delivery."""
    text = repr(sorted((table.name, *content) for table, content in prints.items()))
    return f"{source.rsplit('/', 1)[-1]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _load(
    store: Store,
    settings: Settings,
    frames: dict[Table, DataFrame],
    prints: dict[Table, tuple[int, int]],
    delivery_id: str,
) -> bool:
    """Appends what of the delivery is not in bronze yet, admissions last; whether anything was appended."""
    known = {table: rows for table in frames if (rows := store.find(table)) is not None}
    loaded = {table: rows.where(F.col("delivery_id") == delivery_id) for table, rows in known.items()}
    loaded = {table: rows for table, rows in loaded.items() if not rows.isEmpty()}
    stamps = [rows.select("load_date", "loaded_at").limit(1).collect()[0] for rows in loaded.values()]
    if stamps:
        load_date, loaded_at = stamps[0]
    else:
        last = max(filter(None, (_last_load(store, table) for table in (BRONZE_ADMISSIONS, BRONZE_WITHDRAWALS))), default=None)
        now = utc_now()
        loaded_at = max(now, last + dt.timedelta(microseconds=1)) if last else now
        load_date = settings.delivery.load_date or now.date()
    appended = False
    for table in sorted(frames, key=lambda table: table == BRONZE_ADMISSIONS):
        if table in loaded:
            _require_same_content(loaded[table], table, prints[table], delivery_id)
            continue
        if table in known and not prints[table][0]:
            continue
        frame = frames[table]
        if settings.delivery.input_partitions:
            frame = frame.repartition(settings.delivery.input_partitions)
        marked = frame.select(
            "*",
            F.monotonically_increasing_id().alias("record"),
            F.lit(delivery_id).alias("delivery_id"),
            F.lit(load_date).alias("load_date"),
            F.lit(loaded_at).alias("loaded_at"),
        )
        store.append(table, marked)
        appended = True
    return appended


def _last_load(store: Store, table: Table) -> dt.datetime | None:
    return store.read_or_empty(table).agg(F.max("loaded_at")).collect()[0][0]  # type: ignore[no-any-return]


def _require_same_content(loaded: DataFrame, table: Table, content: tuple[int, int], delivery_id: str) -> None:
    row = loaded.agg(F.count("*"), F.sum(sources.record_hash(table).cast("decimal(38,0)"))).collect()[0]
    if (row[0], int(row[1] or 0)) != content:
        raise DeliveryError(
            f"A delivery {delivery_id} with other content is loaded already.",
            where=f"{table.name}: {row[0]} records loaded, {content[0]} delivered now",
            mend="give the corrected delivery another id (delivery.id), or none.",
        )

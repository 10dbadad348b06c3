"""Bronze as later steps see it: the records of completely loaded deliveries.

A delivery has up to eight tables and as many commits. It counts with one more, its rows in bronze.deliveries: what a load that
broke off left is in force nowhere, and goes when the delivery is loaded again, or with `maintain`.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.schemas.bronze import DELIVERY_TABLES
from lbz_indicators.tables import Table


def read_delivered(store: Store, table: Table) -> DataFrame:
    """Records of a bronze table, grain unchanged; StorageError where nothing has been loaded."""
    rows = find_delivered(store, table)
    if rows is None:
        raise StorageError(
            f"Nothing has been loaded to its end into {table}.",
            where=store.place,
            mend="load a delivery first: `lbz-indicators ingest --input FOLDER`, or `run`.",
        )
    return rows


def read_delivered_or_empty(store: Store, table: Table) -> DataFrame:
    """Records of a bronze table, none where nothing has been loaded."""
    rows = find_delivered(store, table)
    return store.read_or_empty(table).limit(0) if rows is None else rows


def find_delivered(store: Store, table: Table) -> DataFrame | None:
    """Records of a bronze table, None where nothing has been loaded."""
    rows, complete = store.find(table), deliveries(store)
    if rows is None or complete is None:
        return None
    return rows.join(F.broadcast(complete), on="delivery_id", how="left_semi").select(*store.columns(table))


def deliveries(store: Store) -> DataFrame | None:
    """The deliveries loaded to their end: delivery_id and loaded_at, each once. None before the first."""
    rows = store.find(tables.BRONZE_DELIVERIES)
    admissions = F.col("table_name") == tables.BRONZE_ADMISSIONS.name  # every delivery has them
    return None if rows is None else rows.where(admissions).select("delivery_id", "loaded_at")


def abandoned(store: Store) -> dict[Table, list[str]]:
    """By table, ids of the deliveries that have records there and were not loaded to their end; sorted."""
    complete = deliveries(store)
    known = set() if complete is None else {row["delivery_id"] for row in complete.collect()}
    found = {}
    for table in DELIVERY_TABLES:
        rows = store.find(table)
        held = set() if rows is None else {row[0] for row in rows.select("delivery_id").distinct().collect()}
        if held - known:
            found[table] = sorted(held - known)
    return found

"""Whether two places hold the same tables: rows and an order-free hash of every table, without times and versions."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.hashing import hash_of
from lbz_indicators.schemas import SCHEMAS, TableSchema

OF_THE_RUN = {"run_id", "record", "indicators_version", "inputs", "code_version"}
"""Columns that say which run made a row, with what number, or of which versions of the tables."""
LOGS = {str(tables.GOLD_RUNS), "gold.lease"}
"""Tables of what was done, not of what was found."""

Contents = dict[str, tuple[int, int]]
LAYERS = ("bronze", "silver", "gold")


def contents(spark: SparkSession, root: Path, *layers: str) -> Contents:
    """Rows and hash of every table of these layers that is there; a double counts with its last digit."""
    found = {}
    for table, schema in SCHEMAS.items():
        path = root / table.layer / table.name
        if table.layer not in layers or str(table) in LOGS or not any(path.glob("_delta_log/*.json")):
            continue
        found[str(table)] = content(spark.read.format("delta").load(str(path)), schema)
    return found


def content(rows: DataFrame, schema: TableSchema) -> tuple[int, int]:
    """What a table holds."""
    names = [
        column.name
        for column in schema.columns
        if column.name not in OF_THE_RUN and not isinstance(column.type, (T.TimestampType, T.MapType))
    ]
    hashes = rows.select(hash_of(names).cast("decimal(38,0)").alias("hash"))
    total = hashes.agg(F.count("*"), F.sum("hash")).collect()[0]
    return total[0], int(total[1] or 0)

"""Whether a table has the layout of this version of the program, and lifting one that an older version made."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.errors import StorageError
from lbz_indicators.schemas import SCHEMAS, TABLE_VERSION
from lbz_indicators.schemas.contract import Column
from lbz_indicators.tables import Table

PROPERTY = "lbz.table_version"
"""Table property: the TABLE_VERSION of the program that made or lifted the table."""


def stored_version(spark: SparkSession, identifier: str) -> int:
    """What the table's property says; 0 for a table without it."""
    values = spark.sql(f"SHOW TBLPROPERTIES {identifier}").where(f"key = '{PROPERTY}'").collect()
    return int(values[0]["value"]) if values else 0


def missing_columns(table: Table, found: T.StructType) -> list[Column]:
    """Columns of the contract that the table lacks."""
    return [column for column in SCHEMAS[table].columns if column.name not in found.fieldNames()]


def foreign_columns(table: Table, found: T.StructType) -> list[str]:
    """Columns of the table that the contract does not know, or has in another type."""
    wanted = {column.name: column.type.simpleString() for column in SCHEMAS[table].columns}
    return [field.name for field in found.fields if wanted.get(field.name) != field.dataType.simpleString()]


def require_current(spark: SparkSession, identifier: str, table: Table, place: str) -> None:
    """StorageError where the table was written by an older version of the program, or by a newer one."""
    found = spark.table(identifier).schema
    version = stored_version(spark, identifier)
    require_not_newer(table, version, place)
    if version < TABLE_VERSION or missing_columns(table, found) or foreign_columns(table, found):
        raise StorageError(
            f"The table {table} was written by an older version of this program.",
            where=f"{place}, table version {version}, now {TABLE_VERSION}",
            mend="run lbz-indicators migrate once: it lifts all tables, and says which of them the next run makes anew.",
        )


def require_not_newer(table: Table, version: int, place: str) -> None:
    """StorageError where a newer version of the program wrote the table."""
    if version > TABLE_VERSION:
        raise StorageError(
            f"The table {table} was written by a newer version of this program.",
            where=f"{place}, table version {version}; this program knows {TABLE_VERSION}",
            mend="use that version of the program, or another --output.",
        )


def properties(table: Table, retention_days: int) -> dict[str, str]:
    """Delta's properties of a table, and the version of its layout."""
    days = f"interval {retention_days} days"
    return {
        PROPERTY: str(TABLE_VERSION),
        # For every look at a table that may have them Delta lists its files once more.
        "delta.enableDeletionVectors": str(SCHEMAS[table].is_of_admissions).lower(),
        "delta.enableChangeDataFeed": str(SCHEMAS[table].change_feed).lower(),
        "delta.logRetentionDuration": days,
        "delta.deletedFileRetentionDuration": days,
    }


def create(rows: DataFrame, identifier: str, table: Table, properties: Mapping[str, str]) -> None:
    """Makes a table that has no commit with its properties, partitions and first rows, in one commit."""
    writer = rows.writeTo(identifier).using("delta")
    for name, value in properties.items():
        writer = writer.tableProperty(name, value)
    partitions = [F.col(name) for name in SCHEMAS[table].partition_by]
    # Where the first write of a table broke off its folder is there, and a plain create refuses that for good.
    (writer.partitionedBy(*partitions) if partitions else writer).createOrReplace()

"""How a table's contract is written down."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import types as T

from lbz_indicators.tables import Table

TABLE_VERSION = 2
"""Of the layout of all tables: one more with every change of a contract or property that older tables must be lifted for."""

STRING = T.StringType()
BINARY = T.BinaryType()
BOOLEAN = T.BooleanType()
BYTE = T.ByteType()
INTEGER = T.IntegerType()
LONG = T.LongType()
DOUBLE = T.DoubleType()
DATE = T.DateType()
TIMESTAMP = T.TimestampType()
STRINGS = T.ArrayType(STRING)
INTEGERS = T.ArrayType(INTEGER)
LONGS = T.ArrayType(LONG)
DOUBLES = T.ArrayType(DOUBLE)
KEYS = T.ArrayType(T.StructType([T.StructField("hospital_id", STRING), T.StructField("admission_id", STRING)]))
"""Keys of admissions."""
TEXT_BY_NAME = T.MapType(STRING, STRING)


@dataclass(frozen=True)
class Column:
    """One column: `meaning` ends with the unit where there is one."""

    name: str
    type: T.DataType
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class TableSchema:
    """The contract of one table.

    `key` identifies a row (null-safe: a null hospital is the nation). `lineage` columns say where a row came
    from; two rows that differ only there are the same row, and the older one stays. `change_feed`: Delta keeps which
    rows every commit removed and wrote, for those that follow only what changed. Partition columns are whole numbers.
    """

    table: Table
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    change_feed: bool = False

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def is_of_admissions(self) -> bool:
        """Whether its rows grow with the nation's admissions, so that a few are changed without writing their files anew."""
        return not {"admission_id", "row_identity"}.isdisjoint(self.names)

    @property
    def content(self) -> list[str]:
        """Columns that make two rows of one key the same or different."""
        return [name for name in self.names if name not in self.key and name not in self.lineage]

    @property
    def hashed(self) -> list[str]:
        """Columns that a stored row_hash covers: all content but itself."""
        return [name for name in self.content if name != "row_hash"]

    @property
    def struct(self) -> T.StructType:
        """The StructType. Nullability is left open in Delta; required columns are proved by validation."""
        return T.StructType([T.StructField(c.name, c.type, True, {"comment": c.meaning}) for c in self.columns])

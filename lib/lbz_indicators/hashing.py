"""Columns by any name, and hashes of rows, by which a write finds the rows that differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F


def quote(identifier: str) -> str:
    """An identifier for SQL text, in backticks."""
    return "`" + identifier.replace("`", "``") + "`"


def literal(value: int | str) -> str:
    """A whole number or a text as a literal of SQL text."""
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def hash_of(names: Sequence[str]) -> Column:
    """xxhash64 over columns and over which of them are null.

    Spark's hash passes over a null, so that a value which moves from one column to the next would leave it as it was.
    """
    columns = [F.col(quote(name)) for name in names]
    words = [columns[start : start + _WORD] for start in range(0, len(columns), _WORD)]
    return F.xxhash64(*columns, *[reduce(lambda mask, bit: mask.bitwiseOR(bit), _null_bits(word)) for word in words])


_WORD = 60


def _null_bits(columns: Sequence[Column]) -> list[Column]:
    return [F.shiftleft(column.isNull().cast("bigint"), place) for place, column in enumerate(columns)]

"""SHA-256 over sets of rows, whatever their order and partitions: evidence that rows are those that once were frozen.

A row is one canonical text; the texts' hashes are sorted within buckets, the buckets' hashes sorted again. Fractions stand in
the text as whole numbers of a fixed unit, for their last digits differ between libraries and machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.hashing import quote

UNIT = 1_000_000
"""Fractions are compared in millionths, unless a column has a finer unit."""
_BUCKET_DIGITS = 3
"""4,096 buckets: of five million rows each holds some thousand hashes."""


def row_text(rows: DataFrame, names: Sequence[str], units: Mapping[str, int] | None = None) -> Column:
    """The canonical text of a row: JSON of these columns, nulls included, fractions as whole numbers of 1 / unit."""
    kinds = {field.name: field.dataType for field in rows.schema.fields}
    plain = [_plain(name, kinds[name], (units or {}).get(name, UNIT)).alias(name) for name in names]
    return F.to_json(F.struct(*plain), {"ignoreNullFields": "false"})


def _plain(name: str, kind: T.DataType, unit: int) -> Column:
    value = F.col(quote(name))
    if isinstance(kind, T.DoubleType):
        return _whole(value, unit)
    if isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.DoubleType):
        return F.transform(value, lambda element: _whole(element, unit))
    if isinstance(kind, T.DateType):
        return F.unix_date(value)
    return value


def _whole(value: Column, unit: int) -> Column:
    return F.round(value * F.lit(float(unit))).try_cast("decimal(38,0)").cast("string")


def set_digests(rows: DataFrame, text: Column, by: Sequence[str] = ()) -> DataFrame:
    """Grain: `by`, or one row. Columns: rows (how many), sha256 (hexadecimal)."""
    hashed = rows.select(*by, F.sha2(text, 256).alias("_sha"))
    buckets = hashed.groupBy(*by, F.substring("_sha", 1, _BUCKET_DIGITS).alias("_bucket")).agg(
        F.count("*").alias("_rows"), _of_sorted(F.col("_sha")).alias("_sha")
    )
    whole = buckets.groupBy(*by) if by else buckets
    return whole.agg(F.coalesce(F.sum("_rows"), F.lit(0)).alias("rows"), _of_sorted(F.col("_sha")).alias("sha256"))


def _of_sorted(hashes: Column) -> Column:
    return F.sha2(F.array_join(F.sort_array(F.collect_list(hashes)), ""), 256)

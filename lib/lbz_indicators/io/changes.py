"""Rows against the contract of their table, and against the rows that the table has."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.errors import StorageError
from lbz_indicators.hashing import hash_of, quote
from lbz_indicators.schemas import TableSchema

CHANGE = "_change"
UPSERT, DELETE = "upsert", "delete"


def conform(frame: DataFrame, schema: TableSchema) -> DataFrame:
    """The columns of the contract in its order; StorageError on a missing, unexpected or mistyped column."""
    found = {field.name: field.dataType for field in frame.schema.fields}
    problems = [f"missing column {name}" for name in schema.names if name not in found]
    problems += [f"unexpected column {name}" for name in found if name not in schema.names]
    problems += [
        f"{c.name} is {found[c.name].simpleString()}, not {c.type.simpleString()}"
        for c in schema.columns
        if c.name in found and found[c.name].simpleString() != c.type.simpleString()
    ]
    if problems:
        raise StorageError(f"Rows for {schema.table} break its contract: {'; '.join(problems)}.", where=str(schema.table))
    return frame.select(*[F.col(quote(c.name)).alias(c.name, metadata={"comment": c.meaning}) for c in schema.columns])


def content_hash(schema: TableSchema) -> Column:
    """Hash over the content columns; a map or NaN-free double compares by value."""
    return F.col("row_hash") if "row_hash" in schema.names else hash_of(schema.content) if schema.content else F.lit(0)


def changed_rows(new: DataFrame, old: DataFrame, schema: TableSchema) -> DataFrame:
    """Rows of `new` that `old` lacks or has otherwise (upsert), and rows of `old` that `new` lacks (delete)."""
    key = list(schema.key)
    new = new.withColumn("_new_hash", content_hash(schema))
    known = old.select(*[F.col(quote(k)).alias(joins.other(k)) for k in key], content_hash(schema).alias("_old_hash"))
    joined = new.join(known, on=joins.same_keys(key), how="full_outer")
    changed = joined.where("NOT (_new_hash <=> _old_hash)")
    change = F.when(F.col("_new_hash").isNull(), F.lit(DELETE)).otherwise(F.lit(UPSERT))
    return changed.select(
        *[
            F.when(F.col("_new_hash").isNull(), F.col(quote(joins.other(n)))).otherwise(F.col(quote(n))).alias(n)
            if n in key
            else F.col(quote(n))
            for n in schema.names
        ],
        change.alias(CHANGE),
    )

"""Rows against the contract of their table, and against the rows that the table has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.errors import StorageError
from lbz_indicators.hashing import hash_of, quote
from lbz_indicators.schemas import TableSchema

CHANGE = "_change"
THERE = "_there"
"""Beside a changed row: whether the table has a row of its key."""
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
    """Rows of `new` that `old` lacks or has otherwise (upsert), and rows of `old` that `new` lacks (delete).

    Columns of the contract, former partitions (`former`), CHANGE and THERE.
    """
    key = list(schema.key)
    new = new.withColumn("_new_hash", content_hash(schema))
    known = old.select(
        *[F.col(quote(k)).alias(joins.other(k)) for k in key],
        *[F.col(quote(name)).alias(former(name)) for name in schema.partition_by],
        content_hash(schema).alias("_old_hash"),
    )
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
        *map(former, schema.partition_by),
        change.alias(CHANGE),
        F.col("_old_hash").isNotNull().alias(THERE),
    )


def former(name: str) -> str:
    """What a partition column of the old row is called beside the new one."""
    return f"_former_{name}"


@dataclass(frozen=True)
class Extent:
    """How many rows of a table change, how many of these are there, and in which partitions they lie or lay, by column."""

    rows: int
    there: int
    partitions: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, changes: DataFrame, schema: TableSchema) -> Extent:
        """Of the rows of changed_rows."""
        both = {name: F.array_union(F.collect_set(name), F.collect_set(former(name))) for name in schema.partition_by}
        counts = [F.count("*").alias("_rows"), F.count_if(THERE).alias("_are_there")]
        row = changes.agg(*counts, *[values.alias(name) for name, values in both.items()]).collect()[0]
        return cls(row["_rows"], row["_are_there"], {name: sorted(row[name]) for name in schema.partition_by})


def in_partitions(partitions: Mapping[str, Sequence[int]]) -> list[str]:
    """SQL conditions, each beginning with a column: rows in these partitions (of whole numbers). Delta opens no other file."""
    return [f"{quote(name)} IN ({', '.join(f'{value:d}' for value in values)})" for name, values in partitions.items()]


def merge_statement(target: str, view: str, schema: TableSchema, bounds: Sequence[str], *, inserts: bool) -> str:
    """MERGE of the rows of changed_rows, looking for those that are there within these conditions alone, each of which begins
    with a column.

    Without inserts all rows of the view must be there; it can then be sent to every part of the table. With them Spark has to
    shuffle the table.
    """
    same = [f"t.{quote(k)} <=> c.{quote(k)}" for k in schema.key]
    within = [f"t.{bound}" for bound in bounds]
    assign = ", ".join(f"t.{quote(n)} = c.{quote(n)}" for n in schema.names)
    columns = ", ".join(quote(n) for n in schema.names)
    values = ", ".join(f"c.{quote(n)}" for n in schema.names)
    rows = view if inserts else f"(SELECT /*+ BROADCAST({view}) */ * FROM {view})"
    insert = f"WHEN NOT MATCHED AND c.{CHANGE} = '{UPSERT}' THEN INSERT ({columns}) VALUES ({values})"
    return (
        f"MERGE INTO {target} t USING {rows} c ON {' AND '.join([*same, *within])} "
        f"WHEN MATCHED AND c.{CHANGE} = '{DELETE}' THEN DELETE "
        f"WHEN MATCHED THEN UPDATE SET {assign} {insert if inserts else ''}"
    )

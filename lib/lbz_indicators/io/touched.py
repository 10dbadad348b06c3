"""Writing the rows of a table that are touched, and whether a table has only grown since."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.hashing import literal, quote
from lbz_indicators.io.changes import CHANGE, DELETE, changed_rows, conform
from lbz_indicators.io.tables import Store, Written
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table


def replace_touched(store: Store, table: Table, old: DataFrame, new: DataFrame, bound: str) -> Written:
    """Makes the rows `old` of a table the rows `new`, writing only those that differ.

    `old` holds every row of the table with a key that `new` has; both are kept (localCheckpoint), for the table changes.
    `bound`: a column, of partitions best, whose few values among the old rows that change bound where they are looked for.

    Two commits, rows that change or go and then rows that come: one merge for both would shuffle the whole table.
    """
    schema = SCHEMAS[table]
    changes = changed_rows(conform(new, schema), old, schema).localCheckpoint()
    counts = {row[0]: row[1] for row in changes.groupBy(CHANGE).count().collect()}
    if not counts:
        return Written(0, store.version(table))
    known = old.select(*[F.col(quote(key)).alias(joins.other(key)) for key in schema.key], F.col(quote(bound)).alias("_bound"))
    same = joins.same_keys(schema.key)
    there = changes.join(known, on=same, how="inner").select(*changes.columns, "_bound").localCheckpoint()
    places = [row[0] for row in there.select("_bound").distinct().collect()]
    if places:
        _merge_known(store, table, there.drop("_bound"), f"t.{quote(bound)} IN ({', '.join(map(literal, places))})")
    fresh = changes.where(F.col(CHANGE) != DELETE).join(known, on=same, how="left_anti")
    written = store.append(table, fresh.select(*schema.names))
    return Written(sum(counts.values()), written.version, changes.select(*schema.names, CHANGE))


def _merge_known(store: Store, table: Table, changes: DataFrame, place: str) -> None:
    """Updates and deletes rows that the table has, in the place that a condition on the table `t` names."""
    schema = SCHEMAS[table]
    same = " AND ".join(f"t.{quote(k)} <=> c.{quote(k)}" for k in schema.key)
    assign = ", ".join(f"t.{quote(n)} = c.{quote(n)}" for n in schema.names)
    view = f"changes_of_{table.layer}_{table.name}"
    with store._writing(table):
        store.require_lease()
        changes.createOrReplaceTempView(view)
        # Without an insert the changes can be sent to the table's rows.
        store.spark.sql(
            f"MERGE INTO {store.location.identifier(table)} t USING (SELECT /*+ BROADCAST({view}) */ * FROM {view}) c "
            f"ON {place} AND {same} "
            f"WHEN MATCHED AND c.{CHANGE} = '{DELETE}' THEN DELETE WHEN MATCHED THEN UPDATE SET {assign}"
        ).collect()
        store.spark.catalog.dropTempView(view)


_KEEPS_ROWS = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UPGRADE PROTOCOL"}


def rewritten_since(store: Store, table: Table, version: int) -> list[str]:
    """Delta operations after a version that did more than add rows, such as the erasure of a patient; sorted."""
    history = store.spark.sql(f"DESCRIBE HISTORY {store.location.identifier(table)}").where(F.col("version") > version)
    rows = history.select("operation", F.col("operationParameters")["mode"]).distinct().collect()
    return sorted({row[0] for row in rows if row[0] not in _KEEPS_ROWS and tuple(row) != ("WRITE", "Append")})

"""Writing the rows of a table that are touched, where what they were and what they become is at hand."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.hashing import quote
from lbz_indicators.io.changes import CHANGE, DELETE, changed_rows, conform
from lbz_indicators.io.tables import Store, Written
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table


def replace_touched(store: Store, table: Table, old: DataFrame, new: DataFrame, bound: str) -> Written:
    """Makes the rows `old` of a table the rows `new`, writing only those that differ.

    `old` holds every row of the table with a key that `new` has. Both are looked at before the table changes. `bound`: a
    column, of partitions best, whose few values among the old rows that change bound where they are looked for.

    Two commits, rows that change or go and then rows that come: one merge for both would shuffle the whole table.
    """
    schema = SCHEMAS[table]
    changes = changed_rows(conform(new, schema), old, schema).localCheckpoint()
    counts = {row[0]: row[1] for row in changes.groupBy(CHANGE).count().collect()}
    if not counts:
        return Written(0, store.version(table))
    known = old.select(*[F.col(quote(key)).alias(joins.other(key)) for key in schema.key], F.col(quote(bound)).alias("_bound"))
    places = changes.join(known, on=joins.same_keys(schema.key), how="inner").select("_bound").distinct().collect()
    if places:
        store.merge_known(table, changes, bound, [row[0] for row in places])
    absent = known.select(*[joins.other(key) for key in schema.key])
    fresh = changes.where(F.col(CHANGE) != DELETE).join(absent, on=joins.same_keys(schema.key), how="left_anti")
    written = store.append(table, fresh.drop(CHANGE))
    return Written(sum(counts.values()), written.version, changes)

"""The order of the rows of gold.runs: that in which steps ended, whatever the clock said when they began."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.failures import storage_errors
from lbz_indicators.io import Store

ORDERED_BY = ("number", "started_at")
"""Columns that place a row. Those of an older program have no number, come first, and have the clock's order."""


def in_order() -> Column:
    """What rows of gold.runs are ordered by."""
    return F.struct(F.coalesce("number", F.lit(0)), "started_at")


def place(row: Row) -> tuple[int, dt.datetime]:
    """The same of a row that was read, with the columns ORDERED_BY."""
    return row["number"] or 0, row["started_at"]


def last_number(store: Store) -> int:
    """The number of the row that was written last, 0 where there is none."""
    with storage_errors(f"The table {tables.GOLD_RUNS} could not be read.", store.place, "see spark.log beside the log."):
        return store.read_or_empty(tables.GOLD_RUNS).agg(F.max("number")).collect()[0][0] or 0

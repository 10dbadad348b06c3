"""Writing the figures, and every value that one ever had: gold.indicators and gold.indicator_history."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.io import CHANGE, Store
from lbz_indicators.io.changes import DELETE, changed_rows
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.schemas.gold import FIGURE_KEY_NAMES
from lbz_indicators.steps.times import time_after_all


def write_figures(store: Store, rows: DataFrame, scope: Column, run_id: str) -> int:
    """Makes the figures that meet `scope` those of `rows`, and records those that are not what they were; rows changed."""
    before, recorded = store.find_version(tables.GOLD_INDICATORS), _recorded_version(store)
    written = store.replace(tables.GOLD_INDICATORS, rows, scope=scope)
    # A run that ended between the two writes left figures that the history does not have.
    changes = written.changes if recorded == before else _unrecorded(store)
    if changes is not None:
        _record(store, changes, written.version, run_id)
    return written.rows


def _recorded_version(store: Store) -> int | None:
    """The version of gold.indicators up to which the history is complete: not the highest, for a table that was deleted and
    made anew begins at 0."""
    history = store.find(tables.GOLD_INDICATOR_HISTORY)
    return None if history is None else history.agg(F.max_by("indicators_version", "recorded_at")).collect()[0][0]


def _unrecorded(store: Store) -> DataFrame:
    """Figures that are not the last ones recorded, with `_change`."""
    history = store.read_or_empty(tables.GOLD_INDICATOR_HISTORY)
    latest = Window.partitionBy(*FIGURE_KEY_NAMES).orderBy(F.desc("recorded_at"))
    last = history.withColumn("_n", F.row_number().over(latest)).where((F.col("_n") == 1) & (F.col("change") != DELETE))
    schema = SCHEMAS[tables.GOLD_INDICATORS]
    return changed_rows(store.read(tables.GOLD_INDICATORS), last.select(*schema.names), schema)


def _record(store: Store, changes: DataFrame, version: int, run_id: str) -> None:
    at = time_after_all(store, tables.GOLD_INDICATOR_HISTORY, "recorded_at")
    added = {"change": F.col(CHANGE), "recorded_at": F.lit(at), "run_id": F.lit(run_id)}
    rows = changes.withColumns(added | {"indicators_version": F.lit(version).cast("bigint")})
    store.append(tables.GOLD_INDICATOR_HISTORY, rows.select(*store.columns(tables.GOLD_INDICATOR_HISTORY)))

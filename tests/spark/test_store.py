"""Replacing writes: only rows that differ are written, and nothing at all where nothing differs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import StorageSettings
from lbz_indicators.io import CHANGE, Store

RULES = [("d1", "H1", "valid", "total", 10), ("d1", None, "rejected", "total", 2)]


def _store(spark: SparkSession, root: Path) -> Store:
    return Store(spark, StorageSettings(root=str(root)))


def test_a_table_without_rows_gets_no_version_by_being_replaced_by_none(small_data: SparkSession, tmp_path: Path) -> None:
    """A delivery without a single rejected record is ordinary; each night would add a version otherwise."""
    store = _store(small_data, tmp_path)
    versions = [store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, [])).version for _ in range(2)]
    assert versions[0] == versions[1]


def test_rows_that_do_not_differ_are_not_written(small_data: SparkSession, tmp_path: Path) -> None:
    store = _store(small_data, tmp_path)
    first = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, RULES))
    again = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, RULES[::-1]))
    assert (again.rows, again.version, again.changes) == (0, first.version, None)

    changed = [("d1", "H1", "valid", "total", 11), ("d2", "H1", "valid", "total", 5)]
    written = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, changed))
    assert written.changes is not None and written.version > first.version
    marks = {(r["delivery_id"], r["hospital_id"]): r[CHANGE] for r in written.changes.collect()}
    # A null hospital is a key like any other.
    assert marks == {("d1", "H1"): "upsert", ("d2", "H1"): "upsert", ("d1", None): "delete"}
    assert sorted(map(tuple, store.read(tables.SILVER_QUALITY).collect())) == sorted(changed)
    store.release()


def test_an_unchanged_row_keeps_its_lineage(small_data: SparkSession, tmp_path: Path) -> None:
    """gold.indicators names the run that made a figure: a later run with the same figure does not take it over."""
    store = _store(small_data, tmp_path)

    def figure(run_id: str, value: float) -> list[object]:
        given: dict[str, object] = {
            "indicator": "hsmr", "variant": "definitive", "breakdown": "none", "breakdown_value": "all", "value": value,
            "period_start": dt.date(2019, 1, 1), "period_end": dt.date(2019, 12, 31), "model_version": "m", "run_id": run_id,
        }  # fmt: skip
        return [given.get(name) for name in store.columns(tables.GOLD_INDICATORS)]

    runs = []
    for run_id, value in (("r1", 100.0), ("r2", 100.0), ("r3", 101.0)):
        store.replace(tables.GOLD_INDICATORS, store.frame(tables.GOLD_INDICATORS, [figure(run_id, value)]))
        runs += [row[0] for row in store.read(tables.GOLD_INDICATORS).select("run_id").collect()]
    assert runs == ["r1", "r1", "r3"]
    store.release()

"""What gold.runs says of the last time each step was done: with which settings, what it read, and what it left."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.steps.run_order import ORDERED_BY, in_order, place

NOT_OF_FIGURES = {"comparison", "delivery", "eligibility", "publication", "retention", "spark", "storage", "synthetic"}
"""Sections of the settings that no row and no figure depends on, once a delivery is loaded."""
NOT_OF_ROWS = {
    ("readmission", "delivered_until"),
    *(("models", key) for key in ("refit", "promotion", "verify", "fit_threads", "pack_columns", "pack_rows")),
}
"""Settings that a night follows by itself, or that move no row."""


@dataclass(frozen=True)
class Done:
    """A step's last row of gold.runs with status done. `read` and `left`: Delta versions by table."""

    settings: Mapping[str, Any]
    code_version: str
    read: Mapping[str, int]
    left: Mapping[str, int]
    started_at: dt.datetime


def last_done(store: Store) -> dict[str, Done]:
    """By step, in the order in which they were done last."""
    rows = store.read_or_empty(tables.GOLD_RUNS).where("status = 'done' AND step != 'run'")
    names = ("settings", "code_version", "tables_in", "tables_out", *ORDERED_BY)
    latest = rows.groupBy("step").agg(F.max_by(F.struct(*names), in_order()).alias("row")).select("step", "row.*").collect()
    found = {
        row["step"]: Done(
            json.loads(row["settings"]), row["code_version"], row["tables_in"], row["tables_out"], row["started_at"]
        )
        for row in sorted(latest, key=place)
    }
    return found


def settings_moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Settings that figures depend on and that are not as they were: `section.key`, with both values."""
    found = []
    for section in sorted({*before, *now} - NOT_OF_FIGURES):
        one, other = before.get(section) or {}, now.get(section) or {}
        for key in sorted({*one, *other}):
            if (section, key) not in NOT_OF_ROWS and one.get(key) != other.get(key):
                found.append(f"{section}.{key} {one.get(key)}, now {other.get(key)}")
    return found


def left_by(done: Mapping[str, Done]) -> dict[str, int]:
    """By table the Delta version that the last step which wrote or compared it left. `done` is in the order of time."""
    return {table: version for one in done.values() for table, version in one.left.items()}

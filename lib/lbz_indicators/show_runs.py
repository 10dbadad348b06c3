"""The runs for people: which there were, what each did, which one is going on and which broke off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.errors import SettingsError
from lbz_indicators.io import LeaseRow, Store, find_lease
from lbz_indicators.steps.run import RUN
from lbz_indicators.steps.run_order import in_order

LATEST = 20
RUNNING, BROKEN_OFF = "running", "broken off"
_RUNS = "run_id string, command string, started_at timestamp, seconds double, status string, steps string"
_STEP = ("step", "started_at", "seconds", "status", "rows_in", "rows_out", "rejected", "message")


def latest_runs(store: Store) -> DataFrame:
    """The latest runs, the newest first; times in UTC."""
    rows = store.read_or_empty(tables.GOLD_RUNS)
    latest = rows.groupBy("run_id").agg(F.max(in_order()).alias("_last")).orderBy(F.desc("_last"), "run_id").limit(LATEST)
    of_latest = rows.join(latest, on="run_id", how="inner").orderBy("_last", in_order())
    names = ("run_id", "command", *_STEP)
    steps = [row.asDict() for row in of_latest.select(*names).collect()]
    return store.spark.createDataFrame(describe_runs(steps, find_lease(store), utc_now()), _RUNS)


def steps_of_run(store: Store, run_id: str) -> DataFrame:
    """What a run did, step by step; SettingsError where it is not known."""
    rows = store.read_or_empty(tables.GOLD_RUNS).where(F.col("run_id") == run_id)
    if rows.isEmpty():
        lease = find_lease(store)
        known = lease is not None and lease.run_id == run_id
        what = f"Run {run_id} has not ended any step." if known else f"There is no run {run_id}."
        raise SettingsError(what, where=store.place, mend="`lbz-indicators show runs` names them.")
    return rows.orderBy(F.col("step") == RUN, in_order()).select(*_STEP)


def describe_runs(steps: Sequence[Mapping[str, Any]], lease: LeaseRow | None, now: dt.datetime) -> list[tuple[Any, ...]]:
    """(run_id, command, started_at, seconds, status, steps), the newest first, of rows of gold.runs in their order.

    A run without its last row goes on while it holds the lease, and else broke off: it was killed or its machine was lost.
    """
    by_run: dict[str, list[Mapping[str, Any]]] = {}
    for row in steps:
        by_run.setdefault(row["run_id"], []).append(row)
    runs = [_describe(run_id, rows, lease, now) for run_id, rows in reversed(by_run.items())]
    if lease is not None and lease.run_id not in by_run and lease.released_at is None:
        status = _unfinished(lease.run_id, lease, now)
        return [(lease.run_id, lease.command, lease.taken_at, None, status, ""), *runs]
    return runs


def _describe(run_id: str, rows: Sequence[Mapping[str, Any]], lease: LeaseRow | None, now: dt.datetime) -> tuple[Any, ...]:
    command = rows[0]["command"]
    whole = next((row for row in rows if row["step"] == RUN), None)
    last = whole or next((row for row in rows if row["step"] == command), None)
    status = last["status"] if last is not None else _unfinished(run_id, lease, now)
    seconds = last["seconds"] if last is not None else None
    parts = [_step_in_short(row) for row in rows if row["step"] != RUN]
    return run_id, command, min(row["started_at"] for row in rows), seconds, status, "; ".join(parts)


def _step_in_short(row: Mapping[str, Any]) -> str:
    """Such as derive 34,839 changed; score failed."""
    if row["status"] != "done":
        return f"{row['step']} {row['status']}"
    changed = row["rows_out"]
    return row["step"] if changed is None else f"{row['step']} {f'{changed:,} changed' if changed else 'nothing changed'}"


def _unfinished(run_id: str, lease: LeaseRow | None, now: dt.datetime) -> str:
    holds = lease is not None and lease.run_id == run_id and lease.is_held(now)
    return RUNNING if holds else BROKEN_OFF

"""The rows of gold.runs are in the order in which steps ended, also where the clock was set back by two days each time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from clocks import WallClock, set_wall_clock
from memory_store import MemoryStore
from pyspark.sql import SparkSession

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.show_runs import latest_runs
from lbz_indicators.steps.explained_sides import as_found_by
from lbz_indicators.steps.last_done import Done, last_done
from lbz_indicators.steps.nightly import RESTRICTED, why_everything
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.reproduction import _of_score
from lbz_indicators.steps.run import run_alone

NOON = dt.datetime(2026, 3, 29, 12)
BACK = dt.timedelta(days=2)
SETTINGS = load_settings(None, ["storage.root=memory", "period.years=2019", "readmission.delivered_until=2019-12-31"])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    return set_wall_clock(monkeypatch, NOON)


def test_steps_are_ordered_as_they_ended(spark: SparkSession, told: WallClock, tmp_path: Path) -> None:
    """On Delta, with the records that runs write: figures, a derivation and an erasure, figures again."""
    settings = load_settings(None, [f"storage.root={tmp_path}"])
    names = ("derive", "indicators", "derive", "erase", "indicators")
    run_ids = []
    for number, name in enumerate(names):
        told.now -= BACK

        def step(store: Store, _: Settings, __: object, run_id: str, number: int = number, name: str = name) -> Outcome:
            run_ids.append(run_id)
            store.versions_read["bronze.ses" if name == "derive" else "silver.covariates"] = number
            return Outcome(f"number {number}")

        run_alone(spark, settings, name, step, SILENT)
    store = Store(spark, settings.storage)
    rows = store.read(tables.GOLD_RUNS).select("run_id", "number", "started_at").orderBy("number").collect()
    assert [(row["run_id"], row["number"]) for row in rows] == list(zip(run_ids, range(1, 6), strict=True))
    assert [row["started_at"] for row in rows] == [NOON - n * BACK for n in range(1, 6)], "what the clock said"
    done = last_done(store)
    assert list(done) == ["derive", "erase", "indicators"] and done["indicators"].read["silver.covariates"] == 4
    assert [row["run_id"] for row in latest_runs(store).collect()] == run_ids[::-1], "the newest first"
    assert as_found_by(store, run_ids[1])._pinned == {"bronze.ses": 0, "silver.covariates": 1}
    assert as_found_by(store, run_ids[4])._pinned == {"bronze.ses": 2, "silver.covariates": 4}


def test_stays_were_judged_by_the_score_before_the_figures(spark: SparkSession) -> None:
    """The score after them came at a lower time, and has read other cells."""
    store, cells = MemoryStore(spark), str(tables.GOLD_STAY_CELLS)
    names = store.columns(tables.GOLD_RUNS)
    rows = [
        {"step": step, "status": "done", "number": number, "started_at": NOON - number * BACK, "tables_in": {cells: number}}
        for number, step in enumerate(("score", "score", "indicators", "score"), start=1)
    ]
    store.append(tables.GOLD_RUNS, store.frame(tables.GOLD_RUNS, [[row.get(name) for name in names] for row in rows]))
    figures = store.read(tables.GOLD_RUNS).where("step = 'indicators'").collect()[0]
    assert _of_score(store, figures) == {cells: 2}


def test_rows_of_an_older_program_come_before_those_with_a_number(spark: SparkSession) -> None:
    store = MemoryStore(spark)
    names = store.columns(tables.GOLD_RUNS)

    def row(number: int | None, at: dt.datetime, read: int) -> dict[str, Any]:
        return {"step": "score", "status": "done", "settings": "{}", "number": number, "started_at": at, "tables_in": {"a": read}}

    rows = [row(None, NOON, 1), row(1, NOON - BACK, 3), row(None, NOON + BACK, 2)]
    store.append(tables.GOLD_RUNS, store.frame(tables.GOLD_RUNS, [[one.get(name) for name in names] for one in rows]))
    assert last_done(store)["score"].read == {"a": 3}


def _done(at: dt.datetime, *names: str) -> dict[str, Done]:
    return {name: Done(SETTINGS.model_dump(mode="json"), __version__, {}, {}, at) for name in names}


def test_a_night_goes_on_from_nothing_that_was_rewritten_since(spark: SparkSession, told: WallClock) -> None:
    """The erasure came after the steps, though the clock said less then."""
    done = _done(NOON - BACK, *RESTRICTED) | _done(NOON - 2 * BACK, "erase")
    assert why_everything(MemoryStore(spark), SETTINGS, done) == "erase rewrote rows and their history"


def test_a_night_whose_clock_was_set_back_does_not_reckon_how_long_ago_the_last_was(spark: SparkSession, told: WallClock) -> None:
    why = why_everything(MemoryStore(spark), SETTINGS, _done(NOON + BACK, *RESTRICTED))
    assert why is not None and "the last time was 2026-03-31 12:00 by a clock that was set back since" in why

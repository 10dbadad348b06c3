"""What a run says at its end, and what `show runs` says of it later, on runs written down by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lbz_indicators.io import LeaseRow
from lbz_indicators.io.holder import Process
from lbz_indicators.show_runs import describe_runs
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.summary import DONE, FAILED, StepReport, summarise

INGEST = StepReport("ingest", DONE, 12.34, Outcome("delivery d1", 34_839, 34_839))
VALIDATE = StepReport("validate", DONE, 65, Outcome("valid", 34_839, 34_000, 839))
SAME = StepReport("fit", DONE, 3, Outcome("fitted already", 30_000, 0))
SCORE = StepReport("score", FAILED, 3725, Outcome("The table gold.expected could not be written."))
LOGS = ["/out/_logs/lbz-indicators.log", "/out/_logs/spark.log"]


def test_a_run_that_is_done() -> None:
    whole = StepReport("run", DONE, 80.4, Outcome("run r1 (run)"))
    said = summarise(whole, ["ingest", "validate", "fit"], [INGEST, VALIDATE, SAME], LOGS)
    assert said.splitlines() == [
        "run r1 (run) done after 1 min 20 s",
        "  done        ingest           12.3 s  34,839 read, 34,839 changed",
        "  done        validate     1 min 05 s  34,839 read, 34,000 changed, 839 rejected",
        "  done        fit               3.0 s  nothing had changed (30,000 read, 0 changed)",
        "  log         /out/_logs/lbz-indicators.log (details: /out/_logs/spark.log)",
    ]


def test_a_run_that_failed_says_what_is_done_what_is_not_and_what_to_do() -> None:
    whole = StepReport("run", FAILED, 3740, Outcome("run r1 (run)"))
    said = summarise(whole, ["ingest", "score", "indicators"], [INGEST, SCORE], LOGS).splitlines()
    assert said[0] == "run r1 (run) failed after 1 h 02 min"
    assert said[2] == "  failed      score        1 h 02 min  The table gold.expected could not be written."
    assert said[3] == "  not begun   indicators"
    assert "last complete version" in said[4] and "can be read" in said[4]
    assert "same command again" in said[5]
    assert said[6].endswith("spark.log)")


STARTED = dt.datetime(2026, 3, 29, 1, 0)
HERE = Process("host", 1, None)


def _row(run_id: str, command: str, step: str, minute: int, status: str = DONE, **more: Any) -> dict[str, Any]:
    started = STARTED + dt.timedelta(minutes=minute)
    return {
        "run_id": run_id,
        "command": command,
        "step": step,
        "started_at": started,
        "seconds": 60.0,
        "status": status,
        "rows_out": None,
        **more,
    }


def _lease(run_id: str, minute: int, released: bool = False) -> LeaseRow:
    taken = STARTED + dt.timedelta(minutes=minute)
    return LeaseRow("t", run_id, "nightly", HERE, taken, taken, taken + dt.timedelta(minutes=20), taken if released else None)


ROWS = [
    _row("a", "run", "run", 0, seconds=180.0),
    _row("a", "run", "ingest", 0, rows_out=10),
    _row("a", "run", "fit", 1, rows_out=0),
    _row("b", "models promote", "models promote", 5, rows_out=1),
    _row("c", "run", "ingest", 10, rows_out=1_000),
    _row("d", "run", "run", 20, FAILED),
    _row("d", "run", "ingest", 20, FAILED),
]


@pytest.mark.parametrize(
    ("lease", "minute", "status"),
    [
        (_lease("c", 9), 12, "running"),
        (_lease("c", 9), 30, "broken off"),
        (_lease("c", 9, released=True), 12, "broken off"),
        (_lease("d", 19, released=True), 30, "broken off"),
        (None, 12, "broken off"),
    ],
    ids=["holds the lease", "its lease has expired", "released without an end", "another run came after", "no lease"],
)
def test_a_run_without_an_end_goes_on_or_broke_off(lease: LeaseRow | None, minute: int, status: str) -> None:
    runs = describe_runs(ROWS, lease, STARTED + dt.timedelta(minutes=minute))
    assert [(run[0], run[1], run[3], run[4], run[5]) for run in runs] == [
        ("d", "run", 60.0, "failed", "ingest failed"),
        ("c", "run", None, status, "ingest 1,000 changed"),
        ("b", "models promote", 60.0, "done", "models promote 1 changed"),
        ("a", "run", 180.0, "done", "ingest 10 changed; fit nothing changed"),
    ]


@pytest.mark.parametrize(("minute", "status"), [(50, "running"), (70, "broken off")])
def test_a_run_that_has_ended_no_step_is_known_by_its_lease(minute: int, status: str) -> None:
    first, *others = describe_runs(ROWS, _lease("e", 45), STARTED + dt.timedelta(minutes=minute))
    assert first == ("e", "nightly", STARTED + dt.timedelta(minutes=45), None, status, "") and len(others) == 4

"""Signals at every moment of a run: its jobs are ended, its end is on record, its lease is given back, the status is 130.

Spark is played by `_job`, which waits in a frame named as those of py4j, and fails where its jobs are ended meanwhile.
"""

from __future__ import annotations

import os
import signal
import time
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyspark.errors import PySparkException

from lbz_indicators import cli, interrupts
from lbz_indicators.config import load_settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Lease, lease
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import run
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.run import run_alone, run_steps

NUMBERS = (signal.SIGINT, signal.SIGTERM)
_py4j = types.ModuleType("py4j.fake")
exec("def wait(work):\n    work()", _py4j.__dict__)


@dataclass
class Spark:
    """What the run does in Spark, call by call, and the call at which a signal comes."""

    signal_at: str
    number: signal.Signals
    is_job: bool = True
    calls: list[str] = field(default_factory=list)
    ended: int = 0

    def end_jobs(self) -> None:
        self.ended += 1

    def call(self, name: str) -> None:
        """A call that fails where jobs are ended meanwhile, if it is one that waits for a job."""
        self.calls.append(name)
        _py4j.wait(lambda: self._work(name))

    def _work(self, name: str) -> None:
        before = self.ended
        if name == self.signal_at:
            os.kill(os.getpid(), self.number)
            time.sleep(0.02)
        else:  # long enough to be ended by the thread that ends jobs again and again
            time.sleep(0.25 if self.signal_at in self.calls else 0)
        if self.ended > before and self.is_job:
            raise PySparkException("[JOB_CANCELLED] as Spark says it")


@dataclass
class Tables:
    """gold.runs and the row of gold.lease, in the place of Store and of the functions that change the lease."""

    spark: Spark
    settings: Any
    runs: list[tuple[str, str, str]] = field(default_factory=list)
    lease: str | None = None
    released: bool = False
    place: str = "here"
    location: Any = None

    def __post_init__(self) -> None:
        self.location = types.SimpleNamespace(settings=self.settings.storage)
        self.versions_read: dict[str, int] = {}
        self.versions_written: dict[str, int] = {}

    def anew(self, _: object) -> Tables:
        return self

    def require_writable(self) -> None:
        pass

    def release(self) -> None:
        pass

    def frame(self, _: object, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return rows

    def append(self, _: object, rows: list[tuple[Any, ...]]) -> None:
        step, status, message = rows[0][2], rows[0][-3], rows[0][-2]
        self.spark.call(f"record {step}")
        self.runs.append((step, status, message))

    def change_row(self, _: object, changes: dict[str, str], condition: str) -> bool | None:
        if "token" in changes:  # the lease is taken: the commit is made, whatever the call says afterwards
            self.lease = changes["token"]
            self.spark.call("take")
            return True
        own = self.lease is not None and f"token = {self.lease}" in condition and not self.released
        self.spark.call("release")
        self.released = self.released or own
        return own


def _run(monkeypatch: pytest.MonkeyPatch, spark: Spark, step: Any = None, alone: bool = False) -> tuple[int | str | None, Tables]:
    """A command of one step, `work`, that calls Spark; how it exits."""
    settings = load_settings(None, ["storage.root=x"])
    tables = Tables(spark, settings)

    def work(store: Tables, *_: object) -> Outcome:
        store.spark.call("work")
        return Outcome("worked", 1, 1)

    def command(**_: object) -> None:
        interrupts.end_jobs_by(spark.end_jobs)
        if alone:
            run_alone(spark, settings, "work", step or work, SILENT)  # type: ignore[arg-type]
        else:
            run_steps(spark, settings, ["work", "more"], SILENT, "run", dict.fromkeys(("work", "more"), step or work))  # type: ignore[arg-type]

    monkeypatch.setattr(run, "Store", lambda *_: tables)
    monkeypatch.setattr(run, "last_number", lambda *_: 0)
    monkeypatch.setattr(lease, "change_row", tables.change_row)
    monkeypatch.setattr(cli, "app", command)
    with pytest.raises(SystemExit) as exited:
        cli.main([])
    return exited.value.code, tables


ENDED = "ended from outside"
WORKED, RUN_ENDED = ("work", "done", "worked"), ("run", "failed", ENDED)
ON_RECORD = {
    "take": [],
    "work": [("work", "failed", ENDED), RUN_ENDED],
    "record work": [WORKED, RUN_ENDED],
    "record run": [WORKED, ("more", "done", "worked"), ("run", "done", "work, more")],
    "release": [WORKED, ("more", "done", "worked"), ("run", "done", "work, more")],
}
"""What gold.runs says in the end, by the call at which a signal comes."""


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("at", ON_RECORD)
def test_a_signal_while_spark_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: str, number: signal.Signals
) -> None:
    before = [signal.getsignal(one) for one in NUMBERS]
    spark = Spark(at, number)
    status, tables = _run(monkeypatch, spark)
    assert status == 130 and tables.runs == ON_RECORD[at]
    assert tables.lease is not None and tables.released and spark.calls[-1] == "release"
    assert (spark.ended > 0) == (at in ("take", "work")), "jobs are ended, but not those that clean up"
    err = capsys.readouterr().err
    assert err.count("error: ended from outside") == 1 and "Traceback" not in err and "JOB_CANCELLED" not in err
    assert [signal.getsignal(one) for one in NUMBERS] == before


def test_a_signal_in_a_call_that_is_no_job_ends_the_run_after_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one for the plan of a query: nothing fails, so nobody noticed, and the next step was begun."""
    status, tables = _run(monkeypatch, Spark("work", signal.SIGTERM, is_job=False))
    assert status == 130 and tables.runs == [WORKED, RUN_ENDED] and tables.released


@pytest.mark.parametrize("at", ["work", "record work", "release"])
def test_a_signal_in_a_piece_of_maintenance(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """It is recorded itself, and has no row of a whole run."""
    status, tables = _run(monkeypatch, Spark(at, signal.SIGINT), alone=True)
    assert status == 130 and tables.released
    assert tables.runs == [("work", "failed", ENDED) if at == "work" else WORKED]


def test_a_signal_while_python_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: object) -> Outcome:
        os.kill(os.getpid(), signal.SIGTERM)
        for _second in range(10):
            time.sleep(1)
        return Outcome("never")

    status, tables = _run(monkeypatch, Spark("nothing", signal.SIGTERM), step)
    assert status == 130 and tables.runs == [("work", "failed", ENDED), RUN_ENDED] and tables.released


def test_without_a_signal_the_failure_of_a_step_is_what_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(*_: object) -> Outcome:
        raise ModelError("no model")

    status, tables = _run(monkeypatch, Spark("nothing", signal.SIGTERM), step)
    assert status == 4 and "error: no model" in capsys.readouterr().err
    assert tables.runs == [("work", "failed", "no model"), ("run", "failed", "no model")] and tables.released


def test_a_lease_that_another_run_holds_is_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    spark = Spark("nothing", signal.SIGTERM)
    tables = Tables(spark, load_settings(None, ["storage.root=x"]))
    refused = Lease(tables, "second", "run")  # type: ignore[arg-type]
    monkeypatch.setattr(lease, "change_row", tables.change_row)
    monkeypatch.setattr(refused, "take", lambda _: (_ for _ in ()).throw(refused._refused(_held())))
    with suppress(lease.StorageError), refused.held(lambda _: None):
        raise AssertionError("it is held")
    assert spark.calls == [] and not tables.released


def _held() -> lease.LeaseRow:
    moment = lease.Clock().now()
    return lease.LeaseRow("t", "first", "run", lease.Process("elsewhere", 1, None), moment, moment, moment)


@pytest.fixture
def jobs_ended() -> Iterator[list[int]]:
    """Within the handlers of a command; what comes in it is how often jobs were ended."""
    ended: list[int] = []
    with suppress(KeyboardInterrupt), interrupts.restored():
        interrupts.end_jobs_by(lambda: ended.append(1))
        yield ended


def test_in_a_shield_nothing_is_broken_off(jobs_ended: list[int]) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.shielded():
        with interrupts.shielded():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"] and jobs_ended == []


def test_a_failure_in_a_shield_is_not_hidden(jobs_ended: list[int]) -> None:
    with pytest.raises(ModelError, match="as it is"), interrupts.shielded():
        os.kill(os.getpid(), signal.SIGTERM)
        raise ModelError("as it is")


def test_what_reads_alone_ends_with_130_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`show` and `reproduce` are no runs: the failure of their job is what the signal led to."""
    spark = Spark("read", signal.SIGTERM)

    def command(**_: object) -> None:
        interrupts.end_jobs_by(spark.end_jobs)
        spark.call("read")

    monkeypatch.setattr(cli, "app", command)
    with pytest.raises(SystemExit) as exited:
        cli.main([])
    assert exited.value.code == 130 and "error: ended from outside" in capsys.readouterr().err

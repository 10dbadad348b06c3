"""Running steps: one after the other under the lease on the tables, each with its record in gold.runs and in the log."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from pyspark.sql import SparkSession

from lbz_indicators import __version__, interrupts, logs, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import LbzError, StorageError
from lbz_indicators.failures import is_spark_failure
from lbz_indicators.io import Lease, Store
from lbz_indicators.progress import Progress
from lbz_indicators.steps import MAINTENANCE, STEPS, Step
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.run_order import last_number
from lbz_indicators.steps.summary import DONE, FAILED, StepReport, summarise

log = logging.getLogger(__name__)
RUN = "run"


def new_run_id() -> str:
    """Such as 20261122T073107-5f3a9c: time in UTC and chance."""
    return f"{utc_now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run_steps(
    spark: SparkSession,
    settings: Settings,
    names: Sequence[str],
    progress: Progress,
    command: str | None = None,
    steps: Mapping[str, Step] | None = None,
) -> str:
    """Runs the steps in the given order, under the lease on the tables, and returns the run id. `steps`: by name, where they
    are not those of a run and of maintenance.

    A failed step is recorded, and ends the run with its LbzError; the tables it did not reach keep their last version.
    Either way the progress ends with a summary.
    """
    with start_run(spark, settings, command or (names[0] if len(names) == 1 else RUN), progress) as run:
        watch, status = _Watch(), FAILED
        try:
            for number, name in enumerate(names, start=1):
                with progress.step(name, number, len(names)):
                    outcome = run.do(name, (steps or STEPS | MAINTENANCE)[name])
                    progress.say(outcome.message)
        except (Exception, KeyboardInterrupt) as caught:
            error = interrupts.what_ended(caught)
            run.record(run.new_store(), RUN, watch, FAILED, Outcome(_what(error)))
            if error is caught:
                raise
            raise error from caught
        else:
            run.record(run.new_store(), RUN, watch, DONE, Outcome(", ".join(names)))
            status = DONE
        finally:
            whole = StepReport(RUN, status, watch.seconds, Outcome(f"run {run.run_id} ({run.command})"))
            progress.say(summarise(whole, names, run.reports, logs.log_files()))
        return run.run_id


def run_alone(spark: SparkSession, settings: Settings, name: str, step: Step, progress: Progress) -> Outcome:
    """One piece of maintenance that is no step of a run, under the lease, with its record in gold.runs."""
    with start_run(spark, settings, name, progress) as run:
        return run.do(name, step)


class _Watch:
    """When something began, and how long ago that is."""

    def __init__(self) -> None:
        self.started: dt.datetime = utc_now()
        self._clock = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._clock


@dataclass(frozen=True)
class Run:
    """What the steps of a run share, and how they ended. Its lease stands before every write of its stores."""

    spark: SparkSession
    settings: Settings
    run_id: str
    command: str
    progress: Progress
    lease: Lease
    first: Store
    reports: list[StepReport] = field(default_factory=list)

    def new_store(self) -> Store:
        """The tables, to read and to write under the lease."""
        return self.first.anew(self.lease.require)

    def do(self, name: str, step: Step) -> Outcome:
        """One step, with its record in gold.runs whether it succeeds or fails."""
        store, watch = self.new_store(), _Watch()
        with logs.about(step=name):
            logs.event(log, "step_started", f"step {name} started")
            try:
                outcome = step(store, self.settings, self.progress, self.run_id)
            except (Exception, KeyboardInterrupt) as caught:
                error = interrupts.what_ended(caught)
                with interrupts.shielded():
                    self._end(store, name, watch, FAILED, Outcome(_what(error)))
                if error is not caught:
                    raise error from caught
                if isinstance(error, LbzError) or not is_spark_failure(error):
                    raise
                log.error("step %s failed inside Spark", name, exc_info=True)
                raise StorageError(
                    f"The step {name} failed inside Spark; the tables keep their last complete versions.",
                    where=store.place,
                    mend="see spark.log beside the log for the cause, then run the same command again: it finishes the work.",
                ) from error
            else:
                with interrupts.shielded():
                    self._end(store, name, watch, DONE, outcome)
            finally:
                store.release()
        return outcome

    def _end(self, store: Store, name: str, watch: _Watch, status: str, outcome: Outcome) -> None:
        """Keeps, logs and records how a step ended."""
        report = StepReport(name, status, watch.seconds, outcome)
        self.reports.append(report)
        counts = {"rows_in": outcome.rows_in, "rows_out": outcome.rows_out, "rejected": outcome.rejected}
        level = logging.INFO if status == DONE else logging.ERROR
        said = f"step {name} {status}: {outcome.message}"
        logs.event(log, f"step_{status}", said, level, seconds=round(report.seconds, 3), **counts)
        self.record(store, name, watch, status, outcome)

    @cached_property
    def _numbers(self) -> Iterator[int]:
        """The next numbers of rows of gold.runs, where nobody else writes while the lease is held."""
        return itertools.count(last_number(self.new_store()) + 1)

    def record(self, store: Store, step: str, watch: _Watch, status: str, outcome: Outcome) -> None:
        """A row of gold.runs, also of what a signal ended. Where it cannot be written the step's own error matters more: that is
        only logged."""
        row = (
            self.run_id,
            self.command,
            step,
            json.dumps(self.settings.model_dump(mode="json"), sort_keys=True),
            self.settings.fingerprint,
            __version__,
            dict(store.versions_read),
            dict(store.versions_written),
            outcome.rows_in,
            outcome.rows_out,
            outcome.rejected,
            watch.started,
            watch.seconds,
            status,
            outcome.message,
        )
        try:
            with interrupts.shielded():
                store.append(tables.GOLD_RUNS, store.frame(tables.GOLD_RUNS, [(*row, next(self._numbers))]))
        except LbzError:
            if status == DONE:
                raise
            log.error("the failed step %s could not be recorded", step, exc_info=True)


@contextmanager
def start_run(spark: SparkSession, settings: Settings, command: str, progress: Progress) -> Iterator[Run]:
    """A new run that holds the lease on the tables, and is what is logged about, for as long as the block lasts."""
    store = Store(spark, settings.storage)
    store.require_writable()
    run_id = new_run_id()
    lease = Lease(store, run_id, command)
    with logs.about(run_id), lease.held(progress.say):
        watch = _Watch()
        logs.event(
            log,
            "run_started",
            f"run {run_id} ({command}) started",
            command=command,
            tables=store.place,
            code_version=__version__,
            settings_fingerprint=settings.fingerprint,
        )
        try:
            with interrupts.ending():
                yield Run(spark, settings, run_id, command, progress, lease, store)
        except BaseException as error:
            said = f"run {run_id} ({command}) failed: {_what(error)}"
            logs.event(log, "run_failed", said, logging.ERROR, seconds=round(watch.seconds, 3))
            raise
        logs.event(log, "run_done", f"run {run_id} ({command}) done", seconds=round(watch.seconds, 3))


def _what(error: BaseException) -> str:
    """What went wrong, without what foreign software says of it."""
    if isinstance(error, KeyboardInterrupt):
        return "ended from outside"
    return error.what if isinstance(error, LbzError) else type(error).__name__

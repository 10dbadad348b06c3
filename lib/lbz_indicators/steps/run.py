"""Running steps: one after the other, each with its record in gold.runs."""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
import time
from collections.abc import Sequence

from pyspark.sql import SparkSession

from lbz_indicators import __version__, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import LbzError, StorageError
from lbz_indicators.failures import is_spark_failure
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.steps import MAINTENANCE, STEPS, Step
from lbz_indicators.steps.outcome import Outcome

log = logging.getLogger(__name__)
RUN = "run"


def new_run_id() -> str:
    """Such as 20261122T073107-5f3a9c: time in UTC and chance."""
    return f"{utc_now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run_steps(spark: SparkSession, settings: Settings, names: Sequence[str], progress: Progress) -> str:
    """Runs the steps in the given order and returns the run id.

    A failed step is recorded, and ends the run with its LbzError; the tables it did not reach keep their last version.
    """
    run_id = new_run_id()
    store = Store(spark, settings.storage)
    store.require_writable()
    started, clock = utc_now(), time.monotonic()
    outcome = Outcome("nothing to do")
    try:
        for number, name in enumerate(names, start=1):
            with progress.step(name, number, len(names)):
                outcome = _run_step(spark, settings, name, (STEPS | MAINTENANCE)[name], progress, run_id)
                progress.say(outcome.message)
    except Exception as error:
        message = error.what if isinstance(error, LbzError) else type(error).__name__
        _record(store, settings, run_id, RUN, started, clock, "failed", Outcome(message))
        raise
    _record(store, settings, run_id, RUN, started, clock, "done", Outcome(f"{', '.join(names)}"))
    return run_id


def run_alone(spark: SparkSession, settings: Settings, name: str, step: Step, progress: Progress) -> Outcome:
    """One piece of maintenance that is no step of a run, with its record in gold.runs."""
    Store(spark, settings.storage).require_writable()
    return _run_step(spark, settings, name, step, progress, new_run_id())


def _run_step(spark: SparkSession, settings: Settings, name: str, step: Step, progress: Progress, run_id: str) -> Outcome:
    store = Store(spark, settings.storage)
    started, clock = utc_now(), time.monotonic()
    try:
        outcome = step(store, settings, progress, run_id)
    except LbzError as error:
        _record(store, settings, run_id, name, started, clock, "failed", Outcome(error.what))
        raise
    except Exception as error:
        _record(store, settings, run_id, name, started, clock, "failed", Outcome(type(error).__name__))
        if not is_spark_failure(error):
            raise
        log.error("step %s", name, exc_info=True)
        raise StorageError(
            f"The step {name} failed inside Spark; the tables keep their last complete versions.",
            where=store.place,
            mend="see the log file for the cause, then run the same command again: it finishes the work.",
        ) from error
    finally:
        store.release()
    _record(store, settings, run_id, name, started, clock, "done", outcome)
    return outcome


def _record(
    store: Store, settings: Settings, run_id: str, step: str, started: dt.datetime, clock: float, status: str, outcome: Outcome
) -> None:
    """A row of gold.runs. Where it cannot be written the step's own error matters more, so that is only logged."""
    row = (
        run_id,
        step,
        json.dumps(settings.model_dump(mode="json"), sort_keys=True),
        settings.fingerprint,
        __version__,
        dict(store.versions_read),
        dict(store.versions_written),
        outcome.rows_in,
        outcome.rows_out,
        outcome.rejected,
        started,
        time.monotonic() - clock,
        status,
        outcome.message,
    )
    try:
        store.append(tables.GOLD_RUNS, store.frame(tables.GOLD_RUNS, [row]))
    except LbzError:
        if status == "done":
            raise
        log.error("the failed step %s could not be recorded", step, exc_info=True)

"""Ctrl-C and SIGTERM in the midst of a step, or while its end is recorded: one message, the lease given back, the end on record, and
the work goes on after. Every other moment: tests/unit/test_interrupts.py.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import prepared
import pytest
import same_tables
from prepared import Prepared
from pyspark.sql import SparkSession
from signalled import run_and_signal

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.io.lease_row import find_row
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.run import run_steps

pytestmark = pytest.mark.faults


def _working(root: Path) -> bool:
    """Whether the fit has written something of its design."""
    return any((root / "_work").rglob("*.parquet"))


def _logged(root: Path, event: str) -> bool:
    log = root / "_logs" / "lbz-indicators.log"
    return log.exists() and f'"{event}"' in log.read_text()


def _started(root: Path) -> bool:
    """Whether the step has said so in the log."""
    return _logged(root, "step_started")


def _recording(root: Path) -> bool:
    """Whether the step has come to its end, which is then recorded."""
    return _logged(root, "step_done")


@pytest.mark.parametrize(
    ("step", "number", "under_way", "of_step"),
    [
        ("fit", signal.SIGINT, _working, "failed"),
        ("derive", signal.SIGTERM, _started, "failed"),
        ("derive", signal.SIGTERM, _recording, "done"),
    ],
)
def test_a_step_that_is_ended_gives_its_lease_back_and_is_run_again(
    spark: SparkSession,
    corrected: Prepared,
    tmp_path: Path,
    step: str,
    number: signal.Signals,
    under_way: Callable[[Path], bool],
    of_step: str,
) -> None:
    root = corrected.copy(step, tmp_path / "tables")
    status = run_and_signal(step, corrected.delivery, root, tmp_path / "said", number, lambda: under_way(root))
    text = (tmp_path / "said").read_text()
    assert status == 130, text[-2000:]
    assert text.count("error: ended from outside") == 1 and "Traceback" not in text and "py4j" not in text
    assert not (root / "_work").exists()

    settings = prepared.settings(corrected.delivery, root)
    store = Store(spark, settings.storage)
    lease = find_row(store)
    assert lease is not None and lease.released_at is not None
    ended = store.read(tables.GOLD_RUNS).orderBy("started_at", ascending=False).limit(2).collect()
    assert {row.step: row.status for row in ended} == {step: of_step, "run": "failed"}
    assert {row.message for row in ended if row.status == "failed"} == {"ended from outside"}
    run_steps(spark, settings, [step], SILENT)
    layers = ("silver", "gold") if step == "fit" else ("silver",)
    assert same_tables.contents(spark, root, *layers) == corrected.contents_after(step, *layers)

"""The log: every line one JSON object with its run and step, and no line with what other software says of a record."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from lbz_indicators import logs
from lbz_indicators.errors import StorageError
from lbz_indicators.failures import storage_errors

PATIENT = "PATIENT-4711"
log = logging.getLogger("lbz_indicators.steps.run")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is logged to; afterwards pytest's own handlers are back."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.open_logs(str(tmp_path / "_logs"))
    yield tmp_path / "_logs"
    logging.captureWarnings(False)
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / logs.LOG).read_text().splitlines()]


def test_a_line_has_its_time_run_and_step_and_the_numbers_of_an_event(folder: Path) -> None:
    log.info("before")
    with logs.about("r1"):
        with logs.about(step="derive"):
            logs.event(log, "step_done", "step derive done: 7 admissions", seconds=1.5, rows_in=7, rows_out=None)
        log.warning("between %s", "steps")
    before, done, between = _lines(folder)
    assert done == {
        "time": done["time"], "level": "INFO", "logger": "lbz_indicators.steps.run", "run_id": "r1", "step": "derive",
        "message": "step derive done: 7 admissions", "event": "step_done", "seconds": 1.5, "rows_in": 7, "rows_out": None,
    }  # fmt: skip
    assert (between["run_id"], between["step"], between["message"]) == ("r1", None, "between steps")
    assert before["run_id"] is None and before["step"] is None


def test_the_time_is_utc_whatever_the_zone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("lbz_indicators.x", logging.INFO, "x.py", 1, "said", (), None)
    record.created = 1774744200.25  # date -u -d @1774744200: Sun Mar 29 00:30:00 UTC 2026
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        line = json.loads(logs.JsonLines().format(record))
    time.tzset()
    assert line["time"] == "2026-03-29T00:30:00.250Z"


def test_a_warning_of_foreign_software_is_in_the_details_and_not_on_the_terminal(tmp_path: Path) -> None:
    """Such as PySpark's, which quotes Java's stack trace. In a process of its own: pytest catches warnings."""
    program = f"import warnings; from lbz_indicators import logs; logs.open_logs({str(tmp_path)!r}); warnings.warn({PATIENT!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert PATIENT in (tmp_path / logs.DETAILS).read_text() and PATIENT not in (tmp_path / logs.LOG).read_text()


def test_what_foreign_software_says_of_a_failure_is_in_the_details_alone(folder: Path) -> None:
    def fail() -> None:
        raise OSError(5, f"the value '{PATIENT}' cannot be cast", "file")

    with logs.about("r1", "ingest"), pytest.raises(StorageError), storage_errors("It failed.", "here", "mend."):
        try:
            int(PATIENT)
        except ValueError as error:
            raise OSError(5, "Input/output error", PATIENT) from error
    logging.getLogger("py4j.protocol").warning("value %s", PATIENT)
    assert PATIENT not in (folder / logs.LOG).read_text()
    (line,) = _lines(folder)
    assert (line["level"], line["run_id"], line["step"], line["message"]) == ("ERROR", "r1", "ingest", "It failed. (here)")
    first, second = line["exception"].split("\n\n")
    assert first.endswith("builtins.ValueError") and second.endswith("builtins.OSError: Input/output error")
    assert "test_logs.py:" in first and first.splitlines()[0].endswith(
        "test_what_foreign_software_says_of_a_failure_is_in_the_details_alone"
    )
    details = (folder / logs.DETAILS).read_text()
    assert details.count(PATIENT) >= 2 and "run r1 step ingest: It failed." in details and f"value {PATIENT}" in details


def test_our_own_errors_are_told_in_full(folder: Path) -> None:
    try:
        raise StorageError("No space is left.", where="gold.runs", mend="free some.")
    except StorageError:
        log.error("it ended", exc_info=True)
    (line,) = _lines(folder)
    assert "No space is left.\nWhere: gold.runs\nMend: free some." in line["exception"]


def test_the_files_are_their_owner_s_alone(folder: Path) -> None:
    log.info("said")
    assert logs.log_files() == [str(folder / logs.LOG), str(folder / logs.DETAILS)]
    for path in logs.log_files():
        assert os.stat(path).st_mode & 0o077 == 0
    assert (folder / logs.DETAILS).read_text() == "", "what is said without a stack trace is no detail"


def test_a_message_of_several_lines_is_one_line(folder: Path) -> None:
    log.info("one\ntwo \u2028 three")
    assert len((folder / logs.LOG).read_text().split("\n")) == 2 and _lines(folder)[0]["message"] == "one\ntwo \u2028 three"


def test_a_thread_in_the_run_s_context_logs_about_the_run(folder: Path) -> None:
    with logs.about("r1", "fit"):
        thread = threading.Thread(target=copy_context().run, args=(log.info, "renewed"))
        thread.start()
        thread.join()
    assert (_lines(folder)[0]["run_id"], _lines(folder)[0]["step"]) == ("r1", "fit")

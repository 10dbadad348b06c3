"""The log of a run, for programs and people: one JSON object a line, with the run and the step it is about.

No line holds a value of a record: what other software says, which may quote one, goes to the file of details beside it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any

LOG, DETAILS = "lbz-indicators.log", "spark.log"
OWN = __name__.partition(".")[0]
_FIELDS = "lbz_fields"
_DETAILS_FORM = "%(asctime)s %(levelname)s %(name)s run %(run_id)s step %(step)s: %(message)s"

_run_id: ContextVar[str | None] = ContextVar("run_id", default=None)
_step: ContextVar[str | None] = ContextVar("step", default=None)


@contextlib.contextmanager
def about(run_id: str | None = None, step: str | None = None) -> Iterator[None]:
    """What is logged inside is about this run, and this step of it."""
    before = _run_id.get(), _step.get()
    _run_id.set(run_id or before[0])
    _step.set(step or before[1])
    try:
        yield
    finally:
        _run_id.set(before[0])
        _step.set(before[1])


def event(logger: logging.Logger, name: str, message: str, level: int = logging.INFO, **fields: Any) -> None:
    """Logs something that has happened, with its numbers as fields of their own. No value of a record may be among them."""
    logger.log(level, message, extra={_FIELDS: {"event": name, **fields}})


class JsonLines(logging.Formatter):
    """time (UTC), level, logger, run_id, step, message; the fields of an event; exception."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "run_id": _run_id.get(),
            "step": _step.get(),
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe(record.exc_info[1])
        return json.dumps(line, default=str)


def describe(error: BaseException) -> str:
    """What went wrong and where in the code, without what foreign software says of it, which may quote a record.

    One paragraph per exception, the first cause first: the places, then kind and error class (Spark's) or the message (ours).
    """
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(current.__traceback__)]
        parts.append("\n".join([*frames, _kind(current)]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\n".join(reversed(parts))


def _kind(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__name__}"
    if type(error).__module__.partition(".")[0] == OWN:
        return f"{kind}: {error}"
    if isinstance(error, OSError):
        return f"{kind}: {error.strerror}"
    condition = getattr(error, "getCondition", lambda: None)()
    return f"{kind} [{condition}]" if condition else kind


class _OwnOnly(logging.Filter):
    """Lets pass what this program itself says."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.partition(".")[0] == OWN


class _DetailsOnly(logging.Filter):
    """Lets pass what other software says, and our messages where they have a stack trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.run_id, record.step = _run_id.get(), _step.get()
        return record.name.partition(".")[0] != OWN or record.exc_info is not None


def open_logs(folder: str) -> str:
    """Logs to this folder from now on, in two files that only their owner can read; the path of the details.

    Raises OSError where they cannot be written.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    log, details = (os.path.join(folder, name) for name in (LOG, DETAILS))
    for path in (log, details):
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    lines, others = (logging.FileHandler(path, encoding="utf-8") for path in (log, details))
    lines.setFormatter(JsonLines())
    lines.addFilter(_OwnOnly())
    others.setFormatter(logging.Formatter(_DETAILS_FORM))
    others.addFilter(_DetailsOnly())
    logging.raiseExceptions = False  # a full disk shall not print what could not be logged
    logging.basicConfig(level=logging.INFO, handlers=[lines, others], force=True)
    logging.captureWarnings(True)  # they would go to the terminal, some with a stack trace of Java
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return details


def log_files() -> list[str]:
    """Where this process logs to: the log and its details; empty where it logs nowhere."""
    return [handler.baseFilename for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)]

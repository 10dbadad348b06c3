"""Ctrl-C and SIGTERM while Spark works: its jobs are ended, and the run with them as after a failure, its lease given back.

PySpark's own handler speaks to Java in the midst of the call that it interrupts, on the same connection, and the answers of
the two are then taken for each other. Here another thread, with a connection of its own, ends the jobs until the run has
noticed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_STATUS = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS = 0.2


class _Ending:
    """One interruption: signalled, then noticed by the run; meanwhile a thread ends Spark's jobs again and again."""

    def __init__(self, end_jobs: Callable[[], None]) -> None:
        self._end_jobs = end_jobs
        self.signalled, self._noticed = threading.Event(), threading.Event()
        self.shields = 0
        self._thread: threading.Thread | None = None

    def handle(self, _: int, frame: FrameType | None) -> None:
        """What a signal does: ends the jobs and the program after them; a second one ends it at once."""
        if self.signalled.is_set():
            os._exit(EXIT_STATUS)
        self.signalled.set()
        print("ending from outside; once more to end at once", file=sys.stderr, flush=True)
        if self.shields:
            return
        self._thread = threading.Thread(target=self._until_noticed, name="ending", daemon=True)
        self._thread.start()
        if not _speaks_to_java(frame):
            raise KeyboardInterrupt

    def _until_noticed(self) -> None:
        """A call that was interrupted between two jobs would start the next one."""
        while not self._noticed.is_set():
            self._end_jobs()
            self._noticed.wait(_AGAIN_SECONDS)

    def notice(self) -> None:
        """From here on jobs may run again, where a signal has come."""
        if self._thread is not None:
            self._noticed.set()
            self._thread.join()


_current: _Ending | None = None


@contextmanager
def restored() -> Iterator[None]:
    """Leaves the handlers of signals as they were before the block; after a signal by KeyboardInterrupt, whatever it led to."""
    global _current
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with ending():
            yield
    finally:
        if _current is not None:
            for number, handler in before.items():
                signal.signal(number, handler)
        _current = None


def end_jobs_by(end_jobs: Callable[[], None]) -> None:
    """From now on a signal ends Spark's jobs by this function, and the program after them.

    To be called in the main thread, within `restored`.
    """
    global _current
    _current = _Ending(end_jobs)
    for number in SIGNALS:
        signal.signal(number, _current.handle)


def what_ended(error: BaseException) -> BaseException:
    """KeyboardInterrupt where a signal came, for the failure of a job is then only its consequence; else the error itself."""
    if _current is None or not _current.signalled.is_set():
        return error
    _current.notice()
    return error if isinstance(error, KeyboardInterrupt) else KeyboardInterrupt()


@contextmanager
def ending() -> Iterator[None]:
    """Where a signal came, the block ends by KeyboardInterrupt: also where it failed otherwise, or where nothing noticed it."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as caught:
        error = what_ended(caught)
        if error is caught:
            raise
        raise error from caught
    _raise_where_signalled()


@contextmanager
def shielded() -> Iterator[None]:
    """Clean-up, such as giving the lease back: its jobs run to their end, whether a signal has come or comes meanwhile.

    The block then ends by KeyboardInterrupt. A second signal ends the program at once here too.
    """
    current = _current
    if current is None:
        yield
        return
    current.shields += 1
    try:
        current.notice()
        yield
    finally:
        current.shields -= 1
    _raise_where_signalled()


def _raise_where_signalled() -> None:
    if _current is not None and _current.signalled.is_set() and not _current.shields:
        _current.notice()
        raise KeyboardInterrupt


def _speaks_to_java(frame: FrameType | None) -> bool:
    """Whether the code that a signal interrupted waits for an answer of Java's, or is about to ask."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("py4j"):
            return True
        frame = frame.f_back
    return False

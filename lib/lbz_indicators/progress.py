"""Progress of a run: what is being done, how much of it, and how long it may still take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Says each step and, within it, counts. Silent without a stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._part = ""

    @contextmanager
    def step(self, name: str, number: int, total: int) -> Iterator[None]:
        """One step of the pipeline."""
        started = time.monotonic()
        self._part = f"[{number}/{total}] {name}"
        self.say("started")
        try:
            yield
            self.say(f"done in {time.monotonic() - started:.1f} s")
        finally:
            self._part = ""

    def say(self, text: str) -> None:
        """A line about the running step."""
        if self._stream is not None:
            print(f"{self._part}: {text}" if self._part else text, file=self._stream, flush=True)

    @contextmanager
    def counting(self, what: str, total: float) -> Iterator[Counter]:
        """Counts parts of known size; says the share done and the time left at most once a second."""
        yield Counter(self, what, total)


class Counter:
    """Parts done of a total, in any unit of work."""

    def __init__(self, progress: Progress, what: str, total: float) -> None:
        self._progress, self._what, self._total = progress, what, total
        self._started = self._said = time.monotonic()
        self._done = 0.0

    def add(self, work: float, detail: str) -> None:
        """Notes finished work."""
        self._done += work
        now = time.monotonic()
        if now - self._said < 1 and self._done < self._total:
            return
        self._said = now
        left = (now - self._started) * (self._total - self._done) / max(self._done, 1e-9)
        time_left = f", about {left:.0f} s left" if left >= 1 else ""
        self._progress.say(f"{self._what} {detail} ({100 * self._done / max(self._total, 1e-9):.0f}%{time_left})")


SILENT = Progress()


def to_terminal() -> Progress:
    """Progress on standard error, so that standard output holds results only."""
    return Progress(sys.stderr)

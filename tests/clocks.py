"""A clock that tests set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from lbz_indicators.clock import Clock


class SetClock(Clock):
    """Starts at a given time in UTC; `pass_time` moves both clocks, `set_by` only the one that somebody can set."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 3, 29, 0, 30)) -> None:
        self._now, self._steady = now, 1000.0
        self.while_asleep: Callable[[], None] = lambda: None
        self.slept = 0.0

    def now(self) -> dt.datetime:
        return self._now

    def steady(self) -> float:
        return self._steady

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.pass_time(seconds=seconds)
        self.while_asleep()

    def pass_time(self, **span: float) -> None:
        self._steady += dt.timedelta(**span).total_seconds()
        self._now += dt.timedelta(**span)

    def set_by(self, **span: float) -> None:
        self._now += dt.timedelta(**span)

    def suspend(self, **span: float) -> None:
        """A machine asleep, where the steady clock stands still."""
        self._now += dt.timedelta(**span)

"""A clock that tests set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from lbz_indicators import clock
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


class WallClock:
    """What the process is told when it asks for the time of day (UTC), as `set_wall_clock` gives it."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now


def set_wall_clock(patch: pytest.MonkeyPatch, now: dt.datetime) -> WallClock:
    """Puts a clock in the place of the machine's for all that asks `lbz_indicators.clock`; setting `now` sets it."""
    told = WallClock(now)

    class Told(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return told.now.replace(tzinfo=tz)

    patch.setattr(clock, "dt", SimpleNamespace(datetime=Told, timedelta=dt.timedelta, timezone=dt.timezone))
    return told

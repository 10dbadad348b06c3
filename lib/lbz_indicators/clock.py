"""The time that records carry: UTC, without a zone, as Spark's session reads it; and time that nobody can set."""

from __future__ import annotations

import datetime as dt
import time


def utc_now() -> dt.datetime:
    """Now in UTC, naive."""
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)


def after(last: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """A time later than the last one: now, or where the clock was set back, a microsecond after it."""
    return now if last is None or now > last else last + dt.timedelta(microseconds=1)


class Clock:
    """The machine's clocks. Tests put one of their own in its place."""

    def now(self) -> dt.datetime:
        """Now in UTC, naive, whatever zone the process is in; may jump when somebody sets the clock."""
        return utc_now()

    def steady(self) -> float:
        """Seconds since some moment; never jumps. Where the system tells (Linux), they pass while it sleeps too."""
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot is None else time.clock_gettime(boot)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)

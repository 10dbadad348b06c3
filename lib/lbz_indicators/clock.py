"""The time that records carry: UTC, without a zone, as Spark's session reads it."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """Now in UTC, naive."""
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)

"""Times by which rows are ordered: what was appended last has the latest one, whatever the clock says."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import functions as F

from lbz_indicators.clock import after, utc_now
from lbz_indicators.io import Store
from lbz_indicators.tables import Table


def time_after_all(store: Store, table: Table, column: str) -> dt.datetime:
    """Now in UTC, but later than every time in the column: for rows of which the one appended last is in force."""
    return after(store.read_or_empty(table).agg(F.max(column)).collect()[0][0], utc_now())

"""The one row of gold.lease: who writes, or wrote last. Read, made, and changed on a condition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.io.holder import Process
from lbz_indicators.io.place import NOT_THERE
from lbz_indicators.io.tables import Store
from lbz_indicators.schemas import SCHEMAS

NAME = "tables"
_TIMES = ("taken_at", "renewed_at", "expires_at", "released_at")
_EPOCH = dt.datetime(1970, 1, 1)
_MADE_BY_ANOTHER = {"DELTA_PATH_EXISTS", "TABLE_OR_VIEW_ALREADY_EXISTS", "DELTA_TABLE_ALREADY_EXISTS"}
_CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
"""What Delta says to the one of two commits that it refuses; the kinds have no common class in Python."""
_ATTEMPTS = 5
_PROPERTIES = {"delta.enableDeletionVectors": "false", "delta.checkpointInterval": "50"}
"""A table of one row is written anew with each change; its checkpoints are not worth their jobs."""


@dataclass(frozen=True)
class LeaseRow:
    """Times are UTC, naive; `released_at` is None while the lease is held."""

    token: str
    run_id: str
    command: str
    process: Process
    taken_at: dt.datetime
    renewed_at: dt.datetime
    expires_at: dt.datetime
    released_at: dt.datetime | None = None
    taken_over_from: str | None = None

    @property
    def lasts(self) -> dt.timedelta:
        """How long the holder's lease is good for without a renewal."""
        return self.expires_at - self.renewed_at

    def is_held(self, now: dt.datetime) -> bool:
        """Whether its run is at work, as far as can be seen from here."""
        return self.released_at is None and now < self.expires_at and not self.process.has_ended()

    def __str__(self) -> str:
        return f"run {self.run_id} ({self.command}) on host {self.process.host}, process {self.process.process_id}"


def find_row(store: Store) -> LeaseRow | None:
    """The lease as it stands; None where no run has taken one yet."""
    times = [F.unix_micros(name).alias(name) for name in _TIMES]
    others = [name for name in store.columns(tables.GOLD_LEASE) if name not in _TIMES]
    try:
        rows = store.location.rows(tables.GOLD_LEASE).select(*others, *times).collect()
    except PySparkException as error:
        if error.getCondition() in NOT_THERE:
            return None
        raise
    return _from_stored(rows[0].asDict()) if rows else None


def _from_stored(row: Mapping[str, Any]) -> LeaseRow:
    taken, renewed, expires, released = (
        None if row[name] is None else _EPOCH + dt.timedelta(microseconds=row[name]) for name in _TIMES
    )
    assert taken is not None and renewed is not None and expires is not None
    process = Process(row["host"], row["process_id"], row["process_birth"])
    return LeaseRow(
        row["token"], row["run_id"], row["command"], process, taken, renewed, expires, released, row["taken_over_from"]
    )


def micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 of a time in UTC, whatever zone the process is in."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def at(moment: dt.datetime) -> str:
    """A time in UTC in SQL."""
    return f"timestamp_micros({micros(moment)})"


def text(value: str | None) -> str:
    """A text in SQL."""
    return "NULL" if value is None else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def taking(row: LeaseRow) -> dict[str, str]:
    """What the row becomes, in SQL; of a lease that was not released the former holder is kept."""
    return {
        "taken_over_from": "IF(released_at IS NULL, run_id, NULL)",
        "token": text(row.token),
        "run_id": text(row.run_id),
        "command": text(row.command),
        "host": text(row.process.host),
        "process_id": f"CAST({row.process.process_id:d} AS BIGINT)",
        "process_birth": text(row.process.birth),
        "taken_at": at(row.taken_at),
        "renewed_at": at(row.renewed_at),
        "expires_at": at(row.expires_at),
        "released_at": "NULL",
    }


def change_row(store: Store, changes: Mapping[str, str], condition: str) -> bool | None:
    """Whether the row met the condition and was changed; None where there is no table.

    Of two changes from the same version Delta refuses one, which is then judged by the row that the other has left.
    """
    assigned = ", ".join(f"{name} = {value}" for name, value in changes.items())
    update = f"UPDATE {store.location.identifier(tables.GOLD_LEASE)} SET {assigned} WHERE lease_name = '{NAME}' AND ({condition})"
    for attempt in range(_ATTEMPTS):
        try:
            return bool(store.spark.sql(update).collect()[0]["num_affected_rows"])
        except _CONFLICTS:
            if attempt + 1 == _ATTEMPTS:
                raise
        except PySparkException as error:
            if error.getCondition() in NOT_THERE:
                return None
            raise
    raise AssertionError("unreachable")


def make_row(store: Store, row: LeaseRow) -> bool:
    """Makes the table with this row in one commit; False where another run has made it first."""
    table = tables.GOLD_LEASE
    values = {"lease_name": text(NAME), **taking(row), "taken_over_from": "NULL"}
    columns = [F.expr(values[c.name]).cast(c.type).alias(c.name, metadata={"comment": c.meaning}) for c in SCHEMAS[table].columns]
    writer = store.spark.range(1).select(*columns).coalesce(1).write.format("delta").mode("error").options(**_PROPERTIES)
    try:
        store.location.make_layer(table)
        store.location.save(table, writer)
    except _CONFLICTS:
        return False
    except PySparkException as error:
        if error.getCondition() in _MADE_BY_ANOTHER:
            return False
        raise
    return True

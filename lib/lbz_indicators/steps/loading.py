"""A delivery into bronze: each table once, admissions last, and only the content that was judged.

A delivery is read twice, to judge it and to load it. What is loaded is counted and hashed as the table has it; a file that
changed in between is found by that, or by its size and time, and what was loaded of the delivery is taken back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import DeliveryError, LbzError, StorageError
from lbz_indicators.ingest import sources
from lbz_indicators.io import Store
from lbz_indicators.io.files import FileState
from lbz_indicators.tables import BRONZE_ADMISSIONS, BRONZE_WITHDRAWALS, Table

Content = tuple[int, int]
"""Records of a delivered table, and their order-free hash."""


@dataclass(frozen=True)
class Watched:
    """The delivered files as they were before anything was read of them."""

    folder: str
    look: Callable[[], Mapping[str, FileState]]
    before: Mapping[str, FileState]

    @classmethod
    def begin(cls, folder: str, look: Callable[[], Mapping[str, FileState]]) -> Watched:
        """Notes how the files are now."""
        return cls(folder, look, look())

    def changes(self) -> list[str]:
        """Files that were added, taken away or written since."""
        try:
            now = self.look()
        except DeliveryError:  # the folder is gone, or empty
            now = {}
        return sorted(file for file in self.before.keys() | now.keys() if self.before.get(file) != now.get(file))

    def require_unchanged(self) -> None:
        """DeliveryError where a file has changed."""
        if files := self.changes():
            raise self.changed(", ".join(files))

    @contextmanager
    def while_read(self) -> Iterator[None]:
        """DeliveryError where a file changes meanwhile, also in place of the failure that this leads to."""
        try:
            yield
        except LbzError as error:
            if files := self.changes():
                raise self.changed(", ".join(files)) from error
            raise
        self.require_unchanged()

    def changed(self, what: str) -> DeliveryError:
        """What is said of a delivery that is still being written."""
        return DeliveryError(
            f"The delivery changed while it was read: {what}.",
            where=self.folder,
            mend="nothing of it was loaded; when it is complete, run the same command again.",
        )


def load(
    store: Store,
    settings: Settings,
    frames: Mapping[Table, DataFrame],
    judged: Mapping[Table, Content],
    delivery_id: str,
    files: Watched,
) -> bool:
    """Appends what of the delivery is not in bronze yet, admissions last; whether anything was appended.

    Raises DeliveryError for a known id with other content, and for files that change meanwhile.
    """
    known = {table: rows for table in frames if (rows := store.find(table)) is not None}
    loaded = {table: rows.where(F.col("delivery_id") == delivery_id) for table, rows in known.items()}
    loaded = {table: rows for table, rows in loaded.items() if not rows.isEmpty()}
    load_date, loaded_at = _stamps(store, settings, loaded)
    appended: list[Table] = []
    try:
        with files.while_read():
            for table in sorted(frames, key=lambda table: table == BRONZE_ADMISSIONS):
                if table in loaded and _is_as_judged(store, settings, loaded[table], table, judged[table], delivery_id):
                    continue
                if table in known and not judged[table][0]:
                    continue
                if table == BRONZE_ADMISSIONS:  # with which the delivery counts
                    files.require_unchanged()
                marks = {"delivery_id": F.lit(delivery_id), "load_date": F.lit(load_date), "loaded_at": F.lit(loaded_at)}
                appended.append(table)
                if _append(store, settings, table, frames[table].withColumns(marks), delivery_id) != judged[table]:
                    raise files.changed(f"{table.name}, records")
    except DeliveryError:
        for table in appended:
            _take_back(store, table, delivery_id)
        raise
    return bool(appended)


def _stamps(store: Store, settings: Settings, loaded: Mapping[Table, DataFrame]) -> tuple[dt.date, dt.datetime]:
    """Load date and time of loading: those of the delivery's first load; else later than any other's, whatever the clock says."""
    for rows in loaded.values():
        first = rows.select("load_date", "loaded_at").limit(1).collect()[0]
        return first[0], first[1]
    last = max(filter(None, (_last_load(store, table) for table in (BRONZE_ADMISSIONS, BRONZE_WITHDRAWALS))), default=None)
    now = utc_now()
    loaded_at = max(now, last + dt.timedelta(microseconds=1)) if last else now
    return settings.delivery.load_date or now.date(), loaded_at


def _last_load(store: Store, table: Table) -> dt.datetime | None:
    return store.read_or_empty(table).agg(F.max("loaded_at")).collect()[0][0]  # type: ignore[no-any-return]


def _append(store: Store, settings: Settings, table: Table, rows: DataFrame, delivery_id: str) -> Content:
    """Writes the rows of one delivery and returns what was written, as the table has it."""
    if settings.delivery.input_partitions:
        rows = rows.repartition(settings.delivery.input_partitions)
    store.append(table, rows.withColumn("record", F.monotonically_increasing_id()))
    return _content(store.read(table).where(F.col("delivery_id") == delivery_id), table)


def _content(rows: DataFrame, table: Table) -> Content:
    row = rows.agg(*sources.content(table)).collect()[0]
    return row["records"], int(row["hash"] or 0)


def _is_as_judged(store: Store, settings: Settings, loaded: DataFrame, table: Table, judged: Content, delivery_id: str) -> bool:
    """Whether what is loaded under the id is what is delivered now; other content that nobody named is taken back."""
    found = _content(loaded, table)
    if found == judged:
        return True
    if settings.delivery.id is None:
        # An id made of the content: a load was killed after it had read a file that was changing.
        _take_back(store, table, delivery_id)
        return False
    raise DeliveryError(
        f"A delivery {delivery_id} with other content is loaded already.",
        where=f"{table.name}: {found[0]} records loaded, {judged[0]} delivered now",
        mend="give the corrected delivery another id (delivery.id), or none.",
    )


def _take_back(store: Store, table: Table, delivery_id: str) -> None:
    """Removes a delivery's rows of one table."""
    if store.find(table) is None:
        return
    name = delivery_id.replace("\\", "\\\\").replace("'", "\\'")
    try:
        store.delete(table, f"delivery_id = '{name}'")
    except StorageError as error:
        raise StorageError(
            f"The delivery {delivery_id} changed while it was read, and its rows in {table} could not be taken back.",
            where=store.place,
            mend=f"see the log file; before the next run: DELETE FROM {table} WHERE delivery_id = '{name}'.",
        ) from error

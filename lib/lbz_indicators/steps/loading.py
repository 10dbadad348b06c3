"""A delivery into bronze: once, whole or not at all, and only the content that was judged.

A delivery is read twice, to judge it and to load it. What is loaded is counted and hashed as the table has it; a file that
changed in between is found by that, or by its size and time, and what was loaded of the delivery is taken back. A delivery
counts with its last commit, its rows in bronze.deliveries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import Settings
from lbz_indicators.errors import DeliveryError, LbzError
from lbz_indicators.hashing import literal
from lbz_indicators.ingest import sources
from lbz_indicators.io import Store
from lbz_indicators.io.files import FileState
from lbz_indicators.schemas.bronze import DELIVERY_TABLES
from lbz_indicators.steps.delivered import abandoned
from lbz_indicators.steps.times import time_after_all
from lbz_indicators.tables import BRONZE_DELIVERIES, Table

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
    run_id: str,
) -> bool:
    """Appends a delivery to bronze unless it was loaded to its end before; whether it was appended.

    Known is what bronze.deliveries names, whatever has been done with the records since: rows that were erased, or have new
    pseudonyms, do not come back. What an earlier load of this delivery left when it broke off goes first. Raises
    DeliveryError for a known id with other content, and for files that change meanwhile.
    """
    if known := _loaded_content(store, delivery_id):
        _require_same(known, {table.name: content for table, content in judged.items()}, delivery_id)
        return False
    for table in DELIVERY_TABLES:
        take_back(store, table, delivery_id)
    load_date, loaded_at = _stamps(store, settings)
    marks = {"delivery_id": F.lit(delivery_id), "load_date": F.lit(load_date), "loaded_at": F.lit(loaded_at)}
    try:
        with files.while_read():
            for table, rows in frames.items():
                if not judged[table][0] and store.find(table) is not None:
                    continue
                written = _append(store, settings, table, rows.withColumns(marks), delivery_id)
                if written != judged[table]:
                    raise files.changed(f"{table.name}, records")
    except DeliveryError:
        for table in frames:
            take_back(store, table, delivery_id)
        raise
    complete = [
        (delivery_id, table.name, records, str(hash_), load_date, loaded_at, run_id) for table, (records, hash_) in judged.items()
    ]
    store.append(BRONZE_DELIVERIES, store.frame(BRONZE_DELIVERIES, complete))
    return True


def _loaded_content(store: Store, delivery_id: str) -> dict[str, Content]:
    """What a delivery held when it was loaded, by table; nothing where it was not loaded to its end."""
    rows = store.read_or_empty(BRONZE_DELIVERIES).where(F.col("delivery_id") == delivery_id).collect()
    return {row["table_name"]: (row["records"], int(row["content_hash"])) for row in rows}


def _require_same(loaded: Mapping[str, Content], judged: Mapping[str, Content], delivery_id: str) -> None:
    """DeliveryError where what is delivered now is not what was loaded under the id."""
    nothing = (0, 0)
    for name in sorted({*loaded, *judged}):
        before, now = loaded.get(name, nothing), judged.get(name, nothing)
        if before != now:
            raise DeliveryError(
                f"A delivery {delivery_id} with other content is loaded already.",
                where=f"{name}: {before[0]} records loaded, {now[0]} delivered now",
                mend="give the corrected delivery another id (delivery.id), or none.",
            )


def _stamps(store: Store, settings: Settings) -> tuple[dt.date, dt.datetime]:
    """Load date and time of loading: later than any other delivery's, whatever the clock says."""
    loaded_at = time_after_all(store, BRONZE_DELIVERIES, "loaded_at")
    # By a clock that was set back every discharge since would be after the day, and the whole delivery rejected for good.
    return settings.delivery.load_date or loaded_at.date(), loaded_at


def _append(store: Store, settings: Settings, table: Table, rows: DataFrame, delivery_id: str) -> Content:
    """Writes the rows of one delivery and returns what was written, as the table has it."""
    if settings.delivery.input_partitions:
        rows = rows.repartition(settings.delivery.input_partitions)
    store.append(table, rows.withColumn("record", F.monotonically_increasing_id()))
    row = _of_delivery(store, table, delivery_id).agg(*sources.content(table)).collect()[0]
    return row["records"], int(row["hash"] or 0)


def _of_delivery(store: Store, table: Table, delivery_id: str) -> DataFrame:
    return store.read(table).where(F.col("delivery_id") == delivery_id)


def take_back(store: Store, table: Table, delivery_id: str) -> None:
    """Removes the rows that a load which broke off left in one table. Until then they count nowhere."""
    if store.find(table) is None or _of_delivery(store, table, delivery_id).isEmpty():
        return
    store.delete(table, f"delivery_id = {literal(delivery_id)}")


def remove_abandoned(store: Store) -> list[str]:
    """Removes what loads that broke off left, in whatever table; ids of their deliveries, sorted."""
    found = abandoned(store)
    for table, delivery_ids in found.items():
        for delivery_id in delivery_ids:
            take_back(store, table, delivery_id)
    return sorted({delivery_id for delivery_ids in found.values() for delivery_id in delivery_ids})

"""A delivery counts whole or not at all, and once: also where its load broke off, or its records were changed by law since."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_store import MemoryStore
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from deliveries import admissions, csv_text, sound_files, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import DeliveryError
from lbz_indicators.ingest import in_force
from lbz_indicators.io import Written
from lbz_indicators.progress import SILENT
from lbz_indicators.schemas.bronze import DELIVERY_TABLES
from lbz_indicators.steps import ingest, severity, validate
from lbz_indicators.steps.delivered import abandoned, read_delivered, read_delivered_or_empty
from lbz_indicators.steps.loading import remove_abandoned
from lbz_indicators.steps.validate_arrived import arrived_deliveries
from lbz_indicators.tables import Table

FIRST = {
    **sound_files(admissions=csv_text(admissions({"admission_id": "a1"}, {"admission_id": "a2", "patient_id": "P2"}))),
    "severity.csv": "diagnosis_code,severity_class\nI21.0,2\n",
}
SECOND = {
    **sound_files(admissions=csv_text(admissions({"admission_id": "a3"}))),
    "severity.csv": "diagnosis_code,severity_class\nI21.0,7\n",
    "withdrawals.csv": "hospital_id,year,month,admission_id\nH1,,,a1\n",
}
APPENDED = [
    tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_HOSPITALS, tables.BRONZE_SEVERITY, tables.BRONZE_WITHDRAWALS,
    tables.BRONZE_DELIVERIES,
]  # fmt: skip
"""By the second delivery, in this order."""
WRITES = len(APPENDED)


class _Killed(BaseException):
    """The process ends here."""


class _Dying(MemoryStore):
    """Ends at the n-th append."""

    def __init__(self, of: MemoryStore, appends: int) -> None:
        super().__init__(of.spark, of.kept)
        self.left = appends

    def append(self, table: Table, frame: DataFrame) -> Written:
        self.left -= 1
        if self.left == 0:
            raise _Killed
        return super().append(table, frame)


def _settings(folder: Path, name: str) -> Settings:
    overrides = ["storage.root=memory", "period.years=2019", f"delivery.input={folder / name}", f"delivery.id={name}"]
    return load_settings(None, overrides)


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inbox")
    write_delivery(folder / "first", FIRST)
    write_delivery(folder / "second", SECOND)
    return folder


@pytest.fixture(scope="module")
def first(spark: SparkSession, deliveries: Path) -> MemoryStore:
    """Holds the first delivery; to be forked."""
    store = MemoryStore(spark)
    _load(store, deliveries, "first")
    return store


@pytest.fixture(scope="module")
def both(first: MemoryStore, deliveries: Path) -> MemoryStore:
    """Both deliveries, loaded without a fault."""
    store = first.fork()
    _load(store, deliveries, "second")
    return store


def _load(store: MemoryStore, deliveries: Path, name: str) -> str:
    return ingest.step(store, _settings(deliveries, name), SILENT, f"run of {name}").message


def _bronze(store: MemoryStore) -> dict[str, list[tuple[str, ...]]]:
    """Delivery and record of what later steps see, by table."""
    found = {}
    for table in DELIVERY_TABLES:
        rows = read_delivered_or_empty(store, table).select("delivery_id", "record").collect()
        found[table.name] = sorted(tuple(map(str, row)) for row in rows)
    return found


def test_what_was_removed_or_renamed_by_law_does_not_come_back(first: MemoryStore, deliveries: Path) -> None:
    store = first.fork()
    store.delete(tables.BRONZE_ADMISSIONS, "patient_id = 'P2'")
    renamed = store.read(tables.BRONZE_ADMISSIONS).withColumn("patient_id", F.lit("new pseudonym"))
    store.overwrite(tables.BRONZE_ADMISSIONS, renamed.localCheckpoint(), "true")
    said = _load(store, deliveries, "first")
    assert said == "delivery first (2 admissions) is loaded already"
    rows = read_delivered(store, tables.BRONZE_ADMISSIONS).select("admission_id", "patient_id").collect()
    assert [tuple(row) for row in rows] == [("a1", "new pseudonym")]


@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_load_that_broke_off_counts_nowhere_until_it_is_done_again(
    first: MemoryStore, both: MemoryStore, deliveries: Path, write: int
) -> None:
    store = _Dying(first, write)
    with pytest.raises(_Killed):
        _load(store, deliveries, "second")
    assert _bronze(store) == _bronze(first)
    of_first = [severity.classes_in_force(one, _settings(deliveries, "first"))[1] for one in (store, first)]
    assert of_first[0] == of_first[1]
    assert in_force.withdrawals(read_delivered_or_empty(store, tables.BRONZE_WITHDRAWALS)).isEmpty()
    assert [table.name for table in abandoned(store)] == [table.name for table in APPENDED[: write - 1]]
    if write == WRITES:
        swept = store.fork()
        assert remove_abandoned(swept) == ["second"] and not abandoned(swept) and _bronze(swept) == _bronze(first)
    _load(store, deliveries, "second")
    assert _bronze(store) == _bronze(both) and not abandoned(store)
    assert severity.classes_in_force(store, _settings(deliveries, "first"))[1] != of_first[1]


def test_a_delivery_arrives_when_its_load_is_done(first: MemoryStore, deliveries: Path) -> None:
    settings = _settings(deliveries, "first")
    store = _Dying(first, 100)
    validate.step(store, settings, SILENT, "validation")
    assert arrived_deliveries(store) == ()
    store.left = WRITES
    with pytest.raises(_Killed):
        _load(store, deliveries, "second")
    validate.step(store, settings, SILENT, "validation of half a load")
    assert arrived_deliveries(store) == ()
    _load(store, deliveries, "second")
    assert arrived_deliveries(store) == ("second",)
    validate.step(store, settings, SILENT, "validation")
    assert arrived_deliveries(store) == ()
    assert {row["admission_id"] for row in store.read(tables.SILVER_ADMISSIONS).collect()} == {"a3"}


def test_other_content_under_a_known_id_is_refused(first: MemoryStore, tmp_path: Path) -> None:
    store = first.fork()
    write_delivery(tmp_path / "first", {name: content for name, content in FIRST.items() if name != "severity.csv"})
    with pytest.raises(DeliveryError, match="other content") as refused:
        _load(store, tmp_path, "first")
    assert "severity: 1 records loaded, 0 delivered now" in str(refused.value)
    assert _bronze(store) == _bronze(first)

"""A delivery that changes while it is read: nothing of it counts, and it is loaded when it is complete.

A delivery is read twice, to judge and to load it. Each case changes one file at one moment in between, some so that size and
time stay as they were.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from messages import assert_one_message, exit_status
from pyspark.sql import SparkSession

from deliveries import ADMISSION, admissions, csv_text, diagnoses, sound_files, write_delivery
from lbz_indicators.io import Store
from lbz_indicators.steps import ingest, loading
from lbz_indicators.tables import BRONZE_ADMISSIONS, BRONZE_HOSPITALS, Table

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("spark", "unrecorded")]

DELIVERY = 3
TABLES = ("admissions", "diagnoses", "hospitals", "severity")
Change = Callable[[Path], None]


class Killed(BaseException):
    """The process ends here."""


def _another_age(folder: Path) -> None:
    """Another value, of the same size and with the same time."""
    path = folder / "admissions.csv"
    state = os.stat(path)
    path.write_text(path.read_text().replace(",50,", ",51,"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert os.stat(path).st_size == state.st_size


def _one_record_more(folder: Path) -> None:
    path = folder / "admissions.csv"
    path.write_text(csv_text(admissions({}, {"admission_id": "a2"})))


def _diagnoses_gone(folder: Path) -> None:
    (folder / "diagnoses.csv").unlink()


def _diagnoses_written_anew(folder: Path) -> None:
    (folder / "diagnoses.csv").write_text(csv_text(diagnoses({}, {"diagnosis_code": "E11.9"})))


def _a_table_more(folder: Path) -> None:
    (folder / "severity.csv").write_text("diagnosis_code,severity_class\nI21.0,3\n")


def _everything_gone(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


BEFORE_LOADING, BEFORE_ADMISSIONS, AFTER_HOSPITALS = "before loading", "before admissions are written", "after hospitals are"
FAULTS: dict[str, tuple[str, Change, str]] = {
    "another value, between the passes": (BEFORE_LOADING, _another_age, "admissions, records"),
    "a file grows between the passes": (BEFORE_LOADING, _one_record_more, "admissions.csv"),
    "a file is taken away between the passes": (BEFORE_LOADING, _diagnoses_gone, "diagnoses.csv"),
    "a file is added between the passes": (BEFORE_LOADING, _a_table_more, "severity.csv"),
    "the folder is emptied between the passes": (BEFORE_LOADING, _everything_gone, "admissions.csv"),
    "another value, when the load has begun": (BEFORE_ADMISSIONS, _another_age, "admissions, records"),
    "a table already loaded is written anew": (AFTER_HOSPITALS, _diagnoses_written_anew, "diagnoses.csv"),
}


def _inject(patch: pytest.MonkeyPatch, moment: str, change: Callable[[], None]) -> None:
    """Lets the change happen once, at that moment of a load."""
    load, append = loading.load, Store.append

    def changed_before(*arguments: object) -> bool:
        change()
        return load(*arguments)  # type: ignore[arg-type]

    def changed_at_admissions(store: Store, table: Table, rows: object) -> object:
        if table == BRONZE_ADMISSIONS and moment == BEFORE_ADMISSIONS:
            change()
        written = append(store, table, rows)  # type: ignore[arg-type]
        if table == BRONZE_HOSPITALS and moment == AFTER_HOSPITALS:
            change()
        return written

    if moment == BEFORE_LOADING:
        patch.setattr(ingest, "load", changed_before)
    else:
        patch.setattr(Store, "append", changed_at_admissions)


def _delivery(folder: Path) -> Path:
    return write_delivery(folder, sound_files(admissions=csv_text([ADMISSION])))


def _ingest(delivery: Path, root: Path, *more: str) -> int:
    quick = ["--set", "spark.shuffle_partitions=2", "--set", "spark.memory=512m"]
    return exit_status("ingest", "--input", str(delivery), "--output", str(root), *quick, *more)


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables that hold another delivery."""
    folder = tmp_path_factory.mktemp("changing")
    first = csv_text(admissions({"admission_id": "first"}))
    write_delivery(
        folder / "first", {**sound_files(admissions=first), "severity.csv": "diagnosis_code,severity_class\nI21.0,2\n"}
    )
    assert _ingest(folder / "first", folder / "tables", "--set", "delivery.id=first") == 0
    return folder / "tables"


def _loaded(spark: SparkSession, root: Path) -> dict[str, list[tuple[str, ...]]]:
    """Content of bronze by table: delivery, key, and the value that the faults change."""
    value = {"admissions": "age_years", "diagnoses": "diagnosis_code", "hospitals": "name", "severity": "severity_class"}
    key = {"admissions": "admission_id", "diagnoses": "admission_id", "hospitals": "hospital_id", "severity": "diagnosis_code"}
    found = {}
    for table in TABLES:
        rows = spark.read.format("delta").load(str(root / "bronze" / table)).select("delivery_id", key[table], value[table])
        found[table] = sorted(tuple(row) for row in rows.collect())
    return found


@pytest.mark.parametrize("case", FAULTS)
def test_nothing_of_it_counts_and_the_complete_one_is_loaded(
    spark: SparkSession, root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    moment, change, said = FAULTS[case]
    name = f"delivery-{list(FAULTS).index(case)}"
    delivery = _delivery(tmp_path / name)
    before = _loaded(spark, root)
    with pytest.MonkeyPatch.context() as patch:
        _inject(patch, moment, lambda: change(delivery))
        status = _ingest(delivery, root, "--set", f"delivery.id={name}")
    printed = "".join(capfd.readouterr())
    assert status == DELIVERY, printed
    assert_one_message(printed, ["changed while it was read", said, "nothing of it was loaded"])
    assert _loaded(spark, root) == before

    _delivery(delivery)  # the transfer is finished
    assert _ingest(delivery, root, "--set", f"delivery.id={name}") == 0
    after = _loaded(spark, root)
    assert [row for row in after["admissions"] if row[0] == name] == [(name, "a1", "50")]
    assert [row for row in after["diagnoses"] if row[0] == name] == [(name, "a1", "I50.0")]
    assert [row for row in after["hospitals"] if row[0] == name] == [(name, "H1", "One")]


def test_what_a_killed_load_left_of_a_changing_file_is_replaced(
    spark: SparkSession, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Killed after the wrong diagnoses were written and before they were taken back; the delivery has no id of its own."""
    rows = csv_text(diagnoses({"diagnosis_code": "I63.0"}))
    delivery = write_delivery(tmp_path / "delivery", sound_files(diagnoses=rows))
    path = delivery / "diagnoses.csv"
    state = os.stat(path)

    def change() -> None:
        path.write_text(rows.replace("I63.0", "I63.9"))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        _inject(patch, BEFORE_LOADING, change)
        patch.setattr(Store, "delete", kill)
        _ingest(delivery, root)
    wrong = [row for row in _loaded(spark, root)["diagnoses"] if row[2] == "I63.9"]
    assert len(wrong) == 1
    path.write_text(rows)
    assert _ingest(delivery, root) == 0
    loaded = _loaded(spark, root)
    of_delivery = {table: [row[1:] for row in rows if row[0] == wrong[0][0]] for table, rows in loaded.items()}
    assert of_delivery == {
        "admissions": [("a1", "50")], "diagnoses": [("a1", "I63.0")], "hospitals": [("H1", "One")], "severity": [],
    }  # fmt: skip

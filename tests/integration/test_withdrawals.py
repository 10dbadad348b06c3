"""Withdrawn months and admissions (METHOD section 2), worked by hand: step ingest, validation whole and of what arrived.

First: H1 in January (a1, a2), February (a3, a4) and without a readable day (a5); H2 in January (b1).
Second: H1's March (a6); withdraws H1's February, a1 in January, a5 in whatever month, and a March of H2 that nobody delivered.
Third: withdraws only: a6, and H2's January. Fourth: H1's January anew, with a1 alone.

All but the first are judged alone; a whole validation after each night must find nothing to write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deliveries import Row, admissions, csv_text, delta_logs, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import DeliveryError, StorageError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.references import load_references
from lbz_indicators.steps import STEPS, validate_arrived, validation

JANUARY, FEBRUARY, MARCH = (
    {"admission_date": f"2019-{month}-10", "discharge_date": f"2019-{month}-14"} for month in ("01", "02", "03")
)
FIRST = admissions(
    {"admission_id": "a1", **JANUARY},
    {"admission_id": "a2", **JANUARY},
    {"admission_id": "a3", **FEBRUARY},
    {"admission_id": "a4", **FEBRUARY, "age_years": "-1"},
    {"admission_id": "a5", **JANUARY, "discharge_date": "2019-01-32"},
    {"admission_id": "b1", **JANUARY, "hospital_id": "H2"},
)
SECONDARY = diagnoses(
    {"admission_id": "a1", "diagnosis_code": "I50.0"},
    {"admission_id": "a2", "diagnosis_code": "E11.9"},
    {"admission_id": "a3", "diagnosis_code": "E11.9"},
)
COLUMNS = ("hospital_id", "year", "month", "admission_id")
DELIVERIES: Mapping[str, tuple[Sequence[Row], Sequence[Row], Sequence[tuple[str, ...]]]] = {
    "first": (FIRST, SECONDARY, []),
    "second": (
        admissions({"admission_id": "a6", **MARCH}),
        diagnoses({"admission_id": "a6", "diagnosis_code": "C34.9"}),
        [("H1", "2019", "02", ""), ("H1", "2019", "1", "a1"), ("H1", "", "", "a5"), ("H2", "2019", "3", "")],
    ),
    "third": ([], [], [("H1", "", "", "a6"), ("H2", "2019", "01", "")]),
    "fourth": (admissions({"admission_id": "a1", **JANUARY, "age_years": "51"}), [], []),
}


def _files(rows: Sequence[Row], secondary: Sequence[Row], withdrawn: Sequence[tuple[str, ...]]) -> dict[str, str | bytes]:
    texts: dict[str, str | bytes] = {
        "admissions.csv": csv_text(rows, list(admissions({})[0])),
        "diagnoses.csv": csv_text(secondary, list(diagnoses({})[0])),
        "hospitals.csv": csv_text(hospitals("H1", "H2")),
    }
    if withdrawn:
        texts["withdrawals.csv"] = csv_text([dict(zip(COLUMNS, row, strict=True)) for row in withdrawn])
    return texts


@dataclass(frozen=True)
class State:
    """Delivery and age of the valid ones, delivery of the rejected, codes of silver.diagnoses, every count of admissions."""

    valid: dict[str, tuple[str, int]]
    rejected: dict[str, str]
    diagnoses: set[tuple[str, str]]
    counts: dict[tuple[str, str], dict[str, int]]


def _state(store: Store) -> State:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in store.read(tables.SILVER_QUALITY).collect():
        if row["severity"] in ("total", "superseded", "withdrawal") or row["rule"] == "withdrawal_without_record":
            counts.setdefault((row["delivery_id"], row["hospital_id"]), {})[row["rule"]] = row["records"]
    return State(
        {r["admission_id"]: (r["delivery_id"], r["age_years"]) for r in store.read(tables.SILVER_ADMISSIONS).collect()},
        {r["admission_id"]: r["delivery_id"] for r in store.read(tables.SILVER_REJECTED_ADMISSIONS).collect()},
        {(r["admission_id"], r["diagnosis_code"]) for r in store.read(tables.SILVER_DIAGNOSES).collect()},
        counts,
    )


def _settings(folder: Path, name: str, root: str = "tables", *more: str) -> Settings:
    overrides = [f"delivery.input={folder / name}", "delivery.load_date=2019-12-31", f"delivery.id={name}"]
    return load_settings(None, [*overrides, f"storage.root={folder / root}", *more])


def _run(spark: SparkSession, settings: Settings, *steps: str) -> Store:
    for step in steps:
        store = Store(spark, settings.storage)
        STEPS[step](store, settings, SILENT, "run")
        store.release()
    return store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("withdrawals")
    for name, content in DELIVERIES.items():
        write_delivery(folder / name, _files(*content))
    return folder


@dataclass(frozen=True)
class Story:
    """The state after each validation, what came before it, and the commits that a whole validation then adds."""

    states: dict[str, State]
    arrived: dict[str, tuple[str, ...]]
    added: list[object]


@pytest.fixture(scope="module")
def story(spark: SparkSession, folder: Path) -> Story:
    """The first delivery validated whole; the second, and then the two others in one night, alone."""
    root = folder / "tables"
    story = Story({"first": _state(_run(spark, _settings(folder, "first"), "ingest", "validate"))}, {}, [])
    for night in (("second",), ("third", "fourth")):
        for name in night:
            _run(spark, _settings(folder, name), "ingest")
        settings = _settings(folder, night[-1])
        store = Store(spark, settings.storage)
        arrived = validate_arrived.arrived_deliveries(store)
        assert validate_arrived.needs_all(store, settings, arrived) is None
        validate_arrived.validate_arrived(store, settings, SILENT, "run", arrived)
        story.arrived[night[-1]], story.states[night[-1]] = arrived, _state(store)
        before = delta_logs(root)
        _run(spark, settings, "validate")
        story.added.append([table for table, commits in delta_logs(root).items() if commits != before[table]])
    return story


@pytest.fixture(scope="module")
def states(story: Story) -> dict[str, State]:
    return story.states


def test_what_is_withdrawn_is_no_longer_there(states: dict[str, State]) -> None:
    assert states["first"].valid == {name: ("first", 50) for name in ("a1", "a2", "a3", "b1")}
    assert states["first"].rejected == {"a4": "first", "a5": "first"}
    assert states["second"].valid == {"a2": ("first", 50), "b1": ("first", 50), "a6": ("second", 50)}
    assert states["second"].rejected == {}
    assert states["second"].diagnoses == {("a2", "E119"), ("a6", "C349")}


def test_a_delivery_may_only_withdraw(states: dict[str, State]) -> None:
    """The third holds no admission; a6 and b1 are gone."""
    assert set(states["fourth"].valid) == {"a1"}


def test_what_is_delivered_again_is_there_again(states: dict[str, State]) -> None:
    assert states["fourth"].valid == {"a1": ("fourth", 51)}
    assert states["fourth"].diagnoses == set()


def test_the_counts_add_up(states: dict[str, State]) -> None:
    assert states["second"].counts == {
        ("first", "H1"): {"delivered": 5, "valid": 1, "withdrawn_by_later_delivery": 4},
        ("first", "H2"): {"delivered": 1, "valid": 1},
        ("second", "H1"): {"delivered": 1, "valid": 1, "withdrawals": 3},
        ("second", "H2"): {"withdrawals": 1, "withdrawal_without_record": 1},
    }
    # January is held by the fourth delivery: what the first had of it is replaced, withdrawn or not.
    assert states["fourth"].counts == {
        ("first", "H1"): {"delivered": 5, "replaced_by_later_delivery": 2, "withdrawn_by_later_delivery": 3},
        ("first", "H2"): {"delivered": 1, "withdrawn_by_later_delivery": 1},
        ("second", "H1"): {"delivered": 1, "withdrawn_by_later_delivery": 1, "withdrawals": 3},
        ("second", "H2"): {"withdrawals": 1, "withdrawal_without_record": 1},
        ("third", "H1"): {"withdrawals": 1},
        ("third", "H2"): {"withdrawals": 1},
        ("fourth", "H1"): {"delivered": 1, "valid": 1},
    }


@pytest.mark.parametrize(
    ("withdrawn", "message"),
    [
        ([("H1", "", "", "")], "withdrawals: year in 1 row"),
        ([("H1", "2019", "", "a1"), ("H1", "", "3", "a1")], "year in 1 row.*month in 1 row"),
        ([("", "2019", "13", ""), ("H1", "2019", "1", "")], "hospital_id in 1 row.*month in 1 row"),
        ([], "admissions holds no record"),
    ],
    ids=["a whole hospital", "half a month", "no month", "nothing"],
)
def test_what_cannot_be_meant_is_refused(
    spark: SparkSession, tmp_path: Path, withdrawn: Sequence[tuple[str, ...]], message: str
) -> None:
    write_delivery(tmp_path / "wrong", _files([], [], withdrawn))
    with pytest.raises(DeliveryError, match=message):
        _run(spark, _settings(tmp_path, "wrong"), "ingest")


def test_a_night_alone_leaves_nothing_for_a_whole_validation(story: Story) -> None:
    assert story.arrived == {"second": ("second",), "fourth": ("fourth", "third")}
    assert story.added == [[], []]


def test_when_only_a_whole_validation_will_do(spark: SparkSession, folder: Path, story: Story) -> None:
    settings = _settings(folder, "first")
    store = Store(spark, settings.storage)

    def reason(chosen: Settings, *deliveries: str) -> str | None:
        return validate_arrived.needs_all(store, chosen, deliveries)

    assert reason(settings) is None
    other = _settings(folder, "first", "tables", "validation.maximum_age_years=110")
    assert "settings" in str(reason(other))
    store.delete(tables.BRONZE_DIAGNOSES, "admission_id = 'a1'")
    assert "bronze.diagnoses has not only grown since the last validation (DELETE)" in str(reason(settings))
    with (
        pytest.raises(StorageError, match="no space"),
        validation.validating(store, other, load_references(other.references), "r"),
    ):
        raise StorageError("no space left")
    assert "did not end" in str(reason(other))
    nowhere = _settings(folder, "first", "nowhere")
    assert "nothing was validated" in str(validate_arrived.needs_all(Store(spark, nowhere.storage), nowhere, ()))

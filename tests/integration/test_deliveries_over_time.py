"""Deliveries that correct, repeat and break off (METHOD section 2): steps ingest, validate, derive.

First delivery: H1 and H2, January and February. Second: H1 anew for January, and its admission a4 moved from February to March.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from deliveries import admissions, csv_text, delta_logs, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.tables import Table

JANUARY = {"admission_date": "2019-01-10", "discharge_date": "2019-01-14"}
FEBRUARY = {"admission_date": "2019-02-10", "discharge_date": "2019-02-14"}
FIRST = admissions(
    {"admission_id": "a1", **JANUARY},
    {"admission_id": "a2", **JANUARY, "age_years": "-1"},
    {"admission_id": "a3", **FEBRUARY},
    {"admission_id": "a4", **FEBRUARY},
    {"admission_id": "a8", **JANUARY, "discharge_date": "2019-01-32"},
    {"admission_id": "b1", **JANUARY, "hospital_id": "H2"},
    {"admission_id": "b2", **FEBRUARY, "hospital_id": "H2"},
)
FIRST_DIAGNOSES = diagnoses(
    {"admission_id": "a1", "diagnosis_code": "I50.0"},
    {"admission_id": "a3", "diagnosis_code": "E11.9"},
    {"admission_id": "b1", "hospital_id": "H2", "diagnosis_code": "I50.0"},
)
SECOND = admissions(
    {"admission_id": "a1", **JANUARY, "age_years": "51"},
    {"admission_id": "a4", **FEBRUARY, "discharge_date": "2019-03-02"},
    {"admission_id": "a5", **JANUARY},
    {"admission_id": "a7", **JANUARY, "urgency": "?"},
    {"admission_id": "a8", **JANUARY},
)
SECOND_DIAGNOSES = diagnoses(
    {"admission_id": "a5", "diagnosis_code": "C34.9"},
    # Its admission lies in February, which this delivery does not hold.
    {"admission_id": "a3", "diagnosis_code": "I50.0"},
)
Valid = dict[tuple[str, str], tuple[str, int]]


@dataclass(frozen=True)
class State:
    """What the tables hold: (delivery, age) and reasons by key, totals of quality, comorbidity masks, and the commits."""

    valid: Valid
    rejected: dict[tuple[str, str, str], list[str]]
    totals: dict[tuple[str, str], dict[str, int]]
    comorbidity: dict[str, int]
    commits: Mapping[str, list[str]]


@dataclass(frozen=True)
class Story:
    """The state after each chapter, and what the broken-off load left."""

    first: State
    half: State
    broken_off: dict[str, dict[str, int]]
    completed: dict[str, dict[str, int]]
    stamps: set[tuple[Any, ...]]
    second: State
    repeated: State


class Chapters:
    """Runs steps on one output and looks at its tables."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder, self.root = spark, folder, folder / "tables"

    def settings(self, delivery: str, load_date: str) -> Settings:
        overrides = [f"delivery.input={self.folder / delivery}", f"delivery.load_date={load_date}", f"delivery.id={delivery}"]
        return load_settings(
            None, [*overrides, f"storage.root={self.root}", "period.years=2019", "readmission.delivered_until=2019-12-31"]
        )

    def run(self, name: str, delivery: str = "first", load_date: str = "2019-12-31") -> int | None:
        settings = self.settings(delivery, load_date)
        store = Store(self.spark, settings.storage)
        outcome = STEPS[name](store, settings, SILENT, "run")
        store.release()
        return outcome.rows_out

    def rows(self, table: Table) -> list[dict[str, Any]]:
        store = Store(self.spark, self.settings("first", "2019-12-31").storage)
        return [row.asDict() for row in store.read(table).collect()]

    def records(self) -> dict[str, dict[str, int]]:
        """Records of each delivery in bronze."""
        found: dict[str, dict[str, int]] = {}
        for table in (tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_HOSPITALS):
            for row in self.rows(table):
                counts = found.setdefault(row["delivery_id"], {})
                counts[table.name] = counts.get(table.name, 0) + 1
        return found

    def state(self, derived: bool = True) -> State:
        totals: dict[tuple[str, str], dict[str, int]] = {}
        for row in self.rows(tables.SILVER_QUALITY):
            if row["severity"] in ("total", "superseded", "filtered"):
                totals.setdefault((row["delivery_id"], row["hospital_id"]), {})[row["rule"]] = row["records"]
        covariates = self.rows(tables.SILVER_COVARIATES) if derived else []
        return State(
            {
                (r["hospital_id"], r["admission_id"]): (r["delivery_id"], r["age_years"])
                for r in self.rows(tables.SILVER_ADMISSIONS)
            },
            {
                (r["delivery_id"], r["hospital_id"], r["admission_id"]): r["reasons"]
                for r in self.rows(tables.SILVER_REJECTED_ADMISSIONS)
            },
            totals,
            {r["admission_id"]: r["comorbidity"] for r in covariates},
            delta_logs(self.root),
        )


def _break_off_before_hospitals(chapters: Chapters) -> None:
    """The second load ends after admissions and diagnoses, as on a full disk."""
    append = Store.append

    def failing(store: Store, table: Table, frame: Any) -> Any:
        if table == tables.BRONZE_HOSPITALS:
            raise StorageError("no space left")
        return append(store, table, frame)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(StorageError, match="no space left"):
        patch.setattr(Store, "append", failing)
        chapters.run("ingest", "second")


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("over_time")
    contents = {"first": (FIRST, FIRST_DIAGNOSES, ("H1", "H2")), "second": (SECOND, SECOND_DIAGNOSES, ("H1",))}
    for name, (rows, secondary, places) in contents.items():
        texts = {"admissions": rows, "diagnoses": secondary, "hospitals": hospitals(*places)}
        write_delivery(folder / name, {f"{table}.csv": csv_text(content) for table, content in texts.items()})
    chapters = Chapters(spark, folder)
    chapters.run("ingest", "first")
    chapters.run("validate")
    first = chapters.state(derived=False)

    _break_off_before_hospitals(chapters)
    broken_off = chapters.records()
    chapters.run("validate")
    half = chapters.state(derived=False)
    # Loaded to its end half a year later: it is judged by that date.
    chapters.run("ingest", "second", load_date="2020-06-30")
    completed = chapters.records()
    bronze = (tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_HOSPITALS)
    stamps = {(r["load_date"], r["loaded_at"]) for t in bronze for r in chapters.rows(t) if r["delivery_id"] == "second"}
    chapters.run("validate")
    chapters.run("derive")
    second = chapters.state()

    # The same again, the older delivery last.
    assert [chapters.run("ingest", name, load_date="2021-01-01") for name in ("second", "first")] == [0, 0]
    chapters.run("validate")
    chapters.run("derive")
    yield Story(first, half, broken_off, completed, stamps, second, chapters.state())


def test_the_first_delivery(story: Story) -> None:
    assert {key: delivery for key, (delivery, _) in story.first.valid.items()} == dict.fromkeys(
        [("H1", "a1"), ("H1", "a3"), ("H1", "a4"), ("H2", "b1"), ("H2", "b2")], "first"
    )
    assert story.first.rejected == {
        ("first", "H1", "a2"): ["age_out_of_range"],
        ("first", "H1", "a8"): ["unreadable_discharge_date"],
    }


def test_a_load_that_broke_off_counts_once_it_is_done(story: Story) -> None:
    whole = {"admissions": 5, "diagnoses": 2, "hospitals": 1}
    assert story.broken_off["second"] == {"admissions": 5, "diagnoses": 2}
    for part in ("valid", "rejected", "totals"):
        assert getattr(story.half, part) == getattr(story.first, part)
    assert story.completed["second"] == whole
    assert story.completed["first"] == {"admissions": 7, "diagnoses": 3, "hospitals": 2}
    assert len(story.stamps) == 1 and str(next(iter(story.stamps))[0]) == "2020-06-30"


def test_a_corrected_month_replaces_exactly_that_month_of_that_hospital(story: Story) -> None:
    assert story.second.valid == {
        ("H1", "a1"): ("second", 51),
        ("H1", "a5"): ("second", 50),
        ("H1", "a8"): ("second", 50),
        ("H1", "a4"): ("second", 50),
        ("H1", "a3"): ("first", 50),
        ("H2", "b1"): ("first", 50),
        ("H2", "b2"): ("first", 50),
    }


def test_an_admission_that_moved_to_another_month_is_superseded_with_a_reason(story: Story) -> None:
    """a4 was in February; a8 had no readable date, and so no month that a later delivery could replace."""
    assert story.second.rejected == {
        ("first", "H1", "a4"): ["superseded_by_later_delivery"],
        ("first", "H1", "a8"): ["superseded_by_later_delivery", "unreadable_discharge_date"],
        ("second", "H1", "a7"): ["unknown_urgency"],
    }


def test_the_counts_add_up(story: Story) -> None:
    assert story.second.totals == {
        ("first", "H1"): {"delivered": 5, "valid": 1, "rejected": 2, "replaced_by_later_delivery": 2},
        ("first", "H2"): {"delivered": 2, "valid": 2},
        ("second", "H1"): {"delivered": 5, "valid": 4, "rejected": 1},
    }
    for state in (story.first, story.second):
        for counts in state.totals.values():
            assert counts["delivered"] == sum(records for rule, records in counts.items() if rule != "delivered")


def test_comorbidities_are_those_of_the_delivery_in_force(story: Story) -> None:
    """Conditions by hand: I50 = 2, E11.9 = 10, C34 = 14. A diagnosis without admission in its delivery counts nowhere."""
    bits = {"a1": [], "a3": [10], "a4": [], "a5": [14], "a8": [], "b1": [2], "b2": []}
    assert story.second.comorbidity == {name: sum(1 << (bit - 1) for bit in found) for name, found in bits.items()}


def test_repeated_deliveries_the_older_one_last_change_nothing(story: Story) -> None:
    assert story.repeated == story.second

"""Severity classes from the history years (METHOD section 4.1): counted by hand, put in force, used by derive, repeated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deliveries import Row, admissions, csv_text, delta_logs, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.errors import ModelError, SettingsError, StorageError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import MAINTENANCE, STEPS
from lbz_indicators.steps.severity import classes_in_force

HISTORY = {"admission_date": "2018-03-10", "discharge_date": "2018-03-14"}
DAY = {"care_type": "D", "discharge_date": "2018-03-10"}
OTHER = 8


@dataclass(frozen=True)
class Used:
    """How often a main diagnosis stands in the history: admissions and deaths, dealt out over hospitals in turn."""

    code: str
    admissions: int
    deaths: int
    hospitals: int
    severity: int | None
    changes: Row


USED = (
    Used("I50.0", 100, 0, 4, 0, {}),
    Used("I21.0", 100, 1, 4, 1, {}),  # 1% is not below 1%
    Used("I63.9", 101, 1, 4, 0, {}),
    Used("J44.1", 50, 1, 4, 2, {}),  # 2%
    Used("C34.9", 20, 8, 4, 7, {}),  # 40%
    Used("K35.8", 20, 7, 4, 6, {}),  # 35%
    Used("J18.9", 19, 9, 4, OTHER, {}),
    Used("N39.0", 20, 9, 3, OTHER, {}),
    Used("E11.9", 20, 0, 4, 0, {}),
    Used("E11.9", 30, 30, 4, None, DAY),  # day admissions are not in the population
    Used("E11.9", 30, 30, 4, None, {"admission_date": "2019-02-01", "discharge_date": "2019-02-05"}),  # a model year
    Used("E11.9", 30, 30, 4, None, {"admission_date": "2014-02-01", "discharge_date": "2014-02-05"}),  # before the history
)
NEVER_USED = "A41.9"


def _rows() -> list[Row]:
    rows: list[Row] = []
    for use in USED:
        for number in range(use.admissions):
            died = number < use.deaths
            destination = {"died": "true", "discharge_destination": "deceased"} if died else {}
            place = {"hospital_id": f"H{1 + number % use.hospitals}", "admission_id": f"a{len(rows)}"}
            rows += admissions({**HISTORY, **use.changes, **destination, **place, "main_diagnosis": use.code})
    for code in [*sorted({use.code for use in USED}), NEVER_USED]:
        rows += admissions({"admission_id": f"n{code}", "main_diagnosis": code})
    return rows


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    """A delivery with a severity table of its own, loaded, validated and classed."""
    root = tmp_path_factory.mktemp("severity")
    files = {
        "admissions.csv": csv_text(_rows()),
        "diagnoses.csv": csv_text(diagnoses({"admission_id": "a0"})),
        "hospitals.csv": csv_text(hospitals("H1", "H2", "H3", "H4")),
        "severity.csv": f"diagnosis_code,severity_class\n{NEVER_USED},5\nI50.0,3\n",
    }
    write_delivery(root / "in", files)
    for step in ("ingest", "validate", "severity"):
        _run(spark, root, step)
    return root


def _run(spark: SparkSession, root: Path, step: str, *overrides: str) -> str:
    options = {"delivery.input": str(root / "in"), "storage.root": str(root / "out"), "period.years": "2019"}
    options |= {"readmission.delivered_until": "2019-12-31"}
    settings = load_settings(None, list(overrides), options)
    return (STEPS | MAINTENANCE)[step](Store(spark, settings.storage), settings, SILENT, "test").message


def _derived(spark: SparkSession, root: Path) -> dict[str, int]:
    _run(spark, root, "derive")
    rows = Store(spark, load_settings(None, [], {"storage.root": str(root / "out")}).storage).read(tables.SILVER_COVARIATES)
    return {_code(row["admission_id"][1:]): row["severity"] for row in rows.where("admission_id LIKE 'n%'").collect()}


def _in_force(spark: SparkSession, root: Path, *overrides: str) -> dict[str, int]:
    """What derive would look up."""
    settings = load_settings(None, list(overrides), {"storage.root": str(root / "out"), "period.years": "2019"})
    return {row[0]: row[1] for row in classes_in_force(Store(spark, settings.storage), settings)[0].collect()}


def _code(code: str) -> str:
    return code.replace(".", "")


def test_classes_are_those_counted_by_hand(place: Path, spark: SparkSession) -> None:
    rows = spark.read.format("delta").load(str(place / "out" / "gold" / "severity_classes")).collect()
    counted = {row["main_diagnosis"]: (row["admissions"], row["deaths"], row["hospitals"], row["severity"]) for row in rows}
    assert counted == {_code(u.code): (u.admissions, u.deaths, u.hospitals, u.severity) for u in USED if u.severity is not None}
    version = spark.read.format("delta").load(str(place / "out" / "gold" / "severity_versions")).collect()
    assert len(version) == 1
    assert version[0]["history_years"] == [2018], "the years that had admissions"
    assert version[0]["admissions"] == sum(u.admissions for u in USED if u.severity is not None)


def test_derive_uses_the_table_in_force_and_another_one_where_told(place: Path, spark: SparkSession) -> None:
    by_hand = {_code(u.code): u.severity for u in USED if u.severity is not None} | {_code(NEVER_USED): OTHER}
    assert _derived(spark, place) == by_hand
    assert _in_force(spark, place, "severity.table=delivered") == {_code(NEVER_USED): 5, "I500": 3}
    version = spark.read.format("delta").load(str(place / "out" / "gold" / "severity_versions")).collect()[0][0]
    classed = {code: severity for code, severity in by_hand.items() if code != _code(NEVER_USED)}
    assert _in_force(spark, place, f"severity.table={version}") == classed == _in_force(spark, place)


def test_deriving_again_changes_nothing_and_another_rule_makes_another_version(place: Path, spark: SparkSession) -> None:
    before = delta_logs(place / "out")
    assert "in force already" in _run(spark, place, "severity")
    assert delta_logs(place / "out") == before
    _run(spark, place, "severity", "severity.minimum_hospitals=3")
    assert _in_force(spark, place)["N390"] == 7
    _run(spark, place, "severity")
    assert _in_force(spark, place)["N390"] == OTHER, "the version derived last is in force, though its rows are older"


def test_what_cannot_be_is_refused(place: Path, spark: SparkSession) -> None:
    with pytest.raises(SettingsError, match="reach into the model years"):
        _run(spark, place, "severity", "severity.years=2018-2019")
    before = delta_logs(place / "out")
    with pytest.raises(ModelError, match="None of 9 main diagnoses has the admissions and hospitals"):
        _run(spark, place, "severity", "severity.minimum_hospitals=5")
    assert delta_logs(place / "out") == before
    with pytest.raises(StorageError, match="no severity table severity-1"):
        _run(spark, place, "derive", "severity.table=severity-1")

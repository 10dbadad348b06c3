"""The dry run of a delivery says what a load of it would say: its counts are compared with silver.quality after one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deliveries import admissions, csv_text, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.cli import main
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.delivery_check import check_delivery

ROWS = admissions(
    {"admission_id": "a1"},
    {"admission_id": "a2", "age_years": "-1", "urgency": "?"},
    {"admission_id": "a3", "sex": "X", "postcode4": "12"},
    {"admission_id": "a4"},
    {"admission_id": "a4"},
    {"admission_id": "a5", "hospital_id": "H9"},
    {"admission_id": "a6", "patient_id": "P2", "discharge_date": "2019-03-32"},
    {"admission_id": "b1", "hospital_id": "H2", "admission_date": "2019-03-11", "discharge_date": "2019-03-12"},
)
SECONDARY = diagnoses(
    {"admission_id": "a1"}, {"admission_id": "a1"}, {"admission_id": "a2"}, {"admission_id": "a1", "diagnosis_code": "XYZ"},
    {"admission_id": "nobody"}, {"admission_id": "a3", "is_complication": "perhaps"},
)  # fmt: skip


def _settings(folder: Path, *more: str) -> Settings:
    return load_settings(None, [f"delivery.input={folder / 'delivery'}", "delivery.load_date=2019-12-31", *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dry")
    files = {
        "admissions.csv": csv_text(ROWS),
        "diagnoses.csv": csv_text(SECONDARY),
        "hospitals.csv": csv_text(hospitals("H1", "H2")),
    }
    write_delivery(folder / "delivery", files)
    return folder


def test_the_dry_run_counts_what_a_load_counts(spark: SparkSession, folder: Path) -> None:
    found = check_delivery(spark, _settings(folder))
    settings = _settings(folder, f"storage.root={folder / 'tables'}")
    store = Store(spark, settings.storage)
    for name in ("ingest", "validate"):
        STEPS[name](store, settings, SILENT, "real")
    wanted = {(r["hospital_id"], r["severity"], r["rule"], r["records"]) for r in store.read(tables.SILVER_QUALITY).collect()}
    store.release()
    assert {(one.hospital_id, one.severity, one.rule, one.records) for one in found} == wanted
    rules = {one.rule for one in found}
    assert {"age_out_of_range", "unknown_urgency", "duplicate_identical", "unknown_hospital", "unreadable_discharge_date",
            "unknown_sex", "patient_in_two_hospitals", "diagnosis_given_twice", "diagnosis_not_in_who_tree"} <= rules  # fmt: skip
    assert all(one.sentence for one in found if one.severity in ("rejected", "flagged"))


def test_the_command_needs_no_tables_and_refuses_as_a_load_would(
    spark: SparkSession, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lbz_indicators.commands.delivery.start", lambda settings, writes: spark)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["validate-delivery", "--input", str(folder / "delivery"), "--csv", "--set", "delivery.load_date=2019-12-31"])
    said = capsys.readouterr().out
    assert done.value.code == 0 and list(tmp_path.iterdir()) == []
    assert "H1,rejected,unknown_urgency,1,urgency is neither acute nor planned." in said

    lacking = [{name: value for name, value in row.items() if name != "died"} for row in ROWS]
    files = {"admissions.csv": csv_text(lacking), "diagnoses.csv": csv_text(SECONDARY)}
    write_delivery(tmp_path / "bad", files)
    with pytest.raises(SystemExit) as done:
        main(["validate-delivery", "--input", str(tmp_path / "bad")])
    said = capsys.readouterr().err
    assert done.value.code == 3 and "column died is missing" in said and "hospitals: no file" in said

"""Deliveries, settings and outputs that cannot be used, through the command line.

Each ends with its documented exit status and one message that says what, where and how to mend it,
without a value of a patient's record, and leaves every table as it was. (Dirt in single records: tests/scenarios/validation.)
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from messages import assert_one_message, exit_status
from pyspark.sql import SparkSession

from deliveries import (
    ADMISSION,
    DIAGNOSIS,
    HOSPITAL,
    MONTH,
    admissions,
    csv_text,
    delta_logs,
    hospitals,
    sound_files,
    write_delivery,
)

SETTINGS, DELIVERY, MODEL, STORAGE = 2, 3, 4, 5
RUNS = "gold/runs"
LEASE = "gold/lease"
PATIENT_VALUES = (ADMISSION["patient_id"], "Cardiologie", "Gyn\u00e4cologie")

Files = Mapping[str, str | bytes]


def _without(row: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in names}


def _parquet(rows: list[dict[str, object]]) -> bytes:
    content = io.BytesIO()
    pd.DataFrame(rows).to_parquet(content)
    return content.getvalue()


def _many() -> str:
    return csv_text(admissions(*({"admission_id": f"a{number}"} for number in range(3000))))


LATIN_1 = csv_text(admissions({"specialty": "Gyn\u00e4cologie"})).encode("latin-1")
STRUCT = [{**ADMISSION, "specialty": {"code": "C", "name": "Cardiologie"}}]
MISSING = {
    "admissions": csv_text([_without(ADMISSION, "age_years", "died")]),
    "diagnoses": csv_text([_without(DIAGNOSIS, "is_complication")]),
}
SMALL_TABLES = {
    **sound_files(
        hospitals=csv_text(
            [
                *hospitals("H1", "H2", "H4"),
                {**HOSPITAL, "hospital_id": "H2", "name": "again", "reports_as": "H1"},
                {**HOSPITAL, "hospital_id": "H3", "reports_as": "H2"},
                {**HOSPITAL, "hospital_id": "H5", "cbs_authorised": "ja"},
            ]
        )
    ),
    "hospital_months.csv": csv_text([MONTH, {**MONTH, "month": "13"}, {**MONTH, "month": "4", "complete": "?"}]),
    "severity.csv": "diagnosis_code,severity_class\nI21.0,9\n",
    "ses.csv": "postcode4,ses_score,inhabitants\n1011,high,100\n10AB,0.1,100\n1012,0.1,-5\n",
}

DELIVERIES: dict[str, tuple[Callable[[], Files], list[str]]] = {
    "empty file": (lambda: sound_files(admissions=""), ["admissions.csv is empty"]),
    "header only": (lambda: sound_files(admissions=csv_text([], list(ADMISSION))), ["admissions holds no record"]),
    "hospitals with a header only": (
        lambda: sound_files(hospitals=csv_text([], list(HOSPITAL))),
        ["hospitals holds no record"],
    ),
    "missing columns": (
        lambda: sound_files(**MISSING),
        ["admissions: column age_years", "admissions: column died", "diagnoses: column is_complication"],
    ),
    "no header": (lambda: sound_files(admissions=_many().split("\n", 1)[1]), ["column admission_id is missing"]),
    "wrong separator": (lambda: sound_files(admissions=csv_text([ADMISSION], separator=";")), ["admissions", "';'", "','"]),
    "broken encoding": (lambda: sound_files(admissions=LATIN_1), ["admissions", "UTF-8"]),
    "another encoding": (lambda: sound_files(admissions=csv_text([ADMISSION]).encode("utf-16")), ["admissions"]),
    "truncated gzip": (
        lambda: {**sound_files(admissions=None), "admissions.csv.gz": gzip.compress(_many().encode())[:-2000]},
        ["admissions", "truncated"],
    ),
    "no gzip at all": (
        lambda: {**sound_files(admissions=None), "admissions.csv.gz": csv_text([ADMISSION])},
        ["admissions.csv.gz", "damaged"],
    ),
    "truncated Parquet": (
        lambda: {**sound_files(admissions=None), "admissions.parquet": _parquet([dict(ADMISSION)])[:-50]},
        ["admissions.parquet", "truncated"],
    ),
    "Parquet with a struct": (
        lambda: {**sound_files(admissions=None), "admissions.parquet": _parquet(STRUCT)},
        ["admissions: column specialty is struct"],
    ),
    "a part without a column": (
        lambda: {
            **sound_files(admissions=None),
            "admissions/1.csv": csv_text([ADMISSION]),
            "admissions/2.csv": csv_text([_without(ADMISSION, "age_years")]),
        },
        ["admissions", "age_years"],
    ),
    "CSV and Parquet": (
        lambda: {**sound_files(), "admissions.parquet": _parquet([dict(ADMISSION)])},
        ["as CSV and as Parquet"],
    ),
    "CSV and gzip": (
        lambda: {**sound_files(), "admissions.csv.gz": gzip.compress(csv_text([ADMISSION]).encode())},
        ["admissions: delivered more than once: admissions.csv, admissions.csv.gz"],
    ),
    "a hospital merged into none of the table, and one called nation": (
        lambda: sound_files(hospitals=csv_text([*hospitals("H1", "Nation"), {**HOSPITAL, "hospital_id": "H2", "reports_as": "H9"}])),
        ["hospitals: hospital_id in 1 row", "1 reports_as name(s) no hospital"],
    ),
    "empty folder": (dict, ["holds no file"]),
    "other files": (
        lambda: {"ADMISSIONS.XLS": "x", "notes.txt": "x"},
        ["admissions: no file", "diagnoses: no file", "hospitals: no file"],
    ),
    "unusable small tables": (
        lambda: SMALL_TABLES,
        [
            "hospitals: 1 key", "hospitals: cbs_authorised in 1 row", "itself reports as another", "hospital_months: month in 1 row",
            "hospital_months: complete in 1 row", "severity: severity_class in 1 row", "ses: ses_score in 1 row",
            "ses: postcode4 in 1 row", "ses: inhabitants in 1 row",
        ],
    ),
}  # fmt: skip

# Options that are wrong before anything is read; OUTPUT and INPUT stand for a good output and delivery.
ARGUMENTS: dict[str, tuple[list[str], int, list[str]]] = {
    "settings with typing mistakes": (
        ["ingest", "--input", "INPUT", "--output", "OUTPUT", "--set", "population.diagnosis_groupng=ccs", "--set", "models.engine=R"],
        SETTINGS,
        ["population.diagnosis_groupng: no such setting", "models.engine"],
    ),
    "a setting without a value": (["ingest", "--output", "OUTPUT", "--set", "models.engine"], SETTINGS, ["key.path=value"]),
    "settings file that is not there": (["run", "--config", "nowhere.yml", "--output", "OUTPUT"], SETTINGS, ["nowhere.yml"]),
    "years that are none": (["run", "--input", "INPUT", "--output", "OUTPUT", "--years", "2016-x"], SETTINGS, ["period.years"]),
    "years with a gap": (["run", "--input", "INPUT", "--output", "OUTPUT", "--years", "2016,2018"], SETTINGS, ["consecutive"]),
    "years backwards": (["run", "--input", "INPUT", "--output", "OUTPUT", "--years", "2019-2016"], SETTINGS, ["years must be consecutive and ascending"]),
    "run without years": (["run", "--input", "INPUT", "--output", "OUTPUT"], SETTINGS, ["--years"]),
    "derive without years": (["derive", "--output", "OUTPUT"], SETTINGS, ["--years"]),
    "derive without follow-up": (["derive", "--output", "OUTPUT", "--years", "2019"], SETTINGS, ["--delivered-until 2019-12-31"]),
    "follow-up that is no day": (["derive", "--output", "OUTPUT", "--years", "2019", "--delivered-until", "31-12-2019"], SETTINGS, ["readmission.delivered_until"]),
    "unknown source": (["ingest", "--input", "INPUT", "--source", "lbs", "--output", "OUTPUT"], SETTINGS, ["'lbs'", "lbz, sih"]),
    "another content under a known delivery id": (
        ["ingest", "--input", "INPUT", "--output", "OUTPUT", "--set", "delivery.id=only"],
        DELIVERY,
        ["only", "other content"],
    ),
    "no input": (["ingest", "--output", "OUTPUT"], SETTINGS, ["--input"]),
    "no output": (["ingest", "--input", "INPUT"], SETTINGS, ["--output"]),
    "unknown command": (["ingets", "--output", "OUTPUT"], SETTINGS, ["ingets"]),
    "unknown option": (["ingest", "--inptu", "INPUT", "--output", "OUTPUT"], SETTINGS, ["--inptu"]),
    "folder that is not there": (["ingest", "--input", "INPUT/nowhere", "--output", "OUTPUT"], DELIVERY, ["is not there"]),
    "file as folder": (["ingest", "--input", "INPUT/admissions.csv", "--output", "OUTPUT"], DELIVERY, ["is a file"]),
    "output below a file": (["ingest", "--input", "INPUT", "--output", "INPUT/hospitals.csv/x"], STORAGE, ["cannot be written"]),
    "output below /proc": (["ingest", "--input", "INPUT", "--output", "/proc/lbz/x"], STORAGE, ["cannot be written"]),
    "show before a run": (["show", "hsmr", "--output", "ELSEWHERE", "--years", "2019"], STORAGE, ["is not there", "run"]),
    "show a run that is not known": (["show", "runs", "--run", "r0", "--output", "OUTPUT"], SETTINGS, ["no run r0", "show runs"]),
    "show what is not known": (["show", "everything", "--output", "OUTPUT"], SETTINGS, ["everything", "hsmr"]),
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("spark")


QUICK = ["--set", "spark.shuffle_partitions=2", "--set", "spark.memory=512m"]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a delivery whose only admission is rejected: no step may stumble over having nothing to do."""
    folder = tmp_path_factory.mktemp("rejected")
    write_delivery(folder / "in", sound_files(admissions=csv_text(admissions({"age_years": "400"}))))
    for step in ("ingest", "validate", "derive"):
        given = [
            "--input",
            str(folder / "in"),
            "--output",
            str(folder / "out"),
            "--years",
            "2019",
            "--delivered-until",
            "2019-12-31",
            *QUICK,
        ]
        given += ["--set", "delivery.id=only"]
        assert exit_status(step, *given) == 0, step
    return folder / "out"


def _tables(root: Path) -> dict[str, list[str]]:
    """Commits of every table but those of the runs and their lease, where failures are noted too."""
    return {table: commits for table, commits in delta_logs(root).items() if table not in (RUNS, LEASE)}


def test_a_run_without_a_single_valid_admission_ends_with_one_message(
    spark: SparkSession, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The steps up to derive had nothing to do (fixture); a model cannot be fitted on nobody."""
    before = _tables(output)
    status = exit_status("fit", "--output", str(output), "--years", "2019", *QUICK)
    printed = "".join(capfd.readouterr())
    assert status == MODEL, printed
    assert_one_message(printed, ["admission"], PATIENT_VALUES)
    assert _tables(output) == before
    runs = spark.read.format("delta").load(str(output / RUNS)).where("status = 'failed'").collect()
    assert {row["step"] for row in runs} == {"fit", "run"}
    assert "every table holds its last complete version" in printed and "same command again" in printed
    log = [json.loads(line) for line in (output / "_logs" / "lbz-indicators.log").read_text().splitlines()]
    told = [(line["event"], line["step"]) for line in log if line["run_id"] == runs[0]["run_id"] and "event" in line]
    assert told == [
        ("lease_taken", None), ("run_started", None), ("step_started", "fit"), ("step_failed", "fit"), ("run_failed", None),
        ("lease_released", None),
    ]  # fmt: skip


def test_show_runs_tells_what_each_run_did(output: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_status("show", "runs", "--output", str(output), "--json", *QUICK) == 0
    runs = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    first = [(run["command"], run["status"], run["steps"].partition(" ")[0]) for run in runs[::-1]][:3]
    assert first == [(step, "done", step) for step in ("ingest", "validate", "derive")]
    assert exit_status("show", "runs", "--run", runs[-1]["run_id"], "--output", str(output), "--json", *QUICK) == 0
    steps = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(step["step"], step["status"], step["rows_in"]) for step in steps] == [("ingest", "done", 1), ("run", "done", None)]


@pytest.mark.usefixtures("unrecorded")
@pytest.mark.parametrize("case", DELIVERIES)
def test_delivery_that_cannot_be_used(output: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    files, wanted = DELIVERIES[case]
    tmp_path.joinpath("in").mkdir()
    write_delivery(tmp_path / "in", files())
    before = _tables(output)
    status = exit_status("ingest", "--input", str(tmp_path / "in"), "--output", str(output), *QUICK)
    printed = "".join(capfd.readouterr())
    assert status == DELIVERY, printed
    assert_one_message(printed, wanted, PATIENT_VALUES)
    assert _tables(output) == before


@pytest.mark.usefixtures("unrecorded")
@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_cannot_be_used(output: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    arguments, expected, wanted = ARGUMENTS[case]
    write_delivery(tmp_path / "in", sound_files())
    places = {"INPUT": str(tmp_path / "in"), "OUTPUT": str(output), "ELSEWHERE": str(tmp_path / "elsewhere")}
    given = [places.get(head, head) + tail for head, tail in (_split(argument) for argument in arguments)]
    before = _tables(output)
    status = exit_status(*given, *(QUICK if given[0] != "ingets" else []))
    printed = "".join(capfd.readouterr())
    assert status == expected, printed
    assert_one_message(printed, wanted, PATIENT_VALUES)
    assert _tables(output) == before
    assert not (tmp_path / "elsewhere").exists()


MAPPINGS = {
    "an expression that fails on a value": (
        "age_years: CAST(patient_id AS INT)",
        DELIVERY,
        ["An expression of the source", "CAST_INVALID_INPUT", "admissions", "try_cast"],
    ),
    "a column that is not delivered": ("age_years: AGEE", DELIVERY, ["admissions.age_years: AGEE"]),
    "no expression": ("age_years: CASE WHEN", DELIVERY, ["admissions.age_years: CASE WHEN"]),
    "an unknown key": ("age_years: age_years\n    colums: 1", SETTINGS, ["tables.admissions.colums: no such setting"]),
}


@pytest.mark.usefixtures("unrecorded")
@pytest.mark.parametrize("case", MAPPINGS)
def test_mapping_that_cannot_be_used(output: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    """The mapping is blamed, not the delivery; the value on which an expression fails is not shown."""
    line, expected, wanted = MAPPINGS[case]
    write_delivery(tmp_path / "in", sound_files())
    columns = "\n".join(f"      {name}: {name}" for name in ADMISSION if name != "age_years")
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(f"tables:\n  admissions:\n    file: admissions.csv\n    columns:\n{columns}\n      {line}\n")
    before = _tables(output)
    status = exit_status("ingest", "--input", str(tmp_path / "in"), "--output", str(output), "--source", str(mapping), *QUICK)
    printed = "".join(capfd.readouterr())
    assert status == expected, printed
    assert_one_message(printed, wanted, PATIENT_VALUES)
    assert _tables(output) == before
    _assert_log_without_values(output, quoted=case == "an expression that fails on a value")


def _assert_log_without_values(output: Path, quoted: bool) -> None:
    """Every line of the log is JSON and quotes no record; the details do, where Spark's own message does."""
    lines = (output / "_logs" / "lbz-indicators.log").read_text()
    assert [text for text in PATIENT_VALUES if text in lines] == []
    failures = [line for line in map(json.loads, lines.splitlines()) if line["level"] == "ERROR"]
    assert failures and all(line["run_id"] for line in failures if line["step"])
    if quoted:
        assert "CAST_INVALID_INPUT" in "".join(line.get("exception", "") for line in failures)
        assert PATIENT_VALUES[0] in (output / "_logs" / "spark.log").read_text(), "else this test shows nothing"


def _split(argument: str) -> tuple[str, str]:
    """'INPUT/x' as ('INPUT', '/x')."""
    head, slash, tail = argument.partition("/")
    return head, slash + tail

"""The shipped mapping `sih`, row by row: one file of hospital claims as admissions, diagnoses, hospitals."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.ingest import quality, small_tables
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import ingest

DEFAULTS = {
    "ADMISSION": "", "PATIENT": "p", "CNES": "2223538", "IDENT": "1", "DT_INTER": "20190310", "DT_SAIDA": "20190314", "SEXO": "1",
    "COD_IDADE": "4", "IDADE": "50", "NACIONAL": "010", "CAR_INT": "02", "COBRANCA": "12", "MORTE": "0", "ESPEC": "03",
    "DIAG_PRINC": "I210", "PROC_REA": "0303060190", "DIAG_SECUN": "0000", **{f"DIAGSEC{place}": "" for place in range(1, 10)},
}  # fmt: skip

# Admission number -> what differs, and what the contract's columns must then say.
CASES: dict[str, tuple[Mapping[str, str], Mapping[str, str | None]]] = {
    "ordinary": (
        {},
        {
            "hospital_id": "2223538", "patient_id": "p", "admission_date": "2019-03-10", "discharge_date": "2019-03-14",
            "admission_time": None, "discharge_time": None, "care_type": "K", "origin": "home", "sex": "M", "age_years": "50",
            "postcode4": None, "resident": "true", "urgency": "acute", "died": "false", "discharge_destination": "home",
            "specialty": "03", "main_diagnosis": "I210", "main_procedure": "0303060190", "defect": None,
        },
    ),
    "woman": ({"SEXO": "3"}, {"sex": "F"}),
    "sex_unknown": ({"SEXO": "9"}, {"sex": None}),
    "age_in_days": ({"COD_IDADE": "2", "IDADE": "20"}, {"age_years": "0"}),
    "age_in_months": ({"COD_IDADE": "3", "IDADE": "11"}, {"age_years": "0"}),
    "age_in_years": ({"COD_IDADE": "4", "IDADE": "99"}, {"age_years": "99"}),
    "age_over_hundred": ({"COD_IDADE": "5", "IDADE": "03"}, {"age_years": "103"}),
    "age_over_hundred_unreadable": ({"COD_IDADE": "5", "IDADE": "?"}, {"age_years": None}),
    "planned": ({"CAR_INT": "01"}, {"urgency": "planned"}),
    "accident": ({"CAR_INT": "05"}, {"urgency": "acute"}),
    "urgency_missing": ({"CAR_INT": ""}, {"urgency": None}),
    "foreigner": ({"NACIONAL": "020"}, {"resident": "false"}),
    "nationality_missing": ({"NACIONAL": ""}, {"resident": None}),
    "died": ({"MORTE": "1", "COBRANCA": "41"}, {"died": "true", "discharge_destination": "deceased"}),
    "died_wins": ({"MORTE": "1", "COBRANCA": "12"}, {"died": "true", "discharge_destination": "deceased"}),
    "death_unreadable": ({"MORTE": "?"}, {"died": "?"}),
    "date_unreadable": ({"DT_SAIDA": "20190230"}, {"discharge_date": "20190230"}),
    "date_missing": ({"DT_INTER": ""}, {"admission_date": None}),
    "continuation": ({"IDENT": "5"}, {"defect": "filtered:continuation_claim"}),
    **{
        f"cobranca_{code}": ({"COBRANCA": code}, {"discharge_destination": destination})
        for code, destination in {
            "10": "other", "11": "home", "19": "home", "20": "other", "30": "other", "31": "hospital", "32": "hospital", "33": "other",
            "60": "other", "61": "home", "67": "home", "68": "other", "": "other", "x": "other",
        }.items()
    },
}  # fmt: skip

DIAGNOSES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "diagnoses": ({"DIAG_SECUN": "E119", "DIAGSEC1": "I50", "DIAGSEC9": "N18 "}, ["E119", "I50", "N18"]),
    "zeros_and_blanks": ({"DIAG_SECUN": "0000", "DIAGSEC1": "   ", "DIAGSEC2": "0000 ", "DIAGSEC3": "I50"}, ["I50"]),
    "no_diagnosis": ({}, []),
    "continued": ({"IDENT": "5", "DIAGSEC1": "I50"}, ["I50"]),
}


@dataclass(frozen=True)
class Mapped:
    """The delivered tables as text."""

    admissions: Mapping[str, Row]
    diagnoses: Sequence[Row]
    hospitals: Sequence[Row]
    quality: Sequence[tuple[object, ...]]


def _write(folder: Path, rows: Sequence[Mapping[str, str]], tail: str = "") -> None:
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / "sih_rs_2019.csv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(DEFAULTS))
        writer.writeheader()
        writer.writerows([{**DEFAULTS, **row} for row in rows])
        file.write(tail)


@pytest.fixture(scope="module")
def mapped(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    folder = tmp_path_factory.mktemp("sih")
    given = {case: values for case, (values, _) in (CASES | DIAGNOSES).items()}
    _write(folder, [{"ADMISSION": case, **values} for case, values in given.items()] + [{"ADMISSION": "elsewhere", "CNES": "1"}])
    settings = load_settings(None, [f"delivery.input={folder}", "delivery.source=sih", f"storage.root={folder / 'tables'}"])
    frames = ingest.read_delivery(spark, settings)
    admissions = frames[tables.BRONZE_ADMISSIONS].cache()
    delivered = admissions.withColumns({"delivery_id": F.lit("d"), "replaced": F.lit(False), "withdrawn": F.lit(False)})
    return Mapped(
        {row["admission_id"]: row for row in admissions.collect()},
        frames[tables.BRONZE_DIAGNOSES].collect(),
        frames[tables.BRONZE_HOSPITALS].collect(),
        [tuple(row) for row in quality.count_delivered(delivered).collect()],
    )


@pytest.mark.parametrize("case", CASES)
def test_columns(mapped: Mapped, case: str) -> None:
    expected = CASES[case][1]
    assert {name: mapped.admissions[case][name] for name in expected} == expected


def test_continuation_claims_are_filtered_and_counted(mapped: Mapped) -> None:
    filtered = {row["admission_id"] for row in mapped.admissions.values() if row["defect"]}
    assert filtered == {"continuation", "continued"}
    total = len(CASES) + len(DIAGNOSES)
    assert sorted(mapped.quality) == [
        ("d", "1", "delivered", "total", 1),
        ("d", "2223538", "delivered", "total", total),
        ("d", "2223538", "filtered:continuation_claim", "filtered", 2),
    ]


@pytest.mark.parametrize("case", DIAGNOSES)
def test_secondary_diagnoses(mapped: Mapped, case: str) -> None:
    rows = [row for row in mapped.diagnoses if row["admission_id"] == case]
    assert sorted(row["diagnosis_code"] for row in rows) == DIAGNOSES[case][1]
    assert {row["is_complication"] for row in rows} <= {"false"} and {row["hospital_id"] for row in rows} <= {"2223538"}
    assert {row["defect"] for row in rows} <= ({"filtered:continuation_claim"} if case == "continued" else {None})


def test_hospitals_are_those_of_the_rows_each_once(mapped: Mapped) -> None:
    assert sorted(row["hospital_id"] for row in mapped.hospitals) == ["1", "2223538"]


def _ingested(spark: SparkSession, folder: Path, tail: str) -> tuple[list[Row], set[str]]:
    """Delivered admissions and known hospitals after ingest of one sound row and the tail."""
    _write(folder / "delivery", [{"ADMISSION": "sound"}], tail)
    overrides = [f"delivery.input={folder / 'delivery'}", "delivery.source=sih", f"storage.root={folder / 'tables'}"]
    settings = load_settings(None, overrides)
    store = Store(spark, settings.storage)
    ingest.step(store, settings, SILENT, "r")
    rows = store.read(tables.BRONZE_ADMISSIONS).select("admission_id", "hospital_id", "defect").collect()
    return rows, {row[0] for row in small_tables.hospitals(store.read(tables.BRONZE_HOSPITALS)).collect()}


def test_a_line_too_short_is_malformed_and_founds_no_hospital(spark: SparkSession, tmp_path: Path) -> None:
    """METHOD section 2: a broken record is rejected and counted, and does not stop the run. Its fields are anybody's guess."""
    rows, hospitals = _ingested(spark, tmp_path, "2223538,too,short\n")
    assert sorted(str(row["defect"]) for row in rows) == ["None", "malformed_record"]
    assert hospitals == {"2223538"}


def test_a_row_without_hospital_does_not_stop_the_delivery(spark: SparkSession, tmp_path: Path) -> None:
    """A missing key is a reason to reject the record; hospitals are derived from the rows that name one."""
    nowhere = {**DEFAULTS, "ADMISSION": "nowhere", "CNES": ""}
    rows, hospitals = _ingested(spark, tmp_path, ",".join(nowhere.values()) + "\n")
    assert {row["admission_id"]: row["hospital_id"] for row in rows} == {"sound": "2223538", "nowhere": None}
    assert hospitals == {"2223538"}

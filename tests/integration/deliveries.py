"""Small deliveries for tests: rows in the contract's columns, written as a hospital might send them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

Row = Mapping[str, str]

ADMISSION: Row = {
    "admission_id": "a1", "patient_id": "PATIENT-4711", "hospital_id": "H1", "admission_date": "2019-03-10",
    "admission_time": "12:00", "discharge_date": "2019-03-14", "discharge_time": "12:00", "care_type": "K",
    "urgency": "planned", "origin": "home", "discharge_destination": "home", "died": "false", "sex": "M", "age_years": "50",
    "postcode4": "1011", "resident": "true", "specialty": "Cardiologie", "main_diagnosis": "I21.0", "main_procedure": "",
}  # fmt: skip
DIAGNOSIS: Row = {"admission_id": "a1", "hospital_id": "H1", "diagnosis_code": "I50.0", "is_complication": "false"}
HOSPITAL: Row = {
    "hospital_id": "H1", "name": "One", "hospital_type": "general", "cbs_authorised": "true", "specific_population": "false",
    "reports_as": "",
}  # fmt: skip
MONTH: Row = {"hospital_id": "H1", "year": "2019", "month": "3", "complete": "true", "validated": "true"}


def admissions(*rows: Row) -> list[Row]:
    return [{**ADMISSION, **row} for row in rows]


def diagnoses(*rows: Row) -> list[Row]:
    return [{**DIAGNOSIS, **row} for row in rows]


def hospitals(*names: str) -> list[Row]:
    return [{**HOSPITAL, "hospital_id": name, "name": name} for name in names]


def csv_text(rows: Sequence[Row], columns: Sequence[str] | None = None, line_end: str = "\n", separator: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns or list(rows[0]), lineterminator=line_end, delimiter=separator, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_delivery(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files; the content is text or bytes."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def sound_files(**changed: str | bytes | None) -> dict[str, str | bytes]:
    """The three required files of a delivery of one admission, some of them replaced (by table) or left out (None)."""
    files: dict[str, str | bytes | None] = {
        "admissions": csv_text([ADMISSION]), "diagnoses": csv_text([DIAGNOSIS]), "hospitals": csv_text([HOSPITAL]), **changed,
    }  # fmt: skip
    return {f"{table}.csv": content for table, content in files.items() if content is not None}


def delta_logs(root: Path) -> dict[str, list[str]]:
    """Commits of every table below an output, by table such as silver/admissions."""
    return {
        str(log.parent.relative_to(root)): sorted(commit.name for commit in log.glob("*.json"))
        for log in root.glob("*/*/_delta_log")
    }

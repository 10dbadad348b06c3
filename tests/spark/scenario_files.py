"""The scenario files below tests/scenarios: read, turned into a delivery, and found again in the tables.

All scenarios travel in one delivery (those that bring months in a second one), so each has hospitals, patients and
admissions of its own: the names of its files with the scenario's name in front.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
RULES = ("validation", "patient_in_two_hospitals", "exclusions", "diagnosis_groups", "covariates", "stays")
DEFAULT = "~"
UNKNOWN_HOSPITAL = "H0"
MONTHS = "hospital_months"

Row = Mapping[str, str]

ADMISSIONS = (
    "admission_id", "patient_id", "hospital_id", "admission_date", "admission_time", "discharge_date", "discharge_time",
    "care_type", "urgency", "origin", "discharge_destination", "died", "sex", "age_years", "postcode4", "resident",
    "specialty", "main_diagnosis", "main_procedure",
)  # fmt: skip
TABLES = {
    "admissions": ADMISSIONS,
    "diagnoses": ("admission_id", "hospital_id", "diagnosis_code", "is_complication"),
    "hospitals": ("hospital_id", "name", "hospital_type", "cbs_authorised", "specific_population", "reports_as"),
    MONTHS: ("hospital_id", "year", "month", "complete", "validated"),
    "ses": ("postcode4", "ses_score", "inhabitants"),
    "severity": ("diagnosis_code", "severity_class"),
}


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows([{name: row[name] for name in columns} for row in rows])


DEFAULTS = read_rows(SCENARIOS / "defaults.csv")[0]


@dataclass(frozen=True)
class Scenario:
    """A folder of tests/scenarios/<rule>."""

    folder: Path

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    def rows(self, table: str) -> list[Row]:
        path = self.folder / f"{table}.csv"
        return read_rows(path) if path.exists() else []

    def own(self, name: str) -> str:
        """A hospital or patient as delivered; nothing stays nothing."""
        return f"{self.name}:{name}" if name.strip() else name

    def admissions(self) -> list[Row]:
        return [self._admission(row) for row in self.rows("input")]

    def _admission(self, row: Row) -> Row:
        given = {name: value for name, value in row.items() if value != DEFAULT}
        label = f"{self.name}/{given.pop('case')}"
        full = {**DEFAULTS, "admission_id": row["case"], "patient_id": row["case"], **given, "main_procedure": label}
        return {**full, "hospital_id": self.own(full["hospital_id"]), "patient_id": self.own(full["patient_id"])}

    def diagnoses(self) -> list[Row]:
        return [{**row, "hospital_id": self.own(row["hospital_id"])} for row in self.rows("diagnoses")]

    def hospitals(self) -> list[Row]:
        """Its own table, or every hospital of its admissions but H0."""
        named = self.rows("hospitals")
        if named:
            return [
                {**row, "hospital_id": self.own(row["hospital_id"]), "reports_as": self.own(row["reports_as"])} for row in named
            ]
        ids = {row["hospital_id"] for row in self.admissions()} - {self.own(UNKNOWN_HOSPITAL), ""}
        general = {"hospital_type": "general", "cbs_authorised": "true", "specific_population": "false", "reports_as": ""}
        return [{"hospital_id": name, "name": name, **general} for name in sorted(ids)]

    def months(self) -> list[Row]:
        return [{**row, "hospital_id": self.own(row["hospital_id"])} for row in self.rows(MONTHS)]


def all_scenarios() -> list[Scenario]:
    return [Scenario(path.parent) for rule in RULES for path in sorted(SCENARIOS.glob(f"{rule}/*/input.csv"))]


def write_delivery(folder: Path, scenarios: Sequence[Scenario]) -> None:
    """The scenarios as one delivery in the contract's layout; optional tables only where a scenario has them."""
    found: dict[str, list[Row]] = {
        "admissions": [row for s in scenarios for row in s.admissions()],
        "diagnoses": [row for s in scenarios for row in s.diagnoses()],
        "hospitals": [row for s in scenarios for row in s.hospitals()],
        MONTHS: [row for s in scenarios for row in s.months()],
        "ses": [row for s in scenarios for row in s.rows("ses")],
        "severity": [row for s in scenarios for row in s.rows("severity")],
    }
    for table, rows in found.items():
        if rows or table == "diagnoses":
            write_rows(folder / table / "part-1.csv", TABLES[table], rows)

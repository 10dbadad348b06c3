"""A small nation that changes from night to night, at random: corrected months, admissions gone, moved and new."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

YEARS = (2018, 2019, 2020)
CODES = ("I210", "J189", "C349", "S720")
SECONDARY = ("I500", "E119", "J449", "N189", "C349")
Key = tuple[str, str]


@dataclass
class Nation:
    """What is valid in silver, and the months as they were delivered last."""

    random: np.random.Generator
    admissions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    diagnoses: set[tuple[str, str, str]] = field(default_factory=set)
    months: dict[tuple[str, int, int], tuple[bool, bool]] = field(default_factory=dict)
    number: int = 0

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def pick(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def add(self, region: int, day: dt.date | None = None, hospital: str | None = None) -> tuple[str, str]:
        self.number += 1
        day = day or dt.date(YEARS[0], 1, 1) + dt.timedelta(days=int(self.random.integers(0, 3 * 365)))
        key = (hospital or f"H{region}{self.pick('ab')}", f"n{self.number}")
        patient = None if self.chance(0.05) else f"p{region}-{int(self.random.integers(25))}"
        self.admissions[key] = {
            "patient_id": patient, "admission_date": day, "care_type": "D" if self.chance(0.05) else "K",
            "discharge_date": day + dt.timedelta(days=int(self.random.integers(0, 12))), "urgency": self.pick(["acute", "planned"]),
            "origin": self.pick(["home", "home", "institution", "hospital"]), "sex": self.pick("MF"),
            "discharge_destination": "home", "died": self.chance(0.15), "age_years": int(self.random.integers(40, 95)),
            "postcode4": None, "resident": not self.chance(0.03), "specialty": self.pick(["C", "I", None]),
            "main_diagnosis": self.pick(CODES), "main_procedure": self.pick(["P1", None]), "flags": [],
            "delivery_id": "d0", "admission_minutes": 600, "discharge_minutes": 600,
        }  # fmt: skip
        if self.chance(0.5):
            self.diagnoses.add((*key, self.pick(SECONDARY)))
        return key

    def of(self, region: int) -> list[tuple[str, str]]:
        return [key for key in sorted(self.admissions) if key[0].startswith(f"H{region}")]

    def correct_month(self, region: int, delivery: str) -> None:
        """A hospital delivers a month again: some admissions are gone, some are other, some are new."""
        hospital, day, _ = self.pick([(k[0], self.admissions[k]["discharge_date"], k) for k in self.of(region)])
        for key in self.of(region):
            row = self.admissions[key]
            if key[0] != hospital or (row["discharge_date"].year, row["discharge_date"].month) != (day.year, day.month):
                continue
            row["delivery_id"] = delivery
            if self.chance(0.25):
                self.remove(key)
            elif self.chance(0.6):
                self.change(key, region)
        for _ in range(int(self.random.integers(0, 3))):
            self.add(region, day.replace(day=1), hospital)

    def remove(self, key: tuple[str, str]) -> None:
        del self.admissions[key]
        self.diagnoses = {row for row in self.diagnoses if row[:2] != key}

    def change(self, key: tuple[str, str], region: int) -> None:
        row = self.admissions[key]
        match int(self.random.integers(8)):
            case 0:
                row["died"] = not row["died"]
            case 1:
                row["main_diagnosis"] = self.pick(CODES)
            case 2:
                row["patient_id"] = self.pick([None, f"p{region}-{int(self.random.integers(25))}"])
            case 3:
                row["discharge_date"] += dt.timedelta(days=int(self.random.integers(1, 40)))
            case 4:
                row["care_type"] = "D" if row["care_type"] == "K" else "K"
            case 5:
                self.diagnoses ^= {(*key, self.pick(SECONDARY))}
            case 6:
                row["resident"] = not row["resident"]
            case 7:
                moved = dt.timedelta(days=int(self.random.integers(-400, 400)))
                day = min(max(row["admission_date"] + moved, dt.date(YEARS[0], 1, 1)), dt.date(YEARS[-1], 12, 1))
                row["admission_date"], row["discharge_date"] = day, day + (row["discharge_date"] - row["admission_date"])

    def change_set(self, region: int, delivery: str) -> None:
        """One night of a region."""
        for _ in range(int(self.random.integers(1, 3))):
            self.correct_month(region, delivery)
        if self.chance(0.3):
            self.remove(self.pick(self.of(region)))
        if self.chance(0.5):
            month = (f"H{region}{self.pick('ab')}", self.pick(YEARS), int(self.random.integers(1, 13)))
            self.months[month] = (self.chance(0.7), self.chance(0.8))


def make_nation(seed: int, regions: int) -> Nation:
    """Regions of two hospitals and sixty patients; of every other one the months are delivered too."""
    nation = Nation(np.random.default_rng(seed))
    for region in range(regions):
        for _ in range(60):
            nation.add(region)
        if region % 2:
            for suffix in "ab":
                for year in YEARS:
                    nation.months |= {(f"H{region}{suffix}", year, month): (True, True) for month in range(1, 13)}
    return nation

"""A generated nation delivered month by month, with corrections, late hospitals and withdrawals; what holds of it, kept in pandas."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

KEY = ["hospital_id", "admission_id"]
HospitalMonth = tuple[str, str]
SEED = 20261130
T = TypeVar("T")


def _read(folder: Path, name: str) -> pd.DataFrame:
    files = sorted((folder / name).glob("part-*.csv*"))
    return pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)


@dataclass
class Country:
    """What its hospitals have registered, and what of it has been delivered and is in force."""

    source: Path
    folder: Path
    admissions: pd.DataFrame = field(init=False)
    diagnoses: pd.DataFrame = field(init=False)
    in_force: dict[HospitalMonth, pd.DataFrame] = field(default_factory=dict)
    late: set[HospitalMonth] = field(default_factory=set)
    number: int = 0

    def __post_init__(self) -> None:
        self.admissions = _read(self.source, "admissions")
        self.admissions["month"] = self.admissions.discharge_date.str[:7]
        self.diagnoses = _read(self.source, "diagnoses")
        self._chance = np.random.default_rng(SEED)

    @property
    def hospitals(self) -> list[str]:
        return sorted(self.admissions.hospital_id.unique())

    def deliver(self, first: dt.date, last: dt.date, *, small_tables: bool = False) -> Path:
        """The months from `first` to `last` of all hospitals but one, which comes with the next delivery; a correction of an
        earlier month of one hospital, and every second time a month that is taken back."""
        self.number += 1
        months = [f"{day:%Y-%m}" for day in pd.date_range(first, last, freq="MS")]
        told = {(hospital, month) for hospital in self.hospitals for month in months} | self.late
        self.late = set()
        withdrawn: list[HospitalMonth] = []
        if not small_tables:
            self.late = {(self._one_of(self.hospitals), months[-1])}
            told -= self.late
            corrected = self._one_of(sorted(self.in_force))
            self._correct(corrected)
            told.add(corrected)
            if self.number % 2 == 0:
                withdrawn = [self._one_of(sorted(set(self.in_force) - told))]
        return self._write(sorted(told), withdrawn, small_tables)

    def _one_of(self, values: list[T]) -> T:
        return values[int(self._chance.integers(len(values)))]

    def _correct(self, month: HospitalMonth) -> None:
        """One admission less, a third of the others a year older, one death more."""
        of_month = (self.admissions.hospital_id == month[0]) & (self.admissions.month == month[1])
        rows = self.admissions.index[of_month]
        self.admissions = self.admissions.drop(rows[:1])
        older = rows[1::3]
        ages = self.admissions.loc[older, "age_years"]
        self.admissions.loc[older, "age_years"] = [str(min(int(age) + 1, 110)) for age in ages]
        living = [row for row in rows[1:] if self.admissions.loc[row, "died"] == "false"][:1]
        self.admissions.loc[living, ["died", "discharge_destination"]] = ["true", "deceased"]

    def _write(self, told: list[HospitalMonth], withdrawn: list[HospitalMonth], small_tables: bool) -> Path:
        folder = self.folder / f"delivery-{self.number:02d}"
        folder.mkdir(parents=True)
        months = pd.DataFrame(told, columns=["hospital_id", "month"])
        rows = self.admissions.merge(months, on=["hospital_id", "month"])
        rows.drop(columns="month").to_csv(folder / "admissions.csv", index=False)
        self.diagnoses.merge(rows[KEY], on=KEY).to_csv(folder / "diagnoses.csv", index=False)
        for path in self.source.glob("*.csv") if small_tables else [self.source / "hospitals.csv"]:
            shutil.copy(path, folder)
        self.in_force |= dict(tuple(rows.groupby(["hospital_id", "month"])))  # type: ignore[arg-type]
        for hospital_month in withdrawn:
            del self.in_force[hospital_month]
        if withdrawn:
            text = [f"{hospital},{month[:4]},{int(month[5:])}," for hospital, month in withdrawn]
            (folder / "withdrawals.csv").write_text("\n".join(["hospital_id,year,month,admission_id", *text]) + "\n")
        return folder

    def counts(self) -> pd.DataFrame:
        """Admissions and deaths in force by hospital_id and month of discharge."""
        rows = pd.concat(self.in_force.values())
        died = rows.assign(died=(rows.died == "true").astype(int))
        counted = died.groupby(["hospital_id", "month"]).agg(admissions=("died", "size"), deaths=("died", "sum"))
        return counted.reset_index().sort_values(["hospital_id", "month"], ignore_index=True)

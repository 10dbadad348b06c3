"""A small delivery cut from the golden set, its correction, and the tables of an undisturbed run, with copies of every state."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from same_tables import Contents, contents

from lbz_indicators.config import Settings, load_settings
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.run import run_steps

GOLDEN = Path(__file__).parent / "golden" / "nine_covariates"
GROUPS = ("48", "84", "92", "130")
"""Three groups that are fitted, and one without events."""
YEARS = (2018, 2019)
CORRECTED_HOSPITAL = "H02"
ARGUMENTS = ["--years", "2018-2019", "--delivered-until", "2019-12-31", "--set", "delivery.load_date=2022-06-30"]
KEY = ["hospital_id", "admission_id"]
QUICK_JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""For processes that live for seconds: Java's second compiler and its other collectors would cost more than they gain."""


def write_delivery(folder: Path) -> Path:
    """The admissions of `GROUPS` discharged in `YEARS`, with their diagnoses and the small tables as they are."""
    delivered = GOLDEN / "delivery"
    known = pd.read_csv(GOLDEN / "expected" / "covariates.csv.gz", dtype=str)
    known = known[known.diagnosis_group.isin(GROUPS) & known.discharge_year.isin([str(year) for year in YEARS])][KEY]
    folder.mkdir(parents=True)
    for name in ("admissions", "diagnoses"):
        rows = pd.read_csv(delivered / f"{name}.csv.gz", dtype=str, keep_default_na=False)
        rows.merge(known, on=KEY).to_csv(folder / f"{name}.csv", index=False)
    for path in delivered.glob("*.csv"):
        shutil.copy(path, folder)
    return folder


def write_correction(delivery: Path, folder: Path) -> Path:
    """One hospital's first half of 2019 anew: an admission less, the others a year older."""
    folder.mkdir(parents=True)
    admissions = pd.read_csv(delivery / "admissions.csv", dtype=str, keep_default_na=False)
    of_hospital = admissions.hospital_id == CORRECTED_HOSPITAL
    rows = admissions[of_hospital & admissions.discharge_date.between("2019-01-01", "2019-06-30")].iloc[1:]
    rows = rows.assign(age_years=(rows.age_years.astype(int) + 1).astype(str))
    rows.to_csv(folder / "admissions.csv", index=False)
    diagnoses = pd.read_csv(delivery / "diagnoses.csv", dtype=str, keep_default_na=False)
    diagnoses.merge(rows[KEY], on=KEY).to_csv(folder / "diagnoses.csv", index=False)
    shutil.copy(delivery / "hospitals.csv", folder)
    return folder


def settings(delivery: Path, root: Path, *more: str) -> Settings:
    """Settings of a run on one of the deliveries."""
    chosen = ["period.years=2018-2019", "readmission.delivered_until=2019-12-31", "delivery.load_date=2022-06-30", *more]
    return load_settings(None, [f"delivery.input={delivery}", f"storage.root={root}", *chosen])


@dataclass
class Prepared:
    """A finished run with copies of its tables: `before[step]` as that step found them, `after` when all had run."""

    spark: SparkSession
    delivery: Path
    after: Path
    before: dict[str, Path] = field(default_factory=dict)
    _contents: dict[tuple[Path, str], Contents] = field(default_factory=dict)

    def copy(self, step: str | None, root: Path) -> Path:
        """A copy of the tables as that step found them, of the finished ones where none is named."""
        return shutil.copytree(self.before[step] if step else self.after, root)

    def contents_before(self, step: str, *layers: str) -> Contents:
        """What the tables of these layers hold before a step."""
        return self._contents_of(self.before[step], layers)

    def contents_after(self, step: str, *layers: str) -> Contents:
        """What the tables of these layers hold after a step."""
        names = list(STEPS)
        last = step == names[-1]
        return self._contents_of(self.after if last else self.before[names[names.index(step) + 1]], layers)

    def _contents_of(self, root: Path, layers: Sequence[str]) -> Contents:
        for layer in layers:
            if (root, layer) not in self._contents:
                self._contents[root, layer] = contents(self.spark, root, layer)
        return {table: found for layer in layers for table, found in self._contents[root, layer].items()}


def run_undisturbed(spark: SparkSession, delivery: Path, folder: Path, start: Path | None = None) -> Prepared:
    """All steps on the delivery, from nothing or from a copy of the tables in `start`, in `folder`/tables."""
    root = folder / "tables"
    shutil.copytree(start, root) if start else root.mkdir(parents=True)
    prepared = Prepared(spark, delivery, root)
    for name in STEPS:
        prepared.before[name] = shutil.copytree(root, folder / f"before-{name}")
        run_steps(spark, settings(delivery, root), [name], SILENT)
    return prepared

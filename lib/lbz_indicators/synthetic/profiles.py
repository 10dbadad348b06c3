"""What the nation is like: the shipped profile of every diagnosis group and of the months of the pandemic.

`conf/synthetic/groups.csv` has per diagnosis group its weight among admissions, in-hospital mortality, share acute, age
(mean, spread, lowest, highest, years), share female, mean nights, readmission, share with a procedure, discharging
specialty (Dutch AGB code) and share treated in a university hospital. They are rounded, plausible figures of ours, made so
that the totals meet the published ones (docs/synthetic-nation.md); they describe no real hospital.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lbz_indicators.config import CONF
from lbz_indicators.population.covariates import AGE
from lbz_indicators.synthetic.draws import Floats

COVID_GROUP = "158"
AGES = len(AGE.labels)
AGE_LOWEST = np.array([0.0, 1.0, *np.arange(5.0, 100.0, 5.0)])
"""First completed year of every age class."""
AGE_MIDDLE = np.array([0.3, 3.0, *np.arange(7.5, 95.0, 5.0), 97.0])
AGE_SHARES = np.array([6.6, 3.2, 1.5, 1.6, 2.3, 3.0, 4.6, 5.2, 4.2, 3.7, 4.2, 5.4, 6.7, 7.6, 8.6, 9.2, 9.0, 7.2, 4.6, 1.7, 0.4])
"""Relative numbers of admissions by age class, Dutch clinical admissions in round figures."""
NORMAL_NZA_SHARE = 0.0775
"""Of clinical admissions and observations in a year that months.csv does not name: 138,310 of 1,784,657 in 2019."""
SEASON = np.array([1.04, 0.98, 1.04, 0.99, 0.99, 1.0, 0.97, 0.96, 1.0, 1.03, 1.01, 0.99])


def read_rows(name: str) -> list[dict[str, str]]:
    """Rows of a shipped file of conf/synthetic."""
    return list(csv.DictReader(io.StringIO(CONF.joinpath("synthetic", name).read_text(encoding="utf-8"))))


@dataclass(frozen=True)
class Profiles:
    """The profile of the groups; arrays have shape (groups,), shares lie in 0..1."""

    groups: tuple[str, ...]
    weight: Floats
    mortality: Floats
    acute: Floats
    age: Floats
    age_spread: Floats
    age_lowest: Floats
    age_highest: Floats
    female: Floats
    nights: Floats
    readmission: Floats
    procedure: Floats
    university: Floats
    specialty: tuple[str, ...]

    @property
    def covid(self) -> int:
        """Place of the group COVID-19."""
        return self.groups.index(COVID_GROUP)


def load_profiles() -> Profiles:
    """The shipped profile."""
    rows = read_rows("groups.csv")

    def column(name: str, unit: float = 1.0) -> Floats:
        return np.array([float(row[name]) * unit for row in rows])

    return Profiles(
        groups=tuple(row["diagnosis_group"] for row in rows),
        weight=column("weight"),
        mortality=column("mortality_percent", 0.01),
        acute=column("acute_percent", 0.01),
        age=column("age_mean"),
        age_spread=column("age_spread"),
        age_lowest=column("age_lowest"),
        age_highest=column("age_highest"),
        female=column("female_percent", 0.01),
        nights=column("nights"),
        readmission=column("readmission_percent", 0.01),
        procedure=column("procedure_percent", 0.01),
        university=column("university_percent", 0.01),
        specialty=tuple(row["specialty"] for row in rows),
    )


@dataclass(frozen=True)
class Calendar:
    """The months of all delivered years in order; arrays have shape (months,). `nza` is per year, shape (years,)."""

    years: tuple[int, ...]
    volume: Floats
    covid: Floats
    nza: Floats

    @property
    def months(self) -> list[tuple[int, int]]:
        return [(year, month) for year in self.years for month in range(1, 13)]

    @property
    def normal_years(self) -> float:
        """How many normal years' admissions the period holds."""
        return float(self.volume.sum()) / 12


def load_calendar(years: Sequence[int]) -> Calendar:
    """Volume (1 = a month of a normal year), COVID-19's share and the NZa exclusions' share; normal where not shipped."""
    rows = {(int(row["year"]), int(row["month"])): row for row in read_rows("months.csv")}
    season = SEASON / SEASON.mean()
    months = [(year, month) for year in years for month in range(1, 13)]
    special = [rows.get(key) for key in months]
    volume = [float(row["volume"]) if row else season[key[1] - 1] for key, row in zip(months, special, strict=True)]
    covid = [float(row["covid_share"]) if row else 0.0 for row in special]
    nza = [float(rows[year, 1]["nza_share"]) if (year, 1) in rows else NORMAL_NZA_SHARE for year in years]
    return Calendar(tuple(years), np.array(volume), np.array(covid), np.array(nza))

"""Every scenario of tests/scenarios/olo and olo_share (METHOD section 7), worked by hand; layouts in their READMEs.

Each scenario is a nation of its own. They travel together in calendar years of their own: scenario k lies 10 k years later.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scenario_files import DEFAULT, SCENARIOS, Row, read_rows

from lbz_indicators.config import LongStaySettings, load_settings
from lbz_indicators.indicators import length_of_stay
from lbz_indicators.models import stay_cells
from lbz_indicators.population.covariates import age_class, nights

DEFAULTS = {
    "count": "1", "year": "2019", "nights": "4", "diagnosis": "I21.0", "group": "100", "procedure": "", "age": "50",
    "care_type": "K", "died": "false", "exclusion": "", "covid": "false", "hospital": "H1", "specialty": "",
}  # fmt: skip
REPORTED = (2019, 2020, 2021, 2022)
STAYS = sorted(path.parent for path in (SCENARIOS / "olo").glob("*/input.csv"))
SHARES = sorted(path.parent for path in (SCENARIOS / "olo_share").glob("*/input.csv"))
ADMISSION = (
    "scenario string, case string, discharge_year int, admission_date date, discharge_date date, main_diagnosis_category string, "
    "diagnosis_group string, main_procedure string, age_years int, care_type string, died boolean, exclusion_reason string, "
    "covid_main_diagnosis boolean"
)
Result = Mapping[str, str]


@dataclass(frozen=True)
class Nation:
    """A scenario, its settings, and by how many years it is moved."""

    folder: Path
    later: int

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        path = self.folder / "settings.csv"
        if not path.exists():
            return ()
        lines = path.read_text(encoding="utf-8").split()
        return tuple((key, value) for key, value in (line.split(",") for line in lines) if key != "key")

    def admissions(self) -> list[tuple[Any, ...]]:
        rows = []
        for given in read_rows(self.folder / "input.csv"):
            row = {**DEFAULTS, **{name: value for name, value in given.items() if value != DEFAULT}}
            end = dt.date(int(row["year"]) + self.later, 6, 30)
            begin = end - dt.timedelta(days=int(row["nights"]))
            stem, flags = row["diagnosis"].replace(".", "")[:3], [row[name] == "true" for name in ("died", "covid")]
            admission = (
                self.folder.name, row["case"], end.year, begin, end, stem, row["group"] or None, row["procedure"] or None,
                int(row["age"]), row["care_type"], flags[0], row["exclusion"] or None, flags[1],
            )  # fmt: skip
            rows += [admission] * int(row["count"])
        return rows


def _judged(spark: SparkSession, nations: Sequence[Nation]) -> DataFrame:
    """The judged admissions of scenarios with the same settings, as the program expects and judges them."""
    given = ["olo.minimum_cell_admissions=5", *(f"olo.{key}={value}" for key, value in nations[0].settings)]
    settings = load_settings(overrides=given).olo
    # The shipped years of COVID, in every scenario's own calendar.
    covid = {year + nation.later for nation in nations for year in settings.covid_excluded_years}
    moved: LongStaySettings = settings.model_copy(update={"covid_excluded_years": tuple(covid)})
    years = [year + nation.later for nation in nations for year in REPORTED]
    rows = spark.createDataFrame([row for nation in nations for row in nation.admissions()], ADMISSION)
    described = rows.withColumns({"nights": nights(), "age": age_class(F.col("age_years")).cast("int")})
    admissions = stay_cells.population(described, moved, years)
    cells = stay_cells.with_level(stay_cells.count_cells(admissions), moved.minimum_cell_admissions)
    return stay_cells.with_expected_nights(admissions, cells.withColumn("gamma_nights", F.lit(1.0)), moved)


@pytest.fixture(scope="module")
def stays(spark: SparkSession) -> dict[str, dict[str, list[Result]]]:
    """By scenario and case the judged admissions."""
    alike: defaultdict[tuple[tuple[str, str], ...], list[Nation]] = defaultdict(list)
    for number, folder in enumerate(STAYS):
        nation = Nation(folder, 10 * number)
        alike[nation.settings].append(nation)
    found: dict[str, dict[str, list[Result]]] = {folder.name: defaultdict(list) for folder in STAYS}
    for nations in alike.values():
        for row in _judged(spark, nations).collect():
            assert row["expected_nights"] == pytest.approx(row["level_nights"] / row["level_admissions"], rel=1e-15)
            found[row["scenario"]][row["case"]].append(
                {
                    "judged": "true",
                    "nights": str(row["nights"]),
                    "level": row["level"],
                    "level_admissions": str(row["level_admissions"]),
                    "level_nights": str(row["level_nights"]),
                    "expected_nights": str(Fraction(row["level_nights"], row["level_admissions"])),
                    "long_stay": str(row["long_stay"]).lower(),
                }
            )
    return found


@pytest.mark.parametrize("folder", STAYS, ids=lambda folder: folder.name)
def test_stay(folder: Path, stays: dict[str, dict[str, list[Result]]]) -> None:
    counts = {row["case"]: int(row.get("count") or 1) for row in read_rows(folder / "input.csv")}
    expected = read_rows(folder / "expected.csv")
    assert {row["case"] for row in expected} == set(counts)
    for row in expected:
        wanted = {name: value for name, value in row.items() if value != DEFAULT and name not in {"case", "why"}}
        if wanted.get("expected_nights"):
            wanted["expected_nights"] = str(Fraction(wanted["expected_nights"]))
        found = stays[folder.name][row["case"]]
        if wanted["judged"] == "false":
            assert found == [], row["case"]
            continue
        assert len(found) == counts[row["case"]], row["case"]
        for result in found:
            assert {name: result[name] for name in wanted} == wanted, row["case"]


SHARE = (
    "discharge_year int, reporting_hospital_id string, specialty string, long_stay boolean, long_stay_gamma boolean, nights int, "
    "expected_nights double, expected_nights_gamma double, n int"
)


@pytest.fixture(scope="module")
def shares(spark: SparkSession) -> dict[str, dict[tuple[str, str, str], Any]]:
    """By scenario the figures of cell_mean, by hospital and breakdown value."""
    rows = []
    for number, folder in enumerate(SHARES):
        for row in read_rows(folder / "input.csv"):
            long, others = int(row["long"]), int(row["admissions"]) - int(row["long"])
            place = (2019 + 10 * number, row["hospital"], row.get("specialty", "CAR"))
            rows += [(*place, flag, False, 4, 3.0, 3.0, n) for flag, n in ((True, long), (False, others)) if n]
    frame = spark.createDataFrame(rows, SHARE).withColumn("_", F.explode(F.sequence(F.lit(1), "n"))).drop("_", "n")
    classes = {name: F.lit(0) for name in ("age", "sex", "urgency")}
    described = frame.withColumns({**classes, "main_diagnosis_category": F.lit("I21"), "diagnosis_group": F.lit("100")})
    years = [2019 + 10 * number for number in range(len(SHARES))]
    figures = length_of_stay.stay_figures(length_of_stay.stay_sums(described, years), load_settings().olo)
    published = length_of_stay.stay_rows(figures.withColumn("model_version", F.lit("v")), "run")
    chosen = published.where("indicator = 'olo' AND definition = 'cell_mean_over_50'").collect()
    found: dict[str, dict[tuple[str, str, str], Any]] = {folder.name: {} for folder in SHARES}
    for row in chosen:
        key = (row["hospital_id"] or "nation", row["breakdown"], row["breakdown_value"] or "")
        found[SHARES[(row["period_end"].year - 2019) // 10].name][key] = row
    return found


@pytest.mark.parametrize("folder", SHARES, ids=lambda folder: folder.name)
def test_share(folder: Path, shares: dict[str, dict[tuple[str, str, str], Any]]) -> None:
    expected = read_rows(folder / "expected.csv")
    found = shares[folder.name]
    named = {row["breakdown"] for row in expected}
    assert {_key(row) for row in expected} == {key for key in found if key[1] in named}
    columns = {"percent": "value", "lower": "lower", "upper": "upper", "national_percent": "national_value"}
    for row in expected:
        result = found[_key(row)]
        for name, column in columns.items():
            if row.get(name, DEFAULT) != DEFAULT:
                assert result[column] == pytest.approx(float(row[name]), abs=1e-6), (row, column)
        if row["significance"] != DEFAULT:
            assert (result["significance"] or "") == row["significance"], row


def _key(row: Row) -> tuple[str, str, str]:
    return row["hospital"], row["breakdown"], row["breakdown_value"]

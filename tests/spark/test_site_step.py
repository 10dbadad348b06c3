"""The page from gold's tables: which rows are read, and what is said where there are none."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pandas as pd
import pytest
from memory_store import MemoryStore
from nation_site import draw_deaths, expect_deaths, month_rows, nation_rows
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps.site import MORTALITY, READMISSIONS, STAYS, site

SETTINGS = load_settings(None, ["period.years=2019-2022", "readmission.delivered_until=2022-12-31"])
VERSION = "mortality-2019-2022-test"
VERSIONS = {MORTALITY: [VERSION], READMISSIONS: [VERSION], STAYS: [VERSION]}


def _rows(table: tables.Table, rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows in the order of the table's columns, as plain values."""
    values = rows.reindex(columns=SCHEMAS[table].names).astype(object)
    plain = values.where(values.notna(), None).itertuples(index=False)
    return [tuple(value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row) for row in plain]


def _frame(spark: SparkSession, table: tables.Table, rows: pd.DataFrame) -> Any:
    return spark.createDataFrame(_rows(table, rows), SCHEMAS[table].struct)


@pytest.fixture(scope="module")
def store(spark: SparkSession) -> MemoryStore:
    """Figures of a nation, those of another model, months that were revised, and names."""
    deaths, expected = draw_deaths(6, 60.0), expect_deaths(6, 60.0)
    figures = nation_rows(deaths, expected)
    figures["definition"] = figures["definition"].replace("cell_mean_over_50", SETTINGS.olo.definition(SETTINGS.olo.estimator))
    other = figures.assign(model_version="mortality-older", observed=figures["observed"] + 1)
    months = month_rows(deaths, expected).assign(variant="definitive", model_version=VERSION, admissions=100, run_id="run")
    early = months.assign(observed=months["observed"] + 1, recorded_at=dt.datetime(2023, 1, 1))
    late = months.assign(recorded_at=dt.datetime(2023, 2, 1))
    names = pd.DataFrame({"hospital_id": list(deaths), "name": [f"Sint {name}" for name in deaths], "delivery_id": "d"})
    names["cbs_authorised"] = "true"
    delivered = {"file": "hospitals.csv", "load_date": dt.date(2023, 1, 1), "loaded_at": dt.datetime(2023, 1, 1)}
    found = {
        tables.GOLD_INDICATORS: pd.concat([figures, other]),
        tables.GOLD_MONTH_FIGURES: pd.concat([early, late]),
        tables.BRONZE_DELIVERIES: pd.DataFrame([{"delivery_id": "d", "table_name": "admissions", **delivered}]),
        tables.BRONZE_HOSPITALS: names.assign(record=list(range(len(names))), **delivered),
    }
    return MemoryStore(spark, {str(table): [_frame(spark, table, rows)] for table, rows in found.items()})


def test_the_page_is_of_the_chosen_model_and_the_months_recorded_last(store: MemoryStore) -> None:
    page = site(store, SETTINGS, VERSIONS, [])
    data = json.loads(re.findall(r'<script type="application/json" id="site-data">(.*?)</script>', page, re.DOTALL)[0])
    assert [hospital["name"] for hospital in data["hospitals"]] == [f"Sint H{n}" for n in range(1, 7)]
    assert VERSION in page and "mortality-older" not in page
    rows = data["hospitals"][5]["blocks"][0]["table"]["rows"]
    truth = draw_deaths(6, 60.0)["H6"]
    assert [row[3] for row in rows if row[:2] == ["HSMR", "2020–2022"]] == [f"{truth.sum():,}".replace(",", ".")]
    quarters = next(
        b["table"]["rows"] for b in data["hospitals"][5]["blocks"] if "table" in b and b["table"]["head"][0] == "Kwartaal"
    )
    assert [int(row[1]) for row in quarters] == truth.sum(axis=1).tolist()


@pytest.mark.parametrize("state", ["false", None])
def test_nobody_sees_a_hospital_without_authorisation_of_cbs(store: MemoryStore, spark: SparkSession, state: str | None) -> None:
    known = store.read(tables.BRONZE_HOSPITALS).toPandas()
    known.loc[known["hospital_id"] == "H2", "cbs_authorised"] = state
    other = store.fork()
    other.kept[str(tables.BRONZE_HOSPITALS)] = [_frame(spark, tables.BRONZE_HOSPITALS, known)]
    page = site(other, SETTINGS, VERSIONS, [])
    data = json.loads(re.findall(r'<script type="application/json" id="site-data">(.*?)</script>', page, re.DOTALL)[0])
    assert [hospital["name"] for hospital in data["hospitals"]] == [f"Sint H{n}" for n in (1, 3, 4, 5, 6)]
    assert "H2" not in page.split('id="site-data"')[1].split("</script>")[0]


def test_the_language_is_a_setting(store: MemoryStore) -> None:
    english = SETTINGS.model_copy(update={"publication": SETTINGS.publication.model_copy(update={"language": "en"})})
    assert '<html lang="en">' in site(store, english, VERSIONS, ["H1"])


@pytest.mark.parametrize(
    ("years", "versions", "left_out", "said"),
    [
        ("2019-2022", {**VERSIONS, MORTALITY: ["none"]}, [], "no HSMR of 2022"),
        ("2019-2021", VERSIONS, [], "no HSMR of 2021"),
        ("2019-2022", VERSIONS, ["H1", "H77"], "hospital 'H77' to leave out"),
    ],
)
def test_what_is_not_there_is_said(store: MemoryStore, years: str, versions: Any, left_out: list[str], said: str) -> None:
    settings = load_settings(None, [f"period.years={years}"])
    if years == "2019-2021":
        versions = {**versions, MORTALITY: ["mortality-2018-2021"]}
    with pytest.raises(SettingsError, match=said):
        site(store, settings, versions, left_out)

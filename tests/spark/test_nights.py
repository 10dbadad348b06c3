"""A night that follows what changed gives the tables of a whole run, row by row: a property of random change sets.

Twenty-four regions share no patient and no hospital, and each has a change set of its own in the night.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from changing_nation import YEARS, Nation, make_nation
from memory_store import MemoryStore
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.indicators import figures
from lbz_indicators.models import stay_cells
from lbz_indicators.models.registry import fingerprints_by_year
from lbz_indicators.progress import SILENT
from lbz_indicators.references import load_references
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import STEPS, derive, figure_cells, predicted, severity
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import require
from lbz_indicators.steps.derive_touched import Changed, derive_touched
from lbz_indicators.steps.figure_cells import Source
from lbz_indicators.steps.moved import MonthStates, months_moved
from lbz_indicators.steps.score import _Scoring
from lbz_indicators.steps.stay_fitting import STAY_COHORT
from lbz_indicators.steps.touched import Touched
from lbz_indicators.tables import Table

REGIONS, NIGHTS = 24, 1
CLUSTERS = {"any": "of all"}
FOLLOWED = (tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_EXPECTED)
COMPARED = (
    tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_EXCLUSIONS, tables.GOLD_INDEX_STAYS, tables.GOLD_EXPECTED,
    tables.GOLD_FIGURE_CELLS, tables.GOLD_WEIGHT_CELLS,
)  # fmt: skip


def _frame(spark: SparkSession, table: Table, rows: list[dict[str, Any]]) -> DataFrame:
    names = SCHEMAS[table].names
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], SCHEMAS[table].struct)


def _lineage(number: int) -> dict[str, Any]:
    at = dt.datetime(2021, 1, 1) + dt.timedelta(days=number)
    return {"delivery_id": f"d{number}", "file": "f", "load_date": at.date(), "loaded_at": at, "record": number}


def _store(store: MemoryStore, nation: Nation, night: int) -> None:
    """Writes what the nation holds, as ingest and validate would have."""
    admissions = [
        {"hospital_id": k[0], "admission_id": k[1], "discharge_year": row["discharge_date"].year, **row}
        for k, row in nation.admissions.items()
    ]
    diagnoses = [
        {"hospital_id": h, "admission_id": a, "diagnosis_code": c, "is_complication": False,
         "delivery_id": nation.admissions[h, a]["delivery_id"]}
        for h, a, c in nation.diagnoses
    ]  # fmt: skip
    months = [
        {
            "hospital_id": h,
            "year": str(y),
            "month": str(m),
            "complete": str(complete),
            "validated": str(validated),
            **_lineage(night),
        }
        for (h, y, m), (complete, validated) in nation.months.items()
    ]
    spark = store.spark
    loaded = {**_lineage(night), "table_name": "admissions", "records": len(admissions), "content_hash": "0", "run_id": "load"}
    store.append(tables.BRONZE_DELIVERIES, _frame(spark, tables.BRONZE_DELIVERIES, [loaded]))
    store.replace(tables.SILVER_ADMISSIONS, _frame(spark, tables.SILVER_ADMISSIONS, admissions))
    store.replace(tables.SILVER_DIAGNOSES, _frame(spark, tables.SILVER_DIAGNOSES, diagnoses))
    store.append(tables.BRONZE_HOSPITAL_MONTHS, _frame(spark, tables.BRONZE_HOSPITAL_MONTHS, months))


def _settings(until: str) -> Settings:
    return load_settings(
        None,
        ["storage.root=memory", "period.years=2018-2020", f"readmission.delivered_until={until}", "models.engine=glum",
         "models.refit=maintenance", "models.minimum_class_admissions=20"],
    )  # fmt: skip


def _sources(store: MemoryStore, settings: Settings) -> list[Source]:
    versions = Versions.read(store)
    sources = []
    for event in (predicted.mortality(settings), predicted.readmission(settings)):
        version = versions.require(event.family).name
        sources.append(Source(event, version, event.scored_years, event.model_years, figures.breakdowns(CLUSTERS), ()))
    return sources


def _whole(store: MemoryStore, settings: Settings) -> None:
    derive.step(store, settings, SILENT, "whole")
    _score_all(store, settings)


def _score_all(store: MemoryStore, settings: Settings) -> None:
    _Scoring(store, settings, Versions.read(store), require(store, settings), None).events()
    figure_cells.write_all(store, _sources(store, settings))


def _night(store: MemoryStore, settings: Settings, before: dict[str, int]) -> Touched:
    references = load_references(settings.references)
    then = store.pinned(before)
    states = [MonthStates.of(one.read(tables.BRONZE_HOSPITAL_MONTHS)) for one in (then, store)]
    months = months_moved(*states, settings.population_years)
    silver = (before[str(table)] for table in (tables.SILVER_ADMISSIONS, tables.SILVER_DIAGNOSES))
    changed = Changed.since(store, settings, *silver, months)
    derive_touched(store, settings, references, severity.classes_in_force(store, settings), changed, "night")
    touched = Touched.since(store, {str(table): before[str(table)] for table in FOLLOWED})
    _Scoring(store, settings, Versions.read(store), require(store, settings), touched).events()
    figure_cells.write_touched(store, _sources(store, settings), touched)
    return touched


def _rows(store: MemoryStore, table: Table) -> pd.DataFrame:
    names = [name for name in SCHEMAS[table].names if name not in SCHEMAS[table].lineage]
    rows = store.read(table).select(*names).toPandas()
    return rows.astype(str).sort_values(names).reset_index(drop=True)


@pytest.fixture(scope="module")
def base(spark: SparkSession) -> tuple[Nation, MemoryStore]:
    nation, store = make_nation(2026, REGIONS), MemoryStore(spark)
    hospitals = [{"hospital_id": f"H{r}{s}", "name": "x", **_lineage(0)} for r in range(REGIONS) for s in "ab"]
    store.append(tables.BRONZE_HOSPITALS, _frame(spark, tables.BRONZE_HOSPITALS, hospitals))
    validated = [{"validated": "silver.admissions", "complete": True, "code_version": __version__}]
    store.append(tables.SILVER_VALIDATION, _frame(spark, tables.SILVER_VALIDATION, validated))
    _store(store, nation, 0)
    settings = _settings("2020-11-30")
    derive.step(store, settings, SILENT, "base")
    STEPS["fit"](store, settings, SILENT, "base")
    _score_all(store, settings)
    return nation, store


def test_nights_give_the_tables_of_a_whole_run(base: tuple[Nation, MemoryStore]) -> None:
    nation, night = base
    for number in range(1, NIGHTS + 1):
        before = {name: len(frames) - 1 for name, frames in night.kept.items()}
        for region in range(REGIONS):
            nation.change_set(region, f"d{number}")
        _store(night, nation, number)
        settings = _settings("2020-12-20")  # returns are seen for longer, too
        whole = night.fork()
        touched = _night(night, settings, before)
        _whole(whole, settings)
        assert 0 < touched.keys[tables.SILVER_COVARIATES].count() < len(nation.admissions) / 2
        for table in COMPARED:
            pd.testing.assert_frame_equal(_rows(night, table), _rows(whole, table), obj=f"night {number}, {table}")
        then = night.pinned(before)
        stays = [
            fingerprints_by_year(stay_cells.population(one.read(tables.SILVER_COVARIATES), settings.olo, YEARS), STAY_COHORT)
            for one in (then, night)
        ]
        assert {year for year in YEARS if stays[0].get(year) != stays[1].get(year)} <= set(
            touched.years[tables.SILVER_COVARIATES]
        )

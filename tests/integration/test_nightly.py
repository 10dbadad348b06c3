"""Nights on Delta: row by row the tables of a whole run on tables of its own with the same model versions."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pandas as pd
import pytest
from changing_nation import Nation, make_nation
from pyspark.sql import SparkSession

from deliveries import write_delivery
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.nightly import Night, of_a_night
from lbz_indicators.steps.run import run_steps
from lbz_indicators.tables import Table
from night_deliveries import delivery_files

pytestmark = pytest.mark.trial

REGIONS = 4
COMPARED = (
    tables.SILVER_ADMISSIONS, tables.SILVER_DIAGNOSES, tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_QUALITY,
    tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_EXCLUSIONS, tables.GOLD_INDEX_STAYS, tables.GOLD_EXPECTED,
    tables.GOLD_EXPECTED_NIGHTS, tables.GOLD_OLO_AGREEMENT, tables.GOLD_STAY_CELLS, tables.GOLD_STAY_COEFFICIENTS,
    tables.GOLD_STAY_FIT, tables.GOLD_FIGURE_CELLS, tables.GOLD_WEIGHT_CELLS, tables.GOLD_INDICATORS,
    tables.GOLD_INTERVAL_VARIANTS,
)  # fmt: skip
MODELS = (
    "models",
    "model_events",
    "model_coefficients",
    "model_fit",
    "model_covariates",
    "model_information",
    "model_calibration",
)
UNTIL = ("2020-11-30", "2020-12-31", "2020-12-31", "2020-12-10")


class Said(Progress):
    """What is said of a run."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def _settings(root: Path, until: str, folder: Path) -> Settings:
    return load_settings(
        None,
        [f"storage.root={root}", f"delivery.input={folder}", "delivery.load_date=2021-06-01", "period.years=2018-2020",
         f"readmission.delivered_until={until}", "models.minimum_class_admissions=20"],
    )  # fmt: skip


def _night(spark: SparkSession, settings: Settings) -> list[str]:
    said, steps = Said(), Night().steps
    run_steps(spark, of_a_night(settings), list(steps), said, "nightly", steps)
    return said.lines


def _rows(spark: SparkSession, settings: Settings, table: Table) -> pd.DataFrame:
    names = [name for name in SCHEMAS[table].names if name not in SCHEMAS[table].lineage]
    rows = Store(spark, settings.storage).read(table).select(*names).toPandas()
    return rows.astype(str).sort_values(names).reset_index(drop=True)


def _require_equal(spark: SparkSession, night: Settings, whole: Settings) -> None:
    for table in COMPARED:
        pd.testing.assert_frame_equal(_rows(spark, night, table), _rows(spark, whole, table), obj=str(table))


def _from_scratch(spark: SparkSession, folders: list[Path], root: Path, models: Path, until: str) -> Settings:
    """A whole run over all deliveries on tables of its own, to which only the logistic models of `models` are brought."""
    for name in MODELS:
        shutil.copytree(models / "gold" / name, root / "gold" / name)
    Store(spark, _settings(root, until, folders[0]).storage).delete(tables.GOLD_MODEL_EVENTS, "model_version LIKE 'stay-%'")
    for folder in folders[:-1]:
        run_steps(spark, _settings(root, until, folder), ["ingest"], Said())
    settings = of_a_night(_settings(root, until, folders[-1]))
    run_steps(spark, settings, list(STEPS), Said())
    return settings


def test_three_nights_are_three_whole_runs(small_data: SparkSession, tmp_path: Path) -> None:
    nation, before = make_nation(7, REGIONS), None
    folders, nights = [], tmp_path / "nights"
    for number in range(4):
        if before is not None:
            for region in range(REGIONS):
                nation.change_set(region, f"d{number}")
        folders.append(write_delivery(tmp_path / f"delivery-{number}", delivery_files(before, nation, 2 * REGIONS)))
        before: Nation | None = copy.deepcopy(nation)
        settings = _settings(nights, UNTIL[number], folders[-1])
        said = "\n".join(_night(small_data, settings))
        if number == 0:
            assert "all is done anew: validate, derive, fit, score, indicators was never done" in said
            continue
        assert "anew" not in said and "is kept" in said
        whole = _from_scratch(small_data, folders, tmp_path / f"whole-{number}", nights, UNTIL[number])
        _require_equal(small_data, settings, whole)

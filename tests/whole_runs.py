"""A whole run on tables of its own with the same logistic models, and whether tables are those of nights, row by row."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import STEPS, touched, validate_arrived
from lbz_indicators.steps.nightly import of_a_night
from lbz_indicators.steps.run import run_steps
from lbz_indicators.tables import Table

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


SCOPE = ("model_version", "indicator", "variant", "discharge_year")
"""What a row is of, where a table keeps rows of several models."""


class Said(Progress):
    """What is said of a run."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def follow_every_night(patch: pytest.MonkeyPatch) -> None:
    """Of nations so small a night touches a larger share than is worth to be followed elsewhere."""
    for module in (touched, validate_arrived):
        patch.setattr(module, "LARGEST_SHARE", 1.0)


def _rows(spark: SparkSession, settings: Settings, table: Table) -> pd.DataFrame:
    names = [name for name in SCHEMAS[table].names if name not in SCHEMAS[table].lineage]
    rows = Store(spark, settings.storage).read(table).select(*names).toPandas()
    return rows.astype(str).sort_values(names).reset_index(drop=True)


def require_equal(spark: SparkSession, night: Settings, whole: Settings, *, other_models: bool = False) -> None:
    """Every compared table, row by row, but for the columns that say which run made a row.

    `other_models`: the nights had others before, of which tables keep what they said; then only the versions and years of which
    the whole run has rows.
    """
    for table in COMPARED:
        wanted, found = _rows(spark, whole, table), _rows(spark, night, table)
        scope = [name for name in SCOPE if name in wanted]
        if other_models and "model_version" in scope:
            found = found.merge(wanted[scope].drop_duplicates()).sort_values(list(wanted)).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, wanted, obj=str(table))


def from_scratch(
    spark: SparkSession, settings: Callable[[Path, Path], Settings], folders: Sequence[Path], root: Path, models: Path
) -> Settings:
    """A whole run over all deliveries in `root`, to which only the logistic models of the tables in `models` are brought.

    `settings`: of a delivery's folder and the root of the tables.
    """
    for name in MODELS:
        shutil.copytree(models / "gold" / name, root / "gold" / name)
    Store(spark, settings(folders[0], root).storage).delete(tables.GOLD_MODEL_EVENTS, "model_version LIKE 'stay-%'")
    for folder in folders[:-1]:
        run_steps(spark, settings(folder, root), ["ingest"], Said())
    last = of_a_night(settings(folders[-1], root))
    run_steps(spark, last, list(STEPS), Said())
    return last

"""The program's run on the golden delivery, which the tests here look at."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

sys.path.insert(0, str(Path(__file__).parent))

from golden import Golden, Published, golden_settings
from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.models.score import with_expected
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.current import broadcastable, current_model
from lbz_indicators.steps.freeze import freeze
from lbz_indicators.steps.predicted import mortality_family
from lbz_indicators.steps.run import run_steps


@pytest.fixture(scope="session")
def golden(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """2016-2020 derived together; then 2016-2019 fitted with both engines, scored and reported."""
    root = tmp_path_factory.mktemp("golden")
    five = golden_settings(root, "period.years=2016-2020", "models.maximum_model_years=5")
    store = Store(spark, five.storage)
    for name in ("ingest", "validate", "derive"):
        STEPS[name](store, five, SILENT, "golden")
    derived = store.read(tables.SILVER_COVARIATES).toPandas()
    exclusions = store.read(tables.GOLD_EXCLUSIONS).toPandas()
    # Time travel keeps the admissions of 2020 readable after the next derive puts them outside the period.
    path = f"{root}/silver/covariates"
    version = store.version(tables.SILVER_COVARIATES)
    four = golden_settings(root, "period.years=2016-2019", "models.verify=all")
    for name in ("derive", "fit", "score", "indicators"):
        STEPS[name](store, four, SILENT, "golden")
    then = spark.read.format("delta").option("versionAsOf", version).load(path)
    frozen = then.where((F.col("discharge_year") == 2020) & F.col("exclusion_reason").isNull())
    current = current_model(store, mortality_family(four))
    return Golden(store, derived, exclusions, with_expected(frozen, broadcastable(store, current)), current.version, four)


@pytest.fixture(scope="session")
def frozen_tables(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A copy of the tables, of which a run made figures that were then frozen; to be copied again, not changed."""
    root = tmp_path_factory.mktemp("frozen") / "tables"
    shutil.copytree(str(golden.settings.storage.root), root)
    settings = golden_settings(root, "period.years=2016-2019")
    run_id = run_steps(golden.store.spark, settings, ["score", "indicators"], SILENT)
    store = Store(golden.store.spark, settings.storage)
    said = tuple(freeze(store, settings, note, "freeze").message for note in ("first", "again"))
    store.release()
    return Published(store, settings, run_id, said[0].split(":")[0], said)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def published(frozen_tables: Published, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A copy of frozen_tables that the tests of one module may change."""
    root = tmp_path_factory.mktemp("published") / "tables"
    shutil.copytree(str(frozen_tables.settings.storage.root), root)
    settings = golden_settings(root, "period.years=2016-2019")
    return replace(frozen_tables, settings=settings, store=Store(frozen_tables.store.spark, settings.storage))

"""The run on the real sample that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from generated_code import generated_code
from pyspark.sql import SparkSession

from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.run import run_steps
from sample import SampleRun, sample_settings


@pytest.fixture(scope="session")
def sample_run(spark: SparkSession, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    root = tmp_path_factory.mktemp("sample")
    settings = sample_settings(shared_data, root, "delivery.input_partitions=4", "models.verify=all")
    with generated_code(spark):
        run_id = run_steps(spark, settings, list(STEPS), SILENT)
    return SampleRun(spark, settings, Store(spark, settings.storage), run_id)

"""What the fault tests share: the modules of the other tests of deliveries, and an undisturbed run on a correction."""

from __future__ import annotations

import sys
from pathlib import Path

import prepared
import pytest
from prepared import Prepared
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))


@pytest.fixture(scope="session")
def corrected(spark: SparkSession, undisturbed: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """An undisturbed run on the correction."""
    folder = tmp_path_factory.mktemp("corrected")
    correction = prepared.write_correction(undisturbed.delivery, folder / "correction")
    return prepared.run_undisturbed(spark, correction, folder, start=undisturbed.after)

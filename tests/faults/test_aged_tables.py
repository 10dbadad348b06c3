"""A night on tables that were not written for longer than Delta keeps their versions: it does everything, says why, and its tables
are those of a night on the same tables as they were.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import prepared
import pytest
import same_tables
from prepared import Prepared
from pyspark.sql import SparkSession
from whole_runs import Said

from lbz_indicators.steps.nightly import Night, of_a_night
from lbz_indicators.steps.run import run_steps

pytestmark = pytest.mark.story
LONGER_AGO = 40 * 86400
"""Seconds: more than storage.retention_days."""


def _night(spark: SparkSession, correction: Path, root: Path) -> str:
    said, steps = Said(), Night().steps
    run_steps(spark, of_a_night(prepared.settings(correction, root)), list(steps), said, "nightly", steps)
    return "\n".join(said.lines)


def test_a_night_whose_former_versions_are_gone(spark: SparkSession, undisturbed: Prepared, tmp_path: Path) -> None:
    correction = prepared.write_correction(undisturbed.delivery, tmp_path / "correction")
    fresh, aged = (undisturbed.copy(None, tmp_path / name) for name in ("fresh", "aged"))
    assert "anew" not in _night(spark, correction, fresh)
    then = time.time() - LONGER_AGO
    for path in aged.rglob("*"):  # Delta takes the time of a commit from its file
        os.utime(path, (then, then))
    said = _night(spark, correction, aged)
    gone = re.search(r"all is derived anew: Delta no longer keeps (.*), older than storage.retention_days", said)
    assert gone is not None and "bronze.hospitals" in gone[1] and "is kept" in said, said
    wanted = same_tables.contents(spark, fresh, *same_tables.LAYERS)
    assert same_tables.contents(spark, aged, *same_tables.LAYERS) == wanted

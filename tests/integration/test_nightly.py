"""Nights on Delta: row by row the tables of a whole run on tables of its own with the same model versions."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from changing_nation import Nation, make_nation
from pyspark.sql import SparkSession
from whole_runs import Said, follow_every_night, from_scratch, require_equal

from deliveries import write_delivery
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.steps.nightly import Night, of_a_night
from lbz_indicators.steps.run import run_steps
from night_deliveries import delivery_files

pytestmark = pytest.mark.story

REGIONS = 4
UNTIL = ("2020-11-30", "2020-12-31", "2020-12-31", "2020-12-10")


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


def test_three_nights_are_three_whole_runs(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow_every_night(monkeypatch)
    nation, before = make_nation(7, REGIONS), None
    folders, nights = [], tmp_path / "nights"
    for number in range(4):
        if before is not None:
            for region in range(REGIONS):
                nation.change_set(region, f"d{number}")
        folders.append(write_delivery(tmp_path / f"delivery-{number}", delivery_files(before, nation, 2 * REGIONS)))
        before: Nation | None = copy.deepcopy(nation)
        settings = _settings(nights, UNTIL[number], folders[-1])
        said = "\n".join(_night(spark, settings))
        if number == 0:
            assert "all is done anew: validate, derive, fit, score, indicators was never done" in said
            continue
        assert "anew" not in said and "is kept" in said

        def as_tonight(folder: Path, root: Path, until: str = UNTIL[number]) -> Settings:
            return _settings(root, until, folder)

        whole = from_scratch(spark, as_tonight, folders, tmp_path / f"whole-{number}", nights)
        require_equal(spark, settings, whole)

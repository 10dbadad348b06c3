"""Years of a registry: deliveries month by month, a night after each; provisional figures in spring, the definitive model in
autumn, corrections afterwards. At its end every published figure is reproduced, and the tables are those of a whole run.

One year by quarters, and three years by months.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from monthly_deliveries import Country
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from whole_runs import Said, follow_every_night, from_scratch, require_equal

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.steps.freeze import freeze
from lbz_indicators.steps.generate import generate
from lbz_indicators.steps.maintenance import maintain
from lbz_indicators.steps.nightly import Night, of_a_night
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.publications import publications
from lbz_indicators.steps.reproduction import reproduce_publication
from lbz_indicators.steps.run import run_alone, run_steps

pytestmark = pytest.mark.story

HISTORY = (2018, 2019)
"""Delivered at once, before the story begins; their model is the first."""
PROVISIONAL, DEFINITIVE = "provisional", "definitive"
SPRING, AUTUMN = 3, 9
"""Months of the year in which the figures of the year before are published: provisional, then definitive."""


@dataclass
class Registry:
    """The tables of the story, and what is done to them."""

    spark: SparkSession
    root: Path
    folders: list[Path] = field(default_factory=list)
    nights: list[str] = field(default_factory=list)

    def settings(
        self, year: int, mortality: str, until: dt.date, folder: Path | None = None, root: Path | None = None
    ) -> Settings:
        """Reporting year, provisional or definitive, and the last day that all have delivered."""
        chosen = [
            f"storage.root={root or self.root}", f"period.years={HISTORY[0]}-{year}", f"indicators.mortality={mortality}",
            f"readmission.delivered_until={until}", "delivery.load_date=2026-01-01", "models.minimum_class_admissions=20",
        ]  # fmt: skip
        return load_settings(None, [*chosen, *([f"delivery.input={folder}"] if folder else [])])

    def night(self, settings: Settings, folder: Path) -> None:
        """One delivery comes in."""
        self.folders.append(folder)
        said, steps = Said(), Night().steps
        run_steps(self.spark, of_a_night(settings), list(steps), said, "nightly", steps)
        self.nights.append("\n".join(said.lines))
        print(f"night {len(self.nights)}, {folder.name}: {said.lines[-1].splitlines()[0]}", flush=True)

    def publish(self, settings: Settings, note: str) -> None:
        run_alone(self.spark, settings, "freeze", lambda store, chosen, _, run: freeze(store, chosen, note, run), Said())


def tell(registry: Registry, country: Country, years: tuple[int, ...], months: int) -> set[int]:
    """The story up to the spring after its last year; the numbers of the nights in which settings change."""
    switched = set()
    before: tuple[int, str] | None = (HISTORY[-1], PROVISIONAL)
    ends = [(year, month) for year in years for month in range(months, 13, months)]
    for year, month in [*ends, *[(years[-1] + 1, month) for month in range(months, SPRING + 1, months)]]:
        first, until = dt.date(year, month - months + 1, 1), dt.date(year, month, calendar.monthrange(year, month)[1])
        reported = (year, PROVISIONAL) if month == 12 else (year - 1, DEFINITIVE if month >= AUTUMN else PROVISIONAL)
        folder = country.deliver(first, until)
        settings = registry.settings(*reported, until, folder)
        registry.night(settings, folder)
        if reported != before:
            switched.add(len(registry.nights) - 1)
        if month in (SPRING, AUTUMN):
            registry.publish(settings, f"{reported[1]} figures of {reported[0]}")
        before = reported
    return switched


def _require_ordinary_nights(registry: Registry, switched: set[int]) -> None:
    for number, said in enumerate(registry.nights):
        if number == 0 or number in switched:
            assert "anew" in said, (number, said)
        else:
            assert "anew" not in said and "is kept" in said, (number, said)


def _require_nothing_lost(registry: Registry, country: Country) -> None:
    """Admissions and deaths by hospital and month, as counted from what was delivered."""
    silver = Store(registry.spark, registry.settings(HISTORY[-1], DEFINITIVE, dt.date(2019, 12, 31)).storage)
    month = F.date_format("discharge_date", "yyyy-MM").alias("month")
    counted = silver.read(tables.SILVER_ADMISSIONS).groupBy("hospital_id", month)
    found = counted.agg(F.count("*").alias("admissions"), F.count_if("died").alias("deaths")).toPandas()
    found = found.sort_values(["hospital_id", "month"], ignore_index=True)
    pd.testing.assert_frame_equal(found, country.counts(), check_dtype=False)


def _require_reproduced(registry: Registry, settings: Settings, wanted: list[str]) -> None:
    """After compaction and vacuum, every publication from what was frozen."""
    run_alone(registry.spark, settings, "maintain", _maintain, Said())
    store = Store(registry.spark, settings.storage)
    noted = {row["publication_id"]: row["note"] for row in store.read(tables.GOLD_PUBLICATIONS).collect()}
    found = sorted(publications(store), key=lambda one: one.frozen_at)
    assert [noted[one.publication_id] for one in found] == wanted
    for one in found:
        made = reproduce_publication(store, one)
        assert made.is_equal and all(each.figures == each.reproduced > 0 for each in made.indicators), one.publication_id
        store.release()


def _maintain(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    return maintain(store, settings, progress, run_id, dry_run=False).outcome


@pytest.mark.parametrize(
    ("years", "months"),
    [
        pytest.param((2020,), 3, id="a year by quarters"),
        pytest.param((2020, 2021, 2022), 1, id="three years by months"),
    ],
)
def test_every_published_figure_of_the_story_is_reproduced(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: tuple[int, ...], months: int
) -> None:
    follow_every_night(monkeypatch)
    generate(spark, _nation(tmp_path / "nation", years[-1] + 1), Said())
    country = Country(tmp_path / "nation" / "delivery", tmp_path / "inbox")
    registry = Registry(spark, tmp_path / "tables")
    until = dt.date(HISTORY[-1], 12, 31)
    first = country.deliver(dt.date(HISTORY[0], 1, 1), until, small_tables=True)
    registry.night(registry.settings(HISTORY[-1], PROVISIONAL, until, first), first)

    switched = tell(registry, country, years, months)
    _require_ordinary_nights(registry, switched)
    _require_nothing_lost(registry, country)
    told = [f"{mortality} figures of {year - 1}" for year in years for mortality in (PROVISIONAL, DEFINITIVE)]
    last = dt.date(years[-1] + 1, SPRING, 31)
    settings = registry.settings(years[-1], PROVISIONAL, last)
    _require_reproduced(registry, settings, [*told, f"{PROVISIONAL} figures of {years[-1]}"])

    def as_last(folder: Path, root: Path) -> Settings:
        return registry.settings(years[-1], PROVISIONAL, last, folder, root)

    whole = from_scratch(spark, as_last, registry.folders, tmp_path / "whole", registry.root)
    require_equal(spark, settings, whole, other_models=True)


def _nation(root: Path, last_year: int) -> Settings:
    chosen = [
        "synthetic.hospitals=5", "synthetic.admissions_per_year=2500", "synthetic.dirt=0", "synthetic.history_years=0",
        "synthetic.planted_events=false", f"period.years={HISTORY[0]}-{last_year}", f"storage.root={root}",
    ]  # fmt: skip
    return load_settings(None, chosen)

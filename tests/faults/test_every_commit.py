"""A step that dies after any commit it makes, and is run again: the tables of a run that nothing disturbed.

A nation has its figures; a hospital's correction comes in. Each step is done once, and its tables are put back to what they were
after each of its commits; from there it is run again. In memory, for what the program makes of a commit is asked here; that a
process can be killed and Delta's tables stand is shown in test_killed_driver.
"""

from __future__ import annotations

from dataclasses import dataclass

import prepared
import pytest
from memory_store import MemoryStore
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from same_tables import Contents, content

from lbz_indicators.config import Settings
from lbz_indicators.progress import SILENT
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import STEPS
from lbz_indicators.tables import GOLD_INDICATORS, GOLD_MODEL_EVENTS

pytestmark = pytest.mark.story

COMMITS = {"ingest": 4, "validate": 4, "derive": 5, "fit": 8, "score": 3, "indicators": 3}
"""Of each step, at least."""


@dataclass(frozen=True)
class Done:
    """A step as nothing disturbed it: the tables before and after."""

    before: MemoryStore
    after: MemoryStore
    settings: Settings

    def broken_off(self, commits: int) -> MemoryStore:
        """The tables after the first commits of the step."""
        made = self.after.tables.commits[:commits]
        now = {name: len(self.before.kept.get(name, [])) + made.count(name) for name in self.after.kept}
        return MemoryStore(self.before.spark, {name: self.after.kept[name][:number] for name, number in now.items() if number})


@pytest.fixture(scope="module")
def steps(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Every step of a run on a correction, after a run on the delivery."""
    folder = tmp_path_factory.mktemp("commits")
    delivery = prepared.write_delivery(folder / "delivery")
    correction = prepared.write_correction(delivery, folder / "correction")
    store, done = MemoryStore(spark), {}
    for delivered in (delivery, correction):
        settings = prepared.settings(delivered, folder)
        for name, step in STEPS.items():
            before, store = store, store.fork()
            step(store, settings, SILENT, "undisturbed")
            done[name] = Done(before, store, settings)
    return done


def _contents(store: MemoryStore) -> Contents:
    found = {}
    for table, schema in SCHEMAS.items():
        rows = store.find(table)
        if rows is not None:
            # Why a version became current: it was fitted, or was there already when the fit was run again.
            of_the_run = {"note": F.lit(None)} if table == GOLD_MODEL_EVENTS else {}
            found[str(table)] = content(rows.withColumns(of_the_run), schema)
    return found


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_died_after_any_commit_is_run_again(steps: dict[str, Done], name: str) -> None:
    done = steps[name]
    wanted = _contents(done.after)
    figures = [content(store.read(GOLD_INDICATORS), SCHEMAS[GOLD_INDICATORS]) for store in (done.before, done.after)]
    deaths = len(done.after.tables.commits)
    for commits in range(1, deaths + 1):
        store = done.broken_off(commits)
        assert content(store.read(GOLD_INDICATORS), SCHEMAS[GOLD_INDICATORS]) in figures
        STEPS[name](store, done.settings, SILENT, "again")
        assert _contents(store) == wanted, f"{name}, died after commit {commits}: {done.after.tables.commits[commits - 1]}"
    print(f"{name}: died after each of {deaths} commits")
    assert deaths >= COMMITS[name]

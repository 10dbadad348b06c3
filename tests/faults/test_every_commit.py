"""A step or a night that dies after a commit, and is run again: the tables of a run that nothing disturbed.

A nation has its figures; a hospital's correction comes in. Each step is done once, and its tables are put back to what they were
after each of its commits; from there it is run again. So is a night, after each first commit of a write that takes two. In
memory, for what the program makes of a commit is asked here; that a process can be killed and Delta's tables stand is shown in
test_killed_driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import prepared
import pytest
from memory_store import MemoryStore
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from same_tables import Contents, content
from whole_runs import COMPARED, Said, follow_every_night

from lbz_indicators.config import Settings
from lbz_indicators.io import Lease
from lbz_indicators.progress import SILENT
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import STEPS, Step, validate_arrived
from lbz_indicators.steps.nightly import Night, of_a_night
from lbz_indicators.steps.run import Run, new_run_id
from lbz_indicators.tables import GOLD_INDICATORS, GOLD_MODEL_EVENTS

pytestmark = pytest.mark.story

COMMITS = {"ingest": 4, "validate": 4, "derive": 5, "fit": 8, "score": 3, "indicators": 3}
"""Of each step, at least."""


@dataclass(frozen=True)
class Done:
    """A step, or a night, as nothing disturbed it: the tables before and after."""

    before: MemoryStore
    after: MemoryStore
    settings: Settings

    def broken_off(self, commits: int) -> MemoryStore:
        """The tables after its first commits."""
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


class NoLease:
    """Of tables that nobody else can see."""

    def require(self) -> None:
        """It stands."""


def _record(store: MemoryStore, settings: Settings, steps: Mapping[str, Step]) -> str:
    """The steps with their records in gold.runs, as a run does them; what is said."""
    said = Said()
    run = Run(store.spark, settings, new_run_id(), "nightly", said, cast(Lease, NoLease()), store)
    for name, step in steps.items():
        said.say(run.do(name, step).message)
    return "\n".join(said.lines)


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """A night on a correction, after a run on the delivery."""
    folder = tmp_path_factory.mktemp("night")
    delivery = prepared.write_delivery(folder / "delivery")
    correction = prepared.write_correction(delivery, folder / "correction")
    store = MemoryStore(spark)
    with pytest.MonkeyPatch.context() as patch:
        follow_every_night(patch)
        patch.setattr(validate_arrived, "rewritten_since", lambda *_: [])  # it asks Delta's history; nothing is removed by law
        _record(store, prepared.settings(delivery, folder), STEPS)
        settings = of_a_night(prepared.settings(correction, folder))
        after = store.fork()
        said = _record(after, settings, Night().steps)
        assert "anew" not in said and "is kept" in said, said
        yield Done(store, after, settings)


def test_a_night_that_died_between_the_two_commits_of_a_write_is_followed_by_one_that_does_all(night: Done) -> None:
    commits = night.after.tables.commits
    between = [number for number, pair in enumerate(pairwise(commits), start=1) if pair[0] == pair[1]]
    print(f"the night died after {len(between)} of {len(commits)} commits, in {', '.join(commits[number] for number in between)}")
    assert len(between) >= 3
    for number in between:
        store = night.broken_off(number)
        said = _record(store, night.settings, Night().steps)
        assert "anew" in said, said
        for table in COMPARED:
            wanted, found = (content(one.read(table), SCHEMAS[table]) for one in (night.after, store))
            assert found == wanted, f"{table}, died after commit {number}: {commits[number - 1]}"

"""A run that is killed at every step and started again: nothing lost, nothing counted twice, last good figures readable.

A nation has its figures; a hospital's correction comes in. Each step is killed as a process (kill -9) when it has made its first
commit, the fit while it fits, and run again. At the end the tables are those of a run that nothing disturbed. What happens
after every further commit: test_every_commit.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

import prepared
import pytest
import same_tables
from dying import commits
from messages import exit_status
from prepared import Prepared
from pyspark.sql import SparkSession
from signalled import run_and_signal

from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.run import run_steps

pytestmark = pytest.mark.faults


@dataclass
class Chain:
    """The tables that every step is killed on, one after the other."""

    spark: SparkSession
    correction: Path
    root: Path
    done: list[str] = field(default_factory=list)

    def run(self, step: str) -> None:
        run_steps(self.spark, prepared.settings(self.correction, self.root), [step], SILENT)

    def reach(self, step: str | None) -> None:
        """Runs the steps before this one, all where none is named, that are not done yet."""
        names = list(STEPS)
        for name in names[: names.index(step) if step else len(names)]:
            if name not in self.done:
                self.run(name)
                self.done.append(name)


@pytest.fixture(scope="module")
def chain(spark: SparkSession, undisturbed: Prepared, corrected: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    root = undisturbed.copy(None, tmp_path_factory.mktemp("killed") / "tables")
    return Chain(spark, corrected.delivery, root)


def _shown(root: Path, capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert exit_status("show", "hsmr", "--csv", "--output", str(root), "--years", "2018-2019") == 0
    return capfd.readouterr().out


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_killed_and_run_again(
    spark: SparkSession, corrected: Prepared, chain: Chain, tmp_path: Path, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    chain.reach(step)
    figures, before = _shown(chain.root, capfd), commits(chain.root)
    work = chain.root / "_work"
    under_way = {"fit": lambda: any(work.rglob("*.parquet"))}.get(step, lambda: commits(chain.root) > before)
    run_and_signal(step, chain.correction, chain.root, tmp_path / "said", signal.SIGKILL, under_way)
    # The figures of a run change in one commit: they are all old, or, once that step has made it, all new.
    readable = {figures, *([_shown(corrected.after, capfd)] if step == "indicators" else [])}
    assert len(figures.splitlines()) > 20
    assert _shown(chain.root, capfd) in readable
    chain.run(step)
    chain.done.append(step)
    assert not work.exists()


def test_the_tables_are_those_of_an_undisturbed_run(spark: SparkSession, corrected: Prepared, chain: Chain) -> None:
    chain.reach(None)
    wanted = corrected.contents_after("indicators", *same_tables.LAYERS)
    assert wanted["gold.indicator_history"][0] > wanted["gold.indicators"][0]
    assert same_tables.contents(spark, chain.root, *same_tables.LAYERS) == wanted

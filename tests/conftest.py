"""What all tests share: the repository's folders, one Spark session, and the real sample where it is there."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prepared import Prepared
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "long": "the longer proofs",
    "faults": "the tests that inject faults, and those on a cluster",
    "story": "the longest proofs: known coefficients, three nights, three years month by month, a death after every commit",
}
SHARED_DATA = ROOT.parent / "shared" / "data"
MADE_ONCE = ("sample_run", "golden", "undisturbed")
"""Runs that the tests of several files look at: all of these go to one worker, and begin first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, what in KINDS.items():
        parser.addoption(f"--{name}", action="store_true", help=f"run {what} too")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [name for name in KINDS if not config.getoption(f"--{name}")]
    chosen = [item for item in items if not any(item.get_closest_marker(name) for name in left_out)]
    for item in chosen:
        # Of a test that uses none of these, the tests of its file stay together, for they share what they look at.
        item.add_marker(pytest.mark.xdist_group(_made_once(item) or item.path.name))
    items[:] = sorted(chosen, key=lambda item: _made_once(item) is None)


def _made_once(item: pytest.Item) -> str | None:
    """The run of MADE_ONCE that a test looks at. Those that inject faults are dear themselves: each file makes its own."""
    if item.get_closest_marker("faults"):
        return None
    return next((name for name in MADE_ONCE if name in getattr(item, "fixturenames", ())), None)


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real admissions and the figures of the independent implementation; skipped where they are absent."""
    if not (SHARED_DATA / "sih_rs_2019.csv.gz").is_file():
        pytest.skip("the real sample is not there (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for a whole process, as suits few rows."""
    from generated_code import FEW_ROWS, set_all

    from lbz_indicators.config import load_settings
    from lbz_indicators.session import start_session

    os.environ["TZ"] = "UTC"
    overrides = ["spark.master=local[2]", "spark.memory=4g"]
    with pytest.MonkeyPatch.context() as patched:
        # Two cores are Java's compiler's for the most part: the collector that takes least of them.
        patched.setenv("JDK_JAVA_OPTIONS", "-XX:+UseParallelGC")
        with _one_after_the_other():
            session = start_session(load_settings(None, overrides), str(tmp_path_factory.mktemp("log") / "spark.log"))
    set_all(session, FEW_ROWS)
    yield session
    session.stop()


@contextmanager
def _one_after_the_other() -> Iterator[None]:
    """The first session of a machine fetches the Delta jar; two workers at once would write the same files."""
    with (Path(tempfile.gettempdir()) / "lbz-tests-first-session").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A finished run on a small delivery, with the tables as each of its steps found them."""
    import prepared

    folder = tmp_path_factory.mktemp("undisturbed")
    return prepared.run_undisturbed(spark, prepared.write_delivery(folder / "delivery"), folder)


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the two rows of gold.runs that every failure writes, and the lease: they take longer than all the rest."""
    from lbz_indicators.io import Lease
    from lbz_indicators.steps import run

    monkeypatch.setattr(run.Run, "record", lambda *_: None)
    for name in ("take", "release"):
        monkeypatch.setattr(Lease, name, lambda *_: None)

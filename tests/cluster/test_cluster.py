"""The jobs on a standalone cluster of two workers: the tables of local mode, digit for digit, also when a worker is lost.

Master and workers run in New Zealand's time zone, the driver in New York's, the undisturbed run in UTC. Under spark-submit the
driver's Java has its zone from the machine: no figure may depend on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parent))

import prepared
import same_tables
from prepared import Prepared
from submitting import Submission, build_package, two_flags

from lbz_indicators.progress import SILENT
from lbz_indicators.steps.run import run_steps
from standalone import Cluster, standalone_cluster

pytestmark = pytest.mark.faults

MEMORY = "1g"
SECONDS = 900


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    environ = {"TZ": "Pacific/Auckland", **prepared.QUICK_JAVA}
    with standalone_cluster(2, MEMORY, tmp_path_factory.mktemp("cluster"), environ) as started:
        yield started


@pytest.fixture(scope="module")
def submission(repository: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Submission:
    package = build_package(repository, tmp_path_factory.mktemp("dist"))
    environ = {"TZ": "America/New_York", "SPARK_LOCAL_IP": "127.0.0.1", **prepared.QUICK_JAVA}
    flags = ["--master", cluster.address, *two_flags(MEMORY)]
    return Submission(repository, package, tmp_path_factory.mktemp("cwd"), flags, environ)


def _arguments(root: Path) -> list[str]:
    quick = ["--set", f"spark.memory={MEMORY}", "--set", "spark.shuffle_partitions=4"]
    return ["--output", str(root), *prepared.ARGUMENTS, *quick]


def test_the_tables_are_those_of_local_mode(
    spark: SparkSession, undisturbed: Prepared, cluster: Cluster, submission: Submission, tmp_path: Path
) -> None:
    root = tmp_path / "tables"
    done = submission.run("run_all", ["--input", str(undisturbed.delivery), *_arguments(root)])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "the hospitals together" in done.stdout
    assert [cluster.executors(name) for name in ("worker-0", "worker-1")] == [1, 1]
    wanted = undisturbed.contents_after("indicators", *same_tables.LAYERS)
    assert len(wanted) > 25 and wanted["gold.indicators"][0] > 100
    assert same_tables.contents(spark, root, *same_tables.LAYERS) == wanted


def _written(table: Path) -> Callable[[], bool]:
    """Whether a table has a file that it had not when this was called."""
    before = set(table.rglob("*.parquet"))
    return lambda: bool(set(table.rglob("*.parquet")) - before)


def _said(output: Path, text: str) -> Callable[[], bool]:
    return lambda: text in output.read_text(errors="replace")


def _kill_worker_when(under_way: Callable[[], bool], cluster: Cluster, process: subprocess.Popen[bytes], output: Path) -> int:
    """Exit status of the job whose worker was lost at that moment; the master has a new worker afterwards."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and not under_way() and time.monotonic() < end:
        time.sleep(0.01)
    assert process.poll() is None, f"it ended before the worker could be killed:\n{output.read_text()[-2000:]}"
    lost = max(cluster.processes, key=cluster.executors)
    assert cluster.executors(lost) > 0
    cluster.kill_worker(lost)
    try:
        return process.wait(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        cluster.start_worker(f"{lost}-again")


@pytest.mark.parametrize(
    ("step", "moment"), [("fit", "to fit, "), ("score", "gold/expected")], ids=["during the fit", "during a write"]
)
def test_a_worker_is_lost(
    spark: SparkSession,
    undisturbed: Prepared,
    cluster: Cluster,
    submission: Submission,
    tmp_path: Path,
    step: str,
    moment: str,
) -> None:
    """The run completes on the other worker, or ends with one message; run again, the tables are those of the undisturbed run."""
    root, output = undisturbed.copy(step, tmp_path / "tables"), tmp_path / "said"
    under_way = _written(root / moment) if "/" in moment else _said(output, moment)
    process = submission.start(step, _arguments(root), output)
    status = _kill_worker_when(under_way, cluster, process, output)
    said = output.read_text()
    print(f"a worker lost in {step}: exit status {status}")
    assert status in (0, 5), said[-3000:]
    assert said.count("error:") == (status != 0) and "Traceback" not in said, said[-3000:]
    run_steps(spark, prepared.settings(undisturbed.delivery, root), [step], SILENT)
    assert same_tables.contents(spark, root, "gold") == undisturbed.contents_after(step, "gold")

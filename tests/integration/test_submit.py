"""spark-submit with the packaged zip, as on a cluster: the same tables as the command, and what it says without its flags."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from lbz_indicators import environment, steps
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.run import run_steps
from sample import assert_equal_to_independent, comparable, current_figures, sample_settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def package(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of `make package`, built from the repository as it is."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(repository)]
    subprocess.run(command, check=True, timeout=300)
    wheel = next(folder.glob("*.whl"))
    return wheel.rename(folder / "lbz_indicators.zip")


def submit(
    repository: Path, package: Path, flags: list[str], arguments: list[str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Runs jobs/run_all.py in a folder of its own, in an environment where the package is only in the zip."""
    program = Path(sys.executable).parent / "spark-submit"
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYSPARK_GATEWAY", "PYTHONPATH"))}
    environ |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    command = [str(program), *flags, "--py-files", str(package), str(repository / "jobs" / "run_all.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=1200, check=False)


def test_without_its_flags_it_says_what_is_missing(repository: Path, package: Path, shared_data: Path, tmp_path: Path) -> None:
    arguments = [
        "--config",
        str(repository / "conf" / "sample.yml"),
        "--input",
        str(shared_data),
        "--output",
        str(tmp_path / "t"),
    ]
    done = submit(repository, package, [], arguments, tmp_path)
    assert done.returncode == 2
    # spark-submit sends what the Python program says to standard output, errors too.
    message = done.stdout[done.stdout.index("error:") :]
    assert "Delta jar" in message and "--driver-memory 8g" in message
    assert "Traceback" not in done.stdout + done.stderr and not (tmp_path / "t" / "bronze").exists()


def test_it_gives_the_same_tables_as_the_command(
    repository: Path, package: Path, shared_data: Path, tmp_path: Path, spark: SparkSession
) -> None:
    flags = ["--packages", environment.DELTA_PACKAGE, "--driver-memory", "3g"]
    arguments = ["--config", str(repository / "conf" / "sample.yml"), "--input", str(shared_data)]
    arguments += ["--output", str(tmp_path / "submitted"), "--set", "spark.memory=3g"]
    done = submit(repository, package, flags, arguments, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "the hospitals together" in done.stdout

    settings = sample_settings(shared_data, tmp_path / "command")
    run_steps(spark, settings, list(steps.STEPS), SILENT)
    submitted = current_figures(Store(spark, sample_settings(shared_data, tmp_path / "submitted").storage))
    assert_equal_to_independent(submitted, shared_data)
    commanded = current_figures(Store(spark, settings.storage))
    pd.testing.assert_frame_equal(comparable(submitted), comparable(commanded), check_exact=True)

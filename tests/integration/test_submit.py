"""spark-submit with the packaged zip, as on a cluster: the same tables as the command, and what it says without its flags."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from submitting import Submission, build_package, two_flags

from lbz_indicators.io import Store
from sample import SampleRun, assert_equal_to_independent, comparable, current_figures, every_figure, sample_settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def package(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(repository, tmp_path_factory.mktemp("dist"))


def test_without_its_flags_it_says_what_is_missing(repository: Path, package: Path, shared_data: Path, tmp_path: Path) -> None:
    arguments = [
        "--config",
        str(repository / "conf" / "sample.yml"),
        "--input",
        str(shared_data),
        "--output",
        str(tmp_path / "t"),
    ]
    done = Submission(repository, package, tmp_path).run("run_all", arguments)
    assert done.returncode == 2
    # spark-submit sends what the Python program says to standard output, errors too.
    message = done.stdout[done.stdout.index("error:") :]
    assert "Delta jar" in message and "--driver-memory 8g" in message
    assert "Traceback" not in done.stdout + done.stderr and not (tmp_path / "t" / "bronze").exists()


def test_it_gives_the_same_figures_as_the_command(
    repository: Path, package: Path, shared_data: Path, tmp_path: Path, sample_run: SampleRun
) -> None:
    """The command's run cut the delivery in other partitions and verified by the other engine, which changes no figure."""
    arguments = ["--config", str(repository / "conf" / "sample.yml"), "--input", str(shared_data)]
    arguments += ["--output", str(tmp_path / "submitted"), "--set", "spark.memory=3g"]
    done = Submission(repository, package, tmp_path, two_flags("3g")).run("run_all", arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "the hospitals together" in done.stdout

    store = Store(sample_run.spark, sample_settings(shared_data, tmp_path / "submitted").storage)
    submitted = every_figure(store)
    assert_equal_to_independent(current_figures(store), shared_data)
    commanded = every_figure(sample_run.store)
    commanded = commanded[commanded.model_version.isin(submitted.model_version)]  # other tests add versions
    pd.testing.assert_frame_equal(comparable(submitted), comparable(commanded), check_exact=True)

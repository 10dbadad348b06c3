"""A disk that fills up while a table, the work files of a fit or the log is written: one message, status 5, nothing half done.

The tables lie on a small file system in memory, of which the test takes the free space away when the write begins. When there is
room again the same command finishes, and the tables are those of a run that nothing disturbed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import prepared
import pytest
import same_tables
from messages import assert_one_message, exit_status
from prepared import Prepared
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.io.work import WorkFolder
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.run import run_steps
from lbz_indicators.tables import Table

pytestmark = pytest.mark.faults

STORAGE = 5
PAGE = 4096


@dataclass(frozen=True)
class Disk:
    """A file system of its own."""

    path: Path

    def fill(self, pages_left: int) -> None:
        """Takes all space but some pages of 4 KiB."""
        free = os.statvfs(self.path)
        with (self.path / "ballast").open("wb") as ballast:
            ballast.write(bytes(max(0, free.f_bavail * free.f_frsize - pages_left * PAGE)))

    def make_room(self) -> None:
        (self.path / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"a small file system cannot be mounted, so a full disk cannot be tested (root is needed): {done.stderr}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


FIRST, CORRECTION = "undisturbed", "corrected"
FAULTS: dict[str, tuple[str, str, Table | None, int]] = {
    "bronze": (CORRECTION, "ingest", tables.BRONZE_ADMISSIONS, 2),
    "silver": (CORRECTION, "validate", tables.SILVER_ADMISSIONS, 2),
    "silver, the first write of a table": (FIRST, "validate", tables.SILVER_QUALITY, 0),
    "gold": (CORRECTION, "score", tables.GOLD_EXPECTED, 4),
    "work files of the fit": (FIRST, "fit", None, 1),
}
"""The run, the step of it, the table (None: work files) and the pages that are left when it is written."""
UNDER_WAY = {str(tables.SILVER_VALIDATION), str(tables.SILVER_DERIVATION)}
"""Tables of one row that says whether the step that writes them has come to its end."""
LAYERS_OF = {"ingest": ("bronze",), "validate": ("silver",), "fit": ("gold",), "score": ("gold",)}


def _fill_when_written(patch: pytest.MonkeyPatch, disk: Disk, target: Table | None, pages_left: int) -> None:
    def filling(write: Any) -> Any:
        def fill_and_write(store: Any, table: Any, *arguments: Any, **more: Any) -> Any:
            if table == target or target is None:
                disk.fill(pages_left)
            return write(store, table, *arguments, **more)

        return fill_and_write

    for kind, name in ((WorkFolder, "write"),) if target is None else ((Store, "append"), (Store, "replace")):
        patch.setattr(kind, name, filling(getattr(kind, name)))


def _arguments(step: str, delivery: Path, root: Path) -> list[str]:
    quick = ["--set", "spark.shuffle_partitions=2", "--set", "spark.memory=512m"]
    return [step, "--input", str(delivery), "--output", str(root), *prepared.ARGUMENTS, *quick]


@pytest.mark.parametrize("case", FAULTS)
def test_the_disk_fills_up(
    spark: SparkSession, request: pytest.FixtureRequest, disk: Disk, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    run, step, target, pages_left = FAULTS[case]
    prepared_run: Prepared = request.getfixturevalue(run)
    layers = LAYERS_OF[step]
    root = prepared_run.copy(step, disk.path / "tables")
    with pytest.MonkeyPatch.context() as patch:
        _fill_when_written(patch, disk, target, pages_left)
        status = exit_status(*_arguments(step, prepared_run.delivery, root))
    printed = "".join(capfd.readouterr())
    assert status == STORAGE, printed
    assert_one_message(printed, [str(target or "work files of the fit"), "space"])
    before, wanted = prepared_run.contents_before(step, *layers), prepared_run.contents_after(step, *layers)
    after = same_tables.contents(spark, root, *layers)
    # Whole tables only: each is as it was, or as the step leaves it; the one that met the full disk is as it was.
    assert before.keys() <= after.keys()
    mixed = [table for table, found in after.items() if found not in (before.get(table), wanted[table])]
    assert set(mixed) <= UNDER_WAY
    assert target is None or after.get(str(target)) == before.get(str(target))

    disk.make_room()
    shutil.rmtree(root / "gold" / "lease", ignore_errors=True)  # this process lives on, and so would the lease of its run
    run_steps(spark, prepared.settings(prepared_run.delivery, root), [step], SILENT)
    assert same_tables.contents(spark, root, *layers) == wanted


def test_the_log_cannot_be_written(undisturbed: Prepared, disk: Disk) -> None:
    """The command itself, on a disk without a free byte from the beginning."""
    root = undisturbed.copy("validate", disk.path / "tables")
    disk.fill(0)
    command = [str(Path(sys.executable).parent / "lbz-indicators"), *_arguments("validate", undisturbed.delivery, root)]
    command += ["--set", "spark.master=local[2]"]
    done = subprocess.run(command, env=os.environ | prepared.QUICK_JAVA, capture_output=True, text=True, check=False)
    assert done.returncode == STORAGE, done.stdout + done.stderr
    assert_one_message(done.stdout + done.stderr, ["space"])

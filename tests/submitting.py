"""spark-submit of a job with the packaged zip, as a user gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lbz_indicators import environment


def build_package(repository: Path, folder: Path) -> Path:
    """The zip of `make package`, built from the repository as it is."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(repository)]
    subprocess.run(command, check=True, timeout=300)
    wheel = next(folder.glob("*.whl"))
    return wheel.rename(folder / "lbz_indicators.zip")


def two_flags(memory: str) -> list[str]:
    """The flags that every spark-submit needs: the Delta jar and the driver's memory."""
    return ["--packages", environment.DELTA_PACKAGE, "--driver-memory", memory]


@dataclass(frozen=True)
class Submission:
    """A job of `jobs/` with its flags for spark-submit and its arguments, run in a folder of its own."""

    repository: Path
    package: Path
    cwd: Path
    flags: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    def command(self, job: str, arguments: Sequence[str]) -> list[str]:
        """The command line."""
        program = Path(sys.executable).parent / "spark-submit"
        return [
            str(program), *self.flags, "--py-files", str(self.package), str(self.repository / "jobs" / f"{job}.py"), *arguments
        ]  # fmt: skip

    def variables(self) -> dict[str, str]:
        """The environment: the interpreter of this test on driver and executors, and the package only in the zip."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYSPARK_GATEWAY", "PYTHONPATH", "TZ"))}
        return kept | {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, **self.environ}

    def run(self, job: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs to its end."""
        command = self.command(job, arguments)
        return subprocess.run(
            command, cwd=self.cwd, env=self.variables(), capture_output=True, text=True, timeout=1200, check=False
        )

    def start(self, job: str, arguments: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        """Starts, with all that it says in `output`."""
        with output.open("wb") as said:
            return subprocess.Popen(
                self.command(job, arguments), cwd=self.cwd, env=self.variables(), stdout=said, stderr=said, start_new_session=True
            )

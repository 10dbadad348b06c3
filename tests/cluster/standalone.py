"""A standalone Spark cluster on this machine: one master and its workers on loopback, one core each, from Spark's own installation.

Every process is started in a session of its own and stopped with it, and ends with the process that started it (Linux), so
that nothing is left behind, whatever happens to a test.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 120
STOP_SECONDS = 30
_DEPLOY = "org.apache.spark.deploy"
_PR_SET_PDEATHSIG = 1


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Cluster:
    """A running cluster. `memory`: of each worker, such as 1g; `environ`: what its processes have beside this one's."""

    scratch: Path
    memory: str
    environ: Mapping[str, str]
    port: int = field(default_factory=_free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The master's address."""
        return f"spark://{HOST}:{self.port}"

    def start_master(self) -> None:
        """Starts the master and waits for its answer."""
        self._start("master", "master.Master", "--host", HOST, "--port", str(self.port))
        self._wait_for("master", lambda: _answers(self.port))

    def start_worker(self, name: str) -> None:
        """Starts a worker of one core and waits until the master knows it."""
        folder = str(self.scratch / name)
        arguments = ("--host", HOST, "--cores", "1", "--memory", self.memory, "--work-dir", folder)
        self._start(name, "worker.Worker", *arguments, self.address)
        self._wait_for(name, lambda: "Successfully registered" in self._log(name).read_text(errors="replace"))

    def kill_worker(self, name: str) -> None:
        """Kills a worker and its executors, as when its machine is lost."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def executors(self, name: str) -> int:
        """Executors that a worker has started so far."""
        return len(list((self.scratch / name).glob("app-*/*/stderr")))

    def stop(self) -> None:
        """Stops every process that was started, workers first."""
        started = list(reversed(self.processes.values()))
        for process in started:
            _signal(process, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, end - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()

    def _log(self, name: str) -> Path:
        return self.scratch / f"{name}.log"

    def _start(self, name: str, program: str, *arguments: str) -> None:
        import pyspark

        command = [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), f"{_DEPLOY}.{program}", *arguments]
        places = {"SPARK_LOCAL_IP": HOST, "SPARK_LOCAL_DIRS": str(self.scratch / "local"), "SPARK_DAEMON_MEMORY": "512m"}
        with self._log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*command, "--webui-port", "0"],
                stdout=log,
                stderr=log,
                env={**os.environ, **places, **self.environ},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.processes[name].poll() is None:
            if ready():
                return
            time.sleep(0.2)
        raise RuntimeError(f"the {name} did not start:\n{self._log(name).read_text(errors='replace')[-2000:]}")


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((HOST, port)) == 0


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """To the process and all it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def standalone_cluster(workers: int, memory: str, scratch: Path, environ: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A master and workers `worker-0`, `worker-1` ...; `scratch` takes their logs and files."""
    cluster = Cluster(scratch, memory, {"PYSPARK_PYTHON": sys.executable, **(environ or {})})
    try:
        cluster.start_master()
        for number in range(workers):
            cluster.start_worker(f"worker-{number}")
        yield cluster
    finally:
        cluster.stop()

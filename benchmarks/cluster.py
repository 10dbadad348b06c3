"""The whole job on a standalone cluster of one and of two workers on this machine, one core each: seconds per step.

python benchmarks/cluster.py --delivery FOLDER --years 2019-2022 --name cluster
The driver is the command itself; nothing differs between the two runs but the number of workers. Afterwards the figures
that `show hsmr --csv` prints must be the same text. Results go to benchmarks/results/<name>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent
COMMAND = str(Path(sys.executable).parent / "lbz-indicators")
HOST = "127.0.0.1"
START_SECONDS = 60


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as caller:
            if caller.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.5)
    raise RuntimeError(f"no master answers on port {port}")


@contextmanager
def cluster(workers: int, memory: str, scratch: Path) -> Iterator[str]:
    """A master and its workers on loopback, from Spark's own installation; the master's address."""
    import pyspark

    spark_class = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    port, environ = _free_port(), os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": HOST}
    address = f"spark://{HOST}:{port}"
    deploy = "org.apache.spark.deploy"
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> None:
        with (scratch / f"{name}.log").open("wb") as log:
            command = [spark_class, *arguments]
            started.append(subprocess.Popen(command, stdout=log, stderr=log, env=environ))

    try:
        start("master", f"{deploy}.master.Master", "--host", HOST, "--port", str(port), "--webui-port", "0")
        _wait_for(port)
        for number in range(workers):
            folder = str(scratch / f"worker-{number}")
            start(f"worker-{number}", f"{deploy}.worker.Worker", "--host", HOST, "--cores", "1", "--memory", memory,
                  "--webui-port", "0", "--work-dir", folder, address)  # fmt: skip
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def run_on(address: str, arguments: argparse.Namespace, tables: Path) -> tuple[dict[str, float], str]:
    """(seconds per step, the HSMRs as text) of a run on that master."""
    common = ["--output", str(tables), "--years", arguments.years, "--set", f"spark.memory={arguments.memory}"]
    run = [COMMAND, "run", "--input", arguments.delivery, *common, "--set", f"spark.master={address}"]
    run += ["--delivered-until", f"{arguments.years[-4:]}-12-31"]
    done = subprocess.run([*run, "--set", "spark.shuffle_partitions=8"], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(said[-3000:])
    steps = {name: float(seconds) for name, seconds in re.findall(r"\] (\w+): done in ([\d.]+) s", said)}
    shown = subprocess.run([COMMAND, "show", "hsmr", "--csv", *common], capture_output=True, text=True, check=True).stdout
    return steps, shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delivery", required=True)
    parser.add_argument("--years", default="2019-2022")
    parser.add_argument("--name", default="cluster")
    parser.add_argument("--memory", default="4g", help="of the driver and of every executor")
    arguments = parser.parse_args()
    found: dict[int, dict[str, float]] = {}
    texts = set()
    for workers in (1, 2):
        scratch = Path(tempfile.mkdtemp(prefix="lbz-cluster-"))
        try:
            with cluster(workers, "5g", scratch) as address:
                found[workers], text = run_on(address, arguments, scratch / "tables")
            texts.add(text)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    assert len(texts) == 1, "the figures of one worker and of two differ"
    ratios = {step: round(found[1][step] / found[2][step], 2) for step in found[1]}
    result = {"machine": measure.machine(), "seconds": found, "one worker : two": ratios, "same figures": True}
    (HERE / "results" / f"{arguments.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

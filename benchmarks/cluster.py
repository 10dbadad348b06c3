"""The whole job on a standalone cluster of one and of two workers on this machine, one core each: seconds per step.

python benchmarks/cluster.py --delivery FOLDER --years 2019-2022 --name cluster
The driver is the command itself; nothing differs between the two runs but the number of workers. Afterwards the figures
that `show hsmr --csv` prints must be the same text. Results go to benchmarks/results/<name>.json.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "cluster"))

import measure  # noqa: E402

from standalone import standalone_cluster  # noqa: E402

COMMAND = str(Path(sys.executable).parent / "lbz-indicators")


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
    parser.add_argument("--worker-memory", default="5g", help="of a worker, for its executor")
    arguments = parser.parse_args()
    found: dict[int, dict[str, float]] = {}
    texts = set()
    for workers in (1, 2):
        scratch = Path(tempfile.mkdtemp(prefix="lbz-cluster-"))
        try:
            with standalone_cluster(workers, arguments.worker_memory, scratch) as cluster:
                found[workers], text = run_on(cluster.address, arguments, scratch / "tables")
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

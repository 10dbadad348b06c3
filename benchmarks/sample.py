"""Time, memory and Spark jobs of every step on the real sample, and the fit by both engines in the same session.

python benchmarks/sample.py --input FOLDER; results go to benchmarks/results/sample.json and, as a table, to the screen.
Figures of one machine on one day: read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def spark_jobs(folder: Path) -> list[tuple[float, float, int, int]]:
    """(start, end, tasks, bytes shuffled) of every Spark job, seconds since the epoch."""
    jobs: dict[int, dict[str, Any]] = {}
    stages: dict[int, int] = {}
    for line in (line for file in sorted(folder.iterdir()) for line in file.open()):
        event = json.loads(line)
        if event["Event"] == "SparkListenerJobStart":
            info = event["Stage Infos"]
            jobs[event["Job ID"]] = {"start": event["Submission Time"], "tasks": sum(s["Number of Tasks"] for s in info)}
            stages |= {s["Stage ID"]: event["Job ID"] for s in info}
        elif event["Event"] == "SparkListenerJobEnd":
            jobs[event["Job ID"]]["end"] = event["Completion Time"]
        elif event["Event"] == "SparkListenerTaskEnd":
            written = (event.get("Task Metrics") or {}).get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
            job = jobs.get(stages.get(event["Stage ID"], -1))
            if job is not None:
                job["shuffled"] = job.get("shuffled", 0) + written
    return [(j["start"] / 1000, j.get("end", j["start"]) / 1000, j["tasks"], j.get("shuffled", 0)) for j in jobs.values()]


def peak_memory_mib() -> dict[str, float]:
    """Peak resident memory of this process and of Spark's Java process, MiB (Linux)."""
    peaks: dict[str, float] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        peak = int(fields.get("VmHWM", "0 kB").split()[0]) / 1024
        if fields["Pid"].strip() == str(os.getpid()):
            peaks["python"] = peak
        elif fields["Name"].strip() == "java" and int(fields["PPid"]) == os.getpid():
            peaks["java"] = peak
    return peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", required=True)
    parser.add_argument("--memory", default="4g")
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lbz-bench-"))
    events = scratch / "events"
    events.mkdir()
    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir=file:{events} "
        "--conf spark.eventLog.rolling.enabled=false --conf spark.eventLog.compress=false pyspark-shell"
    )
    from lbz_indicators import __version__
    from lbz_indicators.config import load_settings
    from lbz_indicators.io import Store
    from lbz_indicators.progress import SILENT
    from lbz_indicators.session import start_session
    from lbz_indicators.steps import STEPS

    base = [f"delivery.input={arguments.input}", f"storage.root={scratch / 'tables'}", f"spark.memory={arguments.memory}"]
    config = str(HERE.parent / "conf" / "sample.yml")
    settings = load_settings(config, base)
    other = load_settings(config, [*base, "models.engine=glum"])
    marks = [("start of the session", time.time())]
    spark = start_session(settings, str(scratch / "spark.log"))
    todo = [(name, name, settings) for name in STEPS]
    todo += [(f"{name}, same delivery again", name, settings) for name in STEPS]
    pairs = [(n, engine) for n in (51, 52) for engine in ("mllib", "glum")]
    again = [load_settings(config, [*base, f"models.minimum_class_admissions={n}", f"models.engine={e}"]) for n, e in pairs]
    todo += [("fit, glum", "fit", other), *[(f"fit warm, {s.models.engine}", "fit", s) for s in again]]
    messages = []
    for label, name, chosen in todo:
        marks.append((label, time.time()))
        store = Store(spark, chosen.storage)
        messages.append(STEPS[name](store, chosen, SILENT, "benchmark").message)
        store.release()
    end = time.time()
    memory = peak_memory_mib()
    spark.stop()
    jobs = spark_jobs(events)
    bounds = [*[at for _, at in marks[1:]], end]
    rows = []
    for (label, start), stop in zip(marks, bounds, strict=True):
        inside = [job for job in jobs if start <= job[0] < stop]
        rows.append(
            {
                "step": label,
                "seconds": round(stop - start, 1),
                "spark_jobs": len(inside),
                "tasks": sum(job[2] for job in inside),
                "shuffled_mib": round(sum(job[3] for job in inside) / 1024**2, 2),
            }
        )
    result = {
        "program": __version__,
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "packages": {name: metadata.version(name) for name in ("pyspark", "delta-spark", "glum", "numpy", "pandas")},
        "spark_memory": arguments.memory,
        "peak_memory_mib": {name: round(value) for name, value in memory.items()},
        "rows": rows,
        "messages": messages,
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "sample.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{'step':40} {'seconds':>8} {'jobs':>6} {'tasks':>6} {'MiB shuffled':>13}")
    for row in rows:
        print(f"{row['step']:40} {row['seconds']:8.1f} {row['spark_jobs']:6d} {row['tasks']:6d} {row['shuffled_mib']:13.2f}")
    print("peak memory, MiB:", result["peak_memory_mib"])
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()

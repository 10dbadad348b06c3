"""What the benchmarks share: Spark's event log, peak memory, the machine, and a clock for steps."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("pyspark", "delta-spark", "glum", "numpy", "scipy", "pandas", "pyarrow", "statsmodels")


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    """What Spark wrote to its event log, in order."""
    for file in sorted(folder.iterdir()):
        with file.open() as lines:
            yield from map(json.loads, lines)


def spark_jobs(folder: Path) -> list[tuple[float, float, int, int]]:
    """(start, end, tasks, bytes shuffled) of every Spark job, seconds since the epoch."""
    jobs: dict[int, dict[str, Any]] = {}
    stages: dict[int, int] = {}
    for event in _events(folder):
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


@dataclass(frozen=True)
class Stage:
    """Seconds of the tasks of one Spark stage, and when it began (seconds since the epoch)."""

    start: float
    name: str
    tasks: tuple[float, ...]

    @property
    def skew(self) -> float:
        """The longest task beside the median one."""
        return max(self.tasks) / statistics.median(self.tasks)


MINIMUM_TASKS, MINIMUM_SECONDS = 4, 5.0
"""Skew is judged in stages with as many tasks, and as many seconds of all tasks together: in smaller ones it costs nothing."""


def spark_stages(folder: Path) -> list[Stage]:
    """Every stage that skew is judged in."""
    named: dict[int, tuple[float, str]] = {}
    tasks: dict[int, list[float]] = {}
    for event in _events(folder):
        if event["Event"] == "SparkListenerStageCompleted":
            info = event["Stage Info"]
            named[info["Stage ID"]] = (info["Submission Time"] / 1000, info["Stage Name"])
        elif event["Event"] == "SparkListenerTaskEnd":
            info = event["Task Info"]
            tasks.setdefault(event["Stage ID"], []).append((info["Finish Time"] - info["Launch Time"]) / 1000)
    stages = [Stage(*named[number], tuple(seconds)) for number, seconds in tasks.items() if number in named]
    return [s for s in stages if len(s.tasks) >= MINIMUM_TASKS and sum(s.tasks) >= MINIMUM_SECONDS]


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


def use_event_log(folder: Path) -> None:
    """Makes the next embedded Spark session write its events there; call before the session starts."""
    folder.mkdir(parents=True)
    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir=file:{folder} "
        "--conf spark.eventLog.rolling.enabled=false --conf spark.eventLog.compress=false pyspark-shell"
    )


def machine() -> dict[str, Any]:
    """Cores, system, Python and package versions: what a figure was measured with."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "cpus": os.cpu_count(),
        "cpu": model,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


@dataclass
class Clock:
    """Seconds of named spans, in order; their Spark jobs and peak memory are added from the event log afterwards."""

    spans: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def span(self, name: str) -> Iterator[dict[str, Any]]:
        """Times what runs inside; the yielded dictionary takes further figures."""
        record: dict[str, Any] = {"step": name, "start": time.time()}
        yield record
        record["end"] = time.time()
        record["seconds"] = round(record["end"] - record["start"], 1)
        record["peak_memory_mib"] = {kind: round(value) for kind, value in peak_memory_mib().items()}
        self.spans.append(record)
        print(f"{name:44} {record['seconds']:8.1f} s", flush=True)

    def rows(self, jobs: Sequence[tuple[float, float, int, int]], stages: Sequence[Stage] = ()) -> list[dict[str, Any]]:
        """The spans with the count of Spark jobs, tasks and bytes shuffled of each, and the most skewed of its stages."""
        done = []
        for span in self.spans:
            inside = [job for job in jobs if span["start"] <= job[0] < span["end"]]
            figures = {
                "spark_jobs": len(inside),
                "tasks": sum(job[2] for job in inside),
                "shuffled_mib": round(sum(job[3] for job in inside) / 1024**2, 2),
            }
            within = [stage for stage in stages if span["start"] <= stage.start < span["end"]]
            if within:
                worst = max(within, key=lambda stage: stage.skew)
                longest = {"tasks": len(worst.tasks), "seconds": round(max(worst.tasks), 2), "of_median": round(worst.skew, 2)}
                figures["most_skewed_stage"] = longest
            done.append({k: v for k, v in span.items() if k not in {"start", "end"}} | figures)
        return done


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'step':44} {'seconds':>8} {'jobs':>6} {'tasks':>7} {'MiB shuffled':>13} {'java MiB':>9}"]
    lines += [
        f"{row['step']:44} {row['seconds']:8.1f} {row['spark_jobs']:6d} {row['tasks']:7d} {row['shuffled_mib']:13.2f} "
        f"{row['peak_memory_mib'].get('java', 0):9d}"
        for row in rows
    ]
    return "\n".join(lines)

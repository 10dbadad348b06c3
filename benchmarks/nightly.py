"""A night of few changed admissions in a whole nation, beside the whole run on the same session.

python benchmarks/nightly.py --delivery FOLDER --years 2019-2022 --name night-six-million [--share 0.005]
The delivery is one that `lbz-indicators generate --format parquet` wrote. First the whole run; then hospital-months of the
reporting year that hold the share of all records are delivered again, every admission in them a year older, one in ten
acute where it was planned; then the night, step by step. With --tables the whole run is that of another day. Results go to
benchmarks/results/<name>.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import Any

import measure

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delivery", required=True)
    parser.add_argument("--years", default="2019-2022")
    parser.add_argument("--name", required=True)
    parser.add_argument("--share", type=float, default=0.005)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="8g")
    parser.add_argument("--scratch", default=None, help="folder for tables and work files")
    parser.add_argument("--tables", default=None, help="tables of a whole run, to be made where they are not there, and kept")
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lbz-bench-", dir=arguments.scratch))
    try:
        result = measure_night(arguments, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    (HERE / "results" / f"{arguments.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(measure.table(result["rows"]))
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))


def measure_night(arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    measure.use_event_log(scratch / "events")
    from lbz_indicators import __version__
    from lbz_indicators.config import load_settings
    from lbz_indicators.progress import Progress
    from lbz_indicators.session import start_session
    from lbz_indicators.steps import STEPS
    from lbz_indicators.steps.nightly import Night, of_a_night
    from lbz_indicators.steps.run import run_steps

    clock = measure.Clock()

    def settings(folder: Path | str) -> Any:
        options = [f"spark.master={arguments.master}", f"spark.memory={arguments.memory}", f"period.years={arguments.years}"]
        options += [f"readmission.delivered_until={arguments.years[-4:]}-12-31", f"delivery.input={folder}"]
        return load_settings(None, [*options, f"storage.root={scratch / 'tables'}"])

    class Timed(Progress):
        """A span of the clock for each step."""

        def __init__(self, label: str) -> None:
            super().__init__()
            self.label, self.said = label, [""]

        def step(self, name: str, number: int, total: int) -> Any:
            return clock.span(f"{self.label}: {name}")

        def say(self, text: str) -> None:
            self.said.append(text.replace(str(scratch), "SCRATCH"))

    with clock.span("start of the session"):
        spark = start_session(settings(arguments.delivery), str(scratch / "spark.log"))
    if not arguments.tables or not Path(arguments.tables).exists():
        run_steps(spark, settings(arguments.delivery), list(STEPS), Timed("whole run"))
        if arguments.tables:
            shutil.copytree(scratch / "tables", arguments.tables)
    else:
        shutil.copytree(arguments.tables, scratch / "tables")
    correction = scratch / "correction"
    changed, total = correct(spark, Path(arguments.delivery), correction, arguments.share, int(arguments.years[-4:]))
    night, steps = Timed("night"), Night().steps
    with clock.span("the whole night, with its records in gold.runs"):
        run_steps(spark, of_a_night(settings(correction)), list(steps), night, "nightly", steps)
    spark.stop()
    rows = clock.rows(measure.spark_jobs(scratch / "events"), measure.spark_stages(scratch / "events"))
    result = {"program": __version__, "machine": measure.machine(), "master": arguments.master, "spark_memory": arguments.memory}
    return result | {"records": total, "changed_records": changed, "night_said": night.said, "rows": rows}


def correct(spark: Any, delivery: Path, folder: Path, share: float, year: int) -> tuple[int, int]:
    """Writes the correction; (records in it, records delivered first)."""
    from pyspark.sql import functions as F

    records = spark.read.parquet(str(delivery / "admissions"))
    total = records.count()
    month = F.substring("discharge_date", 1, 7).alias("month")
    by_month = records.where(F.col("discharge_date").startswith(str(year))).groupBy("hospital_id", month).count()
    chosen, taken = [], 0
    for row in sorted(by_month.collect(), key=lambda row: zlib.crc32(f"{row[0]} {row[1]}".encode())):
        if taken >= share * total:
            break
        chosen.append((row[0], row[1]))
        taken += row[2]
    named = F.broadcast(spark.createDataFrame(chosen, "hospital_id string, month string"))
    corrected = records.withColumn("month", month).join(named, on=["hospital_id", "month"], how="left_semi").drop("month")
    corrected = corrected.select(*records.columns).withColumns(
        {
            "age_years": F.least(F.col("age_years").try_cast("int") + 1, F.lit(120)).cast("string"),
            "urgency": F.when(F.crc32("admission_id") % 10 == 0, F.lit("acute")).otherwise(F.col("urgency")),
        }
    )
    corrected.write.parquet(str(folder / "admissions"))
    keys = spark.read.parquet(str(folder / "admissions")).select("hospital_id", "admission_id")
    diagnoses = spark.read.parquet(str(delivery / "diagnoses"))
    theirs = diagnoses.join(F.broadcast(keys.distinct()), on=["hospital_id", "admission_id"], how="left_semi")
    theirs.select(*diagnoses.columns).write.parquet(str(folder / "diagnoses"))
    shutil.copy(delivery / "hospitals.csv", folder)
    return keys.count(), total


if __name__ == "__main__":
    main()

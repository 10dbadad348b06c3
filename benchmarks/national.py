"""The whole job on a generated nation: time, memory and Spark jobs of every step, and the same fits by peers.

python benchmarks/national.py --delivery FOLDER --years 2019-2022 --name six-million [--peers | --steps-only]
The delivery is one that `lbz-indicators generate` wrote. Results go to benchmarks/results/<name>.json.
Beside the steps, in the same session: what Spark needs merely to read and write the same columns; scoring without
writing; the phases of the fit. Then, without Spark: the fits of R, statsmodels and glum on the identical designs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import peers

HERE = Path(__file__).resolve().parent


class Phases:
    """Seconds spent in named functions of the program, by wrapping them; threads of one function may overlap."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def wrap(self, owner: Any, name: str, label: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.monotonic()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds[label] = self.seconds.get(label, 0.0) + time.monotonic() - start

        setattr(owner, name, timed)

    def take(self) -> dict[str, float]:
        taken = {label: round(value, 1) for label, value in self.seconds.items()}
        self.seconds.clear()
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delivery", required=True)
    parser.add_argument("--years", default="2019-2022")
    parser.add_argument("--name", required=True)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="8g")
    parser.add_argument("--scratch", default=None, help="folder for tables and work files")
    parser.add_argument("--steps-only", action="store_true", help="nothing beside the steps of the job")
    parser.add_argument("--peers", action="store_true", help="R, statsmodels and glum on the same designs")
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lbz-bench-", dir=arguments.scratch))
    try:
        result = measure_nation(arguments, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{arguments.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(measure.table(result["rows"]))
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))


def measure_nation(arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    measure.use_event_log(scratch / "events")
    from lbz_indicators import __version__
    from lbz_indicators.config import load_settings
    from lbz_indicators.io import Store
    from lbz_indicators.models import glum, mllib
    from lbz_indicators.progress import SILENT
    from lbz_indicators.session import start_session
    from lbz_indicators.steps import STEPS, fit, fitting

    options = [f"spark.master={arguments.master}", f"spark.memory={arguments.memory}", f"period.years={arguments.years}"]
    options += [f"readmission.delivered_until={arguments.years[-4:]}-12-31"]
    options += [f"delivery.input={arguments.delivery}", f"storage.root={scratch / 'tables'}"]
    settings = load_settings(None, options)
    glum_settings = load_settings(None, [*options, "models.engine=glum"])
    clock, phases, kept = measure.Clock(), Phases(), peers.Kept()
    phases.wrap(mllib, "_fit_packs", "MLlib fits")
    phases.wrap(glum, "fit_groups", "glum fits, reading included")
    phases.wrap(fitting, "count_classes", "counting classes")
    phases.wrap(fitting.information, "cross_products", "aliased columns")
    phases.wrap(fitting.certify, "certify", "information passes")
    phases.wrap(fitting.Workbench, "_folder", "writing designs")
    phases.wrap(fit, "_rows", "c-statistics and calibration")
    phases.wrap(fit, "_write", "storing the models")
    phases.wrap(fit, "fit_stays", "expected stay, both estimators")
    phases.wrap(fit, "write_stays", "storing the expected stay")
    kept.watch(fitting)
    with clock.span("start of the session"):
        spark = start_session(settings, str(scratch / "spark.log"))

    def step(label: str, name: str, chosen: Any) -> None:
        store = Store(spark, chosen.storage)
        with clock.span(label) as record:
            record["said"] = STEPS[name](store, chosen, SILENT, "benchmark").message.replace(f" from {arguments.delivery}", "")
            record["phases"] = phases.take()
        store.release()

    for name in ("ingest", "validate", "derive"):
        step(name, name, settings)
    step("fit", "fit", settings)
    for name in ("score", "indicators"):
        step(name, name, settings)
    store = Store(spark, settings.storage)
    if not arguments.steps_only:
        reference_copies(store, settings, clock, scratch)
        scoring_alone(store, settings, clock)
    checks = invariants(store)
    if arguments.peers:
        kept.export(scratch / "designs")
    if not arguments.steps_only:
        step("fit, glum engine", "fit", glum_settings)
    spark.stop()
    rows = clock.rows(measure.spark_jobs(scratch / "events"), measure.spark_stages(scratch / "events"))
    result = {"program": __version__, "machine": measure.machine(), "master": arguments.master, "spark_memory": arguments.memory}
    result |= {"admissions": checks.pop("admissions"), "checks": checks, "rows": rows}
    if arguments.peers:
        result["engine_difference"] = kept.engine_difference()
        result["peers"] = peers.run(scratch / "designs", kept)
    return result


def reference_copies(store: Any, settings: Any, clock: measure.Clock, scratch: Path) -> None:
    """What Spark needs merely to read the columns that a step reads, and to write those that it writes."""
    from lbz_indicators import tables

    spark, source = store.spark, Path(settings.delivery.input)

    def copy(frame: Any, name: str, *partition: str) -> None:
        frame.write.format("delta").mode("overwrite").partitionBy(*partition).save(str(scratch / "copies" / name))

    def read(table: Any) -> Any:
        return store.read(table)

    with clock.span("merely read and write: ingest"):
        for name in ("admissions", "diagnoses"):
            folder = source / name
            is_parquet = any(folder.glob("*.parquet"))
            frame = spark.read.parquet(str(folder)) if is_parquet else spark.read.option("header", True).csv(str(folder))
            copy(frame, name)
    with clock.span("merely read and write: validate"):
        read(tables.BRONZE_ADMISSIONS).write.format("noop").mode("overwrite").save()
        read(tables.BRONZE_DIAGNOSES).write.format("noop").mode("overwrite").save()
        copy(read(tables.SILVER_ADMISSIONS), "silver_admissions")
        copy(read(tables.SILVER_DIAGNOSES), "silver_diagnoses")
    with clock.span("merely read and write: derive"):
        read(tables.SILVER_ADMISSIONS).write.format("noop").mode("overwrite").save()
        read(tables.SILVER_DIAGNOSES).write.format("noop").mode("overwrite").save()
        copy(read(tables.SILVER_COVARIATES), "covariates", "discharge_year")
    shutil.rmtree(scratch / "copies", ignore_errors=True)


def scoring_alone(store: Any, settings: Any, clock: measure.Clock) -> None:
    """silver.covariates to sums per hospital, group and year, nothing written: three times, the first one cold."""
    from pyspark.sql import functions as F

    from lbz_indicators import tables
    from lbz_indicators.models.score import fixed_point, with_expected
    from lbz_indicators.steps.current import broadcastable, current_model
    from lbz_indicators.steps.predicted import mortality_family

    model = broadcastable(store, current_model(store, mortality_family(settings)))
    for number in (1, 2, 3):
        with clock.span(f"scoring to sums, time {number}") as record:
            rows = store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL")
            scored = with_expected(rows, model)
            sums = scored.groupBy("reporting_hospital_id", "diagnosis_group", "discharge_year").agg(
                F.count("*").alias("n"), F.sum(F.col("died").cast("int")), F.sum(fixed_point(F.col("expected")))
            )
            record["admissions"] = sum(row["n"] for row in sums.collect())


def invariants(store: Any) -> dict[str, Any]:
    """Sum of expected against sum of observed per group of the fit, and the admissions in it."""
    from pyspark.sql import functions as F

    from lbz_indicators import tables

    deaths = store.read(tables.GOLD_EXPECTED).where("expected IS NOT NULL AND indicator = 'mortality'")
    rows = deaths.groupBy("diagnosis_group").agg(
        F.count("*").alias("n"), F.sum(F.col("observed").cast("double")).alias("o"), F.sum("expected").alias("e")
    ).collect()  # fmt: skip
    worst = max(abs(row["o"] - row["e"]) / max(row["o"], 1.0) for row in rows)
    fits = store.read(tables.GOLD_MODEL_FIT).agg(F.max("newton_decrement")).collect()[0][0]
    return {
        "admissions": sum(row["n"] for row in rows),
        "largest_relative_O_minus_E": worst,
        "largest_newton_decrement": fits,
    }


if __name__ == "__main__":
    main()

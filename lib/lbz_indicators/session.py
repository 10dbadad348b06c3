"""The only module that builds a SparkSession or looks behind it (SparkContext, JVM)."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from delta import configure_spark_with_delta_pip
from pyspark import SparkContext
from pyspark.sql import SparkSession

from lbz_indicators import environment
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError

SUBMIT_LINE = (
    f"spark-submit --packages {environment.DELTA_PACKAGE} --driver-memory 8g --py-files dist/<package>.zip jobs/<step>.py"
)
LOCAL_SHUFFLE_PARTITIONS = 8


def start_session(settings: Settings, log_file: str | None = None) -> SparkSession:
    """The session of a run.

    Embedded: starts Spark with its jars and memory, Java's own output going to `log_file`. Under spark-submit or on
    Databricks: takes the JVM that is there and proves that it has the memory and the Delta jar.
    Raises SettingsError where Java, Python, memory or jars are missing.
    """
    os.environ["TZ"] = "UTC"
    time.tzset()
    if settings.spark.master == "cluster":
        return _configure(SparkSession.builder.getOrCreate(), settings)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("lbz-indicators")
    if not submitted or "master" in settings.spark.model_fields_set:
        builder = builder.master(settings.spark.master)
    for key, value in _static_configuration(settings).items():
        builder = builder.config(key, value)
    if submitted:
        _require_submit_flags(settings)
        return _quiet(_configure(builder.getOrCreate(), settings))
    environment.require(
        [
            environment.java_finding(),
            environment.python_finding(),
            *environment.package_findings(),
            environment.memory_finding(settings.spark.memory),
        ]
    )
    builder = builder.config("spark.driver.memory", settings.spark.memory)
    try:
        with _java_output_to(log_file):
            session = configure_spark_with_delta_pip(builder).getOrCreate()
    except Exception as error:
        raise SettingsError(
            "Spark could not be started.",
            where=f"master {settings.spark.master}, memory {settings.spark.memory}; log file {log_file}",
            mend="`lbz-indicators doctor` shows what is missing; the first start must reach Maven Central.",
        ) from error
    return _configure(session, settings)


def end_jobs(session: SparkSession) -> None:
    """Ends what Spark is doing: the call that waits for it fails."""
    session.sparkContext.cancelAllJobs()


def _static_configuration(settings: Settings) -> dict[str, str]:
    configuration = {
        "spark.sql.extensions": environment.DELTA_CLASS,
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.executor.memory": settings.spark.memory,
    }
    if settings.storage.delta_snapshot_partitions is not None:
        configuration["spark.databricks.delta.snapshotPartitions"] = str(settings.storage.delta_snapshot_partitions)
    return configuration


def _configure(session: SparkSession, settings: Settings) -> SparkSession:
    # These loggers of PySpark print failing values, which may be a patient's, to the terminal.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).disabled = True
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    # Else Spark refuses delivered Parquet with timestamps of nanoseconds, the default of pandas, and with times of day.
    for key in ("spark.sql.legacy.parquet.nanosAsLong", "spark.sql.timeType.enabled"):
        session.conf.set(key, "true")
    partitions = settings.spark.shuffle_partitions
    if partitions is None and (session.conf.get("spark.master", "") or "").startswith("local"):
        partitions = LOCAL_SHUFFLE_PARTITIONS
    if partitions is not None:
        session.conf.set("spark.sql.shuffle.partitions", str(partitions))
    return session


def _quiet(session: SparkSession) -> SparkSession:
    session.sparkContext.setLogLevel("OFF")
    return session


def _require_submit_flags(settings: Settings) -> None:
    """Under spark-submit a program can set neither its jars nor its heap, so it must look at the real ones."""
    SparkContext._ensure_initialized()
    jvm = SparkContext._jvm
    assert jvm is not None
    missing = []
    try:
        jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(environment.DELTA_CLASS)
    except Exception:
        missing.append(f"the Delta jar (--packages {environment.DELTA_PACKAGE})")
    heap = jvm.java.lang.Runtime.getRuntime().maxMemory()
    if heap < 0.85 * environment.memory_bytes(settings.spark.memory):
        missing.append(
            f"memory: the driver has {heap / 1024**3:.1f} GiB of {settings.spark.memory} "
            f"(--driver-memory {settings.spark.memory}, or --set spark.memory to what it has)"
        )
    if missing:
        raise SettingsError("spark-submit was started without " + " and ".join(missing) + ".", mend=SUBMIT_LINE)


@contextmanager
def _java_output_to(log_file: str | None) -> Iterator[None]:
    """Lets the Java process that starts inside write its messages to a file instead of the terminal."""
    if log_file is None:
        yield
        return
    descriptor = os.open(log_file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        os.dup2(descriptor, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(descriptor)

"""How Spark works out expressions in tests: interpreted where rows are few, by generated code, as for users, where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
}
"""To generate code for a plan and to compile it takes longer than to interpret it over some ten thousand rows: a run of the
golden admissions takes a quarter less. To plan anew on the way pays for much data only."""
MANY_ROWS = {
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}
"""What a user's session has."""


def set_all(spark: SparkSession, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        spark.conf.set(name, value)


@contextmanager
def generated_code(spark: SparkSession) -> Iterator[None]:
    """The session with the code that Spark generates: as users run the program, and quicker from about a hundred thousand rows."""
    set_all(spark, MANY_ROWS)
    try:
        yield
    finally:
        set_all(spark, FEW_ROWS)

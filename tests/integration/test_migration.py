"""Tables made by hand in the layout of an older version of the program: refused with one message, and lifted by migrate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.schemas import SCHEMAS, TABLE_VERSION
from lbz_indicators.steps.migration import migrate
from lbz_indicators.steps.run import run_alone
from lbz_indicators.tables import Table

OLD_RUN = ("r1", "ingest", "done", dt.datetime(2020, 1, 1))


def _path(root: Path, table: Table) -> str:
    return f"{root}/{table.layer}/{table.name}"


def _old_table(spark: SparkSession, root: Path, table: Table, rows: list[tuple[object, ...]], columns: str) -> None:
    """As a program without table versions wrote it."""
    spark.createDataFrame(rows, columns).coalesce(1).write.format("delta").save(_path(root, table))


def _properties(spark: SparkSession, root: Path, table: Table) -> dict[str, str]:
    rows = spark.sql(f"SHOW TBLPROPERTIES delta.`{_path(root, table)}`").collect()
    return {row["key"]: row["value"] for row in rows}


@pytest.fixture
def old(spark: SparkSession, tmp_path: Path) -> Settings:
    """An old log of runs without most of its columns, and old covariates without the month of discharge."""
    _old_table(spark, tmp_path, tables.GOLD_RUNS, [OLD_RUN], "run_id string, step string, status string, started_at timestamp")
    covariates = [column for column in SCHEMAS[tables.SILVER_COVARIATES].columns if column.name != "discharge_month"]
    one_row = spark.range(1).select(*[F.lit(None).cast(c.type).alias(c.name) for c in covariates])
    one_row = one_row.withColumn("discharge_year", F.lit(2019))
    one_row.write.format("delta").partitionBy("discharge_year").save(_path(tmp_path, tables.SILVER_COVARIATES))
    return load_settings(None, [f"storage.root={tmp_path}"])


def test_a_new_table_has_the_version_and_every_property_in_its_first_commit(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, load_settings(None, [f"storage.root={tmp_path}"]).storage)
    store.append(tables.SILVER_COVARIATES, store.frame(tables.SILVER_COVARIATES, []))
    found = _properties(spark, tmp_path, tables.SILVER_COVARIATES)
    assert found.items() >= store.properties(tables.SILVER_COVARIATES).items()
    assert found["lbz.table_version"] == str(TABLE_VERSION) and store.version(tables.SILVER_COVARIATES) == 0
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{_path(tmp_path, tables.SILVER_COVARIATES)}`").collect()[0]
    assert detail["partitionColumns"] == ["discharge_year"]
    comments = {field.name: field.metadata.get("comment") for field in store.read(tables.SILVER_COVARIATES).schema.fields}
    assert comments["nights"] == "Nights of the admission, at least 1"


def test_an_old_table_ends_every_command_with_one_message(spark: SparkSession, old: Settings) -> None:
    store = Store(spark, old.storage)
    for use in (
        lambda: store.read(tables.SILVER_COVARIATES),
        lambda: store.replace(tables.SILVER_COVARIATES, store.frame(tables.SILVER_COVARIATES, [])),
        lambda: store.append(tables.GOLD_RUNS, store.frame(tables.GOLD_RUNS, [])),
    ):
        with pytest.raises(StorageError, match="written by an older version of this program") as error:
            use()
        assert (
            error.value.exit_status == 5
            and "lbz-indicators migrate" in str(error.value)
            and "table version 0" in str(error.value)
        )


def test_migrate_lifts_what_is_kept_and_empties_what_is_derived(spark: SparkSession, old: Settings) -> None:
    said = run_alone(spark, old, "migrate", lambda store, *_: migrate(store), SILENT).message
    assert "silver.covariates: emptied, the next run makes it anew from bronze" in said
    assert "gold.runs: added command, settings, settings_fingerprint" in said
    store = Store(spark, old.storage)
    assert store.read(tables.SILVER_COVARIATES).count() == 0
    assert set(store.read(tables.SILVER_COVARIATES).columns) == set(SCHEMAS[tables.SILVER_COVARIATES].names)
    runs = {row["run_id"]: row for row in store.read(tables.GOLD_RUNS).collect()}
    assert len(runs) == 2 and (runs["r1"]["step"], runs["r1"]["status"], runs["r1"]["settings"]) == ("ingest", "done", None)
    root = Path(str(old.storage.root))
    for table in (tables.GOLD_RUNS, tables.SILVER_COVARIATES):
        assert _properties(spark, root, table).items() >= store.properties(table).items()
    # What was emptied is still there as a former version.
    assert spark.sql(f"SELECT * FROM delta.`{_path(root, tables.SILVER_COVARIATES)}` VERSION AS OF 0").count() == 1
    again = migrate(Store(spark, old.storage)).message
    assert again == f"every table has version {TABLE_VERSION} already"


def test_a_kept_table_that_cannot_be_lifted_changes_nothing(spark: SparkSession, old: Settings) -> None:
    root = Path(str(old.storage.root))
    _old_table(spark, root, tables.GOLD_MODEL_EVENTS, [("m", 7)], "model_version string, status int")
    with pytest.raises(StorageError, match=r"gold\.model_events has columns .* cannot lift: status"):
        migrate(Store(spark, old.storage))
    assert "lbz.table_version" not in _properties(spark, root, tables.GOLD_RUNS)


def test_a_table_of_a_newer_program_is_left_alone(spark: SparkSession, tmp_path: Path) -> None:
    settings = load_settings(None, [f"storage.root={tmp_path}"])
    store = Store(spark, settings.storage)
    store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, []))
    table = f"delta.`{_path(tmp_path, tables.GOLD_MODEL_EVENTS)}`"
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('lbz.table_version' = '{TABLE_VERSION + 1}')")
    for use in (lambda: Store(spark, settings.storage).read(tables.GOLD_MODEL_EVENTS), lambda: migrate(store)):
        with pytest.raises(StorageError, match="written by a newer version"):
            use()

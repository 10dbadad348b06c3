"""Replacing writes: only rows that differ are written, and nothing at all where nothing differs."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import StorageSettings
from lbz_indicators.errors import StorageError
from lbz_indicators.io import ABSENT, CHANGE, Store, of_keys
from lbz_indicators.tables import Table

RULES = [("d1", "H1", "valid", "total", 10), ("d1", None, "rejected", "total", 2)]


def _store(spark: SparkSession, root: Path) -> Store:
    return Store(spark, StorageSettings(root=str(root)))


def test_a_table_without_rows_gets_no_version_by_being_replaced_by_none(spark: SparkSession, tmp_path: Path) -> None:
    """A delivery without a single rejected record is ordinary; each night would add a version otherwise."""
    store = _store(spark, tmp_path)
    versions = [store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, [])).version for _ in range(2)]
    assert versions[0] == versions[1]


def test_what_a_first_write_that_broke_off_has_left_is_no_table(spark: SparkSession, tmp_path: Path) -> None:
    """Files without a commit, and the beginning of one: the disk was full, or the process was killed."""
    store, table = _store(spark, tmp_path), tables.SILVER_QUALITY
    rows = store.frame(table, RULES)
    rows.write.parquet(f"{tmp_path}/{table.layer}/{table.name}")
    log = tmp_path / table.layer / table.name / "_delta_log"
    log.mkdir()
    (log / ".00000000000000000000.json.1a2b.tmp").write_text('{"commitInfo":')
    assert store.find(table) is None
    store.append(table, rows)
    assert sorted(map(tuple, store.read(table).collect()), key=str) == sorted(RULES, key=str)
    assert store.find_version(table) == 0


@pytest.fixture(params=[False, True], ids=["merged", "written anew"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As few rows are replaced, and as many are."""
    if request.param:
        monkeypatch.setattr("lbz_indicators.io.tables.MANY", 1)


def _written_by(spark: SparkSession, root: Path, table: Table) -> str:
    """What Delta calls the last commit."""
    return spark.sql(f"DESCRIBE HISTORY delta.`{root}/{table.layer}/{table.name}` LIMIT 1").collect()[0]["operation"]


@pytest.mark.usefixtures("either_way")
def test_rows_that_do_not_differ_are_not_written(spark: SparkSession, tmp_path: Path) -> None:
    store = _store(spark, tmp_path)
    first = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, RULES))
    again = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, RULES[::-1]))
    assert (again.rows, again.version, again.changes) == (0, first.version, None)

    changed = [("d1", "H1", "valid", "total", 11), ("d2", "H1", "valid", "total", 5)]
    written = store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, changed))
    assert written.changes is not None and written.version > first.version
    marks = {(r["delivery_id"], r["hospital_id"]): r[CHANGE] for r in written.changes.collect()}
    # A null hospital is a key like any other.
    assert marks == {("d1", "H1"): "upsert", ("d2", "H1"): "upsert", ("d1", None): "delete"}
    assert sorted(map(tuple, store.read(tables.SILVER_QUALITY).collect())) == sorted(changed)
    store.release()


@pytest.mark.usefixtures("either_way")
def test_an_unchanged_row_keeps_its_lineage(spark: SparkSession, tmp_path: Path) -> None:
    """gold.indicators names the run that made a figure: a later run with the same figure does not take it over."""
    store = _store(spark, tmp_path)

    def figure(run_id: str, value: float) -> list[object]:
        given: dict[str, object] = {
            "indicator": "hsmr", "variant": "definitive", "breakdown": "none", "breakdown_value": "all", "value": value,
            "period_start": dt.date(2019, 1, 1), "period_end": dt.date(2019, 12, 31), "model_version": "m", "run_id": run_id,
        }  # fmt: skip
        return [given.get(name) for name in store.columns(tables.GOLD_INDICATORS)]

    runs = []
    for run_id, value in (("r1", 100.0), ("r2", 100.0), ("r3", 101.0)):
        store.replace(tables.GOLD_INDICATORS, store.frame(tables.GOLD_INDICATORS, [figure(run_id, value)]))
        runs += [row[0] for row in store.read(tables.GOLD_INDICATORS).select("run_id").collect()]
    assert runs == ["r1", "r1", "r3"]
    store.release()


def _admission(number: int, year: int, group: str = "G1") -> list[object]:
    """A row of silver.covariates."""
    given: dict[str, object] = {
        "hospital_id": "H1", "admission_id": f"a{number}", "reporting_hospital_id": "H1", "discharge_year": year,
        "diagnosis_group": group, "time_unknown": False, "died": False, "age": 1, "sex": 0, "ses": 0, "severity": 8,
        "urgency": 0, "comorbidity": 0, "source": 0, "admission_month": 0, "main_diagnosis_category": "I21",
        "covid_main_diagnosis": False, "care_type": "K", "nights": 1, "row_hash": hash((number, year, group)),
    }  # fmt: skip
    return [given.get(name) for name in Store.columns(tables.SILVER_COVARIATES)]


def _known(store: Store) -> set[tuple[object, ...]]:
    rows = store.read(tables.SILVER_COVARIATES).select("admission_id", "discharge_year", "diagnosis_group").collect()
    return set(map(tuple, rows))


def test_many_rows_are_written_anew_in_their_partitions_alone(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights change, one comes, one goes, one stays; the other year keeps its files."""
    store, table = _store(spark, tmp_path), tables.GOLD_EXPECTED_NIGHTS
    column = {name: place for place, name in enumerate(store.columns(table))}

    def row(number: int, year: int, nights: float) -> list[object]:
        given = {
            "hospital_id": "H1", "admission_id": f"a{number}", "discharge_year": year, "expected_nights": nights, "nights": 1,
            "model_version": f"stay-{year}", "scored_hash": 1, "rule": "over_50", "diagnosis_group": "100", "level": "group",
            "expected_nights_gamma": 1.0, "long_stay": False, "long_stay_gamma": False,
        }  # fmt: skip
        return [given.get(name) for name in column]

    def files(year: int) -> set[str]:
        return {path.name for path in (tmp_path / "gold" / "expected_nights" / f"discharge_year={year}").glob("*.parquet")}

    store.replace(table, store.frame(table, [row(n, 2018 + n % 2, 1.0) for n in range(8)]))
    before = files(2018)
    wanted = [row(1, 2019, 2.0), row(3, 2019, 2.0), row(5, 2019, 1.0), row(9, 2019, 1.0)]
    for few, operation in ((100, "MERGE"), (2, "WRITE")):
        monkeypatch.setattr("lbz_indicators.io.tables.MANY", few)
        written = store.replace(table, store.frame(table, wanted), F.col("discharge_year") == 2019)
        assert written.rows == 4 and _written_by(spark, tmp_path, table) == operation
        found = sorted(tuple(r) for r in store.read(table).select("admission_id", "expected_nights").collect())
        assert found == sorted([(w[column["admission_id"]], w[column["expected_nights"]]) for w in wanted]
                               + [(f"a{n}", 1.0) for n in (0, 2, 4, 6)])  # fmt: skip
        assert files(2018) == before and not store.read(table).where("discharge_year = 2018").isEmpty()
        spark.sql(f"RESTORE TABLE delta.`{tmp_path}/gold/expected_nights` TO VERSION AS OF 0").collect()
        store = _store(spark, tmp_path)


def test_only_the_named_rows_are_replaced_wherever_they_lie(spark: SparkSession, tmp_path: Path) -> None:
    """Of four admissions two are given: one moved to another year, one is gone; the others stay, the feed names the two."""
    store, table = _store(spark, tmp_path), tables.SILVER_COVARIATES
    first = store.replace(table, store.frame(table, [_admission(n, 2018 + n % 2) for n in range(4)]))
    keys = spark.createDataFrame([("H1", "a0"), ("H1", "a1")], "hospital_id string, admission_id string")
    written = store.replace(table, store.frame(table, [_admission(0, 2020)]), of_keys(keys))
    assert (written.rows, _known(store)) == (2, {("a0", 2020, "G1"), ("a2", 2018, "G1"), ("a3", 2019, "G1")})
    changed = store.changed_since(table, first.version, ["admission_id", "discharge_year"]).collect()
    assert set(map(tuple, changed)) == {("a0", 2018), ("a0", 2020), ("a1", 2019)}
    assert store.changed_since(table, written.version, ["admission_id"]).isEmpty()
    again = store.replace(table, store.frame(table, [_admission(0, 2020)]), of_keys(keys))
    assert (again.rows, again.version) == (0, written.version)


def test_a_partition_is_overwritten_and_the_others_stay(spark: SparkSession, tmp_path: Path) -> None:
    store, table = _store(spark, tmp_path), tables.SILVER_COVARIATES
    store.replace(table, store.frame(table, [_admission(n, 2018 + n % 2) for n in range(4)]))
    store.overwrite(table, store.frame(table, [_admission(5, 2019)]), "discharge_year = 2019")
    assert _known(store) == {("a0", 2018, "G1"), ("a2", 2018, "G1"), ("a5", 2019, "G1")}


def test_compaction_leaves_a_table_as_it_was_and_a_changed_row_does_not(spark: SparkSession, tmp_path: Path) -> None:
    store, table = _store(spark, tmp_path), tables.SILVER_COVARIATES
    assert store.is_as_left(table, None) and not store.is_as_left(table, 3)
    for n in range(2):
        version = store.append(table, store.frame(table, [_admission(n, 2019)])).version
    spark.sql(f"OPTIMIZE delta.`{tmp_path}/silver/covariates`").collect()
    assert store.version(table) > version and store.is_as_left(table, version)
    assert not store.is_as_left(table, version - 1)
    store.delete(table, "admission_id = 'a1'")
    assert not store.is_as_left(table, version)


def _set_back(root: Path, table: Table, days: int) -> None:
    """Makes all that a table has written so many days older: Delta takes the time of a commit from its file."""
    then = time.time() - days * 86400
    for path in (root / table.layer / table.name).rglob("*"):
        os.utime(path, (then, then))


@pytest.mark.parametrize("commits", [3, 9], ids=["refused by its age", "its log cleaned by a checkpoint"])
def test_the_last_version_of_a_table_seldom_written_goes_when_it_is_written_again(
    spark: SparkSession, tmp_path: Path, commits: int
) -> None:
    """Delta keeps a version from its own commit on: 30 days (storage.retention_days) here. The change feed goes on from there."""
    store, table = _store(spark, tmp_path), tables.BRONZE_HOSPITALS
    loaded = dt.datetime(2026, 1, 1)

    def append(number: int) -> None:
        row = ("H1", "One", *[None] * 4, number, None, f"d{number}", "f", loaded.date(), loaded)
        store.append(table, store.frame(table, [row]))

    for number in range(commits):
        append(number)
    _set_back(tmp_path, table, 29)
    append(commits)
    last = store.version(table)
    assert store.keeps(table, last - 1) and store.pinned({str(table): last - 1}).read(table).count() == commits
    _set_back(tmp_path, table, 31)
    assert store.keeps(table, last), "the latest version is there however old it is"
    append(commits + 1)
    assert not store.keeps(table, last) and store.keeps(table, last + 1) and store.keeps(table, ABSENT)
    with pytest.raises(StorageError, match=f"Version {last} of the table bronze.hospitals is no longer kept"):
        store.pinned({str(table): last}).read(table)
    assert [row[0] for row in store.changed_since(table, last, ["delivery_id"]).collect()] == [f"d{commits + 1}"]


def test_a_removal_is_a_version_that_the_step_left(spark: SparkSession, tmp_path: Path) -> None:
    """Else the next night takes it for a change by somebody else, and does everything anew."""
    store = _store(spark, tmp_path)
    store.replace(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, RULES))
    store.delete(tables.SILVER_QUALITY, "rule = 'rejected'")
    assert [tuple(row) for row in store.read(tables.SILVER_QUALITY).collect()] == RULES[:1]
    left = store.versions_written[str(tables.SILVER_QUALITY)]
    assert left == store.version(tables.SILVER_QUALITY) == 1
    assert _store(spark, tmp_path).is_as_left(tables.SILVER_QUALITY, left)

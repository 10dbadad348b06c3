"""The latest commit of a table by Delta's own log, as SQL has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import StorageSettings
from lbz_indicators.errors import StorageError
from lbz_indicators.io.delta_log import DeltaLog
from lbz_indicators.io.place import Commit, Place

TABLE = tables.SILVER_QUALITY


@pytest.fixture
def place(spark: SparkSession, tmp_path: Path) -> Place:
    return Place(spark, StorageSettings(root=str(tmp_path / "a place with spaces")))


def both_ways(place: Place, monkeypatch: pytest.MonkeyPatch) -> tuple[Commit | None, Commit | None]:
    by_log = place.last_commit(TABLE)
    with monkeypatch.context() as patched:
        patched.setattr(DeltaLog, "of", lambda *_: None)
        return by_log, place.last_commit(TABLE)


def test_every_kind_of_commit(place: Place, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    path, name = place.path(TABLE), place.identifier(TABLE)
    assert both_ways(place, monkeypatch) == (None, None)
    rows = spark.range(7).coalesce(1)
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(path)
    assert both_ways(place, monkeypatch) == (Commit(0, 7), Commit(0, 7))
    rows.where("id < 3").write.format("delta").mode("append").save(path)
    assert both_ways(place, monkeypatch) == (Commit(1, 3), Commit(1, 3))
    rows.where("id < 2").write.format("delta").mode("overwrite").option("replaceWhere", "id < 2").save(path)
    statements = [
        f"DELETE FROM {name} WHERE id = 5",
        f"MERGE INTO {name} t USING (SELECT 6 AS id) c ON t.id = c.id WHEN MATCHED THEN DELETE",
        f"ALTER TABLE {name} SET TBLPROPERTIES ('lbz.table_version' = '1')",
    ]
    for version, statement in enumerate(["SELECT 1", *statements], start=2):
        spark.sql(statement).collect()
        by_log, by_sql = both_ways(place, monkeypatch)
        assert by_log is not None and by_log == by_sql and by_log.version == version


def test_a_commit_of_another_process_is_seen(place: Place, spark: SparkSession) -> None:
    """Written into the folder behind Delta's back, as another machine would."""
    spark.range(1).write.format("delta").save(place.path(TABLE))
    assert place.last_commit(TABLE) == Commit(0, 1)
    log = Path(place.path(TABLE)) / "_delta_log"
    text = (
        '{"commitInfo":{"timestamp":1,"operation":"WRITE","operationParameters":{},"operationMetrics":{"numOutputRows":"9"}}}\n'
    )
    (log / f"{1:020d}.json").write_text(text)
    assert place.last_commit(TABLE) == Commit(1, 9)


@pytest.mark.parametrize("content", [None, "no commit"])
def test_a_folder_that_is_no_table_is_left_to_sql(place: Place, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    folder = Path(place.path(TABLE)) / ("_delta_log" if content else ".")
    folder.mkdir(parents=True)
    if content:
        (folder / f"{0:020d}.json").write_text(content)
        with pytest.raises(StorageError, match="cannot be opened"):
            place.last_commit(TABLE)
    else:
        assert both_ways(place, monkeypatch) == (None, None)


def test_where_java_cannot_be_reached_sql_is_asked() -> None:
    assert DeltaLog.of(object(), "anywhere") is None  # type: ignore[arg-type]

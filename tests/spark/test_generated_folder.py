"""The folder of a generated nation behind a URL, where Spark can overwrite and not delete."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lbz_indicators.errors import StorageError
from lbz_indicators.io.generated import GeneratedFolder


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_work_files_do_not_stay(spark: SparkSession, tmp_path: Path, scheme: str) -> None:
    folder = GeneratedFolder(spark, f"{scheme}{tmp_path}")
    folder.clear()
    folder.write("_work/level_0", spark.range(5))
    folder.write("delivery/admissions", spark.range(7), "csv")
    folder.remove_work()
    assert sum(spark.read.parquet(str(path)).count() for path in (tmp_path / "_work").rglob("*.parquet")) == 0
    assert not (tmp_path / "_work" / "level_0").exists()
    assert (tmp_path / "delivery" / "admissions").is_dir()


def test_an_earlier_nation_is_replaced_in_a_folder_and_refused_behind_a_url(spark: SparkSession, tmp_path: Path) -> None:
    """What an earlier nation left behind a URL could not be deleted, and would be read with the new one."""
    GeneratedFolder(spark, str(tmp_path)).write("delivery/admissions", spark.range(7), "csv")
    with pytest.raises(StorageError, match="A nation is there already"):
        GeneratedFolder(spark, f"file://{tmp_path}").clear()
    GeneratedFolder(spark, str(tmp_path)).clear()
    assert not (tmp_path / "delivery").exists()
    GeneratedFolder(spark, f"file://{tmp_path}").clear()

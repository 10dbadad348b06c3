"""Folders of plain files, local or behind a URL that only Spark reads."""

from __future__ import annotations

import shutil
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lbz_indicators.places import is_remote


def remove_folder(spark: SparkSession, path: str) -> None:
    """Deletes a folder; over a URL it empties it, for Spark can overwrite there and not delete."""
    if is_remote(path):
        spark.createDataFrame([], "removed boolean").coalesce(1).write.mode("overwrite").parquet(path)
    else:
        shutil.rmtree(Path(path), ignore_errors=True)


def is_there(spark: SparkSession, path: str) -> bool:
    """Whether a file or folder is there, asked of Spark, which reads behind a URL too."""
    try:
        spark.read.text(path)
    except PySparkException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return False
        raise
    return True

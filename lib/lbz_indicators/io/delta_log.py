"""What Delta's log says of a table, asked of Delta itself where it runs in this process's Java.

SQL gives the same answers, and everywhere; but it takes a Spark job for each, and a run has hundreds of such questions. The
classes asked are Delta's own, not its public interface: where they are not as in the version that setup.py names, SQL is asked.
"""

from __future__ import annotations

from typing import Any

from py4j.java_gateway import JavaClass
from pyspark.sql import SparkSession


class DeltaLog:
    """The log of one table on a path. None of its answers counts rows or opens a file of the table."""

    def __init__(self, java: Any) -> None:
        self._java = java

    @classmethod
    def of(cls, spark: SparkSession, path: str) -> DeltaLog | None:
        """None where Java cannot be reached from here (Spark Connect), or has another make of Delta (Databricks)."""
        session, gateway = getattr(spark, "_jsparkSession", None), getattr(spark, "_jvm", None)
        if session is None or gateway is None:
            return None
        made = gateway.org.apache.spark.sql.delta.DeltaLog
        if not isinstance(made, JavaClass):
            return None
        return cls(made.forTable(session, path))

    def version(self) -> int | None:
        """The latest version, None where there is no commit."""
        version = int(_with_defaults(self._java, "update").version())
        return None if version < 0 else version

    def is_absent(self) -> bool:
        """Whether there is not even a folder."""
        folder = self._java.dataPath()
        return not folder.getFileSystem(self._java.newDeltaHadoopConf()).exists(folder)

    def rows_written(self, version: int) -> int:
        """Rows that the commit of a version, the latest one, wrote."""
        commits = _with_defaults(self._java, "getChanges", version)
        while commits.hasNext():
            actions = commits.next()._2()
            for place in range(actions.size()):
                action = actions.apply(place)
                if action.getClass().getSimpleName() == "CommitInfo" and action.operationMetrics().isDefined():
                    rows = action.operationMetrics().get().get("numOutputRows")
                    return int(rows.get()) if rows.isDefined() else 0
        return 0


def _with_defaults(java: Any, method: str, *values: Any) -> Any:
    """A Scala method of three parameters, those not given at their defaults."""
    rest = [getattr(java, f"{method}$default${place}")() for place in range(len(values) + 1, 4)]
    return getattr(java, method)(*values, *rest)

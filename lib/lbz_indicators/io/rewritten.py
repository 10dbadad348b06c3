"""Whether a table has only grown since a version."""

from __future__ import annotations

from pyspark.sql import functions as F

from lbz_indicators.io.tables import Store
from lbz_indicators.tables import Table

_KEEPS_ROWS = {
    "OPTIMIZE", "REORG", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "UPGRADE PROTOCOL",
}  # fmt: skip


def rewritten_since(store: Store, table: Table, version: int) -> list[str]:
    """Delta operations after a version that did more than add rows, such as the erasure of a patient; sorted."""
    history = store.spark.sql(f"DESCRIBE HISTORY {store.location.identifier(table)}").where(F.col("version") > version)
    rows = history.select("operation", F.col("operationParameters")["mode"]).distinct().collect()
    return sorted({row[0] for row in rows if row[0] not in _KEEPS_ROWS and tuple(row) != ("WRITE", "Append")})

"""The statements that commit to a Delta table. Under which contract, lease and comparison is the store's matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, DataFrameWriter

from lbz_indicators.io import layout
from lbz_indicators.io.changes import merge_statement
from lbz_indicators.io.place import Place
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import Table


class DeltaTables(Place):
    """Each method that writes makes one commit, or none where no row would change; the rows have the columns of the table's
    contract."""

    def rows(self, table: Table) -> DataFrame:
        """The table at its latest version."""
        return self.spark.table(self.identifier(table))

    def require_current(self, table: Table) -> None:
        """StorageError where another version of the program wrote the table."""
        layout.require_current(self.spark, self.identifier(table), table, self.name)

    def create(self, table: Table, rows: DataFrame, properties: Mapping[str, str]) -> None:
        """Makes the table with its properties, partitions and first rows."""
        self.make_layer(table)
        layout.create(rows, self.identifier(table), table, properties)

    def append(self, table: Table, rows: DataFrame) -> None:
        """Adds rows."""
        self.save(table, rows.write.format("delta").mode("append").option("mergeSchema", "false"))

    def overwrite(self, table: Table, rows: DataFrame, condition: str) -> None:
        """Makes the rows that meet a SQL condition these ones."""
        self.save(table, rows.write.format("delta").mode("overwrite").option("replaceWhere", condition))

    def empty(self, table: Table) -> None:
        """Makes the table one without rows, of the columns of its contract."""
        rows = self.spark.createDataFrame([], SCHEMAS[table].struct)
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        self.save(table, writer.partitionBy(*SCHEMAS[table].partition_by))

    def delete(self, table: Table, condition: str) -> None:
        """Removes the rows that meet a SQL condition."""
        self.spark.sql(f"DELETE FROM {self.identifier(table)} WHERE {condition}").collect()

    def merge(self, table: Table, changes: DataFrame, bounds: Sequence[str], *, inserts: bool) -> None:
        """Applies the rows of `changes.changed_rows`; the conditions of `bounds` hold for the table's rows that change."""
        view = f"changes_of_{table.layer}_{table.name}"
        changes.createOrReplaceTempView(view)
        statement = merge_statement(self.identifier(table), view, SCHEMAS[table], bounds, inserts=inserts)
        self.spark.sql(statement).collect()
        self.spark.catalog.dropTempView(view)

    def save(self, table: Table, writer: DataFrameWriter) -> None:
        """Writes in the writer's own mode, to the table's path or its name in the catalog."""
        if self.settings.catalog:
            writer.saveAsTable(self.identifier(table))
        else:
            writer.save(self.path(table))

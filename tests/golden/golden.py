"""The golden delivery and its truth, and what the program made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.steps.reproduction import Reproduction, find_publication, reproduce_publication
from lbz_indicators.tables import Table

GOLDEN = Path(__file__).parent / "nine_covariates"


@dataclass
class Golden:
    """Results of the program on the golden delivery."""

    store: Store
    covariates: pd.DataFrame
    exclusions: pd.DataFrame
    frozen: DataFrame
    version: str
    settings: Settings

    def of_deaths(self, table: Table) -> pd.DataFrame:
        """Rows of the model of deaths."""
        return self.store.read(table).where(F.col("model_version") == self.version).toPandas()


DELIVERED_UNTIL = "readmission.delivered_until=2020-12-31"


def golden_settings(root: Path, *more: str) -> Settings:
    return load_settings(
        None,
        [
            f"delivery.input={GOLDEN / 'delivery'}",
            f"storage.root={root}",
            "delivery.load_date=2022-06-30",
            DELIVERED_UNTIL,
            *more,
        ],
    )


def expected(name: str) -> pd.DataFrame:
    text = {"hospital_id": str, "admission_id": str, "diagnosis_group": str, "class_value": str, "period": str, "reasons": str}
    return pd.read_csv(GOLDEN / "expected" / name, dtype=text)


@dataclass
class Published:
    """Tables of the golden set, of which a run made figures that were frozen."""

    store: Store
    settings: Settings
    run_id: str
    publication_id: str
    said: tuple[str, str]

    def table(self, table: Table) -> str:
        return f"delta.`{self.settings.storage.root}/{table.layer}/{table.name}`"

    def reproduce(self) -> Reproduction:
        found = find_publication(self.store, self.publication_id, None)
        assert found is not None
        made = reproduce_publication(self.store, found)
        self.store.release()
        return made

    @contextmanager
    def changed(self, table: Table, statement: str) -> Iterator[None]:
        """The table after a SQL statement, and afterwards as it was."""
        before = self.store.version(table)
        self.store.spark.sql(statement.format(self.table(table)))
        try:
            yield
        finally:
            self.store.spark.sql(f"RESTORE TABLE {self.table(table)} TO VERSION AS OF {before}")

"""What changed since figures were last made: the rows and years that a night scores and counts anew, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from lbz_indicators import tables
from lbz_indicators.io import Store, of_keys
from lbz_indicators.steps.predicted import KEY
from lbz_indicators.tables import Table

FOLLOWED = (tables.SILVER_COVARIATES, tables.SILVER_STAYS)
"""Tables whose change feed says what is touched."""


LARGEST_SHARE, LARGEST_NUMBER = 0.05, 1_000_000
"""Of the admissions: what is touched is sent to every executor, and for more of them a whole step is no slower."""


def too_many(store: Store, number: int) -> str | None:
    """Why a step is to be done for all admissions; None where it is worth while to look for those touched."""
    if number <= LARGEST_SHARE * store.read(tables.SILVER_ADMISSIONS).count() and number <= LARGEST_NUMBER:
        return None
    return f"{number:,} admissions or patients are touched"


@dataclass(frozen=True)
class Touched:
    """Rows that differ from those the last figures were made of, or that are new or gone.

    By table, silver.covariates and silver.stays: `keys`, hospital_id and admission_id of these rows; `years`, the discharge years
    they are or were of. A stay can change in years whose admissions have not, for it names the one that follows it.
    `before`: Delta versions of the tables as the last figures read them.
    """

    keys: Mapping[Table, DataFrame]
    years: Mapping[Table, tuple[int, ...]]
    before: Mapping[str, int]

    @classmethod
    def since(cls, store: Store, before: Mapping[str, int]) -> Touched:
        """From the change feeds after these versions; the keys are kept until the store is released."""
        keys, years = {}, {}
        for table in FOLLOWED:
            changed = store.look_up(store.changed_since(table, before[str(table)], [*KEY, "discharge_year"]))
            years[table] = tuple(sorted(row[0] for row in changed.select("discharge_year").distinct().collect()))
            keys[table] = changed.select(*KEY).distinct()
        return cls(keys, years, dict(before))

    @property
    def number(self) -> int:
        """Rows touched, of the table with most of them."""
        return max(keys.count() for keys in self.keys.values())

    def among(self, table: Table, rows: DataFrame) -> DataFrame:
        """Those of `rows`, with the keys of `table`, that are touched. Columns unchanged."""
        return of_keys(self.keys[table])(rows).select(*rows.columns)

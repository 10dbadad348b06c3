"""Lifting tables of an older version of the program to the layout of this one.

Deliveries, models, figures and records are kept and get the columns and properties they lack. What is derived from deliveries is
emptied where its columns changed, for nobody can know the values it would have had: the next run makes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from lbz_indicators import tables
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.io.layout import foreign_columns, missing_columns, require_not_newer, stored_version
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.schemas import SCHEMAS, TABLE_VERSION
from lbz_indicators.schemas.contract import Column
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.tables import Table

DERIVED_GOLD = (
    tables.GOLD_EXCLUSIONS, tables.GOLD_INDEX_STAYS, tables.GOLD_EXPECTED, tables.GOLD_EXPECTED_NIGHTS,
    tables.GOLD_OLO_AGREEMENT, tables.GOLD_INTERVAL_VARIANTS, tables.GOLD_FIGURE_CELLS, tables.GOLD_WEIGHT_CELLS,
)  # fmt: skip


def is_derived(table: Table) -> bool:
    """Whether a run makes the whole table anew from deliveries and models."""
    return table.layer == "silver" or table in DERIVED_GOLD


@dataclass(frozen=True)
class Lift:
    """What an outdated table needs: columns to add, or, where it cannot be lifted (its partitions differ, too), to be emptied."""

    table: Table
    added: tuple[Column, ...]
    emptied: bool

    def said(self) -> str:
        """For the person at the screen."""
        if self.emptied:
            return f"{self.table}: emptied, the next run makes it anew from bronze"
        columns = f": added {', '.join(column.name for column in self.added)}" if self.added else ": properties only"
        return f"{self.table}{columns}"


def migrate(store: Store) -> Outcome:
    """Lifts every outdated table but the lease, which has a layout of its own.

    StorageError, and nothing is changed, where a table that must be kept cannot be lifted.
    """
    any_layout = store.of_any_layout()
    lifts = [lift for table in SCHEMAS if table != tables.GOLD_LEASE and (lift := _needed(any_layout, table)) is not None]
    upkeep = Upkeep(any_layout)
    for lift in lifts:
        if lift.emptied:
            any_layout.empty(lift.table)
        elif lift.added:
            upkeep.add_columns(lift.table, lift.added)
        upkeep.set_properties(lift.table, any_layout.properties(lift.table))
    if not lifts:
        return Outcome(f"every table has version {TABLE_VERSION} already", rows_out=0)
    return Outcome("; ".join(lift.said() for lift in lifts), rows_out=0)


def _needed(store: Store, table: Table) -> Lift | None:
    rows = store.find(table)
    if rows is None:
        return None
    version = stored_version(store.spark, store.location.identifier(table))
    require_not_newer(table, version, store.place)
    missing, foreign = missing_columns(table, rows.schema), foreign_columns(table, rows.schema)
    if foreign and not is_derived(table):
        raise StorageError(
            f"The table {table} has columns that this version of the program cannot lift: {', '.join(foreign)}.",
            where=f"{store.place}, table version {version}; nothing was changed",
            mend="it must be kept: use the version of the program that wrote it, or ask for a way from there.",
        )
    state = Upkeep(store).state(table)
    repartitioned = is_derived(table) and state is not None and state.partitions != SCHEMAS[table].partition_by
    if version == TABLE_VERSION and not (missing or foreign or repartitioned):
        return None
    return Lift(table, tuple(missing), is_derived(table) and bool(missing or foreign or repartitioned))

"""What freezes and removals left that broke off: finished, or taken away, before the next command goes on from the tables."""

from __future__ import annotations

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.hashing import literal
from lbz_indicators.io import Store
from lbz_indicators.steps import removal
from lbz_indicators.steps.loading import remove_abandoned
from lbz_indicators.tables import Table

_PUBLISHED = (tables.GOLD_PUBLISHED_COVARIATES, tables.GOLD_PUBLISHED_STAY_CELLS, tables.GOLD_PUBLISHED_FIGURES)


def clear(store: Store) -> list[str]:
    """Takes away frozen rows of no publication, and finishes removals that broke off; a sentence on each that was there."""
    removed = remove_unpublished(store)
    said = [f"{removed:,} frozen rows of no publication, left by a freeze that broke off, deleted."] if removed else []
    return said + removal.finish(store)


def clear_loads(store: Store) -> list[str]:
    """Deletes the records of deliveries whose load broke off and was not done again; a sentence where there were any."""
    deliveries = remove_abandoned(store)
    return [f"Records of {len(deliveries)} deliveries whose load broke off deleted."] if deliveries else []


def remove_unpublished(store: Store) -> int:
    """Deletes the frozen rows that gold.publications, which is written last, does not name; how many.

    Nothing else would reach them: without the salt of their publication an erased patient cannot be found in them.
    """
    left = _unpublished(store)
    for table, rows in left.items():
        store.delete(table, f"publication_id IN ({', '.join(map(literal, rows))})")
    return _total(left)


def count_unpublished(store: Store) -> int:
    """How many frozen rows are of no publication."""
    return _total(_unpublished(store))


def _unpublished(store: Store) -> dict[Table, dict[str, int]]:
    """By table, how many rows there are of each name that is no publication's."""
    known = store.read_or_empty(tables.GOLD_PUBLICATIONS).select("publication_id")
    found = {}
    for table in _PUBLISHED:
        rows = store.read_or_empty(table).groupBy("publication_id").agg(F.count("*"))
        found[table] = dict(map(tuple, rows.join(known, on="publication_id", how="left_anti").collect()))
    return {table: rows for table, rows in found.items() if rows}


def _total(left: dict[Table, dict[str, int]]) -> int:
    return sum(number for rows in left.values() for number in rows.values())

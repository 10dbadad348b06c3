"""Reference lists by their content: kept when admissions are derived with them, read when that is to be done again."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.references import References, parse_references


def keep_references(store: Store, references: References) -> None:
    """Appends the lists that are not kept yet: a site may replace its files, and figures made with the old ones remain."""
    kept = {tuple(row) for row in store.read_or_empty(tables.GOLD_REFERENCE_LISTS).select("list", "sha256").collect()}
    rows = [(name, sha256, references.text(name)) for name, sha256 in references.hashes.items() if (name, sha256) not in kept]
    if rows:
        store.append(tables.GOLD_REFERENCE_LISTS, store.frame(tables.GOLD_REFERENCE_LISTS, rows))


def kept_references(store: Store, hashes: Mapping[str, str]) -> References:
    """The lists of these hashes; StorageError where one is not kept, as for a model fitted elsewhere."""
    rows = store.read_or_empty(tables.GOLD_REFERENCE_LISTS).where(F.col("sha256").isin(*hashes.values())).collect()
    texts = {row["list"]: row["content"] for row in rows if hashes.get(row["list"]) == row["sha256"]}
    if missing := sorted(hashes.keys() - texts.keys()):
        raise StorageError(
            f"The reference list(s) {', '.join(missing)} of the model are not kept here.",
            where=f"gold.reference_lists in {store.place}",
            mend="derive once with these lists (references.*): they are kept from then on.",
        )
    return parse_references(texts)

"""Replacing pseudonyms by those of a new key of the trusted third party: everywhere, one for one, so that all links stay.

No pseudonym is logged or shown. A rotation that broke off goes on where it ended: each commit carries the mapping's hash.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.digests import row_text, set_digests
from lbz_indicators.errors import SettingsError
from lbz_indicators.hashing import hash_of
from lbz_indicators.io import Store
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.models import registry
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import leftovers, removal, validation
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.tables import Table

_KEY = ("hospital_id", "admission_id")
_PLAIN = (tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_ADMISSIONS, tables.BRONZE_ADMISSIONS)
"""Tables in which a pseudonym stands by itself; silver.stays has it under its row_hash, which gold.expected repeats."""


def rotate(store: Store, mapping: DataFrame, where: str, run_id: str) -> Outcome:
    """Replaces `old` by `new`, both text, in every table; SettingsError where that is not one for one. `where`: for messages."""
    pairs = store.look_up(mapping.select(F.trim("old").alias("patient_id"), F.trim("new").alias("new_patient_id")))
    name = f"rotation {_fingerprint(pairs, where)}"
    cleared = leftovers.clear(store)
    upkeep = Upkeep(store)
    order = (tables.GOLD_EXPECTED, tables.SILVER_STAYS, *_PLAIN)
    there = [table for table in order if store.find_version(table) is not None]
    left = [table for table in there if name not in upkeep.notes(table)]
    # A table in which nothing matched has no commit to carry the name; bronze, the last one, always has.
    if tables.BRONZE_ADMISSIONS not in left:
        _delete_former(upkeep, there)  # where it broke off after the last table
        return Outcome(" ".join([*cleared, f"this mapping has been applied already ({name})"]), rows_out=0)
    if left == there:
        _require_free(store, pairs, where)
    stays = store.cache(_rotated_stays(store, pairs)) if tables.SILVER_STAYS in left else None
    if stays is not None:
        stays = stays.localCheckpoint()
    validation.mark_unfinished(store, run_id)
    written: dict[Table, int] = {}
    with upkeep.noting(name):
        for table in left:
            if table == tables.GOLD_EXPECTED:
                written[table] = 0 if stays is None else upkeep.update(table, _of_expected(stays), _EXPECTED, ["scored_hash"])
            elif table == tables.SILVER_STAYS:
                assert stays is not None
                written[table] = upkeep.update(table, stays, _KEY, ["patient_id", "row_hash"])
            else:
                written[table] = upkeep.update(table, pairs, ["patient_id"], ["patient_id"])
    _delete_former(upkeep, there)
    counts = ", ".join(f"{table} {number:,}" for table, number in written.items())
    until = removal.kept_until(store)
    said = f"{name} applied; rows: {counts}. Former versions hold the old pseudonyms until `maintain` runs on or after {until}"
    return Outcome(" ".join([*cleared, said]), rows_out=sum(written.values()))


def _delete_former(upkeep: Upkeep, there: Sequence[Table]) -> None:
    """Rewrites the files that still hold the old pseudonyms of rows that are only marked as deleted in them."""
    for table in there:
        upkeep.purge(table)
        upkeep.vacuum(table)


_EXPECTED = ("hospital_id", "admission_id", "indicator", "scored_hash")


def _of_expected(stays: DataFrame) -> DataFrame:
    """Expected readmissions know the stay they are of by its row_hash."""
    return stays.select(
        *_KEY, F.lit(registry.READMISSION).alias("indicator"), F.col("row_hash").alias("scored_hash"),
        F.col("new_row_hash").alias("new_scored_hash"),
    )  # fmt: skip


def _rotated_stays(store: Store, pairs: DataFrame) -> DataFrame:
    """Grain: key of silver.stays. Columns row_hash (as it is), new_patient_id, new_row_hash."""
    rows = store.read(tables.SILVER_STAYS).join(pairs, on="patient_id", how="inner")
    renamed = rows.withColumnRenamed("row_hash", "_hash").withColumn("patient_id", F.col("new_patient_id"))
    hashed = renamed.withColumn("new_row_hash", hash_of(SCHEMAS[tables.SILVER_STAYS].hashed))
    return hashed.select(*_KEY, F.col("_hash").alias("row_hash"), "new_patient_id", "new_row_hash")


def _fingerprint(pairs: DataFrame, where: str) -> str:
    """A name of the mapping, which must be one for one."""
    counted = pairs.agg(
        F.count("*").alias("pairs"),
        F.count_distinct("patient_id").alias("old"),
        F.count_distinct("new_patient_id").alias("new"),
        F.count_if(F.coalesce(F.length("patient_id"), F.lit(0)) == 0).alias("old_missing"),
        F.count_if(F.coalesce(F.length("new_patient_id"), F.lit(0)) == 0).alias("new_missing"),
    ).collect()[0]
    total, missing = counted["pairs"], counted["old_missing"] + counted["new_missing"]
    if not total or missing or counted["old"] < total or counted["new"] < total:
        raise SettingsError(
            f"The mapping is not one for one: {total:,} pairs, {counted['old']:,} old and {counted['new']:,} new pseudonyms, "
            f"{missing:,} missing.",
            where=where,
            mend="ask the trusted third party for a mapping with each old and each new pseudonym once.",
        )
    return str(set_digests(pairs, row_text(pairs, pairs.columns)).collect()[0]["sha256"])[:16]


def _require_free(store: Store, pairs: DataFrame, where: str) -> None:
    """Every pseudonym of the tables must be in the mapping: one that stayed could be another patient's new one."""
    known = store.read(tables.BRONZE_ADMISSIONS).where("patient_id IS NOT NULL").select("patient_id").distinct()
    left_over = known.join(pairs, on="patient_id", how="left_anti").count()
    if left_over:
        raise SettingsError(
            f"{left_over:,} pseudonym(s) of the tables are not in the mapping; nothing was replaced.",
            where=where,
            mend="ask the trusted third party for the whole mapping: with a part of it links would break.",
        )

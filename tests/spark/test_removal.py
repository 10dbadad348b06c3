"""What goes with an erased patient, what must stay for others, and what is counted where a removal or a freeze broke off."""

from __future__ import annotations

from pathlib import Path

import pytest
import upkeep_tables
from dying import Died
from memory_store import MemoryStore
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from upkeep_tables import BROKEN_OFF, FROZEN, PATIENT, PUBLICATION, records_in_force

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.steps import leftovers, removal
from lbz_indicators.steps.erasure import erase
from lbz_indicators.steps.publications import publications
from lbz_indicators.steps.reproduction import _removals
from lbz_indicators.tables import Table


@pytest.fixture
def memory(spark: SparkSession) -> MemoryStore:
    store = MemoryStore(spark)
    upkeep_tables.write(store, upkeep_tables.rows(upkeep_tables.settings(Path("memory"))))
    return store


def _of_publications(store: Store, table: Table) -> dict[str, int]:
    return dict(map(tuple, store.read(table).groupBy("publication_id").count().collect()))


def test_frozen_rows_of_no_publication_are_taken_away_and_said(memory: MemoryStore) -> None:
    """A freeze that broke off, and whose figures are others by now: nothing else would ever reach its rows."""
    assert _of_publications(memory, tables.GOLD_PUBLISHED_COVARIATES) == {PUBLICATION: 3, BROKEN_OFF: 3}
    assert leftovers.count_unpublished(memory) == len(FROZEN)
    said = erase(memory, ["nobody"], "case 1", "run").message
    assert said == (
        "3 frozen rows of no publication, left by a freeze that broke off, deleted. "
        "none of the 1 pseudonym(s) is in the tables; nothing was erased"
    )
    assert _of_publications(memory, tables.GOLD_PUBLISHED_COVARIATES) == {PUBLICATION: 3}
    versions = {name: len(frames) for name, frames in memory.kept.items()}
    assert leftovers.clear(memory) == [] and {name: len(frames) for name, frames in memory.kept.items()} == versions


def test_frozen_rows_go_where_not_a_single_publication_is_complete(memory: MemoryStore) -> None:
    del memory.kept["gold.publications"]
    assert leftovers.remove_unpublished(memory) == 2 * len(FROZEN)
    assert memory.read(tables.GOLD_PUBLISHED_COVARIATES).isEmpty()


def _withdrawals_of(parts: list[removal.Part]) -> set[int]:
    keys = next(part.keys for part in parts if part.table == tables.BRONZE_WITHDRAWALS)
    assert keys.columns == ["delivery_id", "record"]
    return {row["record"] for row in keys.collect()}


def test_a_withdrawal_goes_with_its_admission_unless_another_record_would_come_back(memory: MemoryStore) -> None:
    """a1 goes with its withdrawal. That of a9 names the record of P3 too, to whom it was corrected; that of a month names nobody."""
    before = records_in_force(memory)
    assert before == {("d1", "a2"), ("d1", "a3")}
    gone = memory.read(tables.BRONZE_ADMISSIONS).where(F.col("patient_id") == PATIENT)
    parts = removal.parts_of(memory, gone)
    assert [str(part.table) for part in parts[-2:]] == ["bronze.withdrawals", "bronze.admissions"]
    assert _withdrawals_of(parts) == {0}
    for part in parts[-2:]:
        left = memory.read(part.table).join(part.keys.select(*part.on), on=list(part.on), how="left_anti")
        memory.tables.keep(part.table, left)
    assert records_in_force(memory) == before - {("d1", "a3")}


def test_a_withdrawal_of_what_was_never_delivered_has_the_retention_of_its_delivery(memory: MemoryStore) -> None:
    """d3 was loaded in 2020; of a9 and a8 records stay, so what withdraws them does."""
    none = memory.read(tables.BRONZE_ADMISSIONS).where("false")
    found = {year: _withdrawals_of(removal.parts_of(memory, none, withdrawn_before=year)) for year in (2020, 2021)}
    assert found == {2020: set(), 2021: {4}}


@pytest.mark.parametrize("frozen_are_gone", [False, True])
def test_an_erasure_that_broke_off_is_counted_once(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen_are_gone: bool
) -> None:
    """It dies at the first table it removes from, the frozen rows, or at the next: `reproduce` must know in between, and after."""
    wanted = {tables.BRONZE_ADMISSIONS, tables.GOLD_PUBLISHED_COVARIATES, tables.GOLD_PUBLICATIONS}
    chosen = upkeep_tables.settings(tmp_path)
    store, remove = Store(spark, chosen.storage), Upkeep.remove
    upkeep_tables.write(store, {table: rows for table, rows in upkeep_tables.rows(chosen).items() if table in wanted})

    def dying(self: Upkeep, table: Table, *arguments) -> int:  # type: ignore[no-untyped-def]
        if frozen_are_gone and table == tables.GOLD_PUBLISHED_COVARIATES:
            return remove(self, table, *arguments)
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(Upkeep, "remove", dying)
        erase(store, [PATIENT], "case 1", "first")

    def require_all_known() -> int:
        """Frozen rows that are there and those that `reproduce` calls gone are all that were frozen."""
        there = _of_publications(store, tables.GOLD_PUBLISHED_COVARIATES)[PUBLICATION]
        gone = sum(one.rows for one in _removals(store, publications(store)[0]))
        assert there + gone == len(FROZEN)
        return gone

    assert require_all_known() == (2 if frozen_are_gone else 0)
    said = erase(store, [PATIENT], "case 1", "second").message
    rows = "gold.published_covariates 2" if frozen_are_gone else "none"
    assert f"UTC (patient) had broken off; rows it had removed: {rows}. 1 of 1 pseudonym(s) erased" in said
    assert require_all_known() == 2
    total: dict[str, int] = {}
    records = store.read(tables.GOLD_ERASURES).collect()
    for row in records:
        total = {name: total.get(name, 0) + row["rows_by_table"].get(name, 0) for name in {*total, *row["rows_by_table"]}}
    assert total == {"bronze.admissions": 3, "gold.published_covariates": 2}
    assert sum(row["rows_by_publication"].get(PUBLICATION, 0) for row in records) == 2
    assert [row["complete"] for row in records] == [True, True] and leftovers.clear(store) == []

"""Erasing, rotating, maintaining and freezing die after every commit they make, and are run again: nothing is lost, nothing is
counted twice, and nothing comes back into force in between.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from pathlib import Path

import prepared
import pytest
import same_tables
import upkeep_tables
from dying import run_dying
from prepared import Prepared
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from upkeep_tables import FROZEN, GONE, PATIENT, PUBLICATION, records_in_force

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.io.files import read_mapping
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import retention, validation
from lbz_indicators.steps.erasure import erase
from lbz_indicators.steps.freeze import freeze
from lbz_indicators.steps.maintenance import maintain
from lbz_indicators.steps.publications import publications
from lbz_indicators.steps.reproduction import _removals, find_publication, reproduce_publication
from lbz_indicators.steps.rotation import rotate
from lbz_indicators.tables import Table

pytestmark = pytest.mark.story


def _erased(store: Store) -> tuple[dict[str, int], int]:
    """Rows removed by table, and frozen rows of the publication, added up over gold.erasures, which must all be complete."""
    total: dict[str, int] = {}
    frozen = 0
    for row in store.read(tables.GOLD_ERASURES).collect():
        assert row["complete"]
        frozen += row["rows_by_publication"].get(PUBLICATION, 0)
        for name, number in row["rows_by_table"].items():
            total[name] = total.get(name, 0) + number
    return total, frozen


def _require_all_frozen_known(store: Store) -> None:
    """Frozen rows that are there and those that `reproduce` calls gone are all that were frozen."""
    of_publication = F.col("publication_id") == PUBLICATION
    there = store.read(tables.GOLD_PUBLISHED_COVARIATES).where(of_publication).count()
    gone = sum(one.rows for one in _removals(store, publications(store)[0]))
    assert there + gone == len(FROZEN)


def _require_purged(store: Store, names: dict[str, int]) -> None:
    """No file of these tables holds a row that is only marked as deleted."""
    for table in tables.ALL:
        if str(table) in names:
            name = store.location.identifier(table)
            files = store.spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]
            rows = store.spark.read.format("delta").load(store.location.path(table)).inputFiles()
            held = store.spark.read.option("recursiveFileLookup", "true").parquet(*rows).count() if rows else 0
            assert (len(rows), held) == (files["numFiles"], store.read(table).count()), table


def test_an_erasure_that_dies_after_every_commit(spark: SparkSession, tmp_path: Path) -> None:
    store = upkeep_tables.make(spark, tmp_path)
    before = records_in_force(store)
    others = {("d1", "a2")}
    assert before == others | {("d1", "a3")}

    def after_each() -> None:
        assert others <= records_in_force(store) <= before, "what was withdrawn is out of force at every moment"
        _require_all_frozen_known(store)

    said, deaths = run_dying(tmp_path, lambda: erase(store, [PATIENT], "case 1", "erasure").message, after_each)
    print(f"erase died {deaths} times: {said}")
    # The freeze's rows, the mark of a month, silver.validation, records put out of force, a merge per table.
    assert deaths >= 4 + len(GONE)
    assert _erased(store) == (GONE, GONE["gold.published_covariates"])
    _require_all_frozen_known(store)
    _require_purged(store, GONE)
    assert records_in_force(store) == others
    marks = store.read(tables.BRONZE_ADMISSIONS).where("admission_id IS NULL").select("discharge_date", "defect").collect()
    assert [tuple(row) for row in marks] == [(f"{upkeep_tables.MONTH_OF_A3}-01", "filtered:erased")]
    kept = {row["record"] for row in store.read(tables.BRONZE_WITHDRAWALS).collect()}
    assert kept == {1, 2, 3, 4}
    for table in (tables.BRONZE_ADMISSIONS, tables.SILVER_ADMISSIONS):
        assert store.read(table).where(F.col("patient_id") == PATIENT).isEmpty()
    frozen = {bytes(row[0]) for row in store.read(tables.GOLD_PUBLISHED_COVARIATES).select("row_identity").collect()}
    assert frozen == {upkeep_tables.row_identity("a2")}
    stored = validation.last_validation(store)
    assert stored is not None and not stored["complete"], "the next validation is a whole one"
    assert erase(store, [PATIENT], "case 1", "again").message == "none of the 1 pseudonym(s) is in the tables; nothing was erased"


def test_maintenance_that_dies_after_every_commit(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What P1 had as d1 delivered it was discharged in 2009, more than ten years ago; the publication is of 2019."""
    monkeypatch.setattr(retention, "utc_now", lambda: dt.datetime(2026, 1, 1))
    store = upkeep_tables.make(spark, tmp_path, year=2009)
    chosen = upkeep_tables.settings(tmp_path).model_copy(
        update={"storage": store.location.settings.model_copy(update={"retention_days": 9})}
    )
    store = Store(spark, chosen.storage)
    only = (tables.BRONZE_ADMISSIONS, tables.GOLD_EXPECTED)
    gone = {name: number for name, number in GONE.items() if name != "gold.published_covariates"}

    def run() -> str:
        return maintain(store, chosen, SILENT, "maintain", dry_run=False, only=only).outcome.message

    dry = maintain(store, chosen, SILENT, "maintain", dry_run=True, only=only).outcome.message
    assert "frozen rows of no publication, left by a freeze that broke off, would be deleted: 3" in dry
    said, deaths = run_dying(tmp_path, run, lambda: _require_all_frozen_known(store))
    print(f"maintain died {deaths} times: {said}")
    # As for erase, without a mark; then the retentions of Delta for two tables.
    assert deaths >= 3 + len(gone) + len(only)
    assert _erased(store) == (gone, 0)
    assert records_in_force(store) == {("d1", "a2")}
    _require_purged(store, gone)
    upkeep = Upkeep(store)
    for table in only:
        state = upkeep.state(table)
        assert state is not None and state.files == 1
        assert {state.properties[f"delta.{name}RetentionDuration"] for name in ("log", "deletedFile")} == {"interval 9 days"}


def test_a_rotation_that_dies_after_every_commit(spark: SparkSession, tmp_path: Path) -> None:
    """The hardest mapping: old and new pseudonyms are the same ones, so to apply it twice would go unnoticed."""
    store = upkeep_tables.make(spark, tmp_path / "tables")
    mapping = {"P1": "P2", "P2": "P3", "P3": "P1"}
    path = tmp_path / "mapping.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("old", "new"), *mapping.items()])

    def pseudonyms(table: Table) -> list[tuple[str, ...]]:
        names = [name for name in ("delivery_id", "record", "admission_id", "patient_id") if name in store.read(table).columns]
        return sorted(map(tuple, store.read(table).select(*names).collect()))

    plain = (tables.BRONZE_ADMISSIONS, tables.SILVER_ADMISSIONS)
    wanted = {table: sorted((*row[:-1], mapping[row[-1]]) for row in pseudonyms(table)) for table in plain}
    others = ("silver.admissions", "silver.validation", "bronze.admissions", "gold.published_covariates")
    before = same_tables.contents(spark, tmp_path / "tables", *same_tables.LAYERS)

    def run() -> str:
        return rotate(store, read_mapping(spark, str(path)), str(path), "rotation").message

    said, deaths = run_dying(tmp_path / "tables", run)
    print(f"rotate-pseudonyms died {deaths} times: {said}")
    # The freeze's rows, silver.validation, and the two tables with pseudonyms.
    assert deaths >= 4
    assert {table: pseudonyms(table) for table in plain} == wanted
    after = same_tables.contents(spark, tmp_path / "tables", *same_tables.LAYERS)
    assert {name: found for name, found in after.items() if name not in others} == {
        name: found for name, found in before.items() if name not in others
    }
    _require_purged(store, {str(table): 1 for table in plain})
    assert "has been applied already" in run() and {table: pseudonyms(table) for table in plain} == wanted


def test_a_freeze_that_dies_after_every_commit(spark: SparkSession, undisturbed: Prepared, tmp_path: Path) -> None:
    """After the first death the figures are taken to be others, so that the rows it left are of no publication at the end."""
    root = undisturbed.copy(None, tmp_path / "tables")
    settings = prepared.settings(undisturbed.delivery, root)
    store = Store(spark, settings.storage)
    covariates = store.location.identifier(tables.GOLD_PUBLISHED_COVARIATES)
    deaths = 0

    def after_each() -> None:
        nonlocal deaths
        deaths += 1
        store.release()
        rows = store.read(tables.GOLD_PUBLISHED_COVARIATES)
        for known in publications(store):  # only when it is complete
            assert rows.where(known.holds()).count() == known.admissions
        if deaths == 1:
            assert publications(store) == [] and not rows.isEmpty()
            spark.sql(f"UPDATE {covariates} SET publication_id = 'publication-2019-other'").collect()

    outcome, died = run_dying(root, lambda: freeze(store, settings, "first", "freeze"), after_each, later=True)
    store.release()
    print(f"freeze died {died} times: {outcome.message}")
    # After covariates; after covariates, cells, figures and publication, each time after what was there was taken away.
    assert died == deaths >= 5
    found = find_publication(store, publications(store)[0].publication_id, None)
    assert found is not None and len(publications(store)) == 1
    made = reproduce_publication(store, found)
    store.release()
    assert made.is_equal
    for table in (tables.GOLD_PUBLISHED_COVARIATES, tables.GOLD_PUBLISHED_STAY_CELLS, tables.GOLD_PUBLISHED_FIGURES):
        assert {row[0] for row in store.read(table).select("publication_id").distinct().collect()} == {found.publication_id}
    assert store.read(tables.GOLD_PUBLISHED_COVARIATES).count() == found.admissions
    shutil.rmtree(root)

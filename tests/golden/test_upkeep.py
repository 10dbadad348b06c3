"""Rotation of pseudonyms, erasure of a patient and retention on the golden set: what goes, what stays, and what is said of it.

The counts are worked out from the tables before, in pandas, by other ways than the program's.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from golden import Published, golden_settings
from lbz_indicators import tables
from lbz_indicators.errors import ErasedError, SettingsError, StorageError
from lbz_indicators.io.files import read_mapping
from lbz_indicators.io.upkeep import Upkeep
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.erasure import erase, read_pseudonyms
from lbz_indicators.steps.maintenance import maintain
from lbz_indicators.steps.reproduction import require_equal
from lbz_indicators.steps.retention import expired, remove_expired
from lbz_indicators.steps.rotation import rotate
from lbz_indicators.tables import Table

pytestmark = pytest.mark.long

KEY = ["hospital_id", "admission_id"]
WITH_PSEUDONYMS = (
    tables.BRONZE_ADMISSIONS, tables.SILVER_ADMISSIONS, tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_STAYS
)  # fmt: skip
BY_KEY = (tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_EXPECTED, tables.GOLD_EXPECTED_NIGHTS)


def _rows(published: Published, table: Table) -> pd.DataFrame:
    return published.store.read(table).toPandas()


def _mapping(path: Path, pairs: list[tuple[str, str]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("old", "new"), *pairs])
    return str(path)


def _rotate(published: Published, path: str) -> str:
    said = rotate(published.store, read_mapping(published.store.spark, path), path, "rotation").message
    published.store.release()
    return said


@pytest.fixture(scope="module")
def pseudonyms(published: Published) -> list[str]:
    return sorted(_rows(published, tables.BRONZE_ADMISSIONS).patient_id.dropna().unique())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pairs: [*pairs[1:], (pairs[0][0], pairs[1][1])], "not one for one"),
        (lambda pairs: [*pairs, pairs[0]], "not one for one"),
        (lambda pairs: [*pairs[1:], (pairs[0][0], "")], "1 missing"),
        (lambda pairs: pairs[2:], r"2 pseudonym\(s\) of the tables are not in the mapping"),
    ],
)
def test_a_mapping_that_would_break_links_is_refused(published: Published, pseudonyms, tmp_path: Path, change, message) -> None:  # type: ignore[no-untyped-def]
    path = _mapping(tmp_path / "map.csv", change([(old, f"new-{old}") for old in pseudonyms]))
    with pytest.raises(SettingsError, match=message):
        _rotate(published, path)
    published.store.release()


def test_rotation_that_broke_off_goes_on_and_changes_no_figure(
    published: Published, pseudonyms: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pseudonym takes its neighbour's place: the hardest mapping, for old and new names are the same ones."""
    neighbours = dict(zip(pseudonyms, [*pseudonyms[1:], pseudonyms[0]], strict=True))
    path = _mapping(tmp_path / "map.csv", list(neighbours.items()))
    before = {table: _rows(published, table) for table in WITH_PSEUDONYMS}
    update = Upkeep.update

    def breaks_off(self: Upkeep, table: Table, *arguments) -> int:  # type: ignore[no-untyped-def]
        if table == tables.SILVER_ADMISSIONS:
            raise KeyboardInterrupt
        return update(self, table, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Upkeep, "update", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            _rotate(published, path)
    said = _rotate(published, path)
    assert "silver.admissions" in said and "silver.stays" not in said and not any(old in said for old in pseudonyms[:50])
    for table in WITH_PSEUDONYMS:
        rows = before[table].assign(patient_id=before[table].patient_id.map(neighbours))
        key = ["delivery_id", "record"] if "record" in rows else KEY
        wanted, found = (one[[*key, "patient_id"]].sort_values(key, ignore_index=True) for one in (rows, _rows(published, table)))
        pd.testing.assert_frame_equal(wanted, found)
    assert "has been applied already" in _rotate(published, path)

    figures = published.store.version(tables.GOLD_INDICATORS)
    with pytest.raises(StorageError, match="run validate"):  # records whose pseudonyms changed are to be judged anew
        STEPS["derive"](published.store, published.settings, SILENT, "after rotation")
    STEPS["validate"](published.store, published.settings, SILENT, "after rotation")
    published.store.release()
    for name in ("derive", "score", "indicators"):
        assert STEPS[name](published.store, published.settings, SILENT, "after rotation").rows_out == 0, name
        published.store.release()
    assert published.store.version(tables.GOLD_INDICATORS) == figures


def test_an_erased_patient_is_in_no_table_and_reproduce_says_so(published: Published, tmp_path: Path) -> None:
    before = {
        table: _rows(published, table) for table in (*WITH_PSEUDONYMS, *BY_KEY, tables.SILVER_DIAGNOSES, tables.BRONZE_DIAGNOSES)
    }
    covariates = before[tables.SILVER_COVARIATES]
    reported = covariates[covariates.exclusion_reason.isna() & (covariates.discharge_year > 2016)]
    own = reported.merge(before[tables.SILVER_ADMISSIONS][[*KEY, "patient_id"]], on=KEY).groupby("patient_id").size()
    patient = own.idxmax()
    assert own[patient] >= 3
    file = tmp_path / "erase.txt"
    file.write_text(f"\n{patient}\n  nobody \n{patient}\n")
    asked = read_pseudonyms(str(file))
    assert asked == sorted([patient, "nobody"])
    said = erase(published.store, asked, "case 7", "erasure").message
    published.store.release()
    assert said.startswith("1 of 2 pseudonym(s) erased") and patient not in said

    delivered = before[tables.BRONZE_ADMISSIONS].query("patient_id == @patient")[[*KEY, "delivery_id"]]
    keys = set(map(tuple, delivered[KEY].to_numpy()))
    counts = {}
    for table, rows in before.items():
        is_own = rows.patient_id == patient if "patient_id" in rows else [tuple(key) in keys for key in rows[KEY].to_numpy()]
        after = _rows(published, table)
        assert len(after) == len(rows) - sum(is_own), table
        assert not (set(map(tuple, after[KEY].to_numpy())) & keys) and (
            "patient_id" not in after or patient not in set(after.patient_id)
        )
        counts[str(table)] = int(sum(is_own))
    row = published.store.read(tables.GOLD_ERASURES).collect()[0]
    counts["gold.published_covariates"] = int(own[patient])
    assert row["rows_by_table"] == {name: number for name, number in counts.items() if number}
    assert row["rows_by_publication"] == {published.publication_id: own[patient]}
    assert (row["reason"], row["patients"], row["note"]) == ("patient", 1, "case 7") and patient not in str(row)

    made = published.reproduce()
    assert not made.changed and [(one.reason, one.rows) for one in made.removals] == [("patient", own[patient])]
    assert sum(one.differing for one in made.indicators) > 0
    with pytest.raises(
        ErasedError, match=rf"rows were erased by law: {own[patient]} rows on \d{{4}}-\d\d-\d\d \(patient\)"
    ) as error:
        require_equal(made)
    assert error.value.exit_status == 6
    assert "none of the 1 pseudonym(s)" in erase(published.store, [patient], "again", "erasure").message
    published.store.release()


def test_what_is_past_its_retention_goes_and_figures_stay(published: Published) -> None:
    """In 2027 ten years after discharge: the discharges of 2016 go, with their diagnoses; frozen sets of 2019 stay until 2030."""
    settings = published.settings
    valid = _rows(published, tables.SILVER_ADMISSIONS)
    old = valid[pd.to_datetime(valid.discharge_date).dt.year < 2017]
    found = expired(published.store, settings, this_year=2027)
    assert found.by_table["silver.admissions"] == len(old) > 0 and not found.by_publication
    assert found.by_table["silver.covariates"] == len(old) and found.by_table["bronze.admissions"] >= len(old)
    figures = published.store.version(tables.GOLD_INDICATORS)
    remove_expired(published.store, found, "retention")
    published.store.release()
    assert published.store.read(tables.SILVER_COVARIATES).where("discharge_year < 2017").isEmpty()
    bronze = published.store.read(tables.BRONZE_ADMISSIONS)
    assert bronze.where("try_to_date(discharge_date) < '2017-01-01'").isEmpty()
    assert bronze.count() > published.store.read(tables.SILVER_ADMISSIONS).count() > 1000
    assert published.store.version(tables.GOLD_INDICATORS) == figures
    assert expired(published.store, settings, this_year=2027).by_table == {}
    published.store.release()
    later = expired(
        published.store, golden_settings(Path(str(settings.storage.root)), "retention.admissions_years=null"), this_year=2030
    )
    frozen = published.store.read(tables.GOLD_PUBLISHED_COVARIATES).count()
    assert later.by_publication == {published.publication_id: frozen} and later.by_table == {"gold.published_covariates": frozen}
    published.store.release()


def test_maintain_compacts_and_sets_both_retentions(published: Published) -> None:
    settings = golden_settings(Path(str(published.settings.storage.root)), "storage.retention_days=9")
    store = type(published.store)(published.store.spark, settings.storage)
    some = (tables.GOLD_EXPECTED, tables.GOLD_RUNS)
    dry = maintain(store, settings, SILENT, "maintain", dry_run=True, only=some)
    assert "would be deleted: none" in dry.outcome.message
    before = {state.table: state for state in dry.tables}
    rows = {table: store.read(table).count() for table in some}
    done = maintain(store, settings, SILENT, "maintain", dry_run=False, only=some)
    for state in done.tables:
        assert {state.properties[f"delta.{name}RetentionDuration"] for name in ("log", "deletedFile")} == {"interval 9 days"}
        assert state.files <= before[state.table].files and state.version > before[state.table].version
        assert store.read(state.table).count() == rows[state.table]
    assert next(state for state in done.tables if state.table == tables.GOLD_RUNS).files == 1

"""A fit of the expected stay that breaks off has written over the current version's rows, table by table.

Two diagnosis groups of one year: stays of 2 and 4 nights, and of 5 and 7. Their means are 3 and 6 nights.
"""

from __future__ import annotations

from typing import Any

import pytest
from memory_store import MemoryStore
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import ModelError, StorageError
from lbz_indicators.io import Written
from lbz_indicators.progress import SILENT
from lbz_indicators.references import load_references
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.fit import _Fits, _make_current, _register
from lbz_indicators.steps.predicted import stay_family
from lbz_indicators.steps.score import _Scoring
from lbz_indicators.tables import Table

YEAR = 2019
STAYS = {"48": (2, 4), "84": (5, 7)}
OF_STAYS = (tables.GOLD_STAY_CELLS, tables.GOLD_STAY_COEFFICIENTS, tables.GOLD_STAY_FIT)


class FullDisk(MemoryStore):
    """Cannot write one table."""

    full: Table | None = None

    def overwrite(self, table: Table, frame: DataFrame, condition: str) -> Written:
        self._require_space(table)
        return super().overwrite(table, frame, condition)

    def append(self, table: Table, frame: DataFrame) -> Written:
        self._require_space(table)
        return super().append(table, frame)

    def _require_space(self, table: Table) -> None:
        if table == self.full:
            raise StorageError("no space left")


def _settings(minimum: int) -> Settings:
    return load_settings(None, ["storage.root=memory", f"period.years={YEAR}", f"olo.minimum_cell_admissions={minimum}"])


@pytest.fixture(scope="module")
def store(spark: SparkSession) -> FullDisk:
    store = FullDisk(spark)
    alike: dict[str, Any] = {
        "hospital_id": "H1", "reporting_hospital_id": "H1", "discharge_year": YEAR, "care_type": "K", "died": False, "age": 10,
        "covid_main_diagnosis": False, "row_hash": 1,
    }  # fmt: skip
    stays = [(group, nights) for group, pair in STAYS.items() for nights in pair]
    own = [{"diagnosis_group": g, "main_diagnosis_category": f"C{g}", "nights": nights} for g, nights in stays]
    rows = [{**alike, **row, "admission_id": f"a{number}"} for number, row in enumerate(own)]
    names = SCHEMAS[tables.SILVER_COVARIATES].names
    frame = store.frame(tables.SILVER_COVARIATES, [[row.get(name) for name in names] for row in rows])
    store.append(tables.SILVER_COVARIATES, frame)
    return store


def _fit(store: MemoryStore, settings: Settings) -> str:
    """What the step does of the expected stay; the version that is current then."""
    derived, versions = Derived(settings, load_references(settings.references), "none"), Versions.read(store)
    made = _Fits(store, settings, derived, versions, SILENT).fit_stays()
    _register(store, derived, [one for one in made if one.version not in versions], "run")
    _make_current(store, settings, versions, made)
    return Versions.read(store).require(stay_family(YEAR)).name


def _score(store: MemoryStore, settings: Settings) -> list[float]:
    derived = Derived(settings, load_references(settings.references), "none")
    _Scoring(store, settings, Versions.read(store), derived, None).stays()
    return [row["expected_nights"] for row in store.read(tables.GOLD_EXPECTED_NIGHTS).orderBy("admission_id").collect()]


@pytest.mark.parametrize("full", [*OF_STAYS[1:], tables.GOLD_MODELS], ids=str)
def test_the_former_version_is_estimated_again_after_a_fit_that_broke_off(store: FullDisk, full: Table) -> None:
    """With as many admissions in a cell as there are in a group, and a fit with more that breaks off."""
    known, other = _settings(2), _settings(3)
    name = _fit(store, known)
    assert _score(store, known) == [3.0, 3.0, 6.0, 6.0]
    before = {table: store.find_version(table) for table in OF_STAYS}
    assert _fit(store, known) == name and before == {table: store.find_version(table) for table in OF_STAYS}
    store.full = full
    with pytest.raises(StorageError):
        _fit(store, other)
    store.full = None
    assert Versions.read(store).require(stay_family(YEAR)).name == name, "the former one is current still"
    with pytest.raises(ModelError, match="a fit broke off") as error:
        _score(store, known)
    assert name in str(error.value) and "run fit" in str(error.value)
    assert _fit(store, known) == name
    for table in OF_STAYS:
        assert {row[0] for row in store.read(table).select("model_version").distinct().collect()} == {name}, table
    assert _score(store, known) == [3.0, 3.0, 6.0, 6.0]


def test_a_year_without_stays_is_known_without_rows(store: FullDisk) -> None:
    settings = load_settings(None, ["storage.root=memory", "period.years=2021"])
    derived = Derived(settings, load_references(settings.references), "none")
    for fitted in (1, 0):
        versions = Versions.read(store)
        made = _Fits(store, settings, derived, versions, SILENT).fit_stays()
        assert sum(one.note == "fitted" for one in made) == fitted
        _register(store, derived, [one for one in made if one.version not in versions], "run")
        _make_current(store, settings, versions, made)

"""A clock that is set back changes no order: what was appended last is in force, and the last one is the last one.

The truth is the order in which things are done here; the clock says two days less each time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from clocks import WallClock, set_wall_clock
from memory_store import MemoryStore
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.clock import after
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.models import registry
from lbz_indicators.progress import SILENT
from lbz_indicators.registry_views import list_versions
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import figure_history, loading, severity
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.figure_history import write_figures
from lbz_indicators.steps.month_record import record_months
from lbz_indicators.steps.predicted import Family
from lbz_indicators.steps.promotion import promote
from lbz_indicators.steps.registration import NewVersion, register
from lbz_indicators.tables import Table

NOON = dt.datetime(2026, 3, 29, 12)
BACK = dt.timedelta(days=2)
FAMILY = Family(registry.MORTALITY, (2019,))
ONE = dt.timedelta(microseconds=1)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    return set_wall_clock(monkeypatch, NOON)


@pytest.fixture
def store(spark: SparkSession) -> Iterator[MemoryStore]:
    store = MemoryStore(spark)
    yield store
    store.release()


def _append(store: MemoryStore, table: Table, *rows: dict[str, Any]) -> None:
    """Rows of which the columns that are not named are null."""
    names = SCHEMAS[table].names
    store.append(table, store.frame(table, [[row.get(name) for name in names] for row in rows]))


def _settings(*overrides: str) -> Settings:
    chosen = ["storage.root=memory", "period.years=2019", "readmission.delivered_until=2019-12-31"]
    return load_settings(None, [*chosen, *overrides])


DELIVERED = {"delivery_id": "d", "table_name": "admissions", "load_date": NOON.date(), "loaded_at": NOON}


def test_a_time_is_after_the_last_one() -> None:
    assert after(None, NOON) == NOON and after(NOON - BACK, NOON) == NOON
    assert after(NOON, NOON) == after(NOON, NOON - BACK) == NOON + ONE


def test_the_model_promoted_last_is_current_and_no_other(store: MemoryStore, told: WallClock) -> None:
    for name in "abc":
        told.now -= BACK
        register(store, [NewVersion(name, FAMILY, "mllib", {}, {}, "", {}, "1")], "run")
    assert [row["model_version"] for row in list_versions(store).collect()] == ["c", "b", "a"], "the newest first"
    for name in "abacbc":
        told.now -= BACK
        promote(store, name, "somebody says so")
        versions = Versions.read(store).of(FAMILY)
        assert [version.name for version in versions if version.status == registry.CURRENT] == [name]
        assert max((version.current_since, version.name) for version in versions if version.current_since)[1] == name
        listed = {row["model_version"]: row["status"] for row in list_versions(store).collect()}
        assert listed == {version.name: version.status for version in versions}


def test_the_severity_table_derived_last_is_in_force(store: MemoryStore, told: WallClock) -> None:
    day = dt.date(2018, 3, 10)
    hospitals = [{"hospital_id": f"H{n}", "loaded_at": NOON, "delivery_id": "d", "record": n} for n in range(4)]
    _append(store, tables.BRONZE_HOSPITALS, *hospitals)
    _append(store, tables.BRONZE_DELIVERIES, DELIVERED)
    patient = {
        "discharge_year": 2018, "admission_date": day, "discharge_date": day + dt.timedelta(days=4), "care_type": "K",
        "urgency": "acute", "origin": "home", "discharge_destination": "home", "sex": "M", "age_years": 60, "resident": True,
        "main_diagnosis": "I210", "flags": [], "delivery_id": "d", "admission_minutes": 600, "discharge_minutes": 600,
    }  # fmt: skip
    rows = [{**patient, "hospital_id": f"H{n % 4}", "admission_id": f"a{n}", "died": n == 0} for n in range(30)]
    _append(store, tables.SILVER_ADMISSIONS, *rows)
    _append(store, tables.SILVER_VALIDATION, {"validated": "silver.admissions", "complete": True, "code_version": __version__})
    for hospitals_needed in (1, 2, 1):
        told.now -= BACK
        message = severity.step(store, _settings(f"severity.minimum_hospitals={hospitals_needed}"), SILENT, "run").message
        assert severity.version_in_force(store) == message.split()[1].rstrip(":")


def _expected(deaths: int) -> list[dict[str, Any]]:
    about = {"model_version": "m", "indicator": "mortality", "hospital_id": "H1", "discharge_year": 2019, "discharge_month": 3}
    return [{**about, "admission_id": f"a{n}", "observed": n < deaths, "expected": 0.25} for n in range(4)]


def test_the_month_recorded_last_holds(store: MemoryStore, told: WallClock) -> None:
    _append(store, tables.BRONZE_HOSPITALS, {"hospital_id": "H1", "loaded_at": NOON, "delivery_id": "d", "record": 1})
    _append(store, tables.BRONZE_DELIVERIES, DELIVERED)
    for deaths, moved in ((2, 2), (3, 2), (3, 0), (2, 2), (2, 0)):  # the hospital and the nation
        told.now -= BACK
        store.kept.pop(str(tables.GOLD_EXPECTED), None)
        _append(store, tables.GOLD_EXPECTED, *_expected(deaths))
        assert record_months(store, _settings(), "m", None, f"run {told.now}") == moved


def _figures(value: float, *hospitals: str | None) -> list[dict[str, Any]]:
    key = {"indicator": "hsmr", "definition": "d", "variant": "definitive", "breakdown": "none", "model_version": "m",
           "period_start": dt.date(2019, 1, 1), "period_end": dt.date(2019, 12, 31), "run_id": "run"}  # fmt: skip
    return [{**key, "hospital_id": hospital, "value": value} for hospital in hospitals]


def _write(store: MemoryStore, rows: list[dict[str, Any]]) -> None:
    names = store.columns(tables.GOLD_INDICATORS)
    frame = store.frame(tables.GOLD_INDICATORS, [[row.get(name) for name in names] for row in rows])
    write_figures(store, frame, F.lit(True), "run")


def _last_recorded(store: MemoryStore) -> dict[str | None, float]:
    """What somebody who reads the history takes for the last value."""
    rows = store.read(tables.GOLD_INDICATOR_HISTORY).orderBy("recorded_at").collect()
    last = {row["hospital_id"]: (row["change"], row["value"]) for row in rows}
    return {hospital: value for hospital, (change, value) in last.items() if change != "delete"}


def test_the_history_ends_with_the_figures_that_are_there(
    store: MemoryStore, told: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = [
        _figures(90.0, "H1", "H2", None),
        _figures(91.0, "H1", None),
        _figures(90.0, "H1", "H2", None),
        _figures(90.0, "H1", None),
    ]
    for number, rows in enumerate(nights):
        told.now -= BACK
        if number == 2:  # a night that breaks off between the figures and their history
            with monkeypatch.context() as patch, pytest.raises(OSError):
                patch.setattr(figure_history, "_record", _fail)
                _write(store, rows)
            told.now -= BACK
        _write(store, rows)
        assert _last_recorded(store) == {row["hospital_id"]: row["value"] for row in rows}, number
    # The figures are deleted and made anew: their table begins at version 0.
    del store.kept[str(tables.GOLD_INDICATORS)]
    for rows in (nights[-1], _figures(92.0, "H1", None), _figures(93.0, "H1", None)):
        told.now -= BACK
        _write(store, rows)
        assert _last_recorded(store) == {row["hospital_id"]: row["value"] for row in rows}
    assert figure_history._recorded_version(store) == store.find_version(tables.GOLD_INDICATORS)


def _fail(*_: object) -> None:
    raise OSError("no space left")


def test_a_delivery_is_loaded_after_the_last_and_its_discharges_are_not_in_the_future(
    store: MemoryStore, told: WallClock
) -> None:
    """The last one was loaded on the 29th, and holds discharges of the 28th."""
    _append(store, tables.BRONZE_DELIVERIES, DELIVERED)
    told.now -= BACK
    assert loading._stamps(store, _settings()) == (NOON.date(), NOON + ONE)
    named = _settings("delivery.load_date=2026-03-01")
    assert loading._stamps(store, named) == (dt.date(2026, 3, 1), NOON + ONE)
    told.now += 2 * BACK
    assert loading._stamps(store, _settings()) == (told.now.date(), told.now)

"""Deliveries in the wrong order, a hospital that is missing, and a clock that is set back: the delivery loaded last is in force.

Two hospitals deliver January. H1 corrects it twice; the older correction comes in after the newer one, on a machine whose clock
has been set back by two days meanwhile.
"""

from __future__ import annotations

import datetime as dt

import pytest
from clocks import set_wall_clock
from memory_store import MemoryStore
from pyspark.sql import SparkSession

from deliveries import admissions, csv_text, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS

JANUARY = {"admission_date": "2019-01-10", "discharge_date": "2019-01-14"}
TOLD = {
    "first": dt.datetime(2019, 3, 10, 12),
    "newer correction": dt.datetime(2019, 3, 12, 12),
    "older correction": dt.datetime(2019, 3, 10, 12),
}
"""What the clock says when each is loaded."""
DELIVERED = {
    "first": [
        {"admission_id": "a1", **JANUARY, "age_years": "50"},
        {"admission_id": "a2", **JANUARY, "age_years": "50"},
        {"admission_id": "b1", **JANUARY, "hospital_id": "H2", "age_years": "50"},
    ],
    "newer correction": [{"admission_id": "a1", **JANUARY, "age_years": "52"}],
    "older correction": [
        {"admission_id": "a1", **JANUARY, "age_years": "51"},
        {"admission_id": "a2", **JANUARY, "age_years": "51"},
    ],
}


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder, store = tmp_path_factory.mktemp("order"), MemoryStore(spark)
    for name, rows in DELIVERED.items():
        number = name.replace(" ", "-")
        named = {row.get("hospital_id", "H1") for row in rows}
        delivery = write_delivery(
            folder / number,
            {
                "admissions.csv": csv_text(admissions(*rows)),
                "diagnoses.csv": csv_text(diagnoses({})),
                "hospitals.csv": csv_text(hospitals(*sorted(named))),
            },
        )
        settings = load_settings(None, [f"delivery.input={delivery}", f"delivery.id={number}", "storage.root=memory"])
        with pytest.MonkeyPatch.context() as patch:
            set_wall_clock(patch, TOLD[name])
            for step in ("ingest", "validate"):
                STEPS[step](store, settings, SILENT, "run")
        store.release()
    return store


def test_the_delivery_loaded_last_is_in_force(store: Store) -> None:
    """The newer correction had withdrawn a2: loading the older one after it brings a2 back, as docs/operations.md says."""
    rows = store.read(tables.SILVER_ADMISSIONS).select("hospital_id", "admission_id", "age_years", "delivery_id").collect()
    assert {tuple(row) for row in rows if row[0] == "H1"} == {
        ("H1", "a1", 51, "older-correction"),
        ("H1", "a2", 51, "older-correction"),
    }


def test_the_months_of_a_hospital_that_is_missing_stay_as_they_are(store: Store) -> None:
    rows = store.read(tables.SILVER_ADMISSIONS).where("hospital_id = 'H2'").select("admission_id", "age_years", "delivery_id")
    assert [tuple(row) for row in rows.collect()] == [("b1", 50, "first")]


def test_a_clock_set_back_changes_no_order(store: Store) -> None:
    rows = store.read(tables.BRONZE_ADMISSIONS).select("delivery_id", "loaded_at").distinct().orderBy("loaded_at").collect()
    assert [row[0] for row in rows] == ["first", "newer-correction", "older-correction"]
    assert rows[2][1] == TOLD["newer correction"] + dt.timedelta(microseconds=1)


def test_every_record_is_counted_once(store: Store) -> None:
    totals = store.read(tables.SILVER_QUALITY).where("severity IN ('total', 'superseded')").collect()
    counts = {(row["delivery_id"], row["hospital_id"], row["rule"]): row["records"] for row in totals}
    assert counts == {
        ("first", "H1", "delivered"): 2,
        ("first", "H1", "replaced_by_later_delivery"): 2,
        ("first", "H2", "delivered"): 1,
        ("first", "H2", "valid"): 1,
        ("newer-correction", "H1", "delivered"): 1,
        ("newer-correction", "H1", "replaced_by_later_delivery"): 1,
        ("older-correction", "H1", "delivered"): 2,
        ("older-correction", "H1", "valid"): 2,
    }

"""The tables of a few admissions, written by hand: what erasing, rotating and maintaining meet, without a run before it.

Patient P1 has three admissions in delivery d1: a1, withdrawn by d3; a3, the only record of its month; a9, which d2 corrected to P3
and d3 withdrew. a8 of P2 is withdrawn, a2 of P2 in force. A publication was frozen of a1, a2 and a3; a freeze that broke off has left
rows under another name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.ingest import in_force
from lbz_indicators.io import Store
from lbz_indicators.tables import Table

PATIENT, SALT = "P1", "salt"
PUBLICATION, BROKEN_OFF = "publication-2019-whole", "publication-2019-broken"
FROZEN = ("a1", "a2", "a3")
MONTH_OF_A3 = "2019-05"
GONE = {
    "bronze.admissions": 3, "bronze.diagnoses": 2, "bronze.withdrawals": 1, "silver.admissions": 1, "gold.expected": 2,
    "gold.published_covariates": 2,
}  # fmt: skip
"""Rows that go with P1, counted by hand from the rows below."""

Row = Mapping[str, Any]


def settings(root: Path) -> Settings:
    return load_settings(None, [f"storage.root={root}", "period.years=2019", "readmission.delivered_until=2019-12-31"])


def _delivered(delivery: int, record: int, **values: Any) -> Row:
    loaded = dt.datetime(2020, delivery, 1)
    lineage = {"delivery_id": f"d{delivery}", "file": "f", "load_date": loaded.date(), "loaded_at": loaded, "record": record}
    return {"hospital_id": "H1", **lineage, **values}


def _admission(delivery: int, record: int, admission: str, patient: str, day: str) -> Row:
    return _delivered(delivery, record, admission_id=admission, patient_id=patient, discharge_date=day)


def row_identity(admission: str) -> bytes:
    """128 bits of the SHA-256 of salt and key."""
    return hashlib.sha256(f"{SALT}|2|H1{admission}".encode()).digest()[:16]


def rows(chosen: Settings, year: int = 2019) -> dict[Table, list[Row]]:
    """Rows by table. `year`: of discharge of P1's admissions as d1 has them."""
    silver = {"hospital_id": "H1", "delivery_id": "d1", "urgency": "acute", "flags": [], "main_diagnosis": "I210"}
    in_silver = [
        silver | {"admission_id": "a2", "patient_id": "P2", "discharge_year": 2019, "discharge_date": dt.date(2019, 3, 6)},
        silver | {"admission_id": "a3", "patient_id": "P1", "discharge_year": year, "discharge_date": dt.date(year, 5, 2)},
    ]
    scored = {"model_version": "m", "hospital_id": "H1", "diagnosis_group": "100", "observed": False, "expected": 0.1}
    expected = [
        scored | {"indicator": indicator, "admission_id": row["admission_id"], "discharge_year": row["discharge_year"]}
        for indicator in ("mortality", "readmission")
        for row in in_silver
    ]
    publication = {
        "publication_id": PUBLICATION, "frozen_at": dt.datetime(2020, 10, 1), "note": "n", "figure_run_ids": ["r"],
        "settings": json.dumps(chosen.model_dump(mode="json")), "models": {}, "references": "{}", "code_version": "0",
        "admissions": len(FROZEN), "figures": 0, "covariates_sha256": "", "figures_sha256": {}, "models_sha256": {},
        "salt": SALT, "run_id": "r",
    }  # fmt: skip
    frozen = [
        {"publication_id": name, "row_identity": row_identity(admission), "discharge_year": 2019, "diagnosis_group": "100"}
        for name in (PUBLICATION, BROKEN_OFF)
        for admission in FROZEN
    ]
    return {
        tables.BRONZE_ADMISSIONS: [
            _admission(1, 0, "a1", "P1", f"{year}-03-05"),
            _admission(1, 1, "a2", "P2", "2019-03-06"),
            _admission(1, 2, "a3", "P1", f"{year}-05-02"),
            _admission(1, 3, "a9", "P1", f"{year}-06-01"),
            _admission(1, 4, "a8", "P2", "2019-06-02"),
            _admission(2, 0, "a9", "P3", "2019-06-01"),
            _admission(2, 1, "a8", "P2", "2019-06-02"),
        ],
        tables.BRONZE_DIAGNOSES: [
            _delivered(1, number, admission_id=admission, diagnosis_code="I500") for number, admission in enumerate(FROZEN)
        ],
        tables.BRONZE_WITHDRAWALS: [
            _delivered(3, 0, admission_id="a1"),
            _delivered(3, 1, admission_id="a9", year="2019", month="6"),
            _delivered(3, 2, admission_id="a8"),
            _delivered(3, 3, year="2019", month="4"),
            _delivered(3, 4, admission_id="never delivered"),
        ],
        tables.SILVER_ADMISSIONS: in_silver,
        tables.SILVER_VALIDATION: [
            {"validated": "silver.admissions", "settings": "{}", "diagnosis_codes": "c", "inputs": "{}", "complete": True,
             "run_id": "r"}
        ],
        tables.GOLD_EXPECTED: expected,
        tables.GOLD_PUBLISHED_COVARIATES: frozen,
        tables.GOLD_PUBLICATIONS: [publication],
    }  # fmt: skip


def write(store: Store, content: Mapping[Table, list[Row]]) -> None:
    """Appends the rows; columns that are not named are null."""
    for table, of_table in content.items():
        names = store.columns(table)
        store.append(table, store.frame(table, [[row.get(name) for name in names] for row in of_table]))


def make(spark: SparkSession, root: Path, year: int = 2019) -> Store:
    """The tables on Delta."""
    chosen = settings(root)
    store = Store(spark, chosen.storage)
    write(store, rows(chosen, year))
    return store


def records_in_force(store: Store) -> set[tuple[str, str]]:
    """Delivery and admission of the records in force that no source filtered, as a whole validation would find them."""
    bronze = store.read(tables.BRONZE_ADMISSIONS)
    withdrawn = in_force.withdrawals(store.read(tables.BRONZE_WITHDRAWALS))
    marked = in_force.mark_in_force(bronze, in_force.delivered_months(bronze), withdrawn)
    found = marked.where("in_force AND defect IS NULL").select("delivery_id", "admission_id").collect()
    return {(row[0], row[1]) for row in found}

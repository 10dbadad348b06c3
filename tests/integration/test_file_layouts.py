"""One delivery in every file layout is the same delivery (METHOD section 2: CSV or Parquet, files and folders)."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from deliveries import admissions, csv_text, delta_logs, diagnoses, hospitals, write_delivery
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import ingest

ROWS = admissions(
    {"admission_id": "a1", "patient_id": "p1"},
    {"admission_id": "a2", "patient_id": "p2", "hospital_id": "H2", "specialty": "Gynaecologie, verloskunde"},
    {"admission_id": "a3", "patient_id": "", "admission_time": "", "sex": "", "postcode4": "", "specialty": 'De "Kliniek"'},
    {
        "admission_id": "a4",
        "patient_id": "p4",
        "died": "true",
        "discharge_destination": "deceased",
        "specialty": "Zuidoost-Brabant é",
    },
)
SECONDARY = diagnoses({}, {"admission_id": "a2", "hospital_id": "H2", "is_complication": "true"})
PLACES = hospitals("H1", "H2")


def _typed_parquet(folder: Path) -> None:
    """As a data team would write it: dates, booleans and whole numbers in their own types, columns in another order."""
    frame = pd.DataFrame(ROWS).replace("", None)[sorted(ROWS[0])]
    for name in ("admission_date", "discharge_date"):
        frame[name] = frame[name].map(dt.date.fromisoformat)
    for name in ("died", "resident"):
        frame[name] = frame[name] == "true"
    frame["age_years"] = frame["age_years"].astype("int32")
    frame["postcode4"] = frame["postcode4"].astype("Int64")
    frame.iloc[:1].to_parquet(folder / "admissions" / "one.parquet")
    frame.iloc[1:].to_parquet(folder / "admissions" / "rest.parquet")
    more = pd.DataFrame(SECONDARY)
    more["is_complication"] = more["is_complication"] == "true"
    more.to_parquet(folder / "diagnoses.parquet")
    pd.DataFrame(PLACES).replace("", None).to_parquet(folder / "hospitals.parquet")


def _write(folder: Path, layout: str) -> None:
    others = {"diagnoses.csv": csv_text(SECONDARY), "hospitals.csv": csv_text(PLACES)}
    if layout == "plain":
        write_delivery(folder, {"admissions.csv": csv_text(ROWS), **others})
    elif layout == "excel":
        # Byte order mark and CRLF, as Excel saves 'CSV UTF-8'.
        write_delivery(
            folder, {f"{t}.csv": b"\xef\xbb\xbf" + csv_text(rows, line_end="\r\n").encode() for t, rows in _TABLES.items()}
        )
    elif layout == "gzipped parts":
        parts = {"x7.csv.gz": [ROWS[3], ROWS[1]], "a.csv.gz": [ROWS[2]], "b/c.csv.gz": [ROWS[0]]}
        zipped = {f"admissions/{name}": gzip.compress(csv_text(rows).encode()) for name, rows in parts.items()}
        write_delivery(folder, {**zipped, "diagnoses.csv": csv_text(SECONDARY[::-1]), "hospitals.csv": csv_text(PLACES[::-1])})
    elif layout == "other column order":
        columns = sorted(ROWS[0])
        spaced = csv_text(ROWS, columns).replace("a1,", " a1 ,")
        write_delivery(folder, {"admissions.csv": spaced, **others, "admissions.csv.bak": "old", "README.txt": "hello"})
    else:
        (folder / "admissions").mkdir(parents=True)
        _typed_parquet(folder)


_TABLES = {"admissions": ROWS, "diagnoses": SECONDARY, "hospitals": PLACES}
LAYOUTS = ("excel", "gzipped parts", "other column order", "parquet")


def _settings(folder: Path, root: Path) -> Settings:
    return load_settings(None, [f"delivery.input={folder}", f"storage.root={root}", "delivery.load_date=2019-12-31"])


@pytest.fixture(scope="module")
def loaded(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """Bronze after the plain layout."""
    root = tmp_path_factory.mktemp("layouts") / "tables"
    folder = tmp_path_factory.mktemp("plain")
    _write(folder, "plain")
    settings = _settings(folder, root)
    store = Store(spark, settings.storage)
    ingest.step(store, settings, SILENT, "r")
    return store, root


def test_bronze_holds_what_was_delivered(loaded: tuple[Store, Path]) -> None:
    rows = loaded[0].read(tables.BRONZE_ADMISSIONS).collect()
    found = {row["admission_id"]: {name: row[name] for name in ROWS[0]} for row in rows}
    assert found == {row["admission_id"]: {name: value or None for name, value in row.items()} for row in ROWS}
    assert {row["defect"] for row in rows} == {None} and {str(row["load_date"]) for row in rows} == {"2019-12-31"}
    assert len({row["record"] for row in rows}) == len(rows)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_records_are_the_same_delivery(loaded: tuple[Store, Path], tmp_path: Path, layout: str) -> None:
    """The delivery id is made of the content: files, their names, order and format do not change it, and nothing is loaded twice."""
    store, root = loaded
    before = delta_logs(root)
    _write(tmp_path, layout)
    outcome = ingest.step(store, _settings(tmp_path, root), SILENT, "r")
    assert outcome.rows_out == 0 and "loaded already" in outcome.message
    assert delta_logs(root) == before


def test_one_record_more_is_another_delivery(loaded: tuple[Store, Path], tmp_path: Path) -> None:
    """One that has no secondary diagnosis, only the header."""
    store, root = loaded
    more, none = [*ROWS, {**ROWS[0], "age_years": "51"}], csv_text([], list(SECONDARY[0]))
    write_delivery(tmp_path, {"admissions.csv": csv_text(more), "diagnoses.csv": none, "hospitals.csv": csv_text(PLACES)})
    ingest.step(store, _settings(tmp_path, root), SILENT, "r")
    counts = store.read(tables.BRONZE_ADMISSIONS).groupBy("delivery_id").count().collect()
    assert sorted(row["count"] for row in counts) == [4, 5]
    assert store.read(tables.BRONZE_DIAGNOSES).count() == len(SECONDARY)


def test_broken_lines_are_seen_beside_a_column_that_nobody_reads(spark: SparkSession, tmp_path: Path) -> None:
    """A delivery may have more columns than the contract; a line too long or too short in it is broken all the same."""
    header, first, *_ = csv_text([{**row, "remark": "r"} for row in ROWS]).splitlines()
    fields = first.split(",")
    lines = [header, first, ",".join(["short", *fields[1:-2]]), ",".join(["long", *fields[1:], "surplus"])]
    write_delivery(
        tmp_path,
        {"admissions.csv": "\n".join(lines) + "\n", "diagnoses.csv": csv_text(SECONDARY), "hospitals.csv": csv_text(PLACES)},
    )
    settings = _settings(tmp_path, tmp_path / "tables")
    frames = ingest.read_delivery(spark, settings)
    rows = frames[tables.BRONZE_ADMISSIONS].select("admission_id", "defect").collect()
    assert dict(map(tuple, rows)) == {"a1": None, "short": "malformed_record", "long": "malformed_record"}


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_parquet_with_timestamps_and_floats_is_read_as_dates_and_whole_numbers(
    spark: SparkSession, tmp_path: Path, unit: str
) -> None:
    """What pandas writes unasked. Read as text it would be '2019-03-10 00:00:00' and '50.0': every record rejected."""
    frame = pd.DataFrame(ROWS).replace("", None)
    frame["admission_date"] = pd.to_datetime(frame["admission_date"]).astype(f"datetime64[{unit}]")
    frame["age_years"] = frame["age_years"].astype("float64")
    frame["discharge_time"] = dt.time(12, 30)
    frame.loc[1, "age_years"] = 50.5
    frame.loc[2, "admission_date"] += pd.Timedelta(hours=1)
    frame.loc[3, ["admission_date", "age_years"]] = None
    write_delivery(tmp_path, {"diagnoses.csv": csv_text(SECONDARY), "hospitals.csv": csv_text(PLACES)})
    frame.to_parquet(tmp_path / "admissions.parquet")
    settings = _settings(tmp_path, tmp_path / "tables")
    rows = ingest.read_delivery(spark, settings)[tables.BRONZE_ADMISSIONS].collect()
    assert {row["discharge_time"] for row in rows} == {"12:30"}
    read = {row["admission_id"]: (row["admission_date"], row["age_years"], row["discharge_date"]) for row in rows}
    date, discharge = ROWS[0]["admission_date"], ROWS[0]["discharge_date"]
    assert read["a1"] == (date, "50", discharge)
    assert read["a2"] == (date, "50.5", discharge), "half a year is not a whole number: left for validation to refuse"
    assert read["a3"][0] not in {None, date}, "a time in a date is not dropped silently"
    assert read["a4"] == (None, None, discharge)

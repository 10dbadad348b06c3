"""Source mappings: which files belong to a table, what is wrong with a mapping or a header (METHOD section 2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError, SettingsError
from lbz_indicators.ingest.sources import (
    SourceMapping,
    SourceTable,
    column_problems,
    load_source,
    matching_files,
    require_decodable,
    require_records,
)

PLAIN = SourceTable()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["admissions.csv", "diagnoses.csv", "README.md"], ["admissions.csv"]),
        (["admissions.csv.gz"], ["admissions.csv.gz"]),
        (["admissions.parquet"], ["admissions.parquet"]),
        (
            ["admissions/b.csv", "admissions/a.csv", "admissions/_SUCCESS", "admissions/.a.csv.crc"],
            ["admissions/a.csv", "admissions/b.csv"],
        ),
        (["admissions.parquet/part-0.parquet", "admissions.parquet/_SUCCESS"], ["admissions.parquet/part-0.parquet"]),
        (["admissions.csv/part-0.csv"], ["admissions.csv/part-0.csv"]),
        (["old_admissions.csv", "admissions.csv.bak", "admissions.xlsx", "Admissions.CSV", ".admissions.csv"], []),
        ([], []),
    ],
)
def test_files_of_a_contract_table(files: list[str], expected: list[str]) -> None:
    assert matching_files(files, tables.BRONZE_ADMISSIONS, PLAIN) == expected


def test_files_of_a_mapped_table_follow_its_pattern_only() -> None:
    files = ["sih_rs_2020.csv.gz", "sih_rs_2019.csv.gz", "admissions.csv", "sih_sp_2019.csv.gz"]
    source = SourceTable(file="sih_rs_*.csv.gz")
    assert matching_files(files, tables.BRONZE_HOSPITALS, source) == ["sih_rs_2019.csv.gz", "sih_rs_2020.csv.gz"]


def _struct(*names: str, **types: T.DataType) -> T.StructType:
    fields = [T.StructField(name, T.StringType()) for name in names]
    return T.StructType([*fields, *(T.StructField(name, kind) for name, kind in types.items())])


DIAGNOSES = ("admission_id", "hospital_id", "diagnosis_code", "is_complication")


def test_complete_header() -> None:
    assert column_problems(_struct(*DIAGNOSES, "anything_else"), tables.BRONZE_DIAGNOSES, PLAIN, ",") == []
    assert column_problems(_struct(*(name.upper() for name in DIAGNOSES)), tables.BRONZE_DIAGNOSES, PLAIN, ",") == []


def test_every_missing_column_is_listed() -> None:
    assert column_problems(_struct("hospital_id", "diagnosis_code"), tables.BRONZE_DIAGNOSES, PLAIN, ",") == [
        "diagnoses: column admission_id is missing",
        "diagnoses: column is_complication is missing",
    ]


@pytest.mark.parametrize(("mark", "expected"), [(";", ","), ("\t", ","), ("|", ","), (",", ";")])
def test_a_wrong_separator_is_said_instead_of_all_columns_missing(mark: str, expected: str) -> None:
    """A header with another separator reads as one column whose name is the whole line."""
    problems = column_problems(_struct(mark.join(DIAGNOSES)), tables.BRONZE_DIAGNOSES, PLAIN, expected)
    assert problems == [f"diagnoses: the header is separated by {mark!r}, not by {expected!r}"]


def test_columns_that_hold_no_plain_value() -> None:
    header = _struct("admission_id", "hospital_id", diagnosis_code=T.ArrayType(T.StringType()), is_complication=T.BooleanType())
    assert column_problems(header, tables.BRONZE_DIAGNOSES, PLAIN, ",") == [
        "diagnoses: column diagnosis_code is array<string>, not a plain value"
    ]


def test_missing_and_mistyped_columns_come_together() -> None:
    header = _struct("admission_id", diagnosis_code=T.BinaryType(), is_complication=T.BooleanType())
    assert column_problems(header, tables.BRONZE_DIAGNOSES, PLAIN, ",") == [
        "diagnoses: column hospital_id is missing",
        "diagnoses: column diagnosis_code is binary, not a plain value",
    ]


def test_a_mapped_table_needs_none_of_the_contracts_columns() -> None:
    assert column_problems(_struct("CNES"), tables.BRONZE_DIAGNOSES, SourceTable(columns={"hospital_id": "CNES"}), ",") == []


def test_shipped_mappings() -> None:
    assert load_source("lbz").tables == {}
    sih = load_source("sih")
    assert set(sih.tables) == {"admissions", "diagnoses", "hospitals"}
    assert sih.table(tables.BRONZE_ADMISSIONS).drop == {"continuation_claim": "IDENT = '5'"}
    assert sih.table(tables.BRONZE_SES) == PLAIN


MINIMAL = """
format: {delimiter: ";", encoding: ISO-8859-1}
tables:
  diagnoses:
    file: "dx_*.txt"
    columns: {admission_id: a, hospital_id: h, diagnosis_code: d, is_complication: "'false'"}
"""


def _load(path: Path, content: str | bytes) -> SourceMapping:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_source(str(path))


def test_own_mapping(tmp_path: Path) -> None:
    mapping = _load(tmp_path / "own.yml", MINIMAL)
    assert (mapping.format.delimiter, mapping.format.encoding) == (";", "ISO-8859-1")
    assert mapping.table(tables.BRONZE_DIAGNOSES).file == "dx_*.txt"
    assert mapping.table(tables.BRONZE_ADMISSIONS) == PLAIN


@pytest.mark.parametrize("name", ["lbx", "", "lbz.yml", "/absent/own.yml", "../sources/lbz"])
def test_unknown_source_names_those_there_are(name: str) -> None:
    with pytest.raises(SettingsError, match="use one of lbz, sih"):
        load_source(name)


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (MINIMAL.replace("diagnoses:", "diagnosis:"), ["no table diagnosis in the contract"]),
        (
            MINIMAL.replace("hospital_id: h, ", "hospital: h, "),
            ["diagnoses: no expression for hospital_id", "diagnoses: no column hospital in the contract"],
        ),
        (MINIMAL.replace("file:", "files:"), ["files"]),
        (MINIMAL.replace('";"', '";;;"'), ["delimiter"]),
        (MINIMAL.replace("ISO-8859-1}", "ISO-8859-1"), ["is wrong"]),
        ("- admissions\n", ["is wrong"]),
    ],
)
def test_wrong_mapping(tmp_path: Path, content: str, messages: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path / "own.yml", content)
    for message in messages:
        assert message in str(caught.value)


def test_all_problems_of_a_mapping_come_at_once(tmp_path: Path) -> None:
    content = "tables:\n  diagnosis: {}\n  ses: {columns: {postcode4: p, score: s}}\n"
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path / "own.yml", content)
    for message in (
        "no table diagnosis in the contract",
        "ses: no expression for ses_score",
        "ses: no expression for inhabitants",
        "ses: no column score in the contract",
    ):
        assert message in str(caught.value)


def test_a_mapping_that_is_not_utf8_is_a_wrong_mapping(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        _load(tmp_path / "own.yml", MINIMAL.encode() + b"# pr\xe9nom\n")


@pytest.mark.parametrize("content", ["[]\n", "false\n"])
def test_a_mapping_that_is_no_mapping_is_wrong(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError):
        _load(tmp_path / "own.yml", content)


def test_a_table_without_records_stops_the_run() -> None:
    with pytest.raises(DeliveryError, match="admissions holds no record") as caught:
        require_records(tables.BRONZE_ADMISSIONS, 0)
    assert caught.value.exit_status == 3


def test_a_file_in_another_encoding_stops_the_run() -> None:
    with pytest.raises(DeliveryError, match="3 of 10 records of hospitals are not valid UTF-8"):
        require_decodable(tables.BRONZE_HOSPITALS, 10, 3)
    require_decodable(tables.BRONZE_HOSPITALS, 10, 0)

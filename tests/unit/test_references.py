"""Reference lists: shipped or the site's own, refused as a whole where they cannot be used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lbz_indicators.config import CONF, ReferenceSettings
from lbz_indicators.errors import SettingsError
from lbz_indicators.population.comorbidity import condition_prefixes
from lbz_indicators.references import load_references

CHARLSON = "condition,name,icd10_prefix\n1,acute myocardial infarction,I21\n17,severe liver disease,K767\n"


def _charlson(path: Path, content: str | bytes) -> ReferenceSettings:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ReferenceSettings(charlson=str(path))


def test_shipped_lists() -> None:
    """Known contents (reference/README.md): 17 conditions, 158 groups in 18 clusters, COVID apart; SHA-256 of the files."""
    references = load_references(ReferenceSettings())
    assert {row["condition"] for row in references.charlson.rows} == {str(condition) for condition in range(1, 18)}
    assert len({row["diagnosis_group"] for row in references.diagnosis_groups.rows}) == 158
    assert len({row["cluster"] for row in references.diagnosis_groups.rows}) == 18
    categories = {row["icd10"].replace(".", ""): row["ccs"] for row in references.diagnosis_codes.rows}
    assert categories["U071"] == categories["U072"] == categories["U109"] == "COVID"
    for name, file in (("charlson", "charlson_icd10.csv"), ("diagnosis_groups", "diagnosis_groups.csv")):
        assert references.hashes[name] == hashlib.sha256(CONF.joinpath("reference", file).read_bytes()).hexdigest()


def test_own_list_replaces_the_shipped_one(tmp_path: Path) -> None:
    references = load_references(_charlson(tmp_path / "own.csv", CHARLSON))
    assert [row["icd10_prefix"] for row in references.charlson.rows] == ["I21", "K767"]
    assert references.hashes["charlson"] == hashlib.sha256(CHARLSON.encode()).hexdigest()


def test_only_the_hash_of_a_changed_list_changes(tmp_path: Path) -> None:
    first = load_references(_charlson(tmp_path / "own.csv", CHARLSON)).hashes
    second = load_references(_charlson(tmp_path / "own.csv", CHARLSON.replace("I21", "I22"))).hashes
    moved = load_references(_charlson(tmp_path / "elsewhere.csv", CHARLSON)).hashes
    assert {name for name in first if first[name] != second[name]} == {"charlson"}
    assert moved == first


def test_byte_order_mark_is_no_part_of_a_column_name(tmp_path: Path) -> None:
    references = load_references(_charlson(tmp_path / "own.csv", b"\xef\xbb\xbf" + CHARLSON.encode()))
    assert references.charlson.rows[0]["condition"] == "1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("condition,name,prefix\n1,infarction,I21\n", "lacks the column.s. icd10_prefix"),
        ("condition;name;icd10_prefix\n1;infarction;I21\n", "lacks the column.s. condition, name, icd10_prefix"),
        ("condition,name,icd10_prefix\n", "is empty"),
        ("", "lacks the column"),
        (b"condition,name,icd10_prefix\n1,insuffisance r\xe9nale,N18\n", "cannot be read"),
        ('condition,name,icd10_prefix\n1,"' + "x" * 200_000 + '",I21\n', "cannot be read"),
    ],
)
def test_unusable_list(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load_references(_charlson(tmp_path / "own.csv", content))
    assert caught.value.exit_status == 2
    assert "references.charlson" in str(caught.value)


def test_absent_list(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="charlson cannot be read"):
        load_references(ReferenceSettings(charlson=str(tmp_path / "absent.csv")))
    with pytest.raises(SettingsError, match="diagnosis_groups cannot be read"):
        load_references(ReferenceSettings(diagnosis_groups=str(tmp_path)))


@pytest.mark.parametrize("row", ["3,peripheral vascular disease", "x,renal disease,N18", "18,another disease,N18", "0,none,N18"])
def test_unusable_row_of_a_list_is_a_wrong_setting(tmp_path: Path, row: str) -> None:
    """A row cut short, or a condition that is not one of 17: told as a wrong list, never a Python error or silently lost."""
    with pytest.raises(SettingsError):
        condition_prefixes(load_references(_charlson(tmp_path / "own.csv", f"{CHARLSON}{row}\n")).charlson.rows)

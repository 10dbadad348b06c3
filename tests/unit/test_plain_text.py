"""Delivered text in CSV files: no spreadsheet takes a field for a formula, and the text can be read back."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lbz_indicators.publish.plain_text import LONGEST, csv_text, plain_text, read_csv_text

FORMULA = "=+-@＝＋－＠﹦﹢﹣﹫"
ANY = st.text(st.characters(exclude_categories=()), max_size=40)
HOSTILE = st.text(st.sampled_from(FORMULA + "'\t\r\n ,;|\"a1()\u00a0\u202e\ufeff\u2028\x00"), max_size=12)


def _fields_in_any_country(line: str) -> list[str]:
    """What spreadsheets may take for the fields of a line: by comma, semicolon, bar or tab, quoted or not."""
    found = []
    for separator in ",;|\t":
        found += next(csv.reader([line], delimiter=separator), [])
        found += line.split(separator)
    return found


@given(ANY | HOSTILE)
@example("=1+1")
@example(" \t=1+1")
@example('x;=HYPERLINK("http://x.nl")')
@example('x";=1+1')
@example("'=1")
@example("＝1")
@example("\ufeff=1")
@example("\r=1")
def test_no_field_of_a_line_begins_a_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(["H01", csv_text(text), "1.5"])
    line = out.getvalue().removesuffix("\r\n")
    assert "\r" not in line and "\n" not in line and "\t" not in line
    for field in _fields_in_any_country(line):
        bare = "".join(c for c in field.strip(' "') if not unicodedata.category(c).startswith(("C", "Z")))
        assert not bare or bare[0] not in FORMULA, field


@given(ANY | HOSTILE)
def test_the_text_can_be_read_back(text: str) -> None:
    assert read_csv_text(csv_text(text)) == plain_text(text)


@given(ANY | HOSTILE)
def test_plain_text_is_seen_on_one_line(text: str) -> None:
    found = plain_text(text)
    assert all(not unicodedata.category(c).startswith("C") for c in found)
    assert plain_text(found) == found
    found.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "plain", "field"),
    [
        ("H01", "H01", "H01"),
        ("-12", "-12", "'-12"),
        ("'t Zand", "'t Zand", "''t Zand"),
        ("a\tb\r\nc", "a b  c", "a b  c"),
        ("a\x00b\u202ec\ud800", "abc", "abc"),
        ("a\u00a0b", "a b", "a b"),
        ("St. Jans-Gasthuis", "St. Jans-Gasthuis", "St. Jans-Gasthuis"),
        ("x; =1", "x; =1", "x; '=1"),
        ("Ünal 李 é", "Ünal 李 é", "Ünal 李 é"),
    ],
)
def test_by_hand(text: str, plain: str, field: str) -> None:
    assert (plain_text(text), csv_text(text)) == (plain, field)


def test_a_text_that_no_cell_holds_is_cut() -> None:
    assert len(plain_text("😀" * 20_000).encode("utf-16-le")) // 2 <= 32_767 and len(plain_text("x" * 20_000)) == LONGEST

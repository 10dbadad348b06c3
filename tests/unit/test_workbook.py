"""Workbooks read back by openpyxl: text is text, whatever it holds; filters, frozen header, explained columns; constant memory."""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from lbz_indicators.publish.layout import Field, Kind, Value, Words
from lbz_indicators.publish.plain_text import plain_text
from lbz_indicators.publish.workbook import Sheet, write_workbook

NAME = Words("Sterfte", "Mortality")


def _field(name: str, kind: Kind, **more: Any) -> Field:
    return Field(name, kind, Words(f"{name} titel", f"{name} title"), Words(f"{name} betekenis", f"{name} meaning"), **more)


FIELDS = (
    _field("text", Kind.TEXT),
    _field("whole", Kind.WHOLE),
    _field("decimal", Kind.DECIMAL, decimals=3),
    _field("day", Kind.DAY),
    _field("yes", Kind.YES_NO),
)
ROW: tuple[Value, ...] = ("text", 12, 0.1234567, dt.date(2022, 10, 1), True)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def _written(
    scratch: Path, rows: Sequence[Sequence[Value]], fields: Sequence[Field] = FIELDS, language: str = "nl", most_rows: int = 1000
) -> bytes:
    target = io.BytesIO()
    write_workbook(target, [Sheet(NAME, tuple(fields), iter(rows))], language, ["=A note"], scratch, most_rows)
    assert list(scratch.iterdir()) == [], "the files of the rows are gone"
    return target.getvalue()


def test_values_arrive_as_what_they_are(scratch: Path) -> None:
    book = load_workbook(
        io.BytesIO(_written(scratch, [ROW, (None, None, None, None, None), ("x", 0, -1.5, dt.date(1812, 2, 3), False)]))
    )
    page = book["Sterfte"]
    assert [cell.value for cell in page[1]] == ["text titel", "whole titel", "decimal titel", "day titel", "yes titel"]
    text, whole, decimal, day, yes = page[2]
    assert (text.value, whole.value, decimal.value, day.value, yes.value) == (
        "text",
        12,
        0.1234567,
        dt.datetime(2022, 10, 1),
        True,
    )
    assert (text.number_format, whole.number_format, decimal.number_format, day.number_format) == (
        "@",
        "0",
        "0.000",
        "dd-mm-yyyy",
    )
    assert text.quotePrefix and text.data_type == "s" and yes.data_type == "b"
    assert [cell.value for cell in page[3]] == [None] * 5
    assert [cell.value for cell in page[4]] == ["x", 0, -1.5, "1812-02-03", False], "Excel has no day before 1900"


def test_filters_and_the_header_stays(scratch: Path) -> None:
    page = load_workbook(io.BytesIO(_written(scratch, [ROW] * 7)))["Sterfte"]
    assert page.auto_filter.ref == "A1:E8" and page.freeze_panes == "B2" and page["A1"].font.bold
    empty = load_workbook(io.BytesIO(_written(scratch, [])))["Sterfte"]
    assert empty.auto_filter.ref == "A1:E1" and empty.max_row == 1


@pytest.mark.parametrize(("language", "first", "sheet"), [("nl", "Toelichting", "Sterfte"), ("en", "Explanation", "Mortality")])
def test_every_column_is_explained(scratch: Path, language: str, first: str, sheet: str) -> None:
    book = load_workbook(io.BytesIO(_written(scratch, [ROW], language=language)))
    assert book.sheetnames == [first, sheet]
    page = book[first]
    assert page["A1"].value == "=A note" and page["A1"].data_type == "s"
    told = [[cell.value for cell in row] for row in page.iter_rows(min_row=4)]
    kinds = {
        "nl": ["tekst", "geheel getal", "getal", "datum", "ja of nee"],
        "en": ["text", "whole number", "number", "day", "yes or no"],
    }
    assert told == [
        [sheet, field.title.of(language), field.name, kind, field.meaning.of(language)]
        for field, kind in zip(FIELDS, kinds[language], strict=True)
    ]


def test_more_rows_than_a_sheet_takes(scratch: Path) -> None:
    rows: list[tuple[Value, ...]] = [(str(number), number, None, None, None) for number in range(7)]
    book = load_workbook(io.BytesIO(_written(scratch, rows, most_rows=3)))
    assert book.sheetnames[1:] == ["Sterfte", "Sterfte (2)", "Sterfte (3)"]
    read = [[row[1] for row in book[name].iter_rows(min_row=2, values_only=True)] for name in book.sheetnames[1:]]
    assert read == [[0, 1, 2], [3, 4, 5], [6]]
    assert all(book[name].freeze_panes == "B2" and book[name]["A1"].value == "text titel" for name in book.sheetnames[1:])
    assert load_workbook(io.BytesIO(_written(scratch, rows[:6], most_rows=3))).sheetnames[1:] == ["Sterfte", "Sterfte (2)"]


RAW = "<r><t>x</t></r></is></c><c r='B2'><f>1+1</f></c><c t='inlineStr' r='C2'><is><r><t>y</t></r>"
HOSTILE = st.text(st.sampled_from("=+-@\t\r\n '\"<>&/rt_x000D;|,\x00\x1f\u202e\ufffe\ud800"), max_size=15)
URLS = st.sampled_from(["http://x.nl", "mailto:a@b.nl", "internal:Sheet1!A1", "external:c:/x.xlsx", "{=1+1}", "file:///x"])


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=30) | HOSTILE | URLS, min_size=1, max_size=12))
@example(
    [
        RAW,
        "<r></r>",
        "<r><t>=1</t></r>",
        "_x003D_1",
        "=1+1",
        "\t=1",
        "＝1",
        '=HYPERLINK("http://x.nl")',
        "{=1+1}",
        "-1",
        "@SUM(1)",
    ]
)
def test_no_text_becomes_anything_else(scratch: Path, texts: list[str]) -> None:
    content = _written(scratch, [(text, None, None, None, None) for text in texts], most_rows=100)
    page = load_workbook(io.BytesIO(content))["Sterfte"]
    cells = [page.cell(line, 1) for line in range(2, 2 + len(texts))]
    assert all(cell.data_type in ("s", "n") and cell.hyperlink is None for cell in cells)
    read = [cell.value or "" for cell in cells]
    wanted = [f" {plain}" if (plain := plain_text(text)).startswith("<r>") else plain for text in texts]
    assert [re.sub("_x005F(?=_x)", "", one) for one in read] == wanted
    assert all(one is None for row in page.iter_rows(min_row=2, min_col=2, values_only=True) for one in row), "nothing beside it"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not any(re.search("<f[ >]", text) for name, text in xml.items() if "worksheets" in name)
    assert not any("hyperlink" in name.lower() or "External" in text for name, text in xml.items())


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("x", 1, float("nan"), None, None), "decimal is no number"),
        (("x", 1, float("inf"), None, None), "decimal is no number"),
        ((1, 1, 1.0, None, None), "text is no text"),
        (("x", 1.0, 1.0, None, None), "whole is no whole number"),
        (("x", True, 1.0, None, None), "whole is no whole number"),
        (("x", 1, 1.0, dt.datetime(2022, 1, 1), None), "day is no day"),
        (("x", 1, 1.0, None, 1), "yes is no yes or no"),
        (("secret", 1, 1.0, None), "4 values, not 5"),
    ],
)
def test_a_value_of_another_kind_is_refused(scratch: Path, row: tuple[Value, ...], fault: str) -> None:
    with pytest.raises(ValueError, match=f"sheet Mortality, row 2: {fault}") as error:
        _written(scratch, [ROW, row])
    assert "secret" not in str(error.value)
    assert list(scratch.iterdir()) == [], "nothing is left behind"


def test_a_fault_of_the_rows_leaves_nothing_behind(scratch: Path) -> None:
    def rows() -> Any:
        yield ROW
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write_workbook(io.BytesIO(), [Sheet(NAME, FIELDS, rows())], "nl", [], scratch)
    assert list(scratch.iterdir()) == []


def test_rows_wait_in_a_folder_of_this_user_alone(scratch: Path) -> None:
    seen = []

    def rows() -> Any:
        yield ROW
        (folder,) = scratch.iterdir()
        seen.extend([folder.stat().st_mode & 0o777, *(file.stat().st_mode & 0o777 for file in folder.iterdir())])

    write_workbook(io.BytesIO(), [Sheet(NAME, FIELDS, rows())], "nl", [], scratch)
    assert seen[0] == 0o700 and len(seen) > 1 and set(seen[1:]) == {0o600}


def test_the_same_content_is_the_same_file(scratch: Path) -> None:
    first = _written(scratch, [ROW] * 3)
    assert _written(scratch, [ROW] * 3) == first and _written(scratch, [ROW] * 2) != first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {head.date_time[0] for head in archive.infolist()} == {1980}
        assert set(re.findall(rb"\d{4}-\d{2}-\d{2}T[\d:]+Z", archive.read("docProps/core.xml"))) == {b"1980-01-01T00:00:00Z"}


MEASURE = """
import datetime as dt, re, sys, tempfile
from pathlib import Path
from lbz_indicators.publish.layout import Field, Kind, Words
from lbz_indicators.publish.workbook import Sheet, write_workbook
rows, columns, scratch = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
words = Words("kolom", "column")
kinds = [Kind.TEXT, Kind.DECIMAL, Kind.DAY] * columns
fields = tuple(Field(f"c{n}", kind, words, words, decimals=6) for n, kind in enumerate(kinds[:columns]))
values = {Kind.TEXT: "admission ", Kind.DECIMAL: 0.1, Kind.DAY: dt.date(2022, 1, 1)}
def row(number):
    return [f"{values[f.kind]}{number}" if f.kind is Kind.TEXT else values[f.kind] for f in fields]
with tempfile.TemporaryFile(dir=scratch) as target:
    write_workbook(target, [Sheet(words, fields, (row(number) for number in range(rows)))], "nl", [], scratch)
    assert target.tell() > rows * columns
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def _kilobytes(rows: int, columns: int, scratch: Path) -> int:
    """The most memory that a process of its own ever held. (ru_maxrss would begin with that of the process which started it.)"""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the system does not tell how much memory a process held")
    command = [sys.executable, "-c", MEASURE, str(rows), str(columns), str(scratch)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_does_not_grow_with_rows(scratch: Path) -> None:
    """100,000 rows take what 10,000 take; kept in memory, the text of the difference alone would be over 10 MB."""
    few, many = (_kilobytes(rows, 3, scratch) for rows in (10_000, 100_000))
    assert many < 1.1 * few


@pytest.mark.long
def test_memory_of_a_whole_micro_file(scratch: Path) -> None:
    """As wide as the sheet of mortality."""
    few, many = (_kilobytes(rows, 34, scratch) for rows in (10_000, 100_000))
    assert many < 1.1 * few

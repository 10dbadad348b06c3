"""Workbooks (XLSX) of any number of rows: sheets with a frozen header and filters, and one that explains the columns.

Text is written as text, whatever it holds: no formula, no link, no control character, nothing that a cell would execute. The
same content gives the same bytes. Rows come from iterators and go to files in a folder of this user alone (`scratch`), so that
memory does not grow with them; these files are gone when the workbook is written.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from lbz_indicators.publish.layout import KIND_WORDS, Field, Kind, Value, Words, faults_of_row
from lbz_indicators.publish.plain_text import plain_text

MOST_ROWS = 1_000_000
"""Of a sheet; Excel takes 1,048,576. What is more goes to another sheet of the same columns."""
MADE = dt.datetime(1980, 1, 1)
"""When the file says it was made: always the same, so that the same content is the same file."""
_FIRST_EXCEL_DAY = dt.date(1900, 3, 1)
"""Before it Excel counts a day that never was."""
_WIDEST, _NARROWEST = 40, 9
_RAW_BEGINS = "<r>"
_EXPLANATION = Words("Toelichting", "Explanation")
_EXPLAINED = (
    Words("Blad", "Sheet"),
    Words("Kolom", "Column"),
    Words("Naam", "Name"),
    Words("Soort", "Kind"),
    Words("Betekenis", "Meaning"),
)
_DAYS = {"nl": "dd-mm-yyyy", "en": "yyyy-mm-dd"}


@dataclass(frozen=True)
class Sheet:
    """A table of a workbook. `rows` has a value per field, and is read once. `name`: at most 25 characters."""

    name: Words
    fields: tuple[Field, ...]
    rows: Iterable[Sequence[Value]]


def write_workbook(
    target: IO[bytes],
    sheets: Sequence[Sheet],
    language: str,
    notes: Sequence[str],
    scratch: Path,
    most_rows: int = MOST_ROWS,
) -> None:
    """Writes the sheets, and before them one with the notes and what every column means.

    ValueError naming sheet, row and column, no value, where a value may not stand there. `scratch`: an existing folder, where the
    rows lie until the workbook is written. After an exception, also one of the rows', what the target holds is no workbook of
    all rows.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False}
        book = xlsxwriter.Workbook(target, options)
        book.set_properties({"created": MADE})
        writer = _Writer(book, language)
        writer.explain(sheets, notes)
        try:
            for sheet in sheets:
                writer.write(sheet, most_rows)
        finally:
            # Also after a fault: it is close that removes the files of the rows.
            book.close()


class _Writer:
    """The formats of a workbook, and what writes with them."""

    def __init__(self, book: Any, language: str) -> None:
        self._book = book
        self._language = language
        self._head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._text = book.add_format({"num_format": "@", "quote_prefix": True})
        self._wrapped = book.add_format({"num_format": "@", "quote_prefix": True, "text_wrap": True, "valign": "top"})
        self._days = book.add_format({"num_format": _DAYS[language]})
        self._numbers: dict[int, Any] = {}

    def explain(self, sheets: Sequence[Sheet], notes: Sequence[str]) -> None:
        """The first sheet: the notes, then every column of every sheet."""
        page = self._book.add_worksheet(_EXPLANATION.of(self._language))
        for column, width in enumerate((16, 28, 24, 14, 100)):
            page.set_column(column, column, width)
        for line, note in enumerate(notes):
            page.write_string(line, 0, _cell_text(note), self._text)
        top = len(notes) + 1 if notes else 0
        for column, words in enumerate(_EXPLAINED):
            page.write_string(top, column, words.of(self._language), self._head)
        listed = [(sheet.name, field) for sheet in sheets for field in sheet.fields]
        for line, (name, field) in enumerate(listed, start=top + 1):
            told = (name, field.title, Words(field.name, field.name), KIND_WORDS[field.kind], field.meaning)
            for column, words in enumerate(told):
                page.write_string(line, column, _cell_text(words.of(self._language)), self._wrapped)
        page.freeze_panes(top + 1, 0)

    def write(self, sheet: Sheet, most_rows: int) -> None:
        """One sheet, or as many as its rows need."""
        rows = iter(sheet.rows)
        for number, part in enumerate(_parts(rows, most_rows), start=1):
            name = sheet.name.of(self._language)
            page = self._book.add_worksheet(name if number == 1 else f"{name} ({number})")
            self._write_page(page, sheet, part, first=(number - 1) * most_rows)

    def _write_page(self, page: Any, sheet: Sheet, rows: Iterable[Sequence[Value]], first: int) -> None:
        for column, field in enumerate(sheet.fields):
            title = field.title.of(self._language)
            page.set_column(column, column, min(max(len(title) + 2, _NARROWEST), _WIDEST))
            page.write_string(0, column, title, self._head)
        page.freeze_panes(1, 1)
        writers = [self._writer_of(page, field) for field in sheet.fields]
        line = 0
        for line, row in enumerate(rows, start=1):
            faults = faults_of_row(row, sheet.fields)
            if faults:
                raise ValueError(f"sheet {sheet.name.en}, row {first + line}: {'; '.join(faults)}")
            for column, (value, write) in enumerate(zip(row, writers)):
                if value is not None:
                    write(line, column, value)
        page.autofilter(0, 0, line, len(sheet.fields) - 1)

    def _writer_of(self, page: Any, field: Field) -> Callable[[int, int, Any], object]:
        if field.kind is Kind.TEXT:
            return lambda line, column, value: page.write_string(line, column, _cell_text(value), self._text)
        if field.kind is Kind.YES_NO:
            return lambda line, column, value: page.write_boolean(line, column, value)
        if field.kind is Kind.DAY:
            return lambda line, column, value: self._write_day(page, line, column, value)
        number = self._number(field.decimals if field.kind is Kind.DECIMAL else 0)
        return lambda line, column, value: page.write_number(line, column, value, number)

    def _write_day(self, page: Any, line: int, column: int, value: dt.date) -> None:
        if value < _FIRST_EXCEL_DAY:
            page.write_string(line, column, value.isoformat(), self._text)
        else:
            page.write_datetime(line, column, value, self._days)

    def _number(self, decimals: int) -> Any:
        if decimals not in self._numbers:
            self._numbers[decimals] = self._book.add_format({"num_format": f"0.{'0' * decimals}" if decimals else "0"})
        return self._numbers[decimals]


def _cell_text(text: str) -> str:
    """A text as a cell shows it, with a blank before what the library would take for its own mark-up and write unescaped."""
    plain = plain_text(text)
    return f" {plain}" if plain.startswith(_RAW_BEGINS) else plain


def _parts(rows: Iterator[Sequence[Value]], size: int) -> Iterator[Iterator[Sequence[Value]]]:
    """Successive stretches of at most `size` rows; one empty stretch where there is no row at all."""
    yield islice(rows, size)
    for row in rows:
        yield chain([row], islice(rows, size - 1))

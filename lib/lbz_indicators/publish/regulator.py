"""Files for regulators: CSV and XLSX of a documented layout, checked before they are written and when they are read back.

What goes to a regulator is exempt from suppression [rule]: counts below 5 stand there as they are.
CSV: UTF-8, commas, a header with the names of the columns, decimal points, true and false, days as 2023-12-31, line ends
CR LF; an empty field is a value that is not there. Text is written by plain_text.csv_text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lbz_indicators.errors import DeliveryError
from lbz_indicators.publish.layout import Field, Kind, Value, Words, faults_of_row
from lbz_indicators.publish.plain_text import csv_text, plain_text, read_csv_text
from lbz_indicators.publish.strict_rows import is_day, require_no_faults
from lbz_indicators.publish.workbook import Sheet, write_workbook

Row = tuple[Value, ...]
Check = Callable[[Sequence[Row]], list[str]]
"""What a file's rows must be together: every fault with its row, counted from 1, and no value."""
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,18}(\.\d{1,18})?", re.ASCII)
_TRUTH = {"true": True, "false": False}


def as_filed(rows: Iterable[Sequence[Value]], fields: Sequence[Field]) -> list[Row]:
    """The rows as a file holds them: text plain, numbers rounded to the decimals of their column. What is checked is what is
    written."""
    return [tuple(_filed(value, field) for value, field in zip(row, fields, strict=True)) for row in rows]


def _filed(value: Value, field: Field) -> Value:
    if isinstance(value, str):
        return plain_text(value)
    return round(value, field.decimals) if isinstance(value, float) else value


def check_rows(rows: Sequence[Row], fields: Sequence[Field], together: Check) -> list[str]:
    """Every fault of the rows: kind, range and completeness of each, then what they must be together."""
    each = [f"row {number}: {fault}" for number, row in enumerate(rows, start=1) for fault in faults_of_row(row, fields)]
    return each or together(rows)


def require_sound(rows: Sequence[Row], fields: Sequence[Field], together: Check, where: str) -> None:
    """DeliveryError with all faults in one message: such a file goes to no regulator."""
    require_no_faults(
        check_rows(rows, fields, together),
        "A file for the regulator",
        where,
        "see to the figures behind these rows; docs/regulator-files.md says what each column holds. Nothing was sent.",
    )


def csv_file(rows: Sequence[Row], fields: Sequence[Field]) -> bytes:
    """The rows as CSV. Their order is theirs: the same rows are the same file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([field.name for field in fields])
    writer.writerows([_as_text(value, field) for value, field in zip(row, fields, strict=True)] for row in rows)
    return out.getvalue().encode("utf-8")


def _as_text(value: Value, field: Field) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return csv_text(value)
    if field.kind is Kind.DECIMAL and isinstance(value, int | float):
        return f"{value:.{field.decimals}f}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def xlsx_file(
    rows: Sequence[Row], fields: tuple[Field, ...], name: Words, language: str, notes: Sequence[str], scratch: Path
) -> bytes:
    """The rows as XLSX: one sheet, and one that explains the columns."""
    target = io.BytesIO()
    write_workbook(target, [Sheet(name, fields, rows)], language, notes, scratch)
    return target.getvalue()


def read_csv_file(content: bytes, fields: Sequence[Field], where: str) -> list[Row]:
    """The rows of a CSV of this layout. DeliveryError naming line and column of every field that cannot be read."""
    faults: list[str] = []
    rows: list[Row] = []
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if next(reader, []) != [field.name for field in fields]:
            faults.append("line 1: the columns are not those of the layout, in its order")
        else:
            rows = [_read_line(line, reader.line_num, fields, faults) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeliveryError("A file for the regulator is no CSV in UTF-8.", where=where) from error
    require_no_faults(faults, "A file for the regulator", where, "write it anew; docs/regulator-files.md says what it holds.")
    return rows


def _read_line(line: Sequence[str], number: int, fields: Sequence[Field], faults: list[str]) -> Row:
    if len(line) != len(fields):
        faults.append(f"line {number}: {len(line)} fields, not {len(fields)}")
        return ()
    values: list[Value] = []
    for text, field in zip(line, fields, strict=True):
        try:
            values.append(_from_text(text, field.kind))
        except ValueError:
            faults.append(f"line {number}, {field.name}: no {field.kind.value.replace('_', ' or ')}")
    return tuple(values)


def _from_text(text: str, kind: Kind) -> Value:
    if not text:
        return None
    if kind is Kind.TEXT:
        return read_csv_text(text)
    if kind is Kind.YES_NO and text in _TRUTH:
        return _TRUTH[text]
    if kind is Kind.DAY and is_day(text):
        return dt.date.fromisoformat(text)
    if kind is Kind.WHOLE and _WHOLE.fullmatch(text):
        return int(text)
    if kind is Kind.DECIMAL and _DECIMAL.fullmatch(text):
        return float(text)
    raise ValueError(kind)


def rows_of_cells(cells: Sequence[Sequence[Any]], fields: Sequence[Field], language: str, where: str) -> list[Row]:
    """The rows of a sheet of this layout from its cells, header first, as a reader of XLSX gives them.

    DeliveryError where the header is another one. A cell of another kind stays what it is, for check_rows to name.
    """
    header = [field.title.of(language) for field in fields]
    if not cells or list(cells[0]) != header:
        raise DeliveryError("A sheet for the regulator has other columns than the layout.", where=where)
    return [tuple(_from_cell(value, field) for value, field in zip(row, fields, strict=True)) for row in cells[1:]]


def _from_cell(value: Any, field: Field) -> Value:
    if field.kind is Kind.DAY and isinstance(value, dt.datetime):
        return value.date()
    if field.kind is Kind.DECIMAL and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value  # type: ignore[no-any-return]

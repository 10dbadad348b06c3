"""Rows of a small CSV table that is used as a whole or not at all (UTF-8, header, commas)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence

from lbz_indicators.errors import DeliveryError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FAULTS_TOLD = 20


def strict_rows(text: str, columns: Sequence[str], faults: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every row with the right number of fields; the header has just these columns, in any order.

    Adds what is wrong to `faults`, by line and without a value.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            faults.append(f"line 1: the columns must be {','.join(columns)}")
            return
        for fields in reader:
            if len(fields) == len(header):
                yield reader.line_num, dict(zip(header, fields, strict=True))
            elif fields:
                faults.append(f"line {reader.line_num}: {len(fields)} fields, not {len(header)}")
    except csv.Error:
        faults.append(f"line {reader.line_num}: no valid CSV")


def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar as 2022-10-01."""
    try:
        return bool(_DAY.fullmatch(text)) and text.isascii() and dt.date.fromisoformat(text) is not None
    except ValueError:
        return False


def require_no_faults(faults: Sequence[str], what: str, where: str, mend: str) -> None:
    """DeliveryError with the first of the faults in one message, where there are any."""
    if faults:
        more = f"; and {len(faults) - _FAULTS_TOLD} more" if len(faults) > _FAULTS_TOLD else ""
        raise DeliveryError(f"{what} cannot be used: {'; '.join(faults[:_FAULTS_TOLD])}{more}.", where=where, mend=mend)

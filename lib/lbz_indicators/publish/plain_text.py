"""Delivered text in files that spreadsheets open: never a formula, never a character that is not seen.

A spreadsheet takes a field of a CSV that begins with =, +, - or @ for a formula, also after blanks, and where another separator
than the file's is set on that machine, in the middle of a field too. So each such character gets an apostrophe in front, and so
does an apostrophe at such a place: taking one off gives the text back.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 16_000
"""Characters of a cell; Excel takes 32,767 units of UTF-16."""
_MARKS = "'=+\\-@＝＋－＠﹦﹢﹣﹫"
"""What a formula begins with, in all widths, and the apostrophe itself."""
_BEGINS_FORMULA = re.compile(rf"((?:\A|[,;|\"]) *)([{_MARKS}])")
_NEUTRAL = re.compile(rf"((?:\A|[,;|\"]) *)'([{_MARKS}])")


def plain_text(text: str) -> str:
    """A text on one line, of visible characters: tabs, line ends and other blanks are blanks, what is not seen is left out."""
    if not text.isprintable():
        text = "".join(_seen(character) for character in text)
    return text[:LONGEST]


def _seen(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() or unicodedata.category(character).startswith("Z") else ""


def csv_text(text: str) -> str:
    """A text as a field of a CSV: plain, and with an apostrophe before what would begin a formula."""
    return _BEGINS_FORMULA.sub(r"\1'\2", plain_text(text))


def read_csv_text(field: str) -> str:
    """The text of a field that csv_text wrote."""
    return _NEUTRAL.sub(r"\1\2", field)

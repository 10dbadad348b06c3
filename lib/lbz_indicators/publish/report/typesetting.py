"""From a document to its PDF, with typst: tagged (PDF/UA-1), bookmarks, embedded fonts, the same bytes for the same content.

All text goes to typst as JSON data and is shown as text: nothing of it is ever read as markup, and the template reads no files.
The fonts are those that typst and matplotlib bring along, so that a report looks the same on every machine.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path

import matplotlib
import typst
from matplotlib.ft2font import FT2Font

from lbz_indicators.publish.report.blocks import Document

UNKNOWN = "□"
"""Stands for a character that no font has."""
_TEMPLATE = resources.files("lbz_indicators.publish.report").joinpath("templates", "report.typ")
_LONG_WORD = re.compile(r"\S{30,}")
_PIECE = 20
SOFT_HYPHEN = "\u00ad"


def typeset(document: Document, font_folders: tuple[str, ...] = ()) -> bytes:
    """The PDF of a document. Its date is the last day of the reporting year: that of its making would make it another content.

    `font_folders` hold fonts for scripts that DejaVu Sans does not have (it has Latin, Greek, Cyrillic, Armenian, Georgian and
    more); a character in none of them is shown as UNKNOWN.
    """
    data = json.dumps(_legible(asdict(document), _characters(font_folders)), ensure_ascii=True)
    compiler = typst.Compiler(_TEMPLATE.read_bytes(), font_paths=_fonts(font_folders), ignore_system_fonts=True)
    day = dt.datetime(document.year, 12, 31, tzinfo=dt.timezone.utc)
    pdf = compiler.compile(format="pdf", sys_inputs={"document": data}, pdf_standards="ua-1", timestamp=day)
    if not isinstance(pdf, bytes):
        raise TypeError("typst gave no PDF")
    return pdf


def legible(text: str, characters: frozenset[int]) -> str:
    """A text of visible characters that a font has, on one line; words of 30 and more letters may be broken.

    White space of any kind is one space. What is not printable, such as marks that turn the direction of what follows, is
    UNKNOWN too.
    """
    line = re.sub(r"\s+", " ", text.replace("\u00a0", "\ue000")).strip().replace("\ue000", "\u00a0")
    shown = (c if ord(c) in characters and (c.isprintable() or c == "\u00a0") else UNKNOWN for c in line)
    return _LONG_WORD.sub(_breakable, "".join(shown))


def _breakable(word: re.Match[str]) -> str:
    letters = word.group()
    return SOFT_HYPHEN.join(letters[start : start + _PIECE] for start in range(0, len(letters), _PIECE))


def _legible(value: object, characters: frozenset[int]) -> object:
    """All texts in a tree made legible; SVG, which is made here of legible texts, stays as it is."""
    if isinstance(value, str):
        return legible(value, characters)
    if isinstance(value, dict):
        return {key: item if key == "svg" else _legible(item, characters) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legible(item, characters) for item in value]
    return value


def _shipped_fonts() -> Path:
    return Path(matplotlib.get_data_path(), "fonts", "ttf")


@cache
def _fonts(folders: tuple[str, ...]) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(_shipped_fonts()), *folders])


@cache
def _characters(folders: tuple[str, ...]) -> frozenset[int]:
    """Code points that can be shown."""
    own = [_shipped_fonts() / "DejaVuSans.ttf"]
    return frozenset(point for path in [*own, *_font_files(folders)] for point in FT2Font(str(path)).get_charmap())


def _font_files(folders: Iterable[str]) -> list[Path]:
    return [path for folder in folders for path in sorted(Path(folder).rglob("*")) if path.suffix.lower() in (".ttf", ".otf")]

"""What other programs than ours read in a PDF: Poppler's pdftotext, and the boxes of its words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Word:
    """A word on a page (from 1) with its box in points from the upper left."""

    page: int
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Word) -> float:
        """The part of the smaller box that the other covers."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / min(self.area, other.area)

    @property
    def area(self) -> float:
        return max((self.right - self.left) * (self.bottom - self.top), 1e-9)


def program() -> str:
    """pdftotext; the test is skipped without it, and fails where the tools are required."""
    found = shutil.which("pdftotext")
    if found is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "pdftotext is missing (Debian: poppler-utils)"
        pytest.skip("pdftotext is not installed")
    return found


def text_of(pdf: bytes) -> str:
    """The text with its layout, pages apart by form feeds; spaces that do not break are spaces."""
    return _run(pdf, "-layout").replace("\u00a0", " ")


def plain_text_of(pdf: bytes) -> str:
    """The text on one line, words that were broken put together again."""
    lines = _run(pdf).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", re.sub(r"(?<=\w)[\u00ad-]\n+(?=[a-zë])", "", lines))


def words_of(pdf: bytes) -> list[Word]:
    """Every word with its box."""
    root = ElementTree.fromstring(re.sub(r'xmlns="[^"]+"', "", _run(pdf, "-bbox")))
    return [
        Word(number, word.text or "", *(float(word.attrib[edge]) for edge in ("xMin", "yMin", "xMax", "yMax")))
        for number, page in enumerate(root.iter("page"), start=1)
        for word in page.iter("word")
    ]


def _run(pdf: bytes, *arguments: str) -> str:
    done = subprocess.run([program(), *arguments, "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode("utf-8")

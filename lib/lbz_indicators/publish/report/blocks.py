"""What a report is made of, before it is set: plain text only, no markup, so that no name can be read as an instruction."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Align(str, Enum):
    """Of a column: text to the left, numbers to the right."""

    LEFT = "left"
    RIGHT = "right"


class Row(str, Enum):
    """What a row of a table is."""

    PLAIN = "plain"
    TOTAL = "total"
    """A sum, or the row that a group of rows stands under."""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Points:
    """A list of points."""

    items: tuple[str, ...]
    kind: str = field(default="points", init=False)


@dataclass(frozen=True)
class Terms:
    """Terms with their explanation."""

    items: tuple[tuple[str, str], ...]
    kind: str = field(default="terms", init=False)


@dataclass(frozen=True)
class Heading:
    """A heading inside a chapter."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, where its cells stand, its width as a share of the text (0: as wide as its cells)."""

    head: str
    align: Align = Align.RIGHT
    share: float = 0.0


@dataclass(frozen=True)
class TableRow:
    """Cells of a row, one per column."""

    cells: tuple[str, ...]
    row: Row = Row.PLAIN


@dataclass(frozen=True)
class Table:
    """A table with at least one row; `notes` stand above its rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
    kind: str = field(default="table", init=False)

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row.cells) != len(self.columns)]
        if wrong or not self.rows:
            raise ValueError(f"no table: {self.caption!r} has {len(self.rows)} row(s), {len(wrong)} of them with other columns")


@dataclass(frozen=True)
class Picture:
    """A chart as SVG; `alt` says in words what it shows."""

    caption: str
    svg: str
    alt: str
    kind: str = field(default="picture", init=False)


@dataclass(frozen=True)
class Card:
    """One figure in large type: what it is, the figure, its limits (empty: none), the verdict in words."""

    title: str
    value: str
    detail: str
    verdict: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cards:
    """Figures side by side."""

    items: tuple[Card, ...]
    kind: str = field(default="cards", init=False)


@dataclass(frozen=True)
class Strip:
    """Charts side by side, in so many columns: fewer charts leave columns empty and stay small."""

    items: tuple[Picture, ...]
    columns: int
    kind: str = field(default="strip", init=False)


Block = Paragraph | Points | Terms | Heading | Table | Picture | Cards | Strip


@dataclass(frozen=True)
class Chapter:
    """A chapter, which is never empty."""

    title: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        if not self.blocks:
            raise ValueError(f"the chapter {self.title!r} is empty")


@dataclass(frozen=True)
class Document:
    """A report: `sheet` is one page without cover and contents.

    `running_title` stands on every page; `day`, of the PDF's own date, is in the content, never the clock.
    """

    language: str
    title: str
    subtitle: str
    hospital: str
    cover_lines: tuple[str, ...]
    running_title: str
    contents_title: str
    page_of: str
    year: int
    chapters: tuple[Chapter, ...]
    sheet: bool = False

"""A documented table: what each column is called, holds, and may hold. Files are written, explained and checked from it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

Value = str | int | float | bool | dt.date | None


class Words(NamedTuple):
    """A text in Dutch and in English."""

    nl: str
    en: str

    def of(self, language: str) -> str:
        return str(getattr(self, language))


class Kind(str, Enum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    DAY = "day"
    YES_NO = "yes_no"


KIND_WORDS = {
    Kind.TEXT: Words("tekst", "text"),
    Kind.WHOLE: Words("geheel getal", "whole number"),
    Kind.DECIMAL: Words("getal", "number"),
    Kind.DAY: Words("datum", "day"),
    Kind.YES_NO: Words("ja of nee", "yes or no"),
}


@dataclass(frozen=True)
class Field:
    """One column. `title` heads it for people, `name` for programs; `meaning` ends with the unit where there is one."""

    name: str
    kind: Kind
    title: Words
    meaning: Words
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    decimals: int = 0
    choices: tuple[str, ...] = ()


def fault_of(value: Value, field: Field) -> str | None:
    """What is wrong with a value, without naming it; None where it may stand there."""
    if value is None:
        return "is missing" if field.required else None
    if not _is_of_kind(value, field.kind):
        return f"is no {KIND_WORDS[field.kind].en}"
    if field.choices and value not in field.choices:
        return f"is none of {', '.join(field.choices)}"
    if isinstance(value, int | float):
        if field.minimum is not None and value < field.minimum:
            return f"is below {field.minimum:g}"
        if field.maximum is not None and value > field.maximum:
            return f"is above {field.maximum:g}"
    return None


def _is_of_kind(value: Value, kind: Kind) -> bool:
    if kind is Kind.YES_NO or isinstance(value, bool):
        return kind is Kind.YES_NO and isinstance(value, bool)
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind is Kind.DAY:
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if kind is Kind.WHOLE:
        return isinstance(value, int)
    return isinstance(value, int | float) and math.isfinite(value)


def faults_of_row(row: Sequence[Value], fields: Sequence[Field]) -> list[str]:
    """Column and fault of every value of a row that may not stand there."""
    if len(row) != len(fields):
        return [f"{len(row)} values, not {len(fields)}"]
    found = [(field.name, fault_of(value, field)) for value, field in zip(row, fields, strict=True)]
    return [f"{name} {fault}" for name, fault in found if fault]


def described(fields: Sequence[Field]) -> str:
    """The columns as a table in Markdown, as the documentation has it."""
    lines = ["| column | holds | must be there | bounds | meaning |", "|---|---|---|---|---|"]
    for field in fields:
        must = "yes" if field.required else ""
        lines.append(f"| {field.name} | {KIND_WORDS[field.kind].en} | {must} | {_bounds(field)} | {field.meaning.en} |")
    return "\n".join(lines)


def _bounds(field: Field) -> str:
    bounds = [", ".join(field.choices)] if field.choices else []
    if field.minimum is not None:
        bounds.append(f"from {field.minimum:.0f}" if field.minimum % 1 == 0 else f"from {field.minimum:g}")
    if field.maximum is not None:
        bounds.append(f"to {field.maximum:.0f}" if field.maximum % 1 == 0 else f"to {field.maximum:g}")
    if field.kind is Kind.DECIMAL:
        bounds.append(f"{field.decimals} decimals")
    return "; ".join(bounds)

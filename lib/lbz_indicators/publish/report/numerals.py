"""How numbers are written in a report: the only place where figures are rounded.

Counts whole; expected numbers to one decimal; ratios and their limits to whole numbers, as Dutch hospitals publish them;
percentages and their limits to one decimal. Rounding is of the stored double to the nearest, an exact half to the even digit.
A number that is not there is a dash. Verdicts are never made of what is rounded here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ABSENT = "–"
RANGE = "–"
MINUS = "\u2212"


@dataclass(frozen=True)
class Numerals:
    """Marks and names of months of a language."""

    thousands: str
    point: str
    months: tuple[str, ...]
    day: str

    def count(self, number: int) -> str:
        """12345 -> 12.345 (nl), 12,345 (en)."""
        return self._marked(f"{number:,}")

    def decimal(self, number: float | None, places: int = 1) -> str:
        """A number with so many decimals; zero has no sign."""
        if number is None:
            return ABSENT
        text = f"{number:,.{places}f}"
        return self._marked(text.lstrip("-") if not text.strip("-0.,") else text)

    def ratio(self, number: float | None) -> str:
        """A standardised ratio or one of its limits."""
        return self.decimal(number, 0)

    def percent(self, number: float | None) -> str:
        """A percentage, without its sign."""
        return self.decimal(number, 1)

    def ratio_limits(self, lower: float | None, upper: float | None) -> str:
        """Both limits of a ratio, or a dash."""
        return ABSENT if lower is None or upper is None else f"{self.ratio(lower)}{RANGE}{self.ratio(upper)}"

    def percent_limits(self, lower: float | None, upper: float | None) -> str:
        """Both limits of a percentage, or a dash."""
        return ABSENT if lower is None or upper is None else f"{self.percent(lower)}{RANGE}{self.percent(upper)}"

    def date(self, day: dt.date) -> str:
        """2022-03-05 -> 5 maart 2022."""
        return self.day.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def short_month(self, day: dt.date) -> str:
        """The first three letters of a month, as on an axis."""
        return self.months[day.month - 1][:3]

    def _marked(self, text: str) -> str:
        return text.translate(str.maketrans(",.-", self.thousands + self.point + MINUS))


_DUTCH = "januari februari maart april mei juni juli augustus september oktober november december"
_ENGLISH = "January February March April May June July August September October November December"
NUMERALS: Mapping[str, Numerals] = MappingProxyType(
    {
        "nl": Numerals(".", ",", tuple(_DUTCH.split()), "{day} {month} {year}"),
        "en": Numerals(",", ".", tuple(_ENGLISH.split()), "{day} {month} {year}"),
    }
)
"""By language."""


def years_text(first: int, last: int) -> str:
    """2022, or 2020–2022."""
    return str(first) if first == last else f"{first}{RANGE}{last}"

"""Numbers and days as Dutch and English write them."""

from __future__ import annotations

import datetime as dt

LANGUAGES = ("nl", "en")
_MONTHS = {
    "nl": (
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_SWAPPED = str.maketrans(",.", ".,")
_MOST_DECIMALS = 9


def number(value: float, language: str, decimals: int = 0) -> str:
    """1,234.5 in English, 1.234,5 in Dutch."""
    text = f"{value:,.{decimals}f}"
    return text.translate(_SWAPPED) if language == "nl" else text


def against(value: float, limit: float, language: str, decimals: int) -> str:
    """A value that stands beside its limit: with more decimals where rounding would make them look alike."""
    while decimals < _MOST_DECIMALS and value != limit and round(value, decimals) == round(limit, decimals):
        decimals += 1
    return number(value, language, decimals)


def plain(value: float, language: str) -> str:
    """A limit as it is set: 30, 0.5 (0,5)."""
    text = f"{value:g}"
    return text.translate(_SWAPPED) if language == "nl" else text


def day(value: dt.date, language: str) -> str:
    """1 October 2023, 1 oktober 2023."""
    return f"{value.day} {_MONTHS[language][value.month - 1]} {value.year}"

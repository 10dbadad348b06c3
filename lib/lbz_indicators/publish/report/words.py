"""The words of the reports: one YAML file per language, the same keys in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from lbz_indicators.errors import SettingsError
from lbz_indicators.publish.report.numerals import NUMERALS, Numerals

LANGUAGES = ("nl", "en")
_FOLDER = resources.files("lbz_indicators.publish.report").joinpath("texts")
Sentences = Mapping[str, object]


@dataclass(frozen=True)
class Words:
    """The texts of a language, its numerals, and names of values of breakdowns that are the same in every report."""

    language: str
    texts: Sentences
    numbers: Numerals

    def say(self, key: str, **values: object) -> str:
        """The text of a key with the values put in; KeyError where there is none."""
        return str(self.texts[key]).format(**values)

    def count(self, key: str, number: int) -> str:
        """A number with its noun, one or many: 1 opname, 1.234 opnamen."""
        return f"{self.numbers.count(number)}\u00a0{self.noun(key, number)}"

    def noun(self, key: str, number: int) -> str:
        """The noun of a number; 0 is many in both languages."""
        one, many = self.several(key)
        return one if number == 1 else many

    def several(self, key: str) -> list[str]:
        """A text that has parts: paragraphs, points, or a noun for one and for many."""
        parts = self.texts[key]
        if not isinstance(parts, list):
            raise KeyError(f"{key} is one text")
        return [str(part) for part in parts]

    def one_of(self, key: str, value: str | None) -> str:
        """The name of a code, `key.value`, or the code itself where it has none."""
        return str(self.texts.get(f"{key}.{value}", value))


@cache
def words(language: str) -> Words:
    """The words of a language: nl, en; SettingsError for another."""
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise SettingsError(f"There are no reports in the language {language!r}.", mend=f"choose one of {known}.")
    text = _FOLDER.joinpath(f"{language}.yml").read_text(encoding="utf-8")
    return Words(language, yaml.safe_load(text), NUMERALS[language])

"""The words of the page: a YAML file per language, with those of the reports behind them (names of parts, verdicts)."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml

from lbz_indicators.publish.report.words import Words
from lbz_indicators.publish.report.words import words as report_words

_FOLDER = resources.files("lbz_indicators.publish.site").joinpath("texts")


@cache
def words(language: str) -> Words:
    """The words of a language: nl, en; SettingsError for another."""
    of_reports = report_words(language)
    own = yaml.safe_load(_FOLDER.joinpath(f"{language}.yml").read_text(encoding="utf-8"))
    return Words(language, {**of_reports.texts, **own}, of_reports.numbers)

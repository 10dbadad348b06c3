"""Chapters that explain: what the HSMR is, how it is made, what changed, and the glossary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lbz_indicators.publish.report.blocks import Align, Block, Chapter, Column, Heading, Paragraph, Points, Table, TableRow, Terms
from lbz_indicators.publish.report.content import HsmrContent, ModelFacts
from lbz_indicators.publish.report.numerals import years_text
from lbz_indicators.publish.report.phrases import listed
from lbz_indicators.publish.report.words import Words

_SEVERITY_TABLE = "severity.table"


def about(words: Words) -> Chapter:
    """What the HSMR is, its limits, how to use it and how to read the tables."""
    blocks: list[Block] = [Heading(words.say("about.what_heading"))]
    blocks += [Paragraph(text) for text in words.several("about.what")]
    blocks += [Heading(words.say("about.limits_heading")), Points(tuple(words.several("about.limits")))]
    blocks += [Heading(words.say("about.use_heading")), Points(tuple(words.several("about.use")))]
    blocks += [Heading(words.say("about.read_heading")), Paragraph(words.say("about.read"))]
    return Chapter(words.say("about.title"), tuple(blocks))


def method(content: HsmrContent, words: Words) -> Chapter:
    """Method and sources; the model where it is given, and what changed where there is something to compare or to say."""
    blocks: list[Block] = [Paragraph(text) for text in words.several("method.text")]
    if content.model is not None:
        blocks.append(_model(content.model, words))
    changes = list(content.notes)
    if content.model is not None and content.previous_model is not None:
        changes = [*_changes(content.model, content.previous_model, words), *changes] or [words.say("method.no_change")]
    if changes:
        blocks += [Heading(words.say("method.changes_heading")), Points(tuple(changes))]
    return Chapter(words.say("method.title"), tuple(blocks))


def glossary(words: Words) -> Chapter:
    """Terms in the order of the alphabet of the language."""
    pairs = (text.split(" | ", 1) for text in words.several("glossary.terms"))
    return Chapter(words.say("glossary.title"), (Terms(tuple((term, text) for term, text in pairs)),))


def year_list(years: tuple[int, ...], words: Words) -> str:
    """2019–2022, or 2019, 2020 and 2022 where one is missing."""
    if years == tuple(range(years[0], years[-1] + 1)):
        return years_text(years[0], years[-1])
    return listed([str(year) for year in years], words)


def _model(model: ModelFacts, words: Words) -> Table:
    numbers = words.numbers
    facts = [
        ("method.version", model.model_version),
        ("method.years", year_list(model.model_years, words)),
        ("method.groups", numbers.count(model.groups)),
        ("method.no_events", numbers.count(model.groups_without_events)),
        ("method.admissions", numbers.count(model.admissions)),
        ("method.events", numbers.count(model.events)),
    ]
    if model.median_c_statistic is not None:
        facts.append(("method.c_statistic", numbers.decimal(model.median_c_statistic, 3)))
    return Table(
        words.say("method.model_caption"),
        (Column(words.say("method.model_item"), Align.LEFT, 1.0), Column(words.say("method.model_value"), Align.LEFT, 1.0)),
        tuple(TableRow((words.say(key), value)) for key, value in facts),
    )


def _changes(now: ModelFacts, before: ModelFacts, words: Words) -> list[str]:
    """What differs between two model versions: years, groups, lists, settings."""
    changes = []
    if now.model_years != before.model_years:
        years = {"now": year_list(now.model_years, words), "before": year_list(before.model_years, words)}
        changes.append(words.say("method.changed_years", **years))
    if now.groups != before.groups:
        numbers = {"now": words.numbers.count(now.groups), "before": words.numbers.count(before.groups)}
        changes.append(words.say("method.changed_groups", **numbers))
    for name in sorted(now.references.keys() & before.references.keys()):
        if now.references[name] != before.references[name]:
            changes.append(words.say("method.changed_list", name=words.one_of("list", name)))
    return changes + _changed_settings(dict(_flat(now.settings)), dict(_flat(before.settings)), words)


def _changed_settings(now: Mapping[str, str], before: Mapping[str, str], words: Words) -> list[str]:
    """Settings that both versions have; those of which table is used are told as a change of the list."""
    changed = [name for name in sorted(now.keys() & before.keys()) if now[name] != before[name]]
    return [
        words.say("method.changed_list", name=words.say("list.severity"))
        if name == _SEVERITY_TABLE
        else words.say("method.changed_setting", name=name, now=now[name], before=before[name])
        for name in changed
    ]


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names, as in a file of settings, with their values as JSON."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", json.dumps(value)

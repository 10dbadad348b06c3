"""The summary for the board: the HSMR of the year and of the years together, and the SMRs that differ."""

from __future__ import annotations

import numpy as np

from lbz_indicators.publish.report.blocks import (
    Align,
    Block,
    Card,
    Cards,
    Chapter,
    Column,
    Heading,
    Paragraph,
    Points,
    Table,
    TableRow,
)
from lbz_indicators.publish.report.content import HsmrContent
from lbz_indicators.publish.report.figures import AGE, DEFINITIVE, GROUP, HSMR, SEX, URGENCY, Figure, Period
from lbz_indicators.publish.report.phrases import (
    confidence_text,
    differs,
    figure_name,
    limits_head,
    listed,
    mark,
    period_text,
    verdict,
)
from lbz_indicators.publish.report.words import Words
from lbz_indicators.stats.many_tests import expected_false_alarms

MOST_GROUPS = (7, 4)
"""Groups that differ are named up to here, of the years together and of the year: the summary is to stay a page."""
SMR_CONFIDENCE = 0.98
"""Where the figures do not say theirs."""


def summary(content: HsmrContent, words: Words) -> Chapter:
    """Never without its cards: a hospital without a figure of the year has no report."""
    blocks: list[Block] = [Cards(tuple(_card(content, period, words) for period in content.smr_periods[::-1]))]
    blocks += [Paragraph(_sentence(content.hsmr(period), words)) for period in content.smr_periods[::-1]]
    blocks += _place(content, content.smr_periods[0], words)
    blocks.append(Heading(words.say("summary.differ")))
    for period, most in zip(content.smr_periods, MOST_GROUPS):
        blocks += _groups(content, period, most, words)
    blocks.append(Points(tuple(_points(content, words))))
    blocks.append(Paragraph(words.say("summary.read")))
    return Chapter(words.say("summary.title"), tuple(blocks))


def _card(content: HsmrContent, period: Period, words: Words) -> Card:
    figure, numbers = content.hsmr(period), words.numbers
    deaths = words.say(
        "summary.card_deaths", deaths=words.count("noun.death", figure.observed), expected=numbers.decimal(figure.expected)
    )
    return Card(
        title=words.say("summary.card", years=period_text(period)),
        value=numbers.ratio(figure.value),
        detail=interval_text(figure, numbers.ratio_limits(figure.lower, figure.upper), words),
        verdict=verdict(figure, words),
        lines=(deaths,),
    )


def interval_text(figure: Figure, limits: str, words: Words) -> str:
    """What the limits are, or nothing where there are none."""
    confidence = confidence_text([figure], words)
    return words.say("summary.card_limits", confidence=confidence, limits=limits) if confidence else ""


def died(number: int, words: Words) -> str:
    """Nobody, one, or so many patients died."""
    forms = words.several("summary.died")
    return forms[min(number, 2)].format(n=words.numbers.count(number))


def _sentence(figure: Figure, words: Words) -> str:
    numbers = words.numbers
    return words.say(
        "summary.hsmr_without" if figure.value is None else "summary.hsmr",
        admissions=words.count("noun.admission", figure.admissions),
        years=period_text(figure.period),
        died=died(figure.observed, words),
        expected=numbers.decimal(figure.expected),
        ratio=numbers.ratio(figure.value),
        lower=numbers.ratio(figure.lower),
        upper=numbers.ratio(figure.upper),
        confidence=confidence_text([figure], words),
        verdict=verdict(figure, words, "sentence"),
    )


def _place(content: HsmrContent, period: Period, words: Words) -> list[Block]:
    """How the hospitals lie; left out where there are no others."""
    every = [figure for figure in content.figures.hospitals(HSMR, DEFINITIVE, period).values() if figure.value is not None]
    if len(every) < 2:
        return []
    values = [figure.value for figure in every if figure.value is not None]
    text = words.say(
        "summary.place",
        hospitals=words.count("noun.hospital", len(every)),
        years=period_text(period),
        above=words.numbers.count(sum(figure.observed > (figure.expected or 0.0) for figure in every)),
        lowest=words.numbers.ratio(min(values)),
        highest=words.numbers.ratio(max(values)),
        mean=words.numbers.ratio(float(np.mean(values))),
    )
    return [Paragraph(text)]


def _judged(content: HsmrContent, period: Period) -> list[Figure]:
    return [figure for figure in content.smr(GROUP, period) if figure.value is not None and figure.verdict is not None]


def _groups(content: HsmrContent, period: Period, most: int, words: Words) -> list[Block]:
    """How many of the groups differ, and which."""
    judged = _judged(content, period)
    found = sorted((figure for figure in judged if differs(figure)), key=_excess, reverse=True)
    blocks: list[Block] = [Paragraph(_how_many(len(judged), len(found), period, words))]
    if not found:
        return blocks
    shown = found
    notes = []
    if len(found) > most:
        shown = sorted(sorted(found, key=lambda figure: -abs(_excess(figure)))[:most], key=_excess, reverse=True)
        notes.append(words.say("summary.more", shown=words.numbers.count(most)))
    return [*blocks, _table(content, shown, period, notes, words)]


def _excess(figure: Figure) -> float:
    return figure.observed - (figure.expected or 0.0)


def _how_many(judged: int, found: int, period: Period, words: Words) -> str:
    years = period_text(period)
    if judged == 0:
        return words.say("summary.no_group", years=years)
    if judged == 1:
        return words.say("summary.one_group_differs" if found else "summary.one_group", years=years)
    return words.say(
        "summary.some_differ" if found else "summary.none_differ",
        years=years,
        number=words.numbers.count(found),
        judged=words.count("noun.judged_group", judged),
        differ=words.noun("noun.differ", found),
    )


def _table(content: HsmrContent, figures: list[Figure], period: Period, notes: list[str], words: Words) -> Table:
    numbers = words.numbers
    heads = ("ratios.deaths", "ratios.expected", "smr.ratio")
    rows = [
        (
            figure_name(figure, GROUP, content.labels, words),
            numbers.count(figure.observed),
            numbers.decimal(figure.expected),
            numbers.ratio(figure.value),
            numbers.ratio_limits(figure.lower, figure.upper),
            mark(figure, content.own_reference_share, words),
        )
        for figure in figures
    ]
    starred = any(cells[-1].endswith("*") for cells in rows)
    return Table(
        words.say("summary.differ_caption", years=period_text(period)),
        (
            Column(words.say("groups.name"), Align.LEFT, 1.0),
            *(Column(words.say(head)) for head in heads),
            Column(limits_head(figures, words)),
            Column(words.say("smr.mark"), Align.LEFT),
        ),
        tuple(TableRow(cells) for cells in rows),
        (*notes, *((words.say("smr.own_note"),) if starred else ())),
    )


def _points(content: HsmrContent, words: Words) -> list[str]:
    """What else a board should know: categories, false alarms, signals."""
    period = content.smr_periods[0]
    points = []
    judged = _judged(content, period)
    if len(judged) > 1:
        alarms = expected_false_alarms([figure.expected or 0.0 for figure in judged], judged[0].confidence or SMR_CONFIDENCE)
        higher, lower = words.numbers.decimal(alarms.higher), words.numbers.decimal(alarms.lower)
        points.append(words.say("summary.false_alarms", higher=higher, lower=lower))
    points += _categories(content, period, words)
    if content.followed is not None:
        number = len(content.followed.worse.signals) + len(content.followed.better.signals)
        noun = words.noun("summary.signal_noun", number)
        key = "summary.signals" if number else "summary.no_signals"
        points.append(words.say(key, year=content.year, number=words.numbers.count(number), noun=noun))
    return points


def _categories(content: HsmrContent, period: Period, words: Words) -> list[str]:
    """Which categories are higher and which lower; nothing where there are none at all."""
    figures = [(kind, figure) for kind in (SEX, URGENCY, AGE) for figure in content.smr(kind, period)]
    if not figures:
        return []
    parts = []
    for found in ("higher", "lower"):
        names = [figure_name(figure, kind, content.labels, words) for kind, figure in figures if figure.verdict == found]
        if names:
            parts.append(words.say("summary.category_part", mark=words.say(f"mark.{found}"), names=listed(names, words)))
    key = "summary.category" if parts else "summary.no_category"
    return [words.say(key, years=period_text(period), parts="; ".join(parts))]

"""The factsheet of the LBZ indicators: one page for the board, with the outcome, the course, and where to look."""

from __future__ import annotations

from lbz_indicators.publish.report.blocks import Align, Block, Chapter, Column, Document, Paragraph, Strip, Table, TableRow, Terms
from lbz_indicators.publish.report.content import REPORTED, IndicatorsContent
from lbz_indicators.publish.report.definitions import indicator_text
from lbz_indicators.publish.report.figures import MAIN_DIAGNOSIS, OLO, SPECIALTY, Figure
from lbz_indicators.publish.report.hsmr_report import hospital_name
from lbz_indicators.publish.report.indicators_report import cards, course_picture, percent_text
from lbz_indicators.publish.report.phrases import differs, part_name, verdict
from lbz_indicators.publish.report.words import Words, words

MOST_PER_INDICATOR = 4
"""Parts that differ, of each indicator: with more of them the page would be full."""
_LONGEST = 70


def factsheet(content: IndicatorsContent, language: str) -> Document:
    """One page."""
    said = words(language)
    chapters = (
        Chapter(said.say("lbz.summary_title"), (cards(content, said),)),
        *_course(content, said),
        Chapter(said.say("sheet.where_title"), (_where(content, said),)),
        Chapter(said.say("sheet.read_title"), (Paragraph(_how_to_read(content, said)), _explained(content, said))),
    )
    return Document(
        language=language,
        title=said.say("sheet.title"),
        subtitle=said.say("sheet.subtitle", year=content.year),
        hospital=hospital_name(content.hospital),
        cover_lines=(),
        running_title=said.say("sheet.title"),
        contents_title=said.say("contents"),
        page_of=said.say("page_of"),
        year=content.year,
        chapters=chapters,
        sheet=True,
    )


def _course(content: IndicatorsContent, said: Words) -> list[Chapter]:
    """The charts of indicators with more than one year; none, where there are none."""
    courses = [(indicator, content.trend(indicator, variant)) for indicator, variant in content.indicators()]
    pictures = [course_picture(indicator, course, said, small=True) for indicator, course in courses if len(course) > 1]
    strip = Strip(tuple(pictures), len(REPORTED))
    return [Chapter(said.say("sheet.trend_title"), (strip,))] if pictures else []


def _how_to_read(content: IndicatorsContent, said: Words) -> str:
    kinds = {indicator for indicator, _ in content.indicators()}
    parts = [*(["sheet.read_ratio"] if kinds - {OLO} else []), *(["sheet.read_olo"] if OLO in kinds else []), "sheet.read_marks"]
    return " ".join(said.say(part) for part in parts)


def _explained(content: IndicatorsContent, said: Words) -> Block:
    return Terms(
        tuple(
            (
                said.say(f"lbz.short.{indicator}"),
                indicator_text(indicator, content.trend(indicator, variant)[-1], content.year, said),
            )
            for indicator, variant in content.indicators()
        )
    )


def _where(content: IndicatorsContent, said: Words) -> Block:
    """The parts that differ most, by events more or fewer than at the nation's rate."""
    rows = []
    for indicator, variant in content.indicators():
        found = [
            (breakdown, figure)
            for breakdown in (SPECIALTY, MAIN_DIAGNOSIS)
            for figure in content.rows(indicator, variant, breakdown, content.year)
            if differs(figure)
        ]
        found.sort(key=lambda pair: -abs(events_beyond_nation(indicator, pair[1])))
        rows += [_row(content, indicator, *pair, said) for pair in found[:MOST_PER_INDICATOR]]
    if not rows:
        return Paragraph(said.say("sheet.nothing"))
    return Table(
        said.say("sheet.where_caption"),
        (
            Column(said.say("sheet.indicator"), Align.LEFT, 0.55),
            Column(said.say("sheet.part"), Align.LEFT, 1.0),
            Column(said.say("sheet.value")),
            Column(said.say("lbz.nation")),
            Column(said.say("lbz.verdict"), Align.LEFT),
        ),
        tuple(rows),
    )


def events_beyond_nation(indicator: str, figure: Figure) -> float:
    """Events more (or, negative, fewer) than at the nation's rate for the same admissions."""
    basis = float(figure.admissions) if indicator == OLO else figure.expected or 0.0
    return figure.observed - basis * (figure.national_value or 0.0) / 100


def _row(content: IndicatorsContent, indicator: str, breakdown: str, figure: Figure, said: Words) -> TableRow:
    name = part_name(breakdown, figure.breakdown_value, content.labels, said)
    if breakdown == MAIN_DIAGNOSIS and name != figure.breakdown_value:
        name = said.say("sheet.diagnosis", code=figure.breakdown_value, name=name)
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
    if indicator == OLO:
        values = [percent_text(value, said) for value in (figure.value, figure.national_value)]
    else:
        values = [said.numbers.ratio(figure.comparison_value), said.numbers.ratio(100.0)]
    return TableRow((said.say(f"lbz.short.{indicator}"), short, *values, verdict(figure, said, "against")))

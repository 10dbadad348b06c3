"""The report of the LBZ indicators: provisional HSMR, readmissions and long stays, each by specialty and main diagnosis."""

from __future__ import annotations

from lbz_indicators.publish.report.blocks import (
    Block,
    Card,
    Cards,
    Chapter,
    Document,
    Heading,
    Paragraph,
    Picture,
    Points,
)
from lbz_indicators.publish.report.canvas import WIDTH
from lbz_indicators.publish.report.charts import Point, interval_svg
from lbz_indicators.publish.report.content import IndicatorsContent
from lbz_indicators.publish.report.definitions import indicator_text
from lbz_indicators.publish.report.figures import HSMR, MAIN_DIAGNOSIS, OLO, READMISSION, SPECIALTY, Figure
from lbz_indicators.publish.report.hsmr_report import cover_lines, hospital_name
from lbz_indicators.publish.report.indicator_tables import course_table, part_table
from lbz_indicators.publish.report.numerals import ABSENT
from lbz_indicators.publish.report.phrases import verdict
from lbz_indicators.publish.report.summary import interval_text
from lbz_indicators.publish.report.words import Words, words

PLACES = {HSMR: 0, READMISSION: 0, OLO: 1}
"""Decimals of the value of an indicator."""


def indicators_report(content: IndicatorsContent, language: str) -> Document:
    """The report as a document; indicators without a figure of the year have no chapter."""
    said = words(language)
    chapters = [_in_brief(content, said)]
    chapters += [_chapter(content, indicator, variant, said) for indicator, variant in content.indicators()]
    return Document(
        language=language,
        title=said.say("lbz.title"),
        subtitle=said.say("lbz.subtitle", year=content.year),
        hospital=hospital_name(content.hospital),
        cover_lines=cover_lines(content.hospital, said),
        running_title=said.say("lbz.running", year=content.year),
        contents_title=said.say("contents"),
        page_of=said.say("page_of"),
        year=content.year,
        chapters=tuple(chapters),
    )


def cards(content: IndicatorsContent, said: Words) -> Cards:
    """One card per indicator of the reporting year."""
    found = content.indicators()
    return Cards(tuple(_card(indicator, content.trend(indicator, variant)[-1], said) for indicator, variant in found))


def _in_brief(content: IndicatorsContent, said: Words) -> Chapter:
    blocks: list[Block] = [Paragraph(said.say("lbz.summary_text", year=content.year)), cards(content, said)]
    if {HSMR, READMISSION} & {indicator for indicator, _ in content.indicators()}:
        blocks.append(Paragraph(said.say("lbz.two_ratios")))
    if len(content.indicators()) > 1:
        blocks.append(Paragraph(said.say("lbz.read_together")))
    blocks.append(Paragraph(said.say("lbz.rounding_note")))
    if content.notes:
        blocks += [Heading(said.say("lbz.notes_title")), Points(content.notes)]
    return Chapter(said.say("lbz.summary_title"), tuple(blocks))


def _card(indicator: str, figure: Figure, said: Words) -> Card:
    numbers = said.numbers
    if indicator == OLO:
        value = percent_text(figure.value, said)
        lines = [said.say("lbz.card_nation", value=percent_text(figure.national_value, said))]
    else:
        value = numbers.ratio(figure.value)
        lines = [said.say("lbz.card_nation", value=numbers.ratio(figure.national_value))]
        if figure.comparison_value is not None:
            compared = numbers.ratio_limits(figure.comparison_lower, figure.comparison_upper)
            lines.append(said.say("lbz.card_compared", value=numbers.ratio(figure.comparison_value), limits=compared))
    detail = interval_text(figure, _limits(indicator, figure, said), said)
    return Card(said.say(f"lbz.short.{indicator}"), value, detail, verdict(figure, said, "against"), tuple(lines))


def percent_text(value: float | None, said: Words) -> str:
    """A percentage with its sign, or a dash."""
    return ABSENT if value is None else said.say("lbz.percent", value=said.numbers.percent(value))


def _chapter(content: IndicatorsContent, indicator: str, variant: str, said: Words) -> Chapter:
    course = content.trend(indicator, variant)
    blocks: list[Block] = [Paragraph(indicator_text(indicator, course[-1], content.year, said))]
    if len(course) > 1:
        blocks.append(course_picture(indicator, course, said))
    blocks.append(course_table(indicator, course, said))
    for breakdown in (SPECIALTY, MAIN_DIAGNOSIS):
        if table := part_table(content, indicator, variant, breakdown, said):
            blocks.append(table)
    return Chapter(said.say(f"lbz.name.{indicator}"), tuple(blocks))


def course_picture(indicator: str, course: tuple[Figure, ...], said: Words, *, small: bool = False) -> Picture:
    """A hospital's figure per year with its limits, the nation's beside it."""
    places = PLACES[indicator]
    points = [Point(str(f.period.last), f.value, f.lower, f.upper, f.national_value) for f in course]
    names = {
        "y": said.say("lbz.trend_axis_percent" if indicator == OLO else "lbz.trend_axis_ratio"),
        "own": said.say("ratios.own"),
        "nation": said.say("ratios.nation"),
    }
    told = [
        said.say(
            "lbz.trend_value",
            year=figure.period.last,
            value=said.numbers.decimal(figure.value, places),
            limits=_limits(indicator, figure, said),
            nation=said.numbers.decimal(figure.national_value, places),
        )
        for figure in course
    ]
    svg = interval_svg(points, names, said.numbers, places=places, inches=(2.3, 2.5) if small else (WIDTH, 2.3))
    caption = (
        said.say(f"lbz.short.{indicator}") if small else said.say("lbz.trend_caption", name=said.say(f"lbz.name.{indicator}"))
    )
    return Picture(caption, svg, said.say("lbz.trend_alt", values=" ".join(told)))


def _limits(indicator: str, figure: Figure, said: Words) -> str:
    write = said.numbers.percent_limits if indicator == OLO else said.numbers.ratio_limits
    return write(figure.lower, figure.upper)

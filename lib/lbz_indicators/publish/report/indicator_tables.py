"""Tables of the report of the LBZ indicators: the course over the years, and a year by specialty or main diagnosis."""

from __future__ import annotations

from collections.abc import Sequence

from lbz_indicators.publish.report.blocks import Align, Column, Table, TableRow
from lbz_indicators.publish.report.content import IndicatorsContent
from lbz_indicators.publish.report.figures import MAIN_DIAGNOSIS, OLO, SPECIALTY, Figure, value_order
from lbz_indicators.publish.report.numerals import ABSENT
from lbz_indicators.publish.report.phrases import differs, limits_head, listed, mark, part_name
from lbz_indicators.publish.report.words import Words

MOST_DIAGNOSES = 32
"""Main diagnoses in a table: all that differ, and beside them those with most admissions up to so many rows."""
EARLIER_YEARS = 2
_NO_OWN_SHARE = 2.0
_NAME, _CODE, _NUMBER, _LIMITS, _VERDICT, _YEAR = 4.8, 0.9, 1.2, 1.6, 1.5, 0.85
"""Widths of columns to each other: these tables fill the page, so none is left to the width of its cells."""


def course_table(indicator: str, course: Sequence[Figure], said: Words) -> Table:
    """One row per year."""
    columns = [Column(said.say("lbz.year"), Align.LEFT, _YEAR), *_columns(indicator, limits_head(course, said), said, whole=True)]
    rows = [TableRow((str(figure.period.last), *_cells(indicator, figure, said, whole=True))) for figure in course]
    notes = _notes(indicator, course, said)
    return Table(said.say("lbz.trend_caption", name=said.say(f"lbz.name.{indicator}")), tuple(columns), tuple(rows), notes)


def part_table(content: IndicatorsContent, indicator: str, variant: str, breakdown: str, said: Words) -> Table | None:
    """The reporting year by specialty or main diagnosis, with the outcome of earlier years; None without figures."""
    figures = content.rows(indicator, variant, breakdown, content.year)
    if not figures:
        return None
    shown = figures if breakdown == SPECIALTY else chosen(figures)
    years = _earlier_years(content, indicator, variant, breakdown)
    earlier = [{f.breakdown_value: f for f in content.rows(indicator, variant, breakdown, year)} for year in years]
    rows = [
        (
            *_names(content, breakdown, figure, said),
            *_cells(indicator, figure, said),
            *(_outcome(indicator, of_year.get(figure.breakdown_value), said) for of_year in earlier),
        )
        for figure in shown
    ]
    notes = list(_notes(indicator, shown, said))
    if years:
        notes.append(said.say("lbz.earlier_note", years=listed([str(year) for year in years], said)))
    if len(shown) < len(figures):
        counts = {"shown": said.numbers.count(len(shown)), "all": said.numbers.count(len(figures))}
        notes.append(said.say("lbz.shown_note", **counts))
    limits = limits_head(shown, said)
    columns = (
        *_name_columns(breakdown, said),
        *_columns(indicator, limits, said),
        *(Column(str(year), share=_YEAR) for year in years),
    )
    key = "lbz.specialty_caption" if breakdown == SPECIALTY else "lbz.diagnosis_caption"
    caption = said.say(key, name=said.say(f"lbz.name.{indicator}"), year=content.year)
    return Table(caption, columns, tuple(TableRow(cells) for cells in rows), tuple(notes))


def chosen(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """All that differ, filled up with those of most admissions to MOST_DIAGNOSES, in the order of their codes."""
    by_size = sorted(figures, key=lambda figure: (not differs(figure), -figure.admissions, value_order(figure.breakdown_value)))
    number = max(MOST_DIAGNOSES, sum(differs(figure) for figure in figures))
    return tuple(sorted(by_size[:number], key=lambda figure: value_order(figure.breakdown_value)))


def _earlier_years(content: IndicatorsContent, indicator: str, variant: str, breakdown: str) -> list[int]:
    years = [figure.period.last for figure in content.trend(indicator, variant) if figure.period.last < content.year]
    return [year for year in years if content.rows(indicator, variant, breakdown, year)][-EARLIER_YEARS:]


def _name_columns(breakdown: str, said: Words) -> tuple[Column, ...]:
    if breakdown == MAIN_DIAGNOSIS:
        code, name = Column(said.say("lbz.code"), Align.LEFT, _CODE), Column(said.say("lbz.diagnosis"), Align.LEFT, _NAME)
        return (code, name)
    return (Column(said.say("lbz.specialty"), Align.LEFT, _NAME),)


def _names(content: IndicatorsContent, breakdown: str, figure: Figure, said: Words) -> tuple[str, ...]:
    value = figure.breakdown_value
    name = part_name(breakdown, value, content.labels, said)
    if breakdown == MAIN_DIAGNOSIS:
        return (value or ABSENT, name if name != value else "")
    return (name,)


def _columns(indicator: str, limits: str, said: Words, *, whole: bool = False) -> list[Column]:
    heads = [said.say("lbz.cases"), said.say(f"lbz.observed.{indicator}")]
    if indicator == OLO:
        heads += [said.say("lbz.share"), limits, said.say("lbz.nation_percent")]
    else:
        heads += [said.say("lbz.expected"), said.say("lbz.ratio"), *([limits] if whole else [])]
        heads += [said.say("lbz.nation"), said.say("lbz.compared"), limits]
    numbers = (Column(head, share=_LIMITS if head == limits else _NUMBER) for head in heads)
    return [*numbers, Column(said.say("lbz.verdict"), Align.LEFT, _VERDICT)]


def _cells(indicator: str, figure: Figure, said: Words, *, whole: bool = False) -> tuple[str, ...]:
    """The figure, the nation's, the verdict; of a ratio its own limits in the table of years only, for want of room."""
    numbers = said.numbers
    counts = (numbers.count(figure.admissions), numbers.count(figure.observed))
    verdict = mark(figure, _NO_OWN_SHARE, said)
    if indicator == OLO:
        limits = numbers.percent_limits(figure.lower, figure.upper)
        return (*counts, numbers.percent(figure.value), limits, numbers.percent(figure.national_value), verdict)
    return (
        *counts,
        numbers.decimal(figure.expected),
        numbers.ratio(figure.value),
        *((numbers.ratio_limits(figure.lower, figure.upper),) if whole else ()),
        numbers.ratio(figure.national_value),
        numbers.ratio(figure.comparison_value),
        numbers.ratio_limits(figure.comparison_lower, figure.comparison_upper),
        verdict,
    )


def _outcome(indicator: str, figure: Figure | None, said: Words) -> str:
    """The outcome of an earlier year in the unit that the verdict is of."""
    if figure is None:
        return ABSENT
    return said.numbers.percent(figure.value) if indicator == OLO else said.numbers.ratio(figure.comparison_value)


def _notes(indicator: str, figures: Sequence[Figure], said: Words) -> tuple[str, ...]:
    notes = [] if indicator == OLO else [said.say("lbz.compared_note")]
    if any(figure.value is None for figure in figures):
        notes.append(said.say("lbz.absent_note"))
    if any(figure.value is not None and figure.verdict is None for figure in figures):
        notes.append(said.say("lbz.null_note"))
    return tuple(notes)

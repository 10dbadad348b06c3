"""The chapter on the HSMR: the table per year and over the period, its chart, and the hospital's place in the funnel."""

from __future__ import annotations

from lbz_indicators.publish.report.blocks import (
    Align,
    Block,
    Chapter,
    Column,
    Heading,
    Paragraph,
    Picture,
    Row,
    Strip,
    Table,
    TableRow,
)
from lbz_indicators.publish.report.charts import Point, funnel_svg, interval_svg
from lbz_indicators.publish.report.content import HsmrContent
from lbz_indicators.publish.report.figures import DEFINITIVE, HSMR, Figure, Period
from lbz_indicators.publish.report.phrases import limits_head, listed, period_text, verdict
from lbz_indicators.publish.report.words import Words
from lbz_indicators.stats.funnel import control_limits, funnel_position

CONVENTION = "inverse_exact"
"""Control limits that agree with the hospitals' own exact limits (stats.funnel)."""
FEWEST_HOSPITALS = 3
"""With fewer there is no funnel to stand in."""


def ratios(content: HsmrContent, words: Words) -> Chapter:
    """HSMR per year and over the years together."""
    blocks: list[Block] = [_table(content, words)]
    if any(content.hsmr(period).value is not None for period in content.periods):
        blocks.append(_chart(content, words))
    blocks += _funnels(content, words)
    return Chapter(words.say("ratios.title"), tuple(blocks))


def _table(content: HsmrContent, words: Words) -> Table:
    rows, nation = [], []
    for period in content.periods:
        figure = content.hsmr(period)
        row = Row.TOTAL if period.first < period.last else Row.PLAIN
        rows.append(TableRow((*_cells(_years(figure, words), figure, words), verdict(figure, words)), row))
        national = content.hsmr(period, nation=True)
        name = words.say("ratios.nation_row", years=period_text(period))
        nation.append(TableRow((*_cells(name, national, words)[:-1], "", "")))
    heads = ("ratios.admissions", "ratios.deaths", "ratios.expected", "ratios.hsmr")
    return Table(
        words.say("ratios.caption"),
        (
            Column(words.say("ratios.period"), Align.LEFT, 1.0),
            *(Column(words.say(head)) for head in heads),
            Column(limits_head([content.hsmr(period) for period in content.periods], words)),
            Column(words.say("ratios.verdict"), Align.LEFT),
        ),
        (*rows, *nation),
        (words.say("ratios.nation_note"),),
    )


def _years(figure: Figure, words: Words) -> str:
    years = period_text(figure.period)
    if not figure.is_partial:
        return years
    return words.say("ratios.partial", years=years, included=listed([str(year) for year in figure.years_included], words))


def _cells(name: str, figure: Figure, words: Words) -> tuple[str, ...]:
    numbers = words.numbers
    return (
        name,
        numbers.count(figure.admissions),
        numbers.count(figure.observed),
        numbers.decimal(figure.expected),
        numbers.ratio(figure.value),
        numbers.ratio_limits(figure.lower, figure.upper),
    )


def _chart(content: HsmrContent, words: Words) -> Picture:
    numbers, points, told = words.numbers, [], []
    for period in content.periods:
        figure, national = content.hsmr(period), content.hsmr(period, nation=True)
        years = period_text(period)
        points.append(Point(years, figure.value, figure.lower, figure.upper, national.value))
        limits = numbers.ratio_limits(figure.lower, figure.upper)
        key = "ratios.chart_absent" if figure.value is None else "ratios.chart_value"
        told.append(words.say(key, years=years, ratio=numbers.ratio(figure.value), limits=limits))
    names = {"y": words.say("ratios.hsmr"), "own": words.say("ratios.own"), "nation": words.say("ratios.nation")}
    return Picture(
        words.say("ratios.chart_caption"),
        interval_svg(points, names, numbers, reference=100.0),
        words.say("ratios.chart_alt", values=" ".join(told)),
    )


def _funnels(content: HsmrContent, words: Words) -> list[Block]:
    """The year and the years together side by side; without the other one, a funnel has the whole width."""
    periods = [period for period in content.smr_periods[::-1] if _has_funnel(content, period)]
    pictures = tuple(_funnel(content, period, words, half_width=len(periods) > 1) for period in periods)
    if not pictures:
        return []
    shown: Block = Strip(pictures, len(pictures)) if len(pictures) > 1 else pictures[0]
    return [Heading(words.say("ratios.funnel_heading")), Paragraph(words.say("ratios.funnel_text")), shown]


def _with_ratio(content: HsmrContent, period: Period) -> dict[str, Figure]:
    every = content.figures.hospitals(HSMR, DEFINITIVE, period)
    return {hospital_id: figure for hospital_id, figure in every.items() if figure.value is not None}


def _has_funnel(content: HsmrContent, period: Period) -> bool:
    """Not where there are few hospitals, or the own one has no ratio."""
    shown = _with_ratio(content, period)
    return len(shown) >= FEWEST_HOSPITALS and content.hospital.hospital_id in shown


def _funnel(content: HsmrContent, period: Period, words: Words, *, half_width: bool) -> Picture:
    shown = _with_ratio(content, period)
    own = shown[content.hospital.hospital_id]
    position, years = words.say(f"position.{place_in_funnel(own)}"), period_text(period)
    names = {key: words.say(f"ratios.funnel_{key}") for key in ("others", "limits_95", "limits_998", "x")}
    svg = funnel_svg(
        [figure.expected or 0.0 for figure in shown.values()],
        [figure.value or 0.0 for figure in shown.values()],
        list(shown).index(content.hospital.hospital_id),
        CONVENTION,
        names | {"own": words.say("ratios.own"), "y": words.say("ratios.hsmr")},
        words.numbers,
        half_width=half_width,
    )
    alt = words.say(
        "ratios.funnel_alt",
        hospitals=words.count("noun.hospital", len(shown)),
        expected=words.numbers.decimal(own.expected),
        ratio=words.numbers.ratio(own.value),
        position=position,
    )
    return Picture(words.say("ratios.funnel_caption", years=years, position=position), svg, alt)


def place_in_funnel(figure: Figure) -> str:
    """inside, above_95, below_95, above_998 or below_998: by control limits that are not rounded."""
    value, expected = figure.value or 0.0, figure.expected or 0.0
    for confidence, name in ((0.998, "998"), (0.95, "95")):
        low, high = control_limits(CONVENTION, [expected], confidence)
        found = funnel_position([value], low, high)[0]
        if found in ("higher", "lower"):
            return f"{'above' if found == 'higher' else 'below'}_{name}"
    return "inside"

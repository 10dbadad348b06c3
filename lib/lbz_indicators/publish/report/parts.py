"""Chapters on SMRs: per diagnosis group under its cluster, and per patient category. Every figure of the hospital is there."""

from __future__ import annotations

from collections.abc import Sequence

from lbz_indicators.publish.report.blocks import Align, Block, Chapter, Column, Paragraph, Row, Table, TableRow
from lbz_indicators.publish.report.content import HsmrContent
from lbz_indicators.publish.report.figures import AGE, CLUSTER, GROUP, SEX, URGENCY, Figure, Period, value_order
from lbz_indicators.publish.report.phrases import figure_name, limits_head, mark, period_text
from lbz_indicators.publish.report.words import Words

_HEADS = ("ratios.admissions", "ratios.deaths", "ratios.expected", "smr.ratio")


def diagnosis_groups(content: HsmrContent, words: Words) -> Chapter | None:
    """One table per period; None where there are no groups."""
    tables: list[Block] = []
    clustered = False
    for period in content.smr_periods:
        rows = _grouped(content, period)
        clustered = clustered or any(kind == CLUSTER for kind, _ in rows)
        if rows:
            tables.append(_table(content, "groups", rows, period, words, numbered=True))
    if not tables:
        return None
    intro = Paragraph(words.say("groups.intro" if clustered else "groups.intro_plain"))
    return Chapter(words.say("groups.title"), (intro, *tables))


def categories(content: HsmrContent, words: Words) -> Chapter | None:
    """By sex, urgency and age; None where none of them is there."""
    tables: list[Block] = []
    for period in content.smr_periods:
        rows = [(kind, figure) for kind in (SEX, URGENCY, AGE) for figure in content.smr(kind, period)]
        if rows:
            tables.append(_table(content, "categories", rows, period, words, numbered=False))
    return Chapter(words.say("categories.title"), tuple(tables)) if tables else None


def _grouped(content: HsmrContent, period: Period) -> list[tuple[str, Figure]]:
    """Clusters, each with its groups below; groups of no cluster at the end."""
    groups = content.smr(GROUP, period)
    clusters = {figure.breakdown_value: figure for figure in content.smr(CLUSTER, period)}
    cluster_of = {figure.breakdown_value: content.labels.cluster_of.get(str(figure.breakdown_value)) for figure in groups}
    rows: list[tuple[str, Figure]] = []
    for cluster in sorted(clusters, key=value_order):
        rows.append((CLUSTER, clusters[cluster]))
        rows += [(GROUP, figure) for figure in groups if cluster_of[figure.breakdown_value] == cluster]
    return rows + [(GROUP, figure) for figure in groups if cluster_of[figure.breakdown_value] not in clusters]


def _table(
    content: HsmrContent, kind: str, rows: Sequence[tuple[str, Figure]], period: Period, words: Words, *, numbered: bool
) -> Table:
    figures = [figure for _, figure in rows]
    number = (Column(words.say("groups.number"), Align.LEFT),) if numbered else ()
    return Table(
        words.say(f"{kind}.caption", years=period_text(period)),
        (
            *number,
            Column(words.say(f"{kind}.name"), Align.LEFT, 1.0),
            *(Column(words.say(head)) for head in _HEADS),
            Column(limits_head(figures, words)),
            Column(words.say("smr.mark"), Align.LEFT),
        ),
        tuple(_row(content, breakdown, figure, words, numbered=numbered) for breakdown, figure in rows),
        _notes(content, figures, words),
    )


def _row(content: HsmrContent, breakdown: str, figure: Figure, words: Words, *, numbered: bool) -> TableRow:
    numbers = words.numbers
    number = (str(figure.breakdown_value) if breakdown == GROUP else "",) if numbered else ()
    cells = (
        figure_name(figure, breakdown, content.labels, words),
        numbers.count(figure.admissions),
        numbers.count(figure.observed),
        numbers.decimal(figure.expected),
        numbers.ratio(figure.value),
        numbers.ratio_limits(figure.lower, figure.upper),
        mark(figure, content.own_reference_share, words),
    )
    return TableRow((*number, *cells), Row.TOTAL if breakdown == CLUSTER else Row.PLAIN)


def _notes(content: HsmrContent, figures: Sequence[Figure], words: Words) -> tuple[str, ...]:
    """Only what the table needs to be read."""
    marks = [mark(figure, content.own_reference_share, words) for figure in figures]
    needed = {
        "smr.own_note": any(each.endswith("*") for each in marks),
        "smr.null_note": any(figure.value is not None and figure.verdict is None for figure in figures),
        "smr.absent_note": any(figure.value is None for figure in figures),
    }
    return tuple(words.say(key) for key, wanted in needed.items() if wanted)

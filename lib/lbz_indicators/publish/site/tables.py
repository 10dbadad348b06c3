"""The tables of the page: what every chart shows in numbers, as rows of text that is already rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from lbz_indicators.publish.report.figures import CLUSTER, GROUP, Figure, value_order
from lbz_indicators.publish.report.numerals import ABSENT
from lbz_indicators.publish.report.phrases import figure_name, limits_head, listed, mark, period_text
from lbz_indicators.publish.report.words import Words
from lbz_indicators.publish.site.content import Panel, SiteContent
from lbz_indicators.publish.site.positions import places
from lbz_indicators.publish.site.quarters import Deaths, Quarter


@dataclass(frozen=True)
class Table:
    """A table of text; the first cell of a row names it. strong: rows that stand above those that follow."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()


def panel_table(panel: Panel, content: SiteContent, caption: str, said: Words) -> Table:
    """Every hospital of the page, the nation first; a suppressed figure has a row without numbers."""
    near, wide = places(panel), places(panel, wide=True)
    head = [said.say("site.hospital"), *_figure_head(panel, said), said.say("site.position")]
    rows = []
    for hospital in (None, *content.names):
        figure = panel.nation if hospital is None else panel.figures.get(hospital)
        name = said.say("site.nation") if hospital is None else content.names[hospital]
        if figure is not None:
            numbers = _figure_cells(panel, figure, content, said, judged=hospital is not None)
        elif hospital in panel.suppressed:
            numbers = [said.say("site.suppressed"), *[ABSENT] * (len(head) - 3)]
        else:
            continue
        positions = [_place(found.get(hospital or ""), said) for found in ([near, wide] if wide else [near])]
        rows.append((name, *numbers, *positions))
    if wide:
        head.append(said.say("site.position_wide"))
    return Table(caption, tuple(head), tuple(rows))


def _place(place: str | None, said: Words) -> str:
    return ABSENT if place is None else said.say(f"place.{place}")


def _figure_head(panel: Panel, said: Words) -> list[str]:
    figures = [figure for figure in (panel.nation, *panel.figures.values()) if figure is not None]
    counts = [said.say("site.admissions"), said.say(f"observed.{panel.indicator}")]
    ratio = [said.say("site.percent")] if panel.is_share else [said.say("site.expected"), said.say("site.ratio")]
    compared = [said.say("site.compared")] if panel.is_compared else []
    return [*counts, *ratio, *compared, limits_head(figures, said), said.say("site.verdict")]


def _figure_cells(panel: Panel, figure: Figure, content: SiteContent, said: Words, *, judged: bool) -> list[str]:
    numbers = said.numbers
    counts = [numbers.count(figure.admissions), numbers.count(figure.observed)]
    value, lower, upper = panel.judged(figure)
    if panel.is_share:
        values, limits = [numbers.percent(figure.value)], numbers.percent_limits(lower, upper)
    else:
        values, limits = [numbers.decimal(figure.expected), numbers.ratio(figure.value)], numbers.ratio_limits(lower, upper)
    compared = [numbers.ratio(value)] if panel.is_compared else []
    verdict = mark(figure, content.own_reference_share, said) if judged else ABSENT
    return [*counts, *values, *compared, limits, verdict]


def figures_table(content: SiteContent, hospital: str | None, said: Words) -> Table:
    """Every figure of a hospital, or the nation, that is shown: by indicator and period."""
    name = said.say("site.nation") if hospital is None else content.names[hospital]
    rows = []
    for indicator, panels in groupby(content.panels, key=lambda panel: panel.indicator):
        panel = next(iter(panels))
        figures = [figure for figure in content.trend(panel, hospital).values() if figure is not None]
        years = content.shown.period
        whole = content.shown.figures.one(indicator, panel.variant, hospital, years) if years.first < years.last else None
        for figure in [*figures, *([whole] if whole else [])]:
            rows.append(_figure_row(panel, figure, content, said, judged=hospital is not None))
    names = ("indicator", "period", "admissions", "observed", "expected", "value", "limits", "verdict")
    head = tuple(said.say(f"figures.{name}") for name in names)
    return Table(said.say("hospital.figures", name=name), head, tuple(rows))


def _figure_row(panel: Panel, figure: Figure, content: SiteContent, said: Words, *, judged: bool) -> tuple[str, ...]:
    numbers = said.numbers
    value, lower, upper = panel.judged(figure)
    texts = (numbers.percent, numbers.percent_limits) if panel.is_share else (numbers.ratio, numbers.ratio_limits)
    shown = value if judged else figure.value
    percent = "\u00a0%" if panel.is_share and shown is not None else ""
    years = period_text(figure.period)
    if figure.is_partial:
        included = listed([str(year) for year in figure.years_included], said)
        years = said.say("hospital.partial", years=years, included=included)
    return (
        said.say(f"panel.{panel.indicator}"),
        years,
        numbers.count(figure.admissions),
        numbers.count(figure.observed),
        ABSENT if panel.is_share else numbers.decimal(figure.expected),
        f"{texts[0](shown)}{percent}",
        texts[1](lower, upper) if judged else texts[1](figure.lower, figure.upper),
        mark(figure, content.own_reference_share, said) if judged else ABSENT,
    )


def smr_table(content: SiteContent, hospital: str | None, said: Words) -> Table | None:
    """SMRs of the period that are shown, below their clusters; None where there is none."""
    labels = content.labels
    groups = content.smrs(GROUP, hospital)
    clusters = {figure.breakdown_value: figure for figure in content.smrs(CLUSTER, hospital)}
    if not groups and not clusters:
        return None
    rows: list[tuple[str, ...]] = []
    strong = set()
    members: dict[str | None, list[Figure]] = {value: [] for value in clusters}
    for figure in groups:
        members.setdefault(labels.cluster_of.get(str(figure.breakdown_value)), []).append(figure)
    for value in sorted(members, key=value_order):
        strong.add(len(rows))
        if (whole := clusters.get(value)) is not None:
            rows.append(_smr_row(whole, CLUSTER, content, hospital, said))
        else:
            rows.append((labels.name(CLUSTER, str(value)) or str(value), said.say("site.suppressed"), *[ABSENT] * 4))
        rows += [_smr_row(figure, GROUP, content, hospital, said) for figure in members[value]]
    head = (
        said.say("smr.group"),
        said.say("observed.hsmr"),
        said.say("site.expected"),
        said.say("smr.ratio"),
        limits_head([*groups, *clusters.values()], said),
        said.say("site.verdict"),
    )
    caption = said.say("smr.caption", years=period_text(content.shown.period))
    return Table(caption, head, tuple(rows), frozenset(strong))


def _smr_row(figure: Figure, breakdown: str, content: SiteContent, hospital: str | None, said: Words) -> tuple[str, ...]:
    numbers = said.numbers
    compared = figure.is_provisional and hospital is not None
    value, lower, upper = (
        (figure.comparison_value, figure.comparison_lower, figure.comparison_upper)
        if compared
        else (figure.value, figure.lower, figure.upper)
    )
    verdict = ABSENT if hospital is None else mark(figure, content.own_reference_share, said)
    if breakdown == GROUP and (hospital, figure.breakdown_value) in content.standing:
        verdict = f"{verdict} ‡"
    return (
        figure_name(figure, breakdown, content.labels, said),
        numbers.count(figure.observed),
        numbers.decimal(figure.expected),
        numbers.ratio(value),
        numbers.ratio_limits(lower, upper),
        verdict,
    )


def course_table(shown: Mapping[Quarter, Deaths], path: Mapping[Quarter, float | None], caption: str, said: Words) -> Table:
    """Deaths by quarter and how they add up; a quarter that is not shown has a row without numbers."""
    numbers = said.numbers
    rows = []
    for quarter, height in path.items():
        name = said.say("site.quarter_of", year=quarter.year, number=quarter.number)
        deaths = shown.get(quarter)
        counts = (
            (said.say("site.suppressed"), ABSENT)
            if deaths is None
            else (numbers.count(deaths.observed), numbers.decimal(deaths.expected))
        )
        rows.append((name, *counts, numbers.decimal(height)))
    head = (said.say("site.quarter"), said.say("observed.hsmr"), said.say("site.expected"), said.say("vlad.height"))
    return Table(caption, head, tuple(rows))

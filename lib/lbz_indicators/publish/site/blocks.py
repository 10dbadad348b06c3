"""The parts of the page in order: sections of all hospitals, and of each hospital, as text, chart and table."""

from __future__ import annotations

from dataclasses import dataclass

from lbz_indicators.publish.report.definitions import indicator_text
from lbz_indicators.publish.report.figures import DEFINITIVE, GROUP, HSMR, Period
from lbz_indicators.publish.report.phrases import confidence_text, differs, period_text
from lbz_indicators.publish.report.words import Words
from lbz_indicators.publish.site.charts import Chart, caterpillar, course, funnel, trend
from lbz_indicators.publish.site.content import Panel, SiteContent, as_the_nation
from lbz_indicators.publish.site.positions import INSIDE, places
from lbz_indicators.publish.site.quarters import Deaths, Quarter, followed
from lbz_indicators.publish.site.tables import Table, course_table, figures_table, panel_table, smr_table
from lbz_indicators.stats.many_tests import expected_false_alarms


@dataclass(frozen=True)
class Block:
    """A text, or a chart with what is said of it to who does not see it, or a table, or a chart and its table."""

    text: str | None = None
    chart: Chart | None = None
    caption: str = ""
    alt: str = ""
    table: Table | None = None
    is_funnel: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; `name` is its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def panel_section(panel: Panel, content: SiteContent, said: Words) -> Section:
    """An indicator over a period: in words, funnel plot with its table, caterpillar with the same."""
    name, years = said.say(f"panel.{panel.indicator}"), period_text(panel.period)
    texts = [_about(panel, content, said), *_in_brief(panel, said), *_wide_text(panel, said)]
    found = places(panel)
    number = {kind: sum(place.startswith(kind) for place in found.values()) for kind in (INSIDE, "above", "below")}
    hospitals = said.count("noun.hospital", len(found))
    funnel_caption = said.say("funnel.caption", name=name, years=years)
    confidence = confidence_text(panel.figures.values(), said)
    caterpillar_caption = said.say("caterpillar.caption", name=name, years=years, confidence=confidence)
    centre = said.numbers.percent(panel.centre) if panel.is_share else said.numbers.ratio(panel.centre)
    return Section(
        panel.name,
        f"{name} {years}",
        (
            *[Block(text=text) for text in texts],
            Block(
                chart=funnel(panel, content.names, said),
                caption=funnel_caption,
                alt=said.say("funnel.alt", hospitals=hospitals, **number),
                table=panel_table(panel, content, funnel_caption, said),
                is_funnel=True,
            ),
            Block(
                chart=caterpillar(panel, content.names, said),
                caption=caterpillar_caption,
                alt=said.say("caterpillar.alt", hospitals=hospitals, centre=centre),
                table=panel_table(panel, content, caterpillar_caption, said),
            ),
        ),
    )


def _about(panel: Panel, content: SiteContent, said: Words) -> str:
    if panel.indicator == HSMR and panel.variant == DEFINITIVE:
        return said.say("about.hsmr")
    of = next(iter(panel.figures.values()))
    text = indicator_text(panel.indicator, of, content.year, said)
    return f"{text} {said.say('about.compared')}" if panel.is_compared else text


def _in_brief(panel: Panel, said: Words) -> list[str]:
    """The nation, how many hospitals differ, and how many of them chance would make; what is not shown counts in neither."""
    assert panel.nation is not None
    numbers, nation = said.numbers, panel.nation
    value = numbers.percent(nation.value) if panel.is_share else numbers.ratio(nation.value)
    counts = {"observed": numbers.count(nation.observed), "admissions": numbers.count(nation.admissions)}
    texts = [said.say("panel.nation", **counts, unit=said.say(f"unit.{panel.indicator}"), value=value)]
    verdicts = [figure.verdict for figure in panel.figures.values()]
    key = "panel.counts_nation" if panel.is_compared or panel.is_share else "panel.counts"
    number = {side: verdicts.count(side) for side in ("higher", "lower")}
    texts.append(said.say(key, hospitals=said.count("noun.hospital", len(verdicts)), **number))
    levels = {figure.confidence for figure in panel.figures.values()}
    if not panel.is_share and len(levels) == 1 and (level := levels.pop()) is not None:
        alarms = expected_false_alarms([as_the_nation(figure) or 0.0 for figure in panel.figures.values()], level)
        chance = {"higher": numbers.decimal(alarms.higher), "lower": numbers.decimal(alarms.lower)}
        texts.append(said.say("panel.alarms", **chance))
    if panel.suppressed:
        texts.append(said.say("panel.suppressed", hospitals=said.count("noun.hospital", len(panel.suppressed))))
    return texts


def _wide_text(panel: Panel, said: Words) -> list[str]:
    if panel.is_share:
        return []
    if panel.suppressed:
        return [said.say("funnel.no_wide")]
    found = panel.over_dispersion
    if found is None or found.tau2 is None:
        return []
    return [said.say("funnel.wide", tau2=said.numbers.decimal(found.tau2, 5))]


def hospital_blocks(content: SiteContent, hospital: str | None, said: Words) -> tuple[Block, ...]:
    """A hospital, or the nation: its figures, their course over the years and by quarter, its SMRs."""
    blocks = [Block(table=figures_table(content, hospital, said))]
    seen = set()
    for panel in content.panels:
        own = content.trend(panel, hospital)
        if panel.indicator in seen or sum(figure is not None for figure in own.values()) < 2:
            continue
        seen.add(panel.indicator)
        nation = None if hospital is None else content.trend(panel, None)
        caption = said.say("trend.caption", name=said.say(f"panel.{panel.indicator}"))
        blocks.append(Block(chart=trend(panel, own, nation, said), caption=caption, alt=said.say("trend.alt")))
    return (*blocks, *_course(content, hospital, said), *_smrs(content, hospital, said))


def _course(content: SiteContent, hospital: str | None, said: Words) -> list[Block]:
    if content.shown.quarters is None:
        return []
    shown: dict[Quarter, Deaths] = dict(content.shown.quarters.get(hospital, {}))
    years = content.shown.period.years
    of = (HSMR, content.variant, hospital)
    found = {year: content.shown.figures.one(*of, Period(year, year)) for year in years}
    path = followed(years, {year: figure for year, figure in found.items() if figure is not None}, shown)
    if not shown or all(height is None for height in path.values()):
        return []
    caption = said.say("vlad.caption", year=years[0])
    table = course_table(shown, path, caption, said)
    drawn = Block(chart=course(path, said), caption=caption, alt=said.say("vlad.alt"), table=table)
    return [Block(text=said.say("vlad.text")), drawn]


def _smrs(content: SiteContent, hospital: str | None, said: Words) -> list[Block]:
    table = smr_table(content, hospital, said)
    if table is None:
        return [Block(text=said.say("smr.none"))]
    if hospital is None:
        return [Block(table=table)]
    groups = content.smrs(GROUP, hospital)
    levels = {figure.confidence for figure in groups}
    level = levels.pop() if len(levels) == 1 else None
    texts = []
    if level is not None:
        judged = [as_the_nation(figure) or 0.0 for figure in groups if figure.verdict is not None]
        alarms = expected_false_alarms(judged, level)
        chance = {"higher": said.numbers.decimal(alarms.higher), "lower": said.numbers.decimal(alarms.lower)}
        different = sum(differs(figure) for figure in groups)
        texts.append(said.say("smr.text", shown=len(groups), groups=content.shown.groups, differ=different, **chance))
    verdicts = [row[-1] for row in table.rows]
    texts += [said.say(f"smr.{key}") for key, sign in (("standing", "‡"), ("own", "*")) if any(sign in text for text in verdicts)]
    return [*[Block(text=text) for text in texts], Block(table=table)]

"""The chapter on participation, data and case mix: the hospital beside the nation. Each part is there only where it is known."""

from __future__ import annotations

from collections.abc import Sequence

from lbz_indicators.publish.report.blocks import (
    Align,
    Block,
    Chapter,
    Column,
    Heading,
    Paragraph,
    Picture,
    Row,
    Table,
    TableRow,
)
from lbz_indicators.publish.report.charts import shares_svg
from lbz_indicators.publish.report.content import Check, HsmrContent
from lbz_indicators.publish.report.figures import AGE, CLUSTER, SEX, URGENCY, Figure, Period, total_admissions
from lbz_indicators.publish.report.numerals import ABSENT
from lbz_indicators.publish.report.phrases import listed, part_name, period_text
from lbz_indicators.publish.report.words import Words

_WHOLE = ("incomplete_registration", "few_deaths")
_ONE_PLACE = ("few_acute", "vague_diagnoses")
_MIX = (AGE, SEX, URGENCY, CLUSTER)


def taking_part(content: HsmrContent, words: Words) -> Chapter | None:
    """None where nothing of it is known."""
    blocks = [*_checks(content, words), *_records(content, words), *_population(content, words), *_mix(content, words)]
    return Chapter(words.say("part.title"), (Paragraph(words.say("part.intro")), *blocks)) if blocks else None


def _checks(content: HsmrContent, words: Words) -> list[Block]:
    if not content.checks:
        return []
    failed = [
        words.say("part.checks_item", name=_bare(words.one_of("check", check.check)), year=check.year)
        for check in content.checks
        if check.met is False
    ]
    text = words.say("part.checks_not_met", names=listed(failed, words)) if failed else words.say("part.checks_all_met")
    heads = ("part.own", "part.nation", "part.bound")
    table = Table(
        words.say("part.checks_caption"),
        (
            Column(words.say("part.year"), Align.LEFT),
            Column(words.say("part.check"), Align.LEFT, 1.0),
            *(Column(words.say(head)) for head in heads),
            Column(words.say("part.met"), Align.LEFT),
        ),
        tuple(_check_row(check, words) for check in content.checks),
    )
    return [Heading(words.say("part.checks_heading")), Paragraph(text), table]


def _bare(name: str) -> str:
    """The name of a condition without what it is measured by."""
    return name.split(" (")[0].split(", ")[0]


def _check_row(check: Check, words: Words) -> TableRow:
    places = 0 if check.check in _WHOLE else 1 if check.check in _ONE_PLACE else 2
    values = [words.numbers.decimal(value, places) for value in (check.hospital, check.nation, check.bound)]
    met = words.say("part.not_judged" if check.met is None else "part.yes" if check.met else "part.no")
    return TableRow((str(check.year), words.one_of("check", check.check), *values, met))


def _records(content: HsmrContent, words: Words) -> list[Block]:
    totals = {count.rule: count.records for count in content.records if count.severity == "total"}
    if not totals.get("delivered"):
        return []
    rejected = totals.get("rejected", 0)
    blocks: list[Block] = [
        Heading(words.say("part.records_heading")),
        Paragraph(
            words.say(
                "part.records_text",
                delivered=words.count("noun.record", totals["delivered"]),
                valid=words.numbers.count(totals.get("valid", 0)),
                rejected=words.numbers.count(rejected),
                share=words.numbers.percent(100 * rejected / totals["delivered"]),
            )
        ),
    ]
    rows = [
        TableRow((words.one_of("rule", c.rule), words.one_of("severity", c.severity), words.numbers.count(c.records)))
        for c in sorted(content.records, key=lambda count: (count.severity != "rejected", count.severity, -count.records))
        if c.severity != "total" and c.records > 0
    ]
    if rows:
        columns = (
            Column(words.say("part.rule"), Align.LEFT, 1.0),
            Column(words.say("part.severity"), Align.LEFT),
            Column(words.say("part.records")),
        )
        blocks.append(Table(words.say("part.records_caption"), columns, tuple(rows)))
    return blocks


def _population(content: HsmrContent, words: Words) -> list[Block]:
    years = sorted({count.year for count in content.exclusions})
    found = {(count.reason, count.year): count.admissions for count in content.exclusions}
    present = {count.reason for count in content.exclusions if count.admissions}
    reasons = [key.removeprefix("reason.") for key in words.texts if key.startswith("reason.")]
    shown = [reason for reason in reasons if reason in present]
    if not shown:
        return []
    rows = [
        TableRow(
            (words.one_of("reason", reason), *(words.numbers.count(found.get((reason, year), 0)) for year in years)),
            Row.TOTAL if reason == "included" else Row.PLAIN,
        )
        for reason in shown
    ]
    columns = (Column(words.say("part.reason"), Align.LEFT, 1.0), *(Column(str(year)) for year in years))
    return [Heading(words.say("part.population_heading")), Table(words.say("part.population_caption"), columns, tuple(rows))]


def _mix(content: HsmrContent, words: Words) -> list[Block]:
    period = content.smr_periods[0]
    own, nation = content.hsmr(period), content.hsmr(period, nation=True)
    rows = [row for kind in _MIX for row in _mix_rows(content, kind, period, words)]
    if not rows or own.expected is None or nation.expected is None:
        return []
    heads = ("part.mix_admissions", "part.mix_own", "part.mix_nation", "part.mix_expected_own", "part.mix_expected_nation")
    table = Table(
        words.say("part.mix_caption", years=period_text(period)),
        (Column(words.say("part.mix_value"), Align.LEFT, 1.6), *(Column(words.say(head), share=0.7) for head in heads)),
        tuple(rows),
        (words.say("part.mix_note"),),
    )
    return [
        Heading(words.say("part.mix_heading")),
        Paragraph(_mix_sentence(own, nation, period, words)),
        *_ages(content, period, words),
        table,
    ]


def _mix_sentence(own: Figure, nation: Figure, period: Period, words: Words) -> str:
    own_risk, nation_risk = _percent(own.expected, own.admissions), _percent(nation.expected, nation.admissions)
    shown = [words.numbers.decimal(share, 2) for share in (own_risk, nation_risk)]
    # Told of what is shown: two numbers that read alike are no difference.
    heavier = "part.equal" if shown[0] == shown[1] else "part.heavier" if own_risk > nation_risk else "part.lighter"
    return words.say(
        "part.mix_text",
        years=period_text(period),
        own_crude=words.numbers.decimal(_percent(own.observed, own.admissions), 2),
        nation_crude=words.numbers.decimal(_percent(nation.observed, nation.admissions), 2),
        own_expected=shown[0],
        nation_expected=shown[1],
        heavier=words.say(heavier),
    )


def _percent(part: float | None, whole: int) -> float:
    return 100 * (part or 0.0) / whole if whole else 0.0


def _mix_rows(content: HsmrContent, kind: str, period: Period, words: Words) -> list[TableRow]:
    """A heading row and one per value that hospital or nation has; none where either is not known."""
    own = {figure.breakdown_value: figure for figure in content.smr(kind, period)}
    nation = content.smr(kind, period, nation=True)
    if not own or not nation:
        return []
    own_total, nation_total = total_admissions(own.values()), total_admissions(nation)
    rows = [TableRow((words.say(f"mix.{kind}"), *([""] * 5)), Row.TOTAL)]
    for figure in nation:
        mine = own.get(figure.breakdown_value)
        admissions = mine.admissions if mine else 0
        cells = (
            part_name(kind, figure.breakdown_value, content.labels, words),
            words.numbers.count(admissions),
            words.numbers.percent(_percent(admissions, own_total)),
            words.numbers.percent(_percent(figure.admissions, nation_total)),
            words.numbers.decimal(_percent(mine.expected, admissions), 2) if mine else ABSENT,
            words.numbers.decimal(_percent(figure.expected, figure.admissions), 2),
        )
        rows.append(TableRow(cells))
    return rows


def _ages(content: HsmrContent, period: Period, words: Words) -> list[Block]:
    own = {figure.breakdown_value: figure.admissions for figure in content.smr(AGE, period)}
    nation = {figure.breakdown_value: figure.admissions for figure in content.smr(AGE, period, nation=True)}
    if not own or not nation:
        return []
    names = {"y": words.say("part.share_axis"), "own": words.say("part.own"), "nation": words.say("part.nation")}
    svg = shares_svg(
        [str(value).replace("-", "–") for value in nation],
        _shares([own.get(value, 0) for value in nation]),
        _shares(list(nation.values())),
        names,
        words.numbers,
    )
    return [Picture(words.say("part.age_caption", years=period_text(period)), svg, words.say("part.age_alt"))]


def _shares(numbers: Sequence[int]) -> list[float]:
    whole = sum(numbers)
    return [_percent(number, whole) for number in numbers]

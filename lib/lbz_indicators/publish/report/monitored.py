"""The chapter on monitoring: deaths fewer than expected through the year, and both CUSUMs with their limits."""

from __future__ import annotations

from lbz_indicators.publish.report.blocks import Block, Chapter, Paragraph, Picture, Points
from lbz_indicators.publish.report.content import HsmrContent
from lbz_indicators.publish.report.followed import Chart, Followed
from lbz_indicators.publish.report.monitoring_charts import cusum_svg, vlad_svg
from lbz_indicators.publish.report.phrases import listed
from lbz_indicators.publish.report.words import Words


def monitored(content: HsmrContent, words: Words) -> Chapter | None:
    """None where the hospital was not followed."""
    followed = content.followed
    if followed is None:
        return None
    signals = _signals(followed, words)
    no_signals = words.say("monitoring.no_signals", year=content.year)
    names = {key: words.say(f"monitoring.{key}") for key in ("worse", "better", "limit", "signal")}
    told = " ".join(signals) or no_signals
    blocks: list[Block] = [
        *(Paragraph(text) for text in words.several("monitoring.text")),
        Points(tuple(signals)) if signals else Paragraph(no_signals),
        Picture(
            words.say("monitoring.vlad_caption", year=content.year),
            vlad_svg(followed, {"y": words.say("monitoring.vlad_axis")}, words.numbers),
            words.say("monitoring.vlad_alt", end=words.numbers.decimal(followed.vlad[-1])),
        ),
        Picture(
            words.say("monitoring.cusum_caption", year=content.year),
            cusum_svg(followed, names | {"y": words.say("monitoring.cusum_axis")}, words.numbers),
            words.say("monitoring.cusum_alt", signals=told),
        ),
    ]
    return Chapter(words.say("monitoring.title"), tuple(blocks))


def _signals(followed: Followed, words: Words) -> list[str]:
    """The days of the signals of each chart that has any."""
    charts: tuple[tuple[str, Chart], ...] = (
        ("monitoring.signals_worse", followed.worse),
        ("monitoring.signals_better", followed.better),
    )
    return [
        words.say(key, days=listed([words.numbers.date(day) for day in chart.signals], words))
        for key, chart in charts
        if chart.signals
    ]

"""The picture of why two ratios differ: from one ratio to the other, term by term, as SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.figure import Figure

from lbz_indicators.stats.difference import Difference

WIDTH, HEIGHT = 7.2, 3.6
"""Inches."""
RATIO, RISES, FALLS = "#4d4d4d", "#b35806", "#2166ac"
"""Orange and blue differ in grey too."""


@dataclass(frozen=True)
class Words:
    """What stands in the picture, in the reader's language."""

    title: str
    a: str
    b: str
    terms: tuple[str, str, str, str]
    axis: str


@dataclass(frozen=True)
class Bar:
    """One bar: from where to where, and by how much of the value it starts from (null for the two ratios)."""

    label: str
    start: float
    end: float
    percent: float | None


def bars(ratio_a: float, terms: Difference, words: Words) -> list[Bar]:
    """The ratio of A, what each term makes of it in turn, and the ratio of B: each bar starts where the last one ended."""
    found = [Bar(words.a, 0.0, ratio_a, None)]
    reached = ratio_a
    for label, term in zip(words.terms, (terms.crude, terms.case_mix, terms.model, terms.population), strict=True):
        following = reached * math.exp(term)
        found.append(Bar(label, reached, following, 100 * math.expm1(term)))
        reached = following
    return [*found, Bar(words.b, 0.0, reached, None)]


def difference_svg(chart: Sequence[Bar], words: Words) -> str:
    """A chart of steps as SVG text. The axis begins at 0 only where that leaves the steps visible."""
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.subplots()
    edges = [edge for bar in chart for edge in (bar.start, bar.end) if edge > 0]
    span = max(edges) - min(edges)
    floor = max(0.0, min(edges) - max(span, 0.05 * max(edges)))
    for place, bar in enumerate(chart):
        low, high = sorted((max(bar.start, floor), bar.end))
        colour = RATIO if bar.percent is None else RISES if bar.end > bar.start else FALLS
        axes.bar(place, high - low, bottom=low, color=colour, width=0.62)
        text = f"{bar.end:.1f}" if bar.percent is None else f"{bar.percent:+.1f}%"
        axes.annotate(text, (place, high), (0, 3), textcoords="offset points", ha="center", fontsize=8)
        if place + 1 < len(chart):
            axes.plot([place + 0.31, place + 0.69], [bar.end, bar.end], color=RATIO, linewidth=0.8)
    axes.set_xticks(range(len(chart)), [bar.label for bar in chart], fontsize=8)
    axes.set_ylabel(words.axis, fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(floor, max(edges) + 0.12 * (max(edges) - floor))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(words.title, fontsize=9, loc="left")
    out = io.StringIO()
    # No date and fixed names inside: the same figures give the same file. Text stays text, to be read and searched.
    with rc_context({"svg.hashsalt": "difference", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()

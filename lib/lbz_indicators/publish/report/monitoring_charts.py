"""Charts of a hospital followed through a year: deaths fewer than expected, and both CUSUMs with their limits."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from lbz_indicators.publish.report.canvas import LINE, NATION, OWN, drawing, give_room, number_axis
from lbz_indicators.publish.report.followed import Chart, Followed
from lbz_indicators.publish.report.numerals import Numerals

_MOST_MONTHS = 12


def vlad_svg(followed: Followed, names: Mapping[str, str], numerals: Numerals) -> str:
    """Deaths fewer than expected so far, by day; names: y."""
    with drawing(2.2) as drawn:
        axes = drawn.axes
        axes.axhline(0, color=LINE, linewidth=0.6)
        axes.step(_places(followed), followed.vlad, where="post", color=OWN, linewidth=1.3)
        give_room(axes, [0.0, *followed.vlad], 0.0, floor=None)
        number_axis(axes.yaxis, numerals)
        _mark_months(axes, followed, numerals)
        axes.set_ylabel(names["y"])
    return drawn.svg


def cusum_svg(followed: Followed, names: Mapping[str, str], numerals: Numerals) -> str:
    """Both CUSUMs by day, that for fewer deaths downwards, with limits and signals; names: y, worse, better, limit, signal."""
    x = _places(followed)
    down = [-height for height in followed.better.heights]
    signals = [*_signals(followed, followed.worse, 1), *_signals(followed, followed.better, -1)]
    with drawing(2.7) as drawn:
        axes = drawn.axes
        axes.axhline(0, color=LINE, linewidth=0.6)
        axes.plot(x, followed.worse.heights, color=OWN, linewidth=1.2, label=names["worse"])
        axes.plot(x, down, color=NATION, linewidth=1.2, label=names["better"])
        axes.axhline(followed.worse.limit, color=LINE, linewidth=0.9, linestyle="--", label=names["limit"])
        axes.axhline(-followed.better.limit, color=LINE, linewidth=0.9, linestyle="--")
        if signals:
            days, heights = [day for day, _ in signals], [height for _, height in signals]
            axes.scatter(days, heights, marker="x", s=36, linewidth=1.4, color="black", zorder=5, label=names["signal"])
        give_room(axes, [*followed.worse.heights, *down, followed.worse.limit, -followed.better.limit], 0.0, floor=None)
        number_axis(axes.yaxis, numerals, 6, unsigned=True)
        _mark_months(axes, followed, numerals)
        axes.set_ylabel(names["y"])
        drawn.legend_below(2)
    return drawn.svg


def _places(followed: Followed) -> list[int]:
    return [day.toordinal() for day in followed.days]


def _signals(followed: Followed, chart: Chart, side: int) -> list[tuple[int, float]]:
    height = dict(zip(followed.days, chart.heights))
    return [(day.toordinal(), side * height[day]) for day in sorted(set(chart.signals))]


def _mark_months(axes: Axes, followed: Followed, numerals: Numerals) -> None:
    """Ticks on the first days of months, each named in its middle, or every second one where there are many."""
    first, last = followed.days[0], followed.days[-1]
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    months = [divmod(first.month - 1 + n, 12) for n in range(number + 1)]
    starts = [first.replace(year=first.year + years, month=month + 1, day=1) for years, month in months]
    edges = [start.toordinal() for start in starts]
    named = range(0, number, -(-number // _MOST_MONTHS))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xticks(edges, [""] * len(edges))
    axes.set_xticks([(edges[n] + edges[n + 1]) / 2 for n in named], [numerals.short_month(starts[n]) for n in named], minor=True)
    axes.tick_params(axis="x", which="minor", length=0)

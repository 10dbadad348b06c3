"""Charts of ratios and shares: the funnel, values with their limits, and the case mix beside the nation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lbz_indicators.publish.report.canvas import LINE, NATION, OWN, WIDTH, drawing, give_room, number_axis
from lbz_indicators.publish.report.numerals import Numerals
from lbz_indicators.stats.funnel import control_limits

Floats = NDArray[np.float64]

_HIGHEST_SHOWN = 250.0
"""Control limits rise without bound where little is expected: from here on only hospitals take the axis higher."""


@dataclass(frozen=True)
class Point:
    """A value with its limits at a place with a name; None where there is none."""

    label: str
    value: float | None
    lower: float | None
    upper: float | None
    nation: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Limits, or the value itself where there are none."""
        value = self.value or 0.0
        return (value if self.lower is None else self.lower, value if self.upper is None else self.upper)


def funnel_svg(
    expected: Sequence[float],
    ratio: Sequence[float],
    own: int,
    convention: str,
    names: Mapping[str, str],
    numerals: Numerals,
    *,
    half_width: bool = False,
) -> str:
    """A funnel plot: one point per hospital (n,), the own one filled, control limits of 95% and 99.8% around 100.

    names: x, y, and in the order of the legend own, others, limits_95, limits_998.
    """
    e, r = np.asarray(expected, dtype=float), np.asarray(ratio, dtype=float)
    others = np.arange(len(e)) != own
    with drawing(3.1, WIDTH / 2 - 0.05 if half_width else WIDTH) as drawn:
        axes = drawn.axes
        _control_lines(axes, e, convention, names)
        axes.axhline(100, color=LINE, linewidth=0.6)
        axes.scatter(e[others], r[others], s=16, facecolor="white", edgecolor="#6e6e6e", linewidth=0.8, label=names["others"])
        axes.scatter(e[own], r[own], s=52, marker="D", color=OWN, edgecolor="white", linewidth=0.8, label=names["own"], zorder=5)
        axes.set_xlim(-0.02 * _right(e), _right(e))
        axes.set_ylim(*_funnel_heights(e, r, convention))
        number_axis(axes.xaxis, numerals, 4 if half_width else 6)
        number_axis(axes.yaxis, numerals, 6)
        axes.set_xlabel(names["x"])
        axes.set_ylabel(names["y"])
        drawn.legend_below(2 if half_width else 4, [names[key] for key in ("own", "others", "limits_95", "limits_998")])
    return drawn.svg


def _right(e: Floats) -> float:
    return 1.08 * float(e.max())


def _control_lines(axes: Axes, e: Floats, convention: str, names: Mapping[str, str]) -> None:
    right = _right(e)
    # As fine on the left, where the lines bend, as on the right.
    grid = np.geomspace(min(0.5, right / 10), right, 400)
    for confidence, style, name in ((0.95, "--", "limits_95"), (0.998, "-", "limits_998")):
        low, high = control_limits(convention, grid, confidence)
        axes.plot(grid, low, style, color=LINE, linewidth=0.9, label=names[name])
        axes.plot(grid, high, style, color=LINE, linewidth=0.9)


def _funnel_heights(e: Floats, r: Floats, convention: str) -> tuple[float, float]:
    """All hospitals, and the control limits of the smallest one as far as _HIGHEST_SHOWN."""
    low, high = control_limits(convention, [max(float(e.min()), 0.02 * _right(e))], 0.998)
    bottom = min(float(r.min()), float(low[0]), 80.0)
    top = max(float(r.max()), min(float(high[0]), _HIGHEST_SHOWN), 120.0)
    pad = 0.06 * (top - bottom)
    return max(bottom - pad, -pad), top + pad


def interval_svg(
    points: Sequence[Point],
    names: Mapping[str, str],
    numerals: Numerals,
    *,
    reference: float | None = None,
    places: int = 0,
    inches: tuple[float, float] = (WIDTH, 2.3),
) -> str:
    """Values with their limits side by side, beside each the nation's where it is known; a line at `reference`.

    names: y, own, nation. A point without a value has a place and nothing on it.
    """
    shown = [(place, point) for place, point in enumerate(points) if point.value is not None]
    nation = [(place, point.nation) for place, point in enumerate(points) if point.nation is not None]
    values = [point.value or 0.0 for _, point in shown]
    with drawing(inches[1], inches[0]) as drawn:
        axes = drawn.axes
        if reference is not None:
            axes.axhline(reference, color=LINE, linewidth=0.7)
        for place, point in shown:
            _interval(axes, place, point, numerals.decimal(point.value, places))
        axes.scatter([place for place, _ in shown], values, s=30, color=OWN, zorder=4, label=names["own"])
        if nation:
            x, y = [place for place, _ in nation], [value for _, value in nation]
            axes.scatter(x, y, marker="_", s=260, linewidth=1.8, color=NATION, zorder=3, label=names["nation"])
            drawn.legend_below(2)
        axes.set_xticks(range(len(points)), [point.label for point in points])
        axes.set_xlim(-0.5, len(points) - 0.5)
        give_room(axes, [*values, *[value for _, value in nation], *[end for _, p in shown for end in p.ends]], reference)
        number_axis(axes.yaxis, numerals)
        axes.set_ylabel(names["y"])
        axes.tick_params(axis="x", length=0)
    return drawn.svg


def _interval(axes: Axes, place: int, point: Point, text: str) -> None:
    low, high = point.ends
    axes.plot([place, place], [low, high], color=OWN, linewidth=1.6, solid_capstyle="butt")
    for end in (low, high):
        axes.plot([place - 0.06, place + 0.06], [end, end], color=OWN, linewidth=1.0)
    axes.annotate(text, (place, point.value or 0.0), (12, 0), textcoords="offset points", va="center")


def shares_svg(
    labels: Sequence[str], own: Sequence[float], nation: Sequence[float], names: Mapping[str, str], numerals: Numerals
) -> str:
    """Percentages (n,) of the hospital and the nation as pairs of bars; names: y, own, nation."""
    place = np.arange(len(labels))
    with drawing(2.3) as drawn:
        axes = drawn.axes
        axes.bar(place - 0.2, own, 0.38, color=OWN, label=names["own"])
        axes.bar(
            place + 0.2, nation, 0.38, facecolor="#e6e6e6", edgecolor=LINE, linewidth=0.6, hatch="////", label=names["nation"]
        )
        axes.set_xticks(place, labels)
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel(names["y"])
        axes.set_ylim(0, max(1.0, *own, *nation) * 1.1)
        number_axis(axes.yaxis, numerals)
        drawn.legend_below(2)
    return drawn.svg

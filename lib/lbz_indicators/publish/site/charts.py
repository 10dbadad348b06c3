"""The charts of the page as plotly figures: plain values of data and layout, rounded as far as anybody can see.

Signs differ in shape and not in colour alone. Delivered text is escaped here, for plotly reads markup in every text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lbz_indicators.publish.report.figures import Figure
from lbz_indicators.publish.report.words import Words
from lbz_indicators.publish.site.content import Panel
from lbz_indicators.publish.site.escaping import in_chart
from lbz_indicators.publish.site.positions import CONFIDENCES, control_lines, places, wide_lines
from lbz_indicators.publish.site.quarters import Quarter

Chart = dict[str, Any]
"""A plotly figure: `data` and `layout`."""

INK, GREY, HIGH, LOW = "#1a1a1a", "#767676", "#b35806", "#2166ac"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Arial, sans-serif"
_HIGHEST_SHOWN = 250.0
"""Control limits rise without bound where little is expected: from here on only hospitals take the axis higher."""
_LINE_POINTS = 160
_LONGEST_LABEL = 42
_ROW = 22
"""Pixels of a hospital in the caterpillar."""


def funnel(panel: Panel, names: Mapping[str, str], said: Words) -> Chart:
    """Points of hospitals by size and value in three signs, control limits, and at last a trace for the chosen one."""
    title = said.say(f"unit.{panel.indicator}")
    right = 1.06 * max(size for size, _ in panel.placed.values())
    traces = _lines(panel, right, said)
    found = places(panel)
    order = list(names)
    for kind, symbol, colour in (
        ("inside", "circle-open", INK), ("above", "triangle-up", HIGH), ("below", "triangle-down", LOW)
    ):  # fmt: skip
        members = [hospital for hospital, place in found.items() if place.startswith(kind)]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": said.say(f"funnel.{kind}"),
                "x": [round(panel.placed[one][0], 1) for one in members],
                "y": [round(panel.placed[one][1], 1) for one in members],
                "customdata": [order.index(one) for one in members],
                "hovertext": [_hover(panel, one, names[one], said) for one in members],
                "hoverinfo": "text",
                "marker": {"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.4, "color": colour}},
            }
        )
    ring = {"symbol": "diamond-open", "size": 18, "color": INK, "line": {"width": 2.5, "color": INK}}
    chosen = {"type": "scatter", "mode": "markers", "name": said.say("funnel.chosen"), "x": [], "y": [], "marker": ring}
    layout = _layout(said, 440) | {
        "xaxis": _axis(said.say("funnel.x_share" if panel.is_share else "funnel.x")) | {"range": [0, right]},
        "yaxis": _axis(title) | {"range": _heights(panel, right)},
    }
    return {"data": [*traces, chosen | {"hoverinfo": "skip", "showlegend": False}], "layout": layout}


def _lines(panel: Panel, right: float, said: Words) -> list[Chart]:
    # As fine on the left, where the lines bend, as on the right.
    grid = np.geomspace(right / 400, right, _LINE_POINTS)
    drawn = [(f"limits_{name}", control_lines(panel, grid, level), dash) for level, name, dash in _kinds("dash", "solid")]
    for level, name, dash in _kinds("dot", "dashdot"):
        if (wide := wide_lines(panel, grid, level)) is not None:
            drawn.append((f"wide_{name}", wide, dash))
    traces = []
    for name, sides, dash in drawn:
        for shown, side in zip((True, False), sides):
            line = {"color": GREY, "width": 1.2, "dash": dash}
            traces.append(_trace(said.say(f"funnel.{name}"), _rounded(grid), _rounded(side), line, name, shown))
    middle = round(panel.centre, 2)
    return [*traces, _trace("", [0, round(right, 1)], [middle, middle], {"color": INK, "width": 1}, "centre", False)]


def _kinds(first: str, second: str) -> list[tuple[float, str, str]]:
    return [(CONFIDENCES[0], "95", first), (CONFIDENCES[1], "998", second)]


def _trace(name: str, x: list[Any], y: list[Any], line: Chart, group: str, legend: bool) -> Chart:
    trace = {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": line, "legendgroup": group}
    return trace | {"hoverinfo": "skip", "showlegend": legend}


def _rounded(values: Any) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 2) for value in values]


def _heights(panel: Panel, right: float) -> list[float]:
    """All hospitals, and the control limits of the smallest one as far as _HIGHEST_SHOWN."""
    values = [value for _, value in panel.placed.values()]
    smallest = max(min(size for size, _ in panel.placed.values()), 0.02 * right)
    low, high = (float(side[0]) for side in control_lines(panel, [smallest], CONFIDENCES[1]))
    spread = 0.2 * panel.centre
    bottom = min(*values, low, panel.centre - spread)
    top = max(*values, min(high, _HIGHEST_SHOWN), panel.centre + spread)
    pad = 0.06 * (top - bottom)
    return [round(max(bottom - pad, -pad), 1), round(top + pad, 1)]


def _hover(panel: Panel, hospital: str, name: str, said: Words) -> str:
    figure = panel.figures[hospital]
    value = _text(panel, panel.judged(figure)[0], said)
    return f"{in_chart(name)}<br>{said.say(f'unit.{panel.indicator}')} {value}"


def _text(panel: Panel, value: float | None, said: Words) -> str:
    return said.numbers.percent(value) if panel.is_share else said.numbers.ratio(value)


def caterpillar(panel: Panel, names: Mapping[str, str], said: Words) -> Chart:
    """The value of every hospital with its limits, from top to bottom in the order of the page."""
    hospitals = [hospital for hospital in names if hospital in panel.placed]
    rows = list(range(len(hospitals)))
    judged = [panel.judged(panel.figures[hospital]) for hospital in hospitals]
    points = _with_limits([values[0] for values in judged], judged, "x") | {
        "y": rows,
        "hovertext": [_hover(panel, hospital, names[hospital], said) for hospital in hospitals],
        "hoverinfo": "text",
        "customdata": [list(names).index(hospital) for hospital in hospitals],
        "marker": {"color": INK, "size": 7},
        "showlegend": False,
    }
    middle = {"type": "line", "x0": panel.centre, "x1": panel.centre, "y0": 0, "y1": 1, "yref": "paper"}
    layout = _layout(said, 90 + _ROW * len(rows)) | {
        "xaxis": _axis(said.say(f"unit.{panel.indicator}")),
        "yaxis": {
            "tickvals": rows,
            "ticktext": [in_chart(_short(names[hospital])) for hospital in hospitals],
            "range": [len(rows) - 0.5, -0.5],
            "automargin": True,
            "gridcolor": "#eeeeee",
            "zeroline": False,
        },
        "shapes": [middle | {"line": {"color": GREY, "width": 1}}],
    }
    return {"data": [points], "layout": layout}


def trend(panel: Panel, own: Mapping[int, Figure | None], nation: Mapping[int, Figure | None] | None, said: Words) -> Chart:
    """The value of each year with its limits, and the nation's beside it; a year that is not shown has a place and no point."""
    years = [str(year) for year in own]
    judged = [(None, None, None) if figure is None else panel.judged(figure) for figure in own.values()]
    shown = _with_limits([values[0] for values in judged], judged, "y") | {"x": years}
    traces = [shown | {"name": said.say("trend.own"), "marker": {"color": INK, "size": 9}, "mode": "markers+lines"}]
    traces[0]["line"] = {"color": INK, "width": 1}
    if nation is not None:
        values = [None if figure is None else 100.0 if panel.is_compared else figure.value for figure in nation.values()]
        level = [None if value is None else round(value, 1) for value in values]
        line = {"color": GREY, "width": 1.5, "dash": "dash"}
        marker = {"color": GREY, "size": 8, "symbol": "square-open"}
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "x": years, "y": level, "name": said.say("trend.nation")}
            | {"line": line, "marker": marker}
        )
    layout = _layout(said, 300) | {"xaxis": {"type": "category"}, "yaxis": _axis(said.say(f"unit.{panel.indicator}"))}
    return {"data": traces, "layout": layout}


def course(path: Mapping[Quarter, float | None], said: Words) -> Chart:
    """Deaths fewer than expected by quarter, broken where a quarter is not shown."""
    places_ = [said.say("site.short_quarter", year=quarter.year, number=quarter.number) for quarter in path]
    heights = [None if height is None else round(height, 1) for height in path.values()]
    line = {"type": "scatter", "mode": "lines+markers", "x": places_, "y": heights, "connectgaps": False}
    line |= {"line": {"color": INK, "width": 1.6}, "marker": {"color": INK, "size": 6}, "showlegend": False}
    layout = _layout(said, 300) | {
        "xaxis": {"type": "category", "tickangle": -45, "categoryarray": places_, "automargin": True},
        "yaxis": _axis(said.say("vlad.axis")) | {"zeroline": True, "zerolinecolor": GREY},
    }
    return {"data": [line], "layout": layout}


def _with_limits(values: Sequence[float | None], judged: Sequence[tuple[float | None, ...]], axis: str) -> Chart:
    """Points with error bars; a value without limits has none."""
    above = [0.0 if v is None or u is None else round(u - v, 1) for v, _, u in judged]
    below = [0.0 if v is None or low is None else round(v - low, 1) for v, low, _ in judged]
    bars = {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": INK, "thickness": 1.4, "width": 3}
    shown = [None if value is None else round(value, 1) for value in values]
    return {"type": "scatter", "mode": "markers", axis: shown, f"error_{axis}": bars}


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"


def _axis(title: str) -> Chart:
    return {"title": {"text": title}, "automargin": True, "gridcolor": "#e6e6e6", "zeroline": False, "linecolor": GREY}


def _layout(said: Words, height: int) -> Chart:
    marks = said.numbers.point + said.numbers.thousands
    return {
        "height": height,
        "margin": {"l": 60, "r": 20, "t": 16, "b": 50},
        "font": {"family": _FONT, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "separators": marks,
        "hovermode": "closest",
        "dragmode": False,
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top"},
    }

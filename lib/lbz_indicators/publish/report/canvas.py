"""The canvas of all charts: SVG of vectors and text, no raster, readable in grey, the same bytes for the same figures.

Text stays text in DejaVu Sans, which matplotlib brings along and measures with; the PDF embeds that very font.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lbz_indicators.publish.report.numerals import Numerals

WIDTH = 6.7
"""Inches: the width of the text."""
OWN, NATION, LINE = "#0b3c5d", "#8c8c8c", "#4d4d4d"
"""A dark blue and greys: apart in print without colour too, and never the only mark of anything."""
_SETTINGS = MappingProxyType(
    {
        "svg.hashsalt": "report",
        "svg.fonttype": "none",
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.linewidth": 0.6,
        "axes.edgecolor": LINE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": "#1a1a1a",
        "ytick.color": "#1a1a1a",
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "hatch.linewidth": 0.5,
    }
)


@dataclass
class Drawing:
    """A canvas with one pair of axes; `svg` is there when it is finished."""

    figure: Figure
    axes: Axes
    _out: io.StringIO = field(default_factory=io.StringIO)

    @property
    def svg(self) -> str:
        """The SVG as text."""
        return self._out.getvalue()

    def legend_below(self, columns: int, order: Sequence[str] = ()) -> None:
        """The legend under the axes, in the order of these names where given."""
        handles, labels = self.axes.get_legend_handles_labels()
        places = [labels.index(name) for name in order if name in labels] or range(len(labels))
        shown = [handles[place] for place in places], [labels[place] for place in places]
        self.figure.legend(*shown, loc="outside lower center", ncols=columns)


@contextmanager
def drawing(height: float, width: float = WIDTH) -> Iterator[Drawing]:
    """A drawing of this size in inches, made into SVG when the block ends."""
    settings: dict[Any, Any] = dict(_SETTINGS)
    with rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        drawn = Drawing(figure, figure.subplots())
        yield drawn
        # No date and fixed names inside: the same figures give the same file.
        figure.savefig(drawn._out, format="svg", metadata={"Date": None, "Creator": None})


def give_room(axes: Axes, values: Sequence[float], reference: float | None, floor: float | None = 0.0) -> None:
    """Limits of y with some room around all values and the reference; hardly below the floor."""
    ends = [*values, *([] if reference is None else [reference])] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    pad = max(0.1 * (high - low), 0.02 * abs(high), 0.5)
    axes.set_ylim(low - pad if floor is None else max(low - pad, floor - 0.3 * pad), high + pad)


def number_axis(axis: Axis, numerals: Numerals, most: int = 5, *, unsigned: bool = False) -> None:
    """Ticks at whole numbers, written as the language does; `unsigned` without a minus."""
    axis.set_major_formatter(FuncFormatter(lambda number, _: numerals.decimal(abs(number) if unsigned else number, 0)))
    axis.set_major_locator(MaxNLocator(most, integer=True))

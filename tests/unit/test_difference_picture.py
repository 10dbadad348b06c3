"""The picture of a difference: steps worked by hand, and a file that says the same every time."""

from __future__ import annotations

import math

import pytest

from lbz_indicators.publish.difference_picture import Words, bars, difference_svg
from lbz_indicators.stats.difference import Difference

WORDS = Words("H1 & <friends>", "provisional\n2019", "definitive\n2019", ("crude", "mix", "model", "rest"), "ratio")


def test_each_bar_starts_where_the_one_before_it_ended() -> None:
    """125 x 1.2 = 150; x 0.8 = 120; x 1 = 120; x 1.5 = 180."""
    found = bars(125.0, Difference(math.log(1.2), math.log(0.8), 0.0, math.log(1.5)), WORDS)
    assert [bar.label for bar in found] == ["provisional\n2019", "crude", "mix", "model", "rest", "definitive\n2019"]
    assert [bar.start for bar in found] == pytest.approx([0, 125, 150, 120, 120, 0])
    assert [bar.end for bar in found] == pytest.approx([125, 150, 120, 120, 180, 180])
    assert [bar.percent for bar in found[1:-1]] == pytest.approx([20, -20, 0, 50])
    assert found[0].percent is None and found[-1].percent is None


def test_the_same_figures_give_the_same_file_with_readable_text() -> None:
    chart = bars(125.0, Difference(0.1, -0.2, 0.0, 0.05), WORDS)
    text = difference_svg(chart, WORDS)
    assert text == difference_svg(chart, WORDS)
    for label in ("H1 &amp; &lt;friends&gt;", "crude", "+10.5%", "-18.1%", "125.0"):
        assert label in text

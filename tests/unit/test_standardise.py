"""Population-weighted quintiles (METHOD section 4.1, SES), worked by hand: floor(5 x (below + own / 2) / all), at most 4."""

from __future__ import annotations

import numpy as np
import pytest

from lbz_indicators.population.covariates import ses_classes
from lbz_indicators.stats.standardise import weighted_quintiles


@pytest.mark.parametrize(
    ("scores", "weights", "expected"),
    [
        # Ten equal units: middles .05, .15, ... .95 times 5 = .25, .75, 1.25, ... two a class.
        (list(range(10)), [1] * 10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
        # The order of the units does not matter.
        ([9, 0, 5, 4], [1, 1, 1, 1], [4, 0, 3, 1]),
        # All 100: 60 below half .30 -> 1.5; 60 + 5 = .65 -> 3.25; 70 + 15 = .85 -> 4.25.
        ([-1.5, 0.0, 2.5], [60, 10, 30], [1, 3, 4]),
        # Equal scores together: 20 | 30 + 30 | 20 of 100: .1 -> 0, .5 -> 2 for both, .9 -> 4.
        ([1, 2, 2, 3], [20, 30, 30, 20], [0, 2, 2, 4]),
        # A middle exactly on a cut belongs to the class above: 40 | 20 | 40: .2 -> 1, .5 -> 2, .8 -> 4.
        ([1, 2, 3], [40, 20, 40], [1, 2, 4]),
        # Units without inhabitants by the same cuts: 0 below -> 0; 50 below of 100 -> 2.5 -> 2; 100 below -> 5, at most 4.
        ([0, 1, 2, 3, 4], [0, 50, 0, 50, 0], [0, 1, 2, 3, 4]),
        # A unit without inhabitants that shares a score has that score's class: 25 -> 1.
        ([1, 1, 2], [50, 0, 50], [1, 1, 3]),
        # One unit: the middle of the nation.
        ([7], [1000], [2]),
    ],
)
def test_quintiles(scores: list[float], weights: list[float], expected: list[int]) -> None:
    assert weighted_quintiles(np.array(scores, float), np.array(weights, float)).tolist() == expected


def test_nobody_has_weight() -> None:
    assert weighted_quintiles(np.array([1.0, 2.0]), np.zeros(2)).tolist() == [-1, -1]


def test_postcodes_without_a_score_are_left_out() -> None:
    """Their SES is unknown; their inhabitants count for nobody: 40 | 60 of 100: .2 -> 1, .7 -> 3."""
    scores = [("1000", -0.3, 40.0), ("2000", None, 900.0), ("3000", 0.8, 60.0)]
    assert ses_classes(scores) == [("1000", 1), ("3000", 3)]


def test_ses_where_no_postcode_has_a_score_or_inhabitants() -> None:
    assert ses_classes([("1000", None, 5.0)]) == []
    assert ses_classes([("1000", 0.5, 0.0)]) == []

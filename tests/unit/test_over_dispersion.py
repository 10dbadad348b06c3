"""Over-dispersion between hospitals in its two published forms (METHOD section 9)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import truncnorm

from lbz_indicators.stats.over_dispersion import (
    FORMS,
    OverDispersion,
    Part,
    cqc_limits,
    estimate_cqc,
    estimate_shmi,
    over_dispersed_limits,
    over_dispersion,
    shmi_limits,
)

EXPECTED = np.array(
    [812.37, 1534.92, 2210.55, 987.04, 1875.63, 640.18, 2954.81, 1423.26, 1108.49, 3320.07, 755.90, 1689.34, 2087.71, 1266.58, 934.42, 2513.66, 1799.15, 1157.83, 2689.20, 1391.77]
)  # fmt: skip
OBSERVED = np.array(
    [790, 1702, 2105, 1060, 1790, 715, 2811, 1398, 1195, 3155, 742, 1755, 2331, 1180, 1011, 2440, 1712, 1240, 2588, 1468]
)


def _units(found: OverDispersion, part: Part) -> list[int]:
    return [place + 1 for place, one in enumerate(found.parts) if one is part]


def test_twenty_hospitals_in_the_shmi_form() -> None:
    """Truth: the test vector of METHOD section 9."""
    found = over_dispersion("shmi", OBSERVED, EXPECTED)
    assert found.form == "shmi"
    assert found.phi == pytest.approx(4.0286534, abs=5e-8)
    assert found.tau2 == pytest.approx(0.0022951080, abs=5e-11)
    assert _units(found, Part.TRIMMED) == [2, 7, 10, 13]
    assert found.number(Part.KEPT) == 16


def test_twenty_hospitals_in_the_cqc_form() -> None:
    """Truth: the test vector of METHOD section 9."""
    found = over_dispersion("cqc", OBSERVED, EXPECTED)
    assert found.form == "cqc"
    assert found.phi == pytest.approx(4.78669, abs=5e-6)
    assert found.tau2 == pytest.approx(0.00061569, abs=5e-9)
    assert _units(found, Part.WINSORISED) == [2, 7, 10, 13]


Z = np.array([-4.0] + [-2.0] * 5 + [2.0] * 5 + [4.0])


def test_shmi_form_by_hand() -> None:
    """12 hospitals, 100 expected each, O = 100 exp(z/10). Class floor(10 rank/13): only the first (0) and the last (9) go.

    phi = mean of ten times 4; tau2 = (10 x 4 - 9) / (1000 - 10 x 100^2 / 1000) = 31 / 900.
    """
    found = estimate_shmi(100 * np.exp(Z / 10), np.full(12, 100.0))
    assert found.phi == pytest.approx(4, rel=1e-12) and found.tau2 == pytest.approx(31 / 900, rel=1e-12)
    assert _units(found, Part.TRIMMED) == [1, 12]


def test_cqc_form_by_hand() -> None:
    """The same z: O = 64, 81 and 121, 144 of 100, s = 0.05. The 10th percentile lies between the second and third of 12: -2.

    phi = 4 for all twelve; tau2 = (12 x 4 - 11) / (4800 - 12 x 400^2 / 4800) = 37 / 4400.
    """
    found = estimate_cqc([64, 81, 81, 81, 81, 81, 121, 121, 121, 121, 121, 144], np.full(12, 100.0))
    assert found.phi == pytest.approx(4, rel=1e-12) and found.tau2 == pytest.approx(37 / 4400, rel=1e-12)
    assert _units(found, Part.WINSORISED) == [1, 12]


def test_ties_share_their_rank_and_may_all_stay() -> None:
    """Ten units: the lowest alone has rank 1, class floor(10/11) = 0; two lowest share rank 1.5, class floor(15/11) = 1."""
    expected = np.full(10, 100.0)
    assert _units(estimate_shmi([81, 85, 90, 95, 98, 101, 105, 110, 115, 120], expected), Part.TRIMMED) == [1, 10]
    assert _units(estimate_shmi([81, 81, 90, 95, 98, 101, 105, 110, 115, 120], expected), Part.TRIMMED) == [10]


def test_units_without_ratio_are_left_out_and_counted() -> None:
    """They change nothing but the count: the vector with three more units gives the same numbers."""
    observed, expected = [*OBSERVED, 0, 0, 3], [*EXPECTED, 2.5, 0.0, 0.004]
    shmi = estimate_shmi(observed, expected)
    assert shmi.tau2 == pytest.approx(0.0022951080, abs=5e-11)
    assert shmi.parts[20:] == (Part.NO_OBSERVED, Part.NO_EXPECTED, Part.NO_EXPECTED), "0.004 is 0.00 to two decimals"
    assert (shmi.number(Part.NO_OBSERVED), shmi.number(Part.NO_EXPECTED), shmi.number(Part.KEPT)) == (1, 2, 16)
    cqc = estimate_cqc([*OBSERVED, 4], [*EXPECTED, np.nan])
    assert cqc.tau2 == pytest.approx(0.00061569, abs=5e-9) and cqc.parts[20] is Part.NO_EXPECTED


def test_a_unit_without_deaths_has_a_root_but_no_logarithm() -> None:
    """Ten units of which one has no deaths: too few for the SHMI form, enough for the CQC form."""
    observed, expected = [0, *OBSERVED[:9]], [4.0, *EXPECTED[:9]]
    assert estimate_shmi(observed, expected).tau2 is None
    assert estimate_cqc(observed, expected).parts[0] is Part.WINSORISED


@pytest.mark.parametrize("form", FORMS)
def test_fewer_than_ten_units_are_not_estimated(form: str) -> None:
    found = over_dispersion(form, OBSERVED[:9], EXPECTED[:9])
    assert found.phi is None and found.tau2 is None and found.number(Part.KEPT) == 9
    assert np.isnan(over_dispersed_limits(found, EXPECTED, 0.95)).all(), "no estimate, no limits: never those of chance alone"
    assert over_dispersion(form, OBSERVED[:10], EXPECTED[:10]).tau2 is not None


@pytest.mark.parametrize("form", FORMS)
@given(st.permutations(range(20)))
def test_the_order_of_the_hospitals_does_not_matter(form: str, order: list[int]) -> None:
    found, other = over_dispersion(form, OBSERVED, EXPECTED), over_dispersion(form, OBSERVED[order], EXPECTED[order])
    assert other.tau2 == pytest.approx(found.tau2, rel=1e-12)
    assert other.parts == tuple(found.parts[place] for place in order)


@pytest.mark.parametrize("form", FORMS)
def test_hospitals_that_differ_less_than_by_chance_have_none(form: str) -> None:
    found = over_dispersion(form, np.rint(EXPECTED), EXPECTED)
    assert found.tau2 == 0 and found.phi is not None and found.phi < 1


END = 1.2815515655446004
"""Of the normal distribution a tenth lies above."""
TRIMMED = float(truncnorm(-END, END).var())
WINSORISED = 0.8 * TRIMMED + 0.2 * END**2


@pytest.mark.parametrize(("form", "kept"), [("shmi", TRIMMED), ("cqc", WINSORISED)])
@pytest.mark.parametrize("excess", [0.3, 2.0, 10.0])
def test_how_much_too_low_tau2_is(form: str, kept: float, excess: float) -> None:
    """The known limitation, in numbers: of normal z with variance 1 + x the trimmed (winsorised) ones have the share `kept` of it
    as scipy's truncated normal has, so tau2 s^-2 comes out as max(0, kept (1 + x) - 1) where x is true."""
    z = np.random.default_rng(20).normal(0, np.sqrt(1 + excess), 40_000)
    observed = 900 * np.exp(z / 30) if form == "shmi" else 900 * (1 + z / 60) ** 2
    found = over_dispersion(form, observed, np.full(len(z), 900.0))
    assert found.tau2 is not None
    share = found.tau2 * (900 if form == "shmi" else 3600) / excess
    assert share == pytest.approx(max(0.0, kept * (1 + excess) - 1) / excess, abs=0.02)
    if form == "shmi":
        assert share < 0.5 and (share < 1 / 3 or excess == 10)


def test_limits_by_hand() -> None:
    """z = 1.959964. SHMI, E = 400, tau2 = 0.0075: sqrt(0.0025 + 0.0075) = 0.1, exp(-+0.1959964).

    CQC, E = 100: s = 0.05, sqrt(0.0025 + 0.0075) = 0.1, (1 -+ 0.1959964)^2.
    """
    assert [float(one) for one in shmi_limits(400.0, 0.0075, 0.95)] == pytest.approx([82.20151, 121.65225], abs=1e-4)
    assert [float(one) for one in cqc_limits(100.0, 0.0075, 0.95)] == pytest.approx([64.64218, 143.04074], abs=1e-4)


def test_limits_are_floored_before_the_square() -> None:
    """E = 0.25: s = 1, and 1 - 1.96 is below 0; squared first it would be 92."""
    low, high = cqc_limits([0.25, 0.0], 0.0, 0.95)
    assert low[0] == 0 and high[0] == pytest.approx(100 * 2.9599640**2, abs=1e-4)
    assert np.isnan([low[1], high[1]]).all() and np.isnan(shmi_limits(0.0, 0.001, 0.95)).all()


@pytest.mark.parametrize("form", FORMS)
def test_an_estimate_brings_the_limits_of_its_form(form: str) -> None:
    found = over_dispersion(form, OBSERVED, EXPECTED)
    limits = {"shmi": shmi_limits, "cqc": cqc_limits}[form]
    assert found.tau2 is not None
    np.testing.assert_array_equal(over_dispersed_limits(found, EXPECTED, 0.998), limits(EXPECTED, found.tau2, 0.998))
    by_chance = limits(EXPECTED, 0.0, 0.998)
    assert (over_dispersed_limits(found, EXPECTED, 0.998)[0] < by_chance[0]).all()

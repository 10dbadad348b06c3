"""Which version of a family is current, and whose figures are shown while the current one has none."""

from __future__ import annotations

import datetime as dt

import pytest

from lbz_indicators.errors import ModelError
from lbz_indicators.show import ShownModel, choose_shown
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.predicted import Family

FAMILY, OTHER = Family("mortality", (2018, 2019)), Family("readmission", (2018,))


def _version(name: str, status: str | None, day: int | None, family: Family = FAMILY) -> Version:
    return Version(name, family, "{}", "{}", "hash", status, dt.datetime(2026, 1, day) if day else None)


def test_the_current_version_is_that_of_its_family() -> None:
    versions = Versions([_version("a", "retired", 1), _version("b", "current", 2), _version("c", "current", 3, OTHER)], "here")
    assert versions.require(FAMILY).name == "b" and versions.require(OTHER).name == "c"
    assert [version.name for version in versions.of(FAMILY)] == ["a", "b"] and "a" in versions and "d" not in versions


@pytest.mark.parametrize("status", ["candidate", "retired", None])
def test_no_other_status_makes_a_version_current(status: str | None) -> None:
    versions = Versions([_version("a", status, 1)], "here")
    assert versions.current(FAMILY) is None
    with pytest.raises(ModelError, match=r"No mortality model over 2018-2019 is current\."):
        versions.require(FAMILY)


def test_until_a_new_model_has_figures_those_of_the_model_that_was_current_last_are_shown() -> None:
    """Made last is not current last: `a` was fitted before `b`, and chosen again after it."""
    known = [_version("a", "retired", 3), _version("b", "retired", 2), _version("c", "current", 4)]
    versions = Versions([*known, _version("d", "candidate", None)], "here")
    assert choose_shown(versions, FAMILY, {"a", "b", "d"}) == ShownModel("a", "c")
    assert choose_shown(versions, FAMILY, {"b"}) == ShownModel("b", "c")
    assert choose_shown(versions, FAMILY, {"a", "b", "c"}) == ShownModel("c", "c")
    assert choose_shown(versions, FAMILY, set()) == ShownModel("c", "c")


def test_readmissions_are_shown_without_a_model_where_none_is_current() -> None:
    versions = Versions([_version("c", "retired", 1, OTHER)], "here")
    assert choose_shown(versions, OTHER, {"c"}) == ShownModel("none", "none")

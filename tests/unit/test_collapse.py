"""Collapsing of small classes (METHOD section 4.2): scenarios worked by hand, and invariants of the rule."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.models.classes import Count, GroupCounts
from lbz_indicators.models.collapse import Deficiency, MergedClass, collapse
from lbz_indicators.models.design import design_group
from lbz_indicators.population.covariates import Covariate, ordered_covariates

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios" / "collapse").glob("*/input.csv"))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _settings(folder: Path) -> Deficiency:
    with (folder / "settings.csv").open(encoding="utf-8", newline="") as file:
        values = dict(csv.reader(file))
    return Deficiency(int(values["minimum_admissions"]), {"on": True, "off": False}[values["merge_zero_event_classes"]])


def test_scenarios_are_found() -> None:
    assert len(SCENARIOS) >= 32


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_scenario(path: Path, group_counts: Callable[..., GroupCounts], model_years: tuple[int, ...]) -> None:
    """Truth: expected.csv, worked by hand from METHOD 4.2 (see `working` in settings.csv)."""
    rows, expected, deficiency = _read(path), _read(path.parent / "expected.csv"), _settings(path.parent)
    name = rows[0]["covariate"]
    covariate = next(c for c in ordered_covariates(model_years) if c.name == name)
    assert [(int(r["class_code"]), r["class_label"]) for r in rows] == list(enumerate(covariate.labels))
    counts = [(int(row["admissions"]), int(row["events"])) for row in rows]

    merged = collapse(covariate, [Count(*count) for count in counts], deficiency)

    position_of = {code: item.position for item in merged for code in item.classes}
    assert [position_of[code] for code in range(len(counts))] == [int(row["merged_position"]) for row in expected]

    total = (sum(n for n, _ in counts), sum(events for _, events in counts))
    design = design_group(group_counts(total, {name: dict(enumerate(counts))}), model_years, deficiency)
    terms = design.term_of(name)
    found = [(terms[code].id, "yes" if terms[code].is_reference else "no") for code in range(len(counts))]
    assert found == [(f"{name}:{row['merged_position']}", row["reference"]) for row in expected]


Case = tuple[Covariate, list[Count], Deficiency]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    size = draw(st.integers(1, 9))
    special = size - 1 if size > 1 and draw(st.booleans()) else None
    joins = draw(st.none() | st.integers(0, size - 2)) if special is not None else None
    covariate = Covariate("any", tuple(map(str, range(size))), special, joins)
    counts = []
    for _ in range(size):
        admissions = draw(st.sampled_from([0, 0, 1, 10, 30, 49, 50, 60, 60, 100, 500]))
        counts.append(Count(admissions, draw(st.sampled_from([0, admissions // 10, admissions // 2, admissions]))))
    if not any(count.admissions for count in counts):
        counts[draw(st.integers(0, size - 1))] = Count(draw(st.integers(1, 100)), 0)
    return covariate, counts, Deficiency(50, draw(st.booleans()))


def _partition(merged: list[MergedClass]) -> list[tuple[int, list[int]]]:
    return [(item.position, item.classes) for item in merged]


@given(cases())
def test_every_class_ends_in_exactly_one_merged_class(case: Case) -> None:
    covariate, counts, deficiency = case
    merged = collapse(covariate, counts, deficiency)
    assert sorted(code for item in merged for code in item.classes) == list(range(len(counts)))
    positions = [item.position for item in merged]
    assert positions == sorted(set(positions))


@given(cases())
def test_no_deficient_class_is_left_unless_it_is_the_only_one(case: Case) -> None:
    """The definition of deficient is written out here again, from METHOD 4.2."""
    covariate, counts, deficiency = case
    merged = collapse(covariate, counts, deficiency)
    for item in merged if len(merged) > 1 else []:
        admissions, events = item.count.admissions, item.count.events
        assert admissions >= 50
        if deficiency.zero_events:
            assert 0 < events < admissions


@given(cases())
def test_totals_are_those_of_the_classes_within(case: Case) -> None:
    covariate, counts, deficiency = case
    for item in collapse(covariate, counts, deficiency):
        assert item.count.admissions == sum(counts[code].admissions for code in item.classes)
        assert item.count.events == sum(counts[code].events for code in item.classes)


@given(cases())
def test_only_neighbours_merge(case: Case) -> None:
    """Without the special class, every merged class is a run of consecutive classes that have admissions."""
    covariate, counts, deficiency = case
    seen = [code for code, count in enumerate(counts) if count.admissions and code != covariate.special]
    runs = [[code for code in item.classes if code in seen] for item in collapse(covariate, counts, deficiency)]
    assert [code for run in sorted(run for run in runs if run) for code in run] == seen


@given(cases())
def test_nothing_merges_where_nothing_is_deficient(case: Case) -> None:
    covariate, counts, deficiency = case
    sound = [Count(count.admissions + 50, 7) if count.admissions else count for count in counts]
    merged = collapse(covariate, sound, deficiency)
    assert [item.position for item in merged] == [code for code, count in enumerate(sound) if count.admissions]


@given(cases())
def test_input_is_left_alone_and_a_second_call_gives_the_same(case: Case) -> None:
    covariate, counts, deficiency = case
    before = list(counts)
    first = _partition(collapse(covariate, counts, deficiency))
    assert counts == before
    assert _partition(collapse(covariate, counts, deficiency)) == first


@given(cases(), st.randoms(use_true_random=False))
def test_with_the_switch_off_only_admissions_matter(case: Case, random: Random) -> None:
    covariate, counts, _ = case
    off = Deficiency(50, zero_events=False)
    other = [Count(count.admissions, random.randint(0, count.admissions)) for count in counts]
    assert _partition(collapse(covariate, counts, off)) == _partition(collapse(covariate, other, off))


def test_no_admissions_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no admissions in any class of source"):
        collapse(Covariate("source", ("home", "institution")), [Count(0, 0), Count(0, 0)], Deficiency(50, True))

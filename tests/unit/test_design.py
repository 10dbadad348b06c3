"""The design of a group: comorbidity (METHOD 4.2 step 4), order of columns (4.3), references. All worked by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from lbz_indicators.models.classes import Count, GroupCounts
from lbz_indicators.models.collapse import Deficiency
from lbz_indicators.models.design import GroupDesign, design_group

Pair = tuple[int, int]
CountsBuilder = Callable[..., GroupCounts]

ON, OFF = Deficiency(50, zero_events=True), Deficiency(50, zero_events=False)
TOTAL = (1000, 100)


def _conditions(design: GroupDesign) -> dict[str, tuple[tuple[int, ...], Count]]:
    return {term.id: (term.classes, term.count) for term in design.terms if term.covariate == "comorbidity"}


def test_severe_liver_disease_joins_liver_disease_as_either(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> None:
    """17 has 30 (deficient), 9 has 100, 10 have both: either has 120, not 130."""
    counts = group_counts(TOTAL, conditions={9: (100, 10), 17: (30, 3)}, either={9: (120, 12)})
    design = design_group(counts, model_years, ON)
    assert _conditions(design) == {"comorbidity:9": ((9, 17), Count(120, 12))}
    assert design.joined_pairs == (True, False)
    assert design.column_of("comorbidity", [8, 9, 16, 17]) == [-1, 1, -1, 1]


def test_diabetes_complications_join_diabetes_as_either(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> None:
    counts = group_counts(TOTAL, conditions={10: (100, 10), 11: (20, 2)}, either={10: (115, 11)})
    design = design_group(counts, model_years, ON)
    assert _conditions(design) == {"comorbidity:10": ((10, 11), Count(115, 11))}
    assert design.joined_pairs == (False, True)


@pytest.mark.parametrize(
    ("conditions", "either", "expected", "joined"),
    [
        # Both large enough: two terms with their own counts, the 'either' counts are not used.
        ({9: (100, 10), 17: (60, 6)}, {9: (150, 15)}, {"comorbidity:9": Count(100, 10), "comorbidity:17": Count(60, 6)}, False),
        # 17 large enough, 9 not: only a deficient 17 joins; 9 drops.
        ({9: (30, 3), 17: (60, 6)}, {9: (85, 8)}, {"comorbidity:17": Count(60, 6)}, False),
        # Each too small, together large enough.
        ({9: (30, 3), 17: (30, 3)}, {9: (55, 5)}, {"comorbidity:9": Count(55, 5)}, True),
        # Together still too small: dropped.
        ({9: (20, 2), 17: (25, 2)}, {9: (40, 4)}, {}, True),
        # 17 has no deaths: deficient, joins.
        ({9: (100, 10), 17: (60, 0)}, {9: (155, 10)}, {"comorbidity:9": Count(155, 10)}, True),
        # Nobody has 9: 17 joins it and the term is 17's patients, too few.
        ({17: (30, 3)}, {9: (30, 3)}, {}, True),
        # Unseen 17: a class without admissions does not exist, so it does not join, and has no term.
        ({9: (100, 10)}, {9: (100, 10)}, {"comorbidity:9": Count(100, 10)}, False),
    ],
)
def test_pair_of_liver_disease(
    group_counts: CountsBuilder,
    model_years: tuple[int, ...],
    conditions: Mapping[int, Pair],
    either: Mapping[int, Pair],
    expected: Mapping[str, Count],
    joined: bool,
) -> None:
    design = design_group(group_counts(TOTAL, conditions=conditions, either=either), model_years, ON)
    assert {term: count for term, (_, count) in _conditions(design).items()} == expected
    assert design.joined_pairs == (joined, False)


def test_unseen_severe_liver_disease_has_no_column(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> None:
    design = design_group(group_counts(TOTAL, conditions={9: (100, 10)}, either={9: (100, 10)}), model_years, ON)
    assert design.column_of("comorbidity", [9, 17]) == [1, -1]
    assert 17 not in design.term_of("comorbidity")


@pytest.mark.parametrize(
    ("yes", "deficiency", "kept"),
    [
        ((50, 5), ON, True),
        ((49, 5), ON, False),  # yes too small
        ((950, 95), ON, True),  # no: 50 admissions, 5 deaths
        ((951, 95), ON, False),  # no: 49 admissions
        ((900, 100), ON, False),  # no: 100 admissions, no deaths
        ((900, 0), ON, False),  # yes: no deaths; no: 100 of 100 died
        ((100, 100), ON, False),  # yes: no survivors
        ((900, 100), OFF, True),  # without the setting only admissions matter
        ((49, 5), OFF, False),
        ((951, 95), OFF, False),
    ],
)
def test_condition_with_a_deficient_yes_or_no_class_drops(
    group_counts: CountsBuilder, model_years: tuple[int, ...], yes: Pair, deficiency: Deficiency, kept: bool
) -> None:
    design = design_group(group_counts(TOTAL, conditions={2: yes}), model_years, deficiency)
    assert _conditions(design) == ({"comorbidity:2": ((2,), Count(*yes))} if kept else {})


def test_absence_is_the_reference_of_a_condition_even_where_most_have_it(
    group_counts: CountsBuilder, model_years: tuple[int, ...]
) -> None:
    design = design_group(group_counts(TOTAL, conditions={2: (900, 90)}), model_years, ON)
    assert [term.id for term in design.columns] == ["intercept", "comorbidity:2"]


def _full_design(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> GroupDesign:
    counts = group_counts(
        TOTAL,
        {
            "age": {0: (200, 20), 20: (800, 80)},
            "sex": {0: (500, 50), 1: (500, 50)},
            "ses": {0: (100, 10), 2: (400, 40), 5: (500, 50)},
            "severity": {3: (600, 60), 8: (400, 40)},
            "urgency": {0: (300, 30), 1: (700, 70)},
            "source": {0: (800, 80), 1: (100, 10), 2: (100, 10)},
            "discharge_year": {0: (250, 25), 1: (250, 25), 2: (250, 25), 3: (250, 25)},
            "admission_month": {0: (400, 40), 5: (600, 60)},
        },
        {17: (60, 6), 1: (60, 6), 10: (60, 6), 11: (20, 2)},
        {9: (60, 6), 10: (70, 7)},
    )
    return design_group(counts, model_years, ON)


def test_columns_stand_in_the_order_of_the_method(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> None:
    """Intercept, age, sex, ses, severity, urgency, comorbidity 1-17, source, year, month.

    References by hand: most admissions, ties the lowest (male, the first year); unknown SES (500) is one here.
    """
    columns = [term.id for term in _full_design(group_counts, model_years).columns]
    assert columns == [
        "intercept",
        "age:0",
        "sex:1",
        "ses:0",
        "ses:2",
        "severity:8",
        "urgency:0",
        "comorbidity:1",
        "comorbidity:10",
        "comorbidity:17",
        "source:1",
        "source:2",
        "discharge_year:1",
        "discharge_year:2",
        "discharge_year:3",
        "admission_month:0",
    ]


def test_unseen_and_merged_classes_share_a_column(group_counts: CountsBuilder, model_years: tuple[int, ...]) -> None:
    """Age has 0 and 95+: up to 40-44 (distance 9 of 20) and 45-49 (10, a tie) like 0, from 50-54 on like 95+, the reference."""
    design = _full_design(group_counts, model_years)
    assert design.column_of("age", range(21)) == [1] * 11 + [-1] * 10
    # Jan-Feb and Nov-Dec: May-Jun (2 and 3 away) like Jan-Feb, Jul-Aug (3 and 2) like Nov-Dec, the reference.
    assert design.column_of("admission_month", range(6)) == [15, 15, 15, -1, -1, -1]
    assert design.column_of("comorbidity", [10, 11]) == [8, 8]


def test_an_aliased_term_loses_its_column_and_the_later_ones_move_up(
    group_counts: CountsBuilder, model_years: tuple[int, ...]
) -> None:
    design = _full_design(group_counts, model_years).without(["ses:2", "comorbidity:10"])
    assert "ses:2" not in [term.id for term in design.columns]
    assert design.column_of("ses", range(6)) == [3, 3, -1, -1, -1, -1]
    assert design.column_of("severity", [8]) == [4]
    assert design.column_of("comorbidity", [1, 10, 11, 17]) == [6, -1, -1, 7]
    assert [term.id for term in design.terms if term.is_aliased] == ["ses:2", "comorbidity:10"]
    assert [term.id for term in design.without(["source:1"]).terms if term.is_aliased] == ["ses:2", "comorbidity:10", "source:1"]

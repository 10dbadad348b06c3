"""Diagnosis group of a main diagnosis (METHOD section 3, last paragraph), worked by hand on a small list."""

from __future__ import annotations

import pytest

from lbz_indicators.config import ReferenceSettings
from lbz_indicators.population.diagnosis_groups import (
    category_lookups,
    category_order,
    cluster_labels,
    cluster_of_group,
    group_labels,
    group_of_category,
)
from lbz_indicators.references import load_references


def _codes(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"icd10": code, "ccs": category} for code, category in pairs]


def _resolve(code: str, lookups: tuple[dict[str, str], dict[str, str]]) -> str | None:
    """A main diagnosis as silver has it (upper case, no dot): the code, else its first three characters."""
    by_code, by_stem = lookups
    return by_code.get(code, by_stem.get(code[:3]))


def test_the_code_itself_comes_first() -> None:
    lookups = category_lookups(_codes(("A020", "135"), ("A021", "2"), ("A028", "135")))
    assert _resolve("A021", lookups) == "2"


def test_the_first_three_characters_as_a_code_come_before_the_majority() -> None:
    """I10 itself has 98, though two of its longer codes have 99."""
    lookups = category_lookups(_codes(("I10", "98"), ("I101", "99"), ("I102", "99")))
    assert _resolve("I109", lookups) == "98"
    assert _resolve("I101", lookups) == "99"


def test_the_majority_of_codes_with_the_same_three_characters() -> None:
    lookups = category_lookups(_codes(("A020", "135"), ("A021", "2"), ("A028", "135"), ("A030", "7")))
    assert _resolve("A029", lookups) == "135"
    assert _resolve("A02", lookups) == "135"


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("10", "9"), "9"),  # by number, not by letters
        (("100", "99", "100", "99"), "99"),
        (("COVID", "259"), "259"),  # no number: last
        (("259", "COVID", "COVID"), "COVID"),  # but a majority is a majority
    ],
)
def test_ties_go_to_the_lowest_number(categories: tuple[str, ...], expected: str) -> None:
    lookups = category_lookups(_codes(*((f"B99{place}", category) for place, category in enumerate(categories))))
    assert _resolve("B999", lookups) == expected


def test_categories_sort_by_number_and_covid_last() -> None:
    assert sorted(["COVID", "100", "2", "19"], key=category_order) == ["2", "19", "100", "COVID"]


def test_rows_of_the_list_may_have_dots_and_lower_case() -> None:
    """Without dot A02.1 is found for itself, not by the majority of A02."""
    lookups = category_lookups(_codes(("a02.0", "135"), ("a02.1", "2"), ("a02.8", "135"), ("e11", "49")))
    assert _resolve("A021", lookups) == "2"
    assert _resolve("A02", lookups) == "135"
    assert _resolve("E119", lookups) == "49"


def test_a_code_without_category_is_not_in_the_list() -> None:
    """Neither for itself nor for the majority: A021 and A022 have none, so A02 is decided by A020 alone."""
    lookups = category_lookups(_codes(("A020", "135"), ("A021", ""), ("A022", ""), ("Z99", ""), ("Z991", "")))
    assert lookups == ({"A020": "135"}, {"A02": "135"})
    assert _resolve("A021", lookups) == "135"
    assert _resolve("Z991", lookups) is None


def test_a_stem_without_category_falls_to_the_majority() -> None:
    assert _resolve("A029", category_lookups(_codes(("A02", ""), ("A020", "135")))) == "135"


def test_unknown_code() -> None:
    assert _resolve("XYZ", category_lookups(_codes(("A020", "135")))) is None


def test_shipped_list() -> None:
    """Known codes: sepsis A41 is CCS 2, hip fracture S72.0 CCS 226, heart failure I50 CCS 108 (AHRQ), COVID-19 apart."""
    lookups = category_lookups(load_references(ReferenceSettings()).diagnosis_codes.rows)
    found = {code: _resolve(code, lookups) for code in ("A419", "S720", "I500", "I21", "U071", "U072", "U109", "QQQ")}
    assert found == {
        "A419": "2",
        "S720": "226",
        "I500": "108",
        "I21": "100",
        "U071": "COVID",
        "U072": "COVID",
        "U109": "COVID",
        "QQQ": None,
    }


GROUPS = [
    {
        "ccs": "1",
        "ccs_label": "Tuberculosis",
        "diagnosis_group": "7",
        "diagnosis_group_label": "Tuberculosis; STI",
        "cluster": "1",
        "cluster_label": "Infectious",
    },
    {
        "ccs": "9",
        "ccs_label": "STI",
        "diagnosis_group": "7",
        "diagnosis_group_label": "Tuberculosis; STI",
        "cluster": "1",
        "cluster_label": "Infectious",
    },
    {
        "ccs": "11",
        "ccs_label": "Cancer of head and neck",
        "diagnosis_group": "8",
        "diagnosis_group_label": "Head and neck",
        "cluster": "2",
        "cluster_label": "Neoplasms",
    },
]


def test_grouping_by_groups() -> None:
    assert group_of_category(GROUPS, "groups") == {"1": "7", "9": "7", "11": "8"}
    assert group_labels(GROUPS, "groups") == {"7": "Tuberculosis; STI", "8": "Head and neck"}
    assert cluster_of_group(GROUPS, "groups") == {"7": "1", "8": "2"}
    assert cluster_labels(GROUPS) == {"1": "Infectious", "2": "Neoplasms"}


def test_grouping_by_category() -> None:
    assert group_of_category(GROUPS, "ccs") == {"1": "1", "9": "9", "11": "11"}
    assert group_labels(GROUPS, "ccs") == {"1": "Tuberculosis", "9": "STI", "11": "Cancer of head and neck"}
    assert cluster_of_group(GROUPS, "ccs") == {"1": "1", "9": "1", "11": "2"}


def test_every_category_of_the_shipped_codes_has_a_group() -> None:
    references = load_references(ReferenceSettings())
    categories = {row["ccs"] for row in references.diagnosis_codes.rows if row["ccs"]}
    assert categories <= set(group_of_category(references.diagnosis_groups.rows, "groups"))

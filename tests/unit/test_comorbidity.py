"""Prefixes of the 17 Charlson conditions as masks (METHOD section 4.1), by hand: condition c is bit c - 1."""

from __future__ import annotations

from lbz_indicators.config import ReferenceSettings
from lbz_indicators.population.comorbidity import MERGED_PAIRS, bit, condition_prefixes
from lbz_indicators.references import load_references


def test_bits() -> None:
    assert [bit(condition) for condition in (1, 2, 9, 17)] == [1, 2, 256, 65536]


def test_prefixes_by_length() -> None:
    rows = [
        {"condition": "1", "name": "infarction", "icd10_prefix": "I21"},
        {"condition": "1", "name": "infarction", "icd10_prefix": "i25.2"},
        {"condition": "17", "name": "severe liver disease", "icd10_prefix": "K76.7"},
    ]
    assert condition_prefixes(rows) == {3: {"I21": 1}, 4: {"I252": 1, "K767": 65536}}


def test_a_prefix_of_two_conditions_has_both_bits() -> None:
    rows = [{"condition": c, "name": c, "icd10_prefix": "E10"} for c in ("10", "11", "10")]
    assert condition_prefixes(rows) == {3: {"E10": 512 + 1024}}


def _conditions(code: str, prefixes: dict[int, dict[str, int]]) -> set[int]:
    mask = 0
    for length, masks in prefixes.items():
        mask |= masks.get(code[:length], 0)
    return {condition for condition in range(1, 18) if mask >> (condition - 1) & 1}


def test_shipped_list_on_known_codes() -> None:
    """Truth: Sundararajan et al. 2004: I21 infarction (1), I50 heart failure (2), G30 dementia (5), B20 HIV (16).

    I25.1 is no old infarction (I25.2 is), and no code has a condition beyond 17.
    """
    prefixes = condition_prefixes(load_references(ReferenceSettings()).charlson.rows)
    assert _conditions("I214", prefixes) == {1}
    assert _conditions("I252", prefixes) == {1}
    assert _conditions("I251", prefixes) == set()
    assert _conditions("I500", prefixes) == {2}
    assert _conditions("A000", prefixes) == set()
    assert all(0 < mask < 1 << 17 for masks in prefixes.values() for mask in masks.values())


def test_the_pairs_that_merge() -> None:
    """METHOD 4.2 step 4: severe liver disease (17) joins liver disease (9), diabetes complications (11) diabetes (10)."""
    names = {int(row["condition"]): row["name"] for row in load_references(ReferenceSettings()).charlson.rows}
    assert MERGED_PAIRS == ((9, 17), (10, 11))
    assert [names[condition] for condition in (9, 17, 10, 11)] == [
        "liver disease",
        "severe liver disease",
        "diabetes",
        "diabetes complications",
    ]

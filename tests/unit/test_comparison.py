"""Two model versions side by side: every number worked by hand on one small group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lbz_indicators.models.comparison import compare_coefficients, compare_groups, merged_otherwise, miscalibration

COLUMNS = ["diagnosis_group", "covariate", "class", "class_label", "term_id", "estimate", "standard_error", "is_reference"]


def _version(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame([("100", *row) for row in rows], columns=COLUMNS)


# Age: class 0 is the reference of A, class 1 that of B; sex keeps its reference; in B the ages 2 and 3 are merged.
A = _version(
    ("intercept", 0, "intercept", "intercept", -3.0, 0.1, False),
    ("age", 0, "0", "age:0", 0.0, None, True),
    ("age", 1, "1-4", "age:1", 0.5, 0.1, False),
    ("age", 2, "5-9", "age:2", 0.9, 0.2, False),
    ("age", 3, "10-14", "age:3", 1.0, 0.2, False),
    ("sex", 0, "male", "sex:0", 0.0, None, True),
    ("sex", 1, "female", "sex:1", 0.4, 0.1, False),
    ("comorbidity", 1, "AMI", "comorbidity:1", 0.2, 0.2, False),
)
B = _version(
    ("intercept", 0, "intercept", "intercept", -2.8, 0.2, False),
    ("age", 0, "0", "age:0", -0.6, 0.1, False),
    ("age", 1, "1-4", "age:1", 0.0, None, True),
    ("age", 2, "5-9", "age:2", 0.3, 0.2, False),
    ("age", 3, "10-14", "age:2", 0.3, 0.2, False),
    ("sex", 0, "male", "sex:0", 0.0, None, True),
    ("sex", 1, "female", "sex:1", -0.5, 0.2, False),
    ("comorbidity", 1, "AMI", "comorbidity:1", -0.1, 0.1, False),
)


@pytest.fixture
def compared() -> pd.DataFrame:
    return compare_coefficients(A, B).set_index(["covariate", "class"])


def test_estimates_are_moved_to_one_reference(compared: pd.DataFrame) -> None:
    """In B age 0 stands 0.6 below age 1; against age 0 the ages 1, 2 and 3 are 0.6, 0.9 and 0.9."""
    assert compared.loc["age"]["estimate_b"].tolist() == pytest.approx([0.0, 0.6, 0.9, 0.9])
    assert compared.loc["age"]["difference"].tolist() == pytest.approx([0.0, 0.1, 0.0, -0.1])
    assert compared.loc[("intercept", 0), "difference"] == pytest.approx(0.2)
    assert compared.loc[("comorbidity", 1), "difference"] == pytest.approx(-0.3)


def test_standard_errors_are_compared_where_the_reference_is_the_same(compared: pd.DataFrame) -> None:
    assert compared.loc["age"]["standard_error_ratio"].isna().all()
    assert compared.loc[("sex", 1), "standard_error_ratio"] == pytest.approx(2.0)
    assert compared.loc[("intercept", 0), "standard_error_ratio"] == pytest.approx(2.0)


def test_a_sign_changes_where_both_signs_are_clear(compared: pd.DataFrame) -> None:
    """Sex: 0.4 (0.1) against -0.5 (0.2), both beyond 1.96 errors; the condition: 0.2 (0.2) is not."""
    assert compared["sign_change"].to_dict() == {key: key == ("sex", 1) for key in compared.index}


def test_classes_merged_otherwise(compared: pd.DataFrame) -> None:
    found = merged_otherwise(compared.reset_index())
    assert [key for key, other in zip(compared.index, found, strict=True) if other] == [("age", 2), ("age", 3)]


def test_miscalibration_by_hand() -> None:
    """(3 - 2)^2 / (2 x 0.8) + (5 - 5)^2 / ... = 0.625; a tenth in which nothing is expected says nothing."""
    rows = pd.DataFrame(
        {"diagnosis_group": ["1", "1", "1"], "admissions": [10, 10, 10], "observed": [3, 5, 0], "expected": [2.0, 5.0, 0.0]}
    )
    assert miscalibration(rows).to_dict() == {"1": pytest.approx(0.625)}


def test_groups_stand_side_by_side_and_a_new_one_alone() -> None:
    def fits(c_statistic: float, *more: str) -> pd.DataFrame:
        names = ["100", *more]
        size = len(names)
        return pd.DataFrame(
            {"diagnosis_group": names, "status": ["fitted"] * size, "admissions": [500] * size, "events": [50] * size,
             "terms": [7] * size, "c_statistic": [c_statistic] * size}
        )  # fmt: skip

    deciles = pd.DataFrame({"diagnosis_group": ["100"], "admissions": [10], "observed": [3], "expected": [2.0]})
    found = compare_groups(compare_coefficients(A, B), (fits(0.7), fits(0.8, "101")), (deciles, deciles)).set_index(
        "diagnosis_group"
    )
    row = found.loc["100"]
    assert (row["c_statistic_a"], row["c_statistic_b"], row["sign_changes"], row["merged_otherwise"]) == (0.7, 0.8, 1, 2)
    assert row["largest_difference"] == pytest.approx(0.9) and row["miscalibration_a"] == pytest.approx(0.625)
    assert row["standard_error_ratio"] == pytest.approx(np.median([2.0, 2.0, 0.5]))
    assert found.loc["101"][["status_a", "largest_difference"]].isna().all() and found.loc["101", "status_b"] == "fitted"

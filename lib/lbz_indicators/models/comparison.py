"""Two versions of the logistic models side by side: coefficients, classes, fit, calibration. Small tables, in pandas.

Estimates of a covariate are against its reference, the class with most admissions, which may be another class in the other
version. So the estimates of B are first moved to the reference of A. Standard errors cannot be moved without their covariance:
they are compared where the reference is the same.
Known limitation: two versions share admissions, so `difference / sqrt(se_A^2 + se_B^2)` is no test; it is shown to sort by.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lbz_indicators.models.design import INTERCEPT
from lbz_indicators.population.covariates import COMORBIDITY

KEY = ["diagnosis_group", "covariate", "class"]
SIGNIFICANT = 1.96


def compare_coefficients(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Every original class of the groups with coefficients in both versions. Grain: KEY.

    `a` and `b` are gold.model_coefficients of one version each. Columns: class_label, estimate_a, estimate_b (against the
    reference of A), difference, standard_error_a, standard_error_b (null for another reference), standard_error_ratio,
    sign_change (both significant and of opposite sign), term_a, term_b (classes with one term are merged).
    """
    both = a.merge(b, on=KEY, how="inner", suffixes=("_a", "_b"), validate="one_to_one")
    stratum = [both["diagnosis_group"], both["covariate"]]
    # Comorbidities are yes or no each, and have no common reference.
    single = both["covariate"].isin([INTERCEPT, COMORBIDITY])
    base = both["estimate_b"].where(both["is_reference_a"] & ~single).groupby(stratum).transform("first").fillna(0.0)
    moved = both["estimate_b"] - base
    same = single | ((both["is_reference_a"] & ~both["is_reference_b"]).groupby(stratum).transform("sum") == 0)
    error_a, error_b = both["standard_error_a"].where(same), both["standard_error_b"].where(same)
    clear = (both["estimate_a"].abs() > SIGNIFICANT * error_a) & (moved.abs() > SIGNIFICANT * error_b)
    return pd.DataFrame(
        {
            **{name: both[name] for name in KEY},
            "class_label": both["class_label_a"],
            "estimate_a": both["estimate_a"],
            "estimate_b": moved,
            "difference": moved - both["estimate_a"],
            "standard_error_a": error_a,
            "standard_error_b": error_b,
            "standard_error_ratio": error_b / error_a,
            "sign_change": clear & (np.sign(both["estimate_a"]) != np.sign(moved)),
            "term_a": both["term_id_a"],
            "term_b": both["term_id_b"],
        }
    )


def _merged_with(frame: pd.DataFrame, term: str) -> pd.Series:
    """Per class the classes of its covariate that share its term, as text."""
    text = frame.sort_values("class")["class"].astype(str)
    return text.groupby([frame["diagnosis_group"], frame["covariate"], frame[term]]).transform(" ".join).reindex(frame.index)


def merged_otherwise(compared: pd.DataFrame) -> pd.Series:
    """Whether a class shares its term with other classes in B than in A. `compared` is what compare_coefficients gives."""
    return _merged_with(compared, "term_a") != _merged_with(compared, "term_b")


def miscalibration(deciles: pd.DataFrame) -> pd.Series:
    """Sum over deciles of risk of (O - E)^2 / (E (1 - E/n)) by diagnosis group: Hosmer and Lemeshow's statistic.

    `deciles` is gold.model_calibration of one version. Large groups have large values whatever the model.
    """
    n, observed, expected = (deciles[name].astype(float) for name in ("admissions", "observed", "expected"))
    variance = (expected * (1 - expected / n)).where(lambda value: value > 0)
    return ((observed - expected) ** 2 / variance).groupby(deciles["diagnosis_group"]).sum()


def compare_groups(
    compared: pd.DataFrame, fits: tuple[pd.DataFrame, pd.DataFrame], deciles: tuple[pd.DataFrame, pd.DataFrame]
) -> pd.DataFrame:
    """Every diagnosis group of either version. Grain: diagnosis_group, the largest difference first.

    `fits` and `deciles` are gold.model_fit and gold.model_calibration of A and B. Columns: status, admissions, events, terms,
    c_statistic and miscalibration of both; largest_difference of a coefficient, sign_changes, merged_otherwise (classes), and
    the median standard_error_ratio.
    """
    columns = ["diagnosis_group", "status", "admissions", "events", "terms", "c_statistic"]
    groups = fits[0][columns].merge(fits[1][columns], on="diagnosis_group", how="outer", suffixes=("_a", "_b"))
    for suffix, of_version in zip(("a", "b"), deciles, strict=True):
        groups[f"miscalibration_{suffix}"] = groups["diagnosis_group"].map(miscalibration(of_version))
    marked = compared.assign(merged_otherwise=merged_otherwise(compared), size=compared["difference"].abs())
    sums = marked.groupby("diagnosis_group").agg(
        largest_difference=("size", "max"),
        sign_changes=("sign_change", "sum"),
        merged_otherwise=("merged_otherwise", "sum"),
        standard_error_ratio=("standard_error_ratio", "median"),
    )
    joined = groups.merge(sums, left_on="diagnosis_group", right_index=True, how="left")
    return joined.sort_values(["largest_difference", "diagnosis_group"], ascending=[False, True], ignore_index=True)

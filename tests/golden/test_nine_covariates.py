"""The golden set with all nine covariates: truth from R's glm and an independent pandas program (README beside the data)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from golden import Golden, expected
from lbz_indicators import tables
from lbz_indicators.models.score import with_expected
from lbz_indicators.steps.current import broadcastable, current_model
from lbz_indicators.steps.predicted import readmission

CODES = ["age", "sex", "ses", "severity", "urgency", "comorbidity", "source", "admission_month"]
KEY = ["hospital_id", "admission_id"]
REASONS = {
    "missing_admission_id": "missing_key",
    "age_missing": "age_out_of_range",
}


def test_rejected_records_and_their_reasons(golden: Golden) -> None:
    rejected = golden.store.read(tables.SILVER_REJECTED_ADMISSIONS).toPandas()
    found = sorted((h, a or "", ";".join(r)) for h, a, r in zip(rejected.hospital_id, rejected.admission_id, rejected.reasons))
    wanted = expected("rejected.csv").fillna("")
    reasons = [";".join(sorted(REASONS.get(r, r) for r in text.split(";"))) for text in wanted.reasons]
    assert found == sorted(zip(wanted.hospital_id, wanted.admission_id, reasons))


def test_exclusions_per_year(golden: Golden) -> None:
    wanted = expected("exclusions.csv").query("admissions > 0")
    found = golden.exclusions
    assert set(zip(found.discharge_year, found.reason, found.admissions)) == set(
        zip(wanted.discharge_year, wanted.reason, wanted.admissions)
    )


def test_covariates_of_every_admission(golden: Golden) -> None:
    wanted = expected("covariates.csv.gz")
    both = golden.covariates.merge(wanted, on=KEY, how="outer", suffixes=("", "_w"), indicator=True)
    assert (both["_merge"] == "both").all()
    for name in ["discharge_year", *CODES]:
        assert (both[name] == both[f"{name}_w"]).all(), name
    assert (both["diagnosis_group"].fillna("") == both["diagnosis_group_w"].fillna("")).all()
    assert (both["exclusion_reason"].fillna("") == both["exclusion_reason_w"].fillna("")).all()


def test_fit_of_every_group(golden: Golden) -> None:
    found = golden.of_deaths(tables.GOLD_MODEL_FIT).query("status != 'no_admissions'")
    both = found.merge(expected("fit.csv"), on="diagnosis_group", how="outer", suffixes=("", "_w"), indicator=True)
    assert (both["_merge"] == "both").all()
    assert (both.status == both.status_w).all()
    assert (both.admissions == both.admissions_w).all() and (both.events == both.events_w).all()
    assert (both.terms == both.estimated_columns).all()
    fitted = both[both.status == "fitted"]
    assert (fitted.newton_decrement < 1e-16).all()
    np.testing.assert_allclose(fitted.deviance, fitted.deviance_w, rtol=1e-8)
    np.testing.assert_allclose(fitted.c_statistic, fitted.c_statistic_w, atol=1e-9)
    aliased = {row.diagnosis_group: list(row.aliased_terms) for row in found.itertuples() if len(row.aliased_terms)}
    assert aliased == {"9": ["source:1"]}


def test_coefficients_and_standard_errors_equal_r(golden: Golden) -> None:
    found = golden.of_deaths(tables.GOLD_MODEL_COEFFICIENTS)
    wanted = expected("coefficients.csv")
    wanted["class"] = [code - 2016 if cov == "discharge_year" else code for cov, code in zip(wanted.covariate, wanted["class"])]
    both = found.merge(wanted, on=["diagnosis_group", "covariate", "class"], how="outer", suffixes=("", "_w"), indicator=True)
    assert (both["_merge"] == "both").all(), both[both["_merge"] != "both"].head()
    np.testing.assert_allclose(both.estimate, both.estimate_w, atol=1e-6, rtol=0)
    assert (both.standard_error.isna() == both.standard_error_w.isna()).all()
    np.testing.assert_allclose(both.standard_error, both.standard_error_w, rtol=1e-5)
    assert (both.is_reference == both.is_reference_w).all()


def test_wald_tests(golden: Golden) -> None:
    found = golden.of_deaths(tables.GOLD_MODEL_COVARIATES)
    both = found.merge(
        expected("wald.csv"), on=["diagnosis_group", "covariate"], how="outer", suffixes=("", "_w"), indicator=True
    )
    assert (both["_merge"] == "both").all()
    np.testing.assert_allclose(both.wald_chi2, both.wald_chi2_w, rtol=1e-6, atol=1e-9)
    assert (both.df == both.df_w).all()
    np.testing.assert_allclose(both.p_value, both.p_value_w, rtol=1e-5, atol=1e-12)


def test_engines_agree(golden: Golden) -> None:
    fits = golden.store.read(tables.GOLD_MODEL_FIT).where("status = 'fitted'").toPandas()
    assert fits.max_engine_difference.notna().all()
    assert fits.max_engine_difference.max() < 1e-6


def test_indicators_and_every_interval(golden: Golden) -> None:
    figures = golden.of_deaths(tables.GOLD_INDICATORS)
    variants = golden.of_deaths(tables.GOLD_INTERVAL_VARIANTS)
    for frame in (figures, variants):
        start, end = (pd.to_datetime(frame[c]).dt.year.astype(str) for c in ("period_start", "period_end"))
        frame["period"] = np.where(start == end, start, start + "-" + end)
    wanted = expected("indicators.csv").rename(columns={"class_value": "breakdown_value"})
    wanted["breakdown"] = wanted.breakdown.fillna("none")
    key = ["indicator", "breakdown", "breakdown_value", "hospital_id", "period"]
    for frame in (figures, variants, wanted):
        frame[key] = frame[key].fillna("")
    of_interest = figures[figures.breakdown.isin(["none", "diagnosis_group", "diagnosis_cluster"])]
    both = of_interest.merge(wanted, on=key, how="outer", suffixes=("", "_w"), indicator=True)
    assert (both["_merge"] == "both").all(), both[both["_merge"] != "both"][key].head()
    assert (both.admissions == both.admissions_w).all() and (both.observed == both.observed_w).all()
    for name in ("expected", "value", "lower", "upper", "own_reference_share"):
        assert (both[name].isna() == both[f"{name}_w"].isna()).all(), name
        np.testing.assert_allclose(both[name], both[f"{name}_w"], rtol=1e-6, atol=1e-6, err_msg=name)
    for method, prefix in (("byar", "byar"), ("model_aware", "model")):
        chosen = variants[variants.interval_method == method]
        rows = wanted[wanted[f"{prefix}_upper"].notna()].merge(chosen, on=key, how="outer", suffixes=("_w", ""), indicator=True)
        rows = rows[rows.breakdown.isin(["none", "diagnosis_group", "diagnosis_cluster"])]
        assert (rows["_merge"] == "both").all(), (method, rows[rows["_merge"] != "both"][key].head())
        np.testing.assert_allclose(rows["lower"], rows[f"{prefix}_lower"], rtol=1e-6, atol=1e-6, err_msg=method)
        np.testing.assert_allclose(rows["upper"], rows[f"{prefix}_upper"], rtol=1e-6, atol=1e-6, err_msg=method)


def test_frozen_model_scores_the_next_year(golden: Golden) -> None:
    found = golden.frozen.select(*KEY, "expected", "no_expected_reason").toPandas()
    both = found.merge(expected("frozen_score.csv.gz"), on=KEY, how="outer", suffixes=("", "_w"), indicator=True)
    assert (both["_merge"] == "both").all()
    assert (both.no_expected_reason.fillna("") == both.reason.fillna("")).all()
    np.testing.assert_allclose(both.expected, both.expected_w, atol=1e-9)


def test_classes_unseen_in_the_fit_are_counted(golden: Golden) -> None:
    listed = expected("unseen_2020.csv").query("covariate != 'discharge_year'")
    # 2020 itself is a class no model has seen: one for each admission with a model, on top of the listed ones.
    with_model = golden.frozen.where("expected IS NOT NULL")
    beyond_year = with_model.agg(F.sum(F.col("unseen_classes") - 1)).collect()[0][0]
    assert beyond_year == listed.admissions_2020.sum()


def test_expected_readmissions_equal_observed_ones_on_the_fit_cohort(golden: Golden) -> None:
    """Score equations of the models of 2016-2018: every group, and every class of severity left after collapsing."""
    event = readmission(golden.settings)
    model = current_model(golden.store, event.family)
    assert (event.model_years, event.scored_years) == ((2016, 2017, 2018), (2019,))
    cohort = event.population(golden.store, event.model_years)
    scored = with_expected(cohort, broadcastable(golden.store, model)).toPandas()
    assert set(scored.discharge_year) == {2016, 2017, 2018} and scored.event.sum() > 100
    fits = model.fits.toPandas().set_index("diagnosis_group")
    scored = scored[scored.diagnosis_group.map(fits.status) == "fitted"]
    by_group = scored.groupby("diagnosis_group")[["event", "expected"]].sum()
    assert len(by_group) >= 8 and (by_group.event == fits.loc[by_group.index].events).all()
    np.testing.assert_allclose(by_group.expected, by_group.event.astype(float), rtol=1e-9)
    terms = model.coefficients.where("covariate = 'severity'").select("diagnosis_group", "class", "term_id").toPandas()
    of_term = scored.merge(terms, left_on=["diagnosis_group", "severity"], right_on=["diagnosis_group", "class"])
    sums = of_term.groupby(["diagnosis_group", "term_id"])[["event", "expected"]].sum()
    assert len(sums) > len(by_group)
    np.testing.assert_allclose(sums.expected, sums.event.astype(float), rtol=1e-9, atol=1e-9)


def test_readmission_ratios_are_compared_with_the_nation(golden: Golden) -> None:
    """By hand: the ratio and its limits beside the nation's ratio of the same year, whose model is of earlier years."""
    version = current_model(golden.store, readmission(golden.settings).family).version
    figures = golden.store.read(tables.GOLD_INDICATORS).where(F.col("model_version") == version).toPandas()
    assert set(figures.indicator) == {"readmission_ratio"} and set(figures.variant) == {"provisional"}
    overall = figures[figures.breakdown == "none"]
    nation, hospitals = overall[overall.hospital_id.isna()].iloc[0], overall[overall.hospital_id.notna()]
    assert nation.observed == hospitals.observed.sum() > 50 and len(hospitals) >= 6
    assert nation.expected == pytest.approx(hospitals.expected.sum(), rel=1e-12) and abs(nation.value - 100) > 0.01
    np.testing.assert_allclose(hospitals.value, 100 * hospitals.observed / hospitals.expected, rtol=1e-12)
    for name in ("value", "lower", "upper"):
        np.testing.assert_allclose(hospitals[f"comparison_{name}"], 100 * hospitals[name] / nation.value, rtol=1e-12)
    wanted = np.where(hospitals.lower > nation.value, "higher", np.where(hospitals.upper < nation.value, "lower", "none"))
    assert list(hospitals.comparison_significance) == list(wanted)
    stays = golden.store.read(tables.SILVER_STAYS).where("no_index_reason IS NULL AND discharge_year = 2019").toPandas()
    assert (nation.admissions, nation.observed) == (len(stays), stays.readmitted.sum())

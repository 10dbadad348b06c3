"""The models of the real sample against R's glm and statsmodels, group by group."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from lbz_indicators import tables
from lbz_indicators.steps.current import current_model
from lbz_indicators.steps.predicted import mortality_family
from sample import SampleRun

pytestmark = pytest.mark.long

R_PROGRAM = """
rows <- read.csv("rows.csv", colClasses = c(group = "character"))
terms <- read.csv("terms.csv", colClasses = "character")
out <- NULL
for (group in unique(rows$group)) {
  part <- rows[rows$group == group, ]
  names <- terms$column[terms$group == group]
  design <- as.matrix(part[, names, drop = FALSE])
  control <- glm.control(epsilon = 1e-14, maxit = 100)
  fit <- suppressWarnings(glm.fit(cbind(1, design), part$event, family = binomial(), control = control))
  covariance <- chol2inv(fit$qr$qr[seq_len(fit$rank), seq_len(fit$rank), drop = FALSE])
  out <- rbind(out, data.frame(group = group, column = c("intercept", names),
               estimate = sprintf("%.17g", fit$coefficients), error = sprintf("%.17g", sqrt(diag(covariance)))))
}
write.csv(out, "fits.csv", row.names = FALSE)
"""


@pytest.fixture(scope="module")
def fits(sample_run: SampleRun) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(coefficients of every estimated term, one row per admission with its 0/1 columns) of the fitted groups."""
    store = sample_run.store
    version = current_model(store, mortality_family(sample_run.settings)).version
    coefficients = store.read(tables.GOLD_MODEL_COEFFICIENTS).where(f"model_version = '{version}'").toPandas()
    cohort = store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL").toPandas()
    rows = cohort[cohort.diagnosis_group.isin(coefficients.diagnosis_group)].copy()
    rows["event"] = rows.died.astype(int)
    estimated = coefficients[coefficients.standard_error.notna()]
    for (covariate, term), of_term in estimated[estimated.covariate != "intercept"].groupby(["covariate", "term_id"]):
        assert covariate != "comorbidity", "the sample has no comorbidity term"
        members = set(zip(of_term.diagnosis_group, of_term["class"], strict=True))
        rows[term.replace(":", ".")] = [int(pair in members) for pair in zip(rows.diagnosis_group, rows[covariate], strict=True)]
    terms = estimated.drop_duplicates(["diagnosis_group", "term_id"]).assign(column=lambda f: f.term_id.str.replace(":", "."))
    return terms, rows.rename(columns={"diagnosis_group": "group"})


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, groups: int) -> None:
    """Coefficients to 1e-6, standard errors to 1e-5 (relative)."""
    both = ours.merge(theirs, left_on=["diagnosis_group", "column"], right_on=["group", "column"], how="outer", indicator=True)
    assert (both["_merge"] == "both").all() and both.diagnosis_group.nunique() == groups
    np.testing.assert_allclose(both.estimate_x, both.estimate_y, atol=1e-6, rtol=0)
    np.testing.assert_allclose(both.standard_error, both.error, rtol=1e-5)


def test_all_groups_equal_r(fits: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "Rscript is missing"
        pytest.skip("R is not installed")
    terms, rows = fits
    columns = sorted(set(terms.column) - {"intercept"})
    rows[["group", "event", *columns]].to_csv(tmp_path / "rows.csv", index=False)
    pairs = terms[terms.column != "intercept"][["diagnosis_group", "column"]].rename(columns={"diagnosis_group": "group"})
    pairs.to_csv(tmp_path / "terms.csv", index=False)
    (tmp_path / "fit.R").write_text(R_PROGRAM)
    subprocess.run(["Rscript", "--vanilla", "fit.R"], cwd=tmp_path, check=True, capture_output=True, timeout=300)
    theirs = pd.read_csv(tmp_path / "fits.csv", dtype={"group": str})
    assert_same(terms, theirs, groups=137)


def test_largest_groups_equal_statsmodels(fits: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    terms, rows = fits
    largest = terms.groupby("diagnosis_group").size().nlargest(15).index
    results = []
    for group in largest:
        names = terms[(terms.diagnosis_group == group) & (terms.column != "intercept")].column.tolist()
        part = rows[rows.group == group]
        design = np.column_stack([np.ones(len(part)), part[names].to_numpy(float)])
        fit = sm.GLM(part.event.to_numpy(float), design, family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
        results.append(pd.DataFrame({"group": group, "column": ["intercept", *names], "estimate": fit.params, "error": fit.bse}))
    assert_same(terms[terms.diagnosis_group.isin(largest)], pd.concat(results), groups=15)


def test_golden_truth_is_what_r_gives_today(repository: Path, tmp_path: Path) -> None:
    """The golden set's figures were made by its own program with R; made again, they are the committed ones."""
    if shutil.which("Rscript") is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "Rscript is missing"
        pytest.skip("R is not installed")
    golden = repository / "tests" / "golden" / "nine_covariates"
    command = [sys.executable, str(golden / "make_golden.py"), "--reference", str(repository / "conf" / "reference"), "--out"]
    subprocess.run([*command, str(tmp_path)], check=True, capture_output=True, timeout=300)
    made = pd.read_csv(tmp_path / "expected" / "coefficients.csv", dtype={"diagnosis_group": str})
    kept = pd.read_csv(golden / "expected" / "coefficients.csv", dtype={"diagnosis_group": str})
    pd.testing.assert_frame_equal(made, kept, rtol=1e-9, atol=1e-9)

"""The main job on the real sample: METHOD section 10, its invariants, and running it again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lbz_indicators import steps, tables
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.current import current_model
from lbz_indicators.steps.predicted import mortality_family
from lbz_indicators.steps.run import run_steps
from sample import SampleRun, assert_equal_to_independent, comparable, current_figures, every_figure, sample_settings

pytestmark = pytest.mark.long

_OF_EACH_RUN = {tables.GOLD_RUNS, tables.GOLD_LEASE}


def versions(store: Store) -> dict[str, int]:
    """Delta version of every table but the log of the runs themselves and their lease."""
    names = [value for value in vars(tables).values() if isinstance(value, tables.Table) and value not in _OF_EACH_RUN]
    return {str(table): version for table in names if (version := store.find_version(table)) is not None}


def test_exclusions_are_those_of_the_method(sample_run: SampleRun) -> None:
    rows = sample_run.store.read(tables.GOLD_EXCLUSIONS).groupBy("reason").agg(F.sum("admissions")).collect()
    assert {row[0]: row[1] for row in rows} == {
        "outside_period": 1496,
        "nza_acute_same_day_home": 515,
        "diagnosis_group_unknown": 208,
        "not_resident": 76,
        "healthy_person": 2,
        "included": 32345,
    }


def test_continuation_claims_are_filtered_and_counted(sample_run: SampleRun) -> None:
    rows = sample_run.store.read(tables.SILVER_QUALITY).where("rule = 'filtered:continuation_claim'").agg(F.sum("records"))
    assert rows.collect()[0][0] == 197


def test_figures_equal_the_independent_implementation(sample_run: SampleRun, shared_data: Path) -> None:
    assert_equal_to_independent(current_figures(sample_run.store), shared_data)


def test_statuses_and_terms_equal_the_independent_implementation(sample_run: SampleRun, shared_data: Path) -> None:
    wanted = pd.read_csv(shared_data / "expected_sih_smr_groups.csv", dtype={"grp": str})
    fits = sample_run.store.read(tables.GOLD_MODEL_FIT).toPandas()
    both = fits[fits.status != "no_admissions"].merge(wanted, left_on="diagnosis_group", right_on="grp", suffixes=("", "_w"))
    assert len(both) == 251
    assert (both.status == both.status_w).all()
    assert (both.terms == both.terms_w).all()
    assert (both.status == "fitted").sum() == 137 and (both.status == "no_events").sum() == 114


def test_every_group_of_the_settings_is_accounted_for(sample_run: SampleRun) -> None:
    fits = sample_run.store.read(tables.GOLD_MODEL_FIT).toPandas()
    assert (fits.status == "no_admissions").sum() == len(fits) - 251 > 0
    assert fits[fits.status == "no_admissions"].admissions.eq(0).all()


def test_certificates_and_engine_difference(sample_run: SampleRun) -> None:
    fits = sample_run.store.read(tables.GOLD_MODEL_FIT).where("status = 'fitted'").toPandas()
    assert (fits.newton_decrement < 1e-16).all()
    assert fits.max_engine_difference.notna().all() and fits.max_engine_difference.max() < 1e-6


def test_expected_equals_observed_per_group_and_per_class_left(sample_run: SampleRun) -> None:
    """Score equations: true for every group, and for every class left after collapsing."""
    model = current_model(sample_run.store, mortality_family(sample_run.settings))
    joined = (
        sample_run.store.read(tables.GOLD_EXPECTED)
        .where("indicator = 'mortality'")
        .join(
            sample_run.store.read(tables.SILVER_COVARIATES).drop("diagnosis_group", "discharge_year", "died"),
            on=["hospital_id", "admission_id"],
            how="inner",
        )
    )
    scored = joined.toPandas()
    by_group = scored.groupby("diagnosis_group")[["observed", "expected"]].sum()
    np.testing.assert_allclose(by_group.expected, by_group.observed, rtol=1e-6)
    assert scored.expected.sum() == pytest.approx(scored.observed.sum(), rel=1e-9)

    coefficients = model.coefficients.toPandas()
    checked = 0
    for covariate in ("age", "sex", "urgency", "admission_month"):
        terms = coefficients[coefficients.covariate == covariate][["diagnosis_group", "class", "term_id"]]
        of_term = scored.merge(terms, left_on=["diagnosis_group", covariate], right_on=["diagnosis_group", "class"])
        sums = of_term.groupby(["diagnosis_group", "term_id"])[["observed", "expected"]].sum()
        np.testing.assert_allclose(sums.expected, sums.observed, rtol=1e-6, atol=1e-9)
        checked += len(sums)
    assert checked > 400


def test_calibration_adds_up_and_risk_rises(sample_run: SampleRun) -> None:
    deciles = sample_run.store.read(tables.GOLD_MODEL_CALIBRATION).toPandas()
    fits = sample_run.store.read(tables.GOLD_MODEL_FIT).toPandas().set_index("diagnosis_group")
    sums = deciles.groupby("diagnosis_group")[["admissions", "observed", "expected"]].sum()
    assert (sums.admissions == fits.loc[sums.index].admissions).all()
    np.testing.assert_allclose(sums.expected, sums.observed, rtol=1e-6, atol=1e-9)
    mean = (deciles.expected / deciles.admissions).groupby([deciles.diagnosis_group, deciles.decile]).first()
    assert all(risks.is_monotonic_increasing for _, risks in mean.groupby(level=0))


def test_ratio_is_null_where_nothing_is_expected(sample_run: SampleRun) -> None:
    figures = current_figures(sample_run.store)
    nothing = figures[figures.expected == 0]
    assert len(nothing) > 0 and nothing[["value", "lower", "upper", "significance"]].isna().all().all()
    none_died = figures[(figures.expected > 0) & (figures.observed == 0)]
    assert (none_died.lower == 0).all() and none_died.upper.notna().all() and (none_died.value == 0).all()


def test_figures_that_are_their_own_reference_are_not_judged(sample_run: SampleRun) -> None:
    """The nation is its own reference; the golden set has a group with one hospital."""
    figures = current_figures(sample_run.store)
    judged = figures[figures.hospital_id.notna() & (figures.expected > 0)]
    assert figures[figures.hospital_id.isna()].significance.isna().all()
    assert judged.significance.notna().all()
    nation = figures[(figures.indicator == "hsmr") & figures.hospital_id.isna()]
    assert nation.own_reference_share.iloc[0] == 1.0 and nation.value.iloc[0] == pytest.approx(100, rel=1e-9)


def test_breakdowns_add_up_to_the_hospital(sample_run: SampleRun) -> None:
    figures = current_figures(sample_run.store)
    whole = figures[figures.breakdown == "none"].set_index(figures.hospital_id.fillna("nation")[figures.breakdown == "none"])
    parts = figures[figures.breakdown != "none"]
    sums = parts.groupby([parts.breakdown, parts.hospital_id.fillna("nation")])[["admissions", "observed", "expected"]].sum()
    for breakdown, of_breakdown in sums.groupby(level=0):
        rows = of_breakdown.droplevel(0)
        for name in ("admissions", "observed"):
            assert (rows[name] == whole.loc[rows.index, name]).all(), (breakdown, name)
        np.testing.assert_allclose(rows.expected, whole.loc[rows.index].expected, atol=1e-9, err_msg=breakdown)


def test_every_row_names_method_model_and_run(sample_run: SampleRun) -> None:
    figures = current_figures(sample_run.store)
    assert figures[["interval_method", "confidence", "model_version", "run_id"]].notna().all().all()
    assert set(figures.run_id) == {sample_run.run_id}


def test_runs_are_recorded_with_versions(sample_run: SampleRun) -> None:
    runs = sample_run.store.read(tables.GOLD_RUNS).toPandas().set_index("step")
    assert list(runs.sort_values("started_at").index.drop("run")) == list(steps.STEPS)
    assert (runs.status == "done").all()
    assert dict(runs.loc["fit"].tables_in)["silver.covariates"] == dict(runs.loc["derive"].tables_out)["silver.covariates"]
    assert dict(runs.loc["indicators"].tables_in)["silver.stays"] == dict(runs.loc["derive"].tables_out)["silver.stays"]
    assert json.loads(runs.loc["run"].settings)["period"]["years"] == [2019]


def test_work_files_are_gone_and_the_log_is_private(sample_run: SampleRun) -> None:
    root = Path(str(sample_run.settings.storage.root))
    assert not (root / "_work").exists()
    for log in root.glob("_logs/*"):
        assert os.stat(log).st_mode & 0o077 == 0


def test_the_same_delivery_again_makes_no_new_version(sample_run: SampleRun) -> None:
    before = versions(sample_run.store)
    run_steps(sample_run.spark, sample_run.settings, list(steps.STEPS), SILENT)
    assert versions(sample_run.store) == before
    assert set(every_figure(sample_run.store).run_id) == {sample_run.run_id}


def test_a_failure_half_way_leaves_the_last_good_figures(sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other settings make another model; the run dies between fit and score; the next run finishes the work."""
    before = comparable(current_figures(sample_run.store))

    def fail(*_: object) -> None:
        raise ModelError("the power went out")

    changed = sample_run.settings.model_copy(
        update={"models": sample_run.settings.models.model_copy(update={"minimum_class_admissions": 60, "verify": "none"})}
    )
    monkeypatch.setitem(steps.STEPS, "score", fail)
    with pytest.raises(ModelError):
        run_steps(sample_run.spark, changed, ["fit", "score", "indicators"], SILENT)
    pd.testing.assert_frame_equal(comparable(current_figures(sample_run.store)), before)
    failed = sample_run.store.read(tables.GOLD_RUNS).where("status = 'failed'").toPandas()
    assert list(failed.step) == ["score", "run"]

    monkeypatch.undo()
    run_steps(sample_run.spark, changed, ["fit", "score", "indicators"], SILENT)
    now = current_model(sample_run.store, mortality_family(changed)).version
    assert now != before.model_version.iloc[0]
    figures = current_figures(sample_run.store, now)
    assert figures[(figures.indicator == "hsmr") & figures.hospital_id.isna()].value.iloc[0] == pytest.approx(100, rel=1e-9)
    # Back to the first settings: that model is there already and becomes current again.
    run_steps(sample_run.spark, sample_run.settings, ["fit", "score", "indicators"], SILENT)
    back = current_model(sample_run.store, mortality_family(sample_run.settings)).version
    pd.testing.assert_frame_equal(comparable(current_figures(sample_run.store, back)), before)


def test_the_second_engine_gives_the_same_figures(sample_run: SampleRun, shared_data: Path) -> None:
    settings = sample_settings(shared_data, Path(str(sample_run.settings.storage.root)), "models.engine=glum")
    first = current_model(sample_run.store, mortality_family(sample_run.settings)).version
    run_steps(sample_run.spark, settings, ["fit", "score", "indicators"], SILENT)
    second = current_model(sample_run.store, mortality_family(settings)).version
    assert second != first
    figures = current_figures(sample_run.store, second)
    assert_equal_to_independent(figures, shared_data)


def test_partitions_change_no_digit(sample_run: SampleRun, shared_data: Path, tmp_path: Path, spark: SparkSession) -> None:
    """Sixteen, where the delivered files are four and none can be split."""
    settings = sample_settings(shared_data, tmp_path, "delivery.input_partitions=16")
    run_steps(spark, settings, list(steps.STEPS), SILENT)
    store = Store(spark, settings.storage)
    figures = current_figures(store)
    assert_equal_to_independent(figures, shared_data)
    version = figures.model_version.iloc[0]
    every = every_figure(store)
    others = every_figure(sample_run.store)
    same = others[others.model_version.isin(every.model_version)]
    assert {"hsmr", "smr", "readmission_ratio", "olo", "los_ratio"} == set(every.indicator)
    pd.testing.assert_frame_equal(comparable(every), comparable(same), check_exact=True)
    chosen = ["diagnosis_group", "covariate", "class", "estimate", "standard_error"]
    coefficients = [
        s.read(tables.GOLD_MODEL_COEFFICIENTS)
        .where(f"model_version = '{version}'")
        .select(*chosen)
        .orderBy(*chosen[:3])
        .toPandas()
        for s in (store, sample_run.store)
    ]
    pd.testing.assert_frame_equal(coefficients[0], coefficients[1], check_exact=True)

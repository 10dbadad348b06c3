"""Stays, readmissions and long stays of the real sample (METHOD sections 6 and 7) against other algorithms, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from independent_nights import gamma_nights
from pyspark.sql import functions as F
from stay_comparison import differing_nights, differing_stays, valid_admissions

from lbz_indicators import show, tables
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from sample import SampleRun

pytestmark = pytest.mark.long


def test_every_admission_has_the_stay_of_the_independent_implementation(sample_run: SampleRun) -> None:
    number, differing = differing_stays(sample_run.store, sample_run.settings)
    assert number > 34_000 and differing == []


def test_every_admission_has_the_expected_nights_of_the_independent_implementation(sample_run: SampleRun) -> None:
    number, differing = differing_nights(sample_run.store, sample_run.settings)
    assert number > 29_000 and differing == []


def test_index_stays_without_a_model_have_their_outcome_and_no_ratio(sample_run: SampleRun) -> None:
    """One year is delivered: never silently the same year's model."""
    store = sample_run.store
    rows = store.read(tables.GOLD_EXPECTED).where(F.col("indicator") == registry.READMISSION)
    index = store.read(tables.SILVER_STAYS).where("no_index_reason IS NULL")
    assert rows.count() == index.count() > 0
    assert rows.where("expected IS NOT NULL OR no_expected_reason != 'no_model' OR model_version != 'none'").isEmpty()
    assert rows.where("observed").count() == index.where("readmitted").count() > 0
    figures = store.read(tables.GOLD_INDICATORS).where("indicator = 'readmission_ratio'")
    assert figures.where("value IS NOT NULL OR lower IS NOT NULL OR expected IS NOT NULL").isEmpty()
    nation = figures.where("hospital_id IS NULL AND breakdown = 'none'").collect()
    assert [(row["admissions"], row["observed"]) for row in nation] == [(index.count(), rows.where("observed").count())]


def test_counts_of_index_stays_add_up(sample_run: SampleRun) -> None:
    store = sample_run.store
    counted = store.read(tables.GOLD_INDEX_STAYS).agg(F.sum("stays"), F.sum("admissions"), F.sum("readmitted")).collect()[0]
    stays = store.read(tables.SILVER_STAYS)
    clinical = store.read(tables.SILVER_ADMISSIONS).where("care_type = 'K'")
    assert tuple(counted) == (stays.count(), clinical.count(), stays.where("readmitted").count())


def test_cells_used_at_the_first_level_expect_what_they_observe(sample_run: SampleRun) -> None:
    nights = sample_run.store.read(tables.GOLD_EXPECTED_NIGHTS).where("level = 'diagnosis_procedure_age'")
    covariates = sample_run.store.read(tables.SILVER_COVARIATES).drop("nights", "discharge_year")
    cells = sample_run.store.read(tables.GOLD_STAY_CELLS).drop("diagnosis_group", "nights", "level")
    joined = nights.join(covariates.drop("diagnosis_group"), on=["hospital_id", "admission_id"], how="inner")
    sums = joined.groupBy("main_diagnosis_category", F.coalesce("main_procedure", F.lit("")), "discharge_year", "expected_nights")
    found = sums.agg(F.sum("nights").alias("observed"), F.sum("expected_nights").alias("expected")).toPandas()
    # Cells of different ages with one mean share a row; each adds up, so their sum does.
    assert len(found) > 50 and cells.count() > len(found)
    np.testing.assert_allclose(found["expected"], found["observed"], rtol=1e-12)


def test_gamma_models_solve_their_score_equations(sample_run: SampleRun) -> None:
    """Per class left, sum of (nights - expected) / expected = 0; with an intercept the weighted residuals vanish at large."""
    fits = sample_run.store.read(tables.GOLD_STAY_FIT).toPandas()
    assert len(fits) > 200 and fits["largest_score"].max() < 1e-6 and fits["decrement"].max() < 1e-16
    nights = sample_run.store.read(tables.GOLD_EXPECTED_NIGHTS).toPandas()
    residual = nights["nights"] / nights["expected_nights_gamma"] - 1
    assert residual.groupby(nights["diagnosis_group"]).sum().abs().max() < 1e-6


@pytest.mark.parametrize("group", ["122", "100", "149"])
def test_gamma_model_equals_statsmodels_on_admissions(sample_run: SampleRun, group: str) -> None:
    """The program fits cells, the other program admissions."""
    nights = sample_run.store.read(tables.GOLD_EXPECTED_NIGHTS).where(F.col("diagnosis_group") == group).toPandas()
    found = nights.set_index(["hospital_id", "admission_id"])["expected_nights_gamma"]
    assert len(found) > 100
    valid = valid_admissions(sample_run.store).set_index(["hospital_id", "admission_id"])
    wanted = gamma_nights(valid.loc[found.index].reset_index(), minimum_procedure=50)
    wanted.index = found.index
    np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=1e-6)
    # Within rounding of 1.5 times the mean of a saturated model a stay is a tie, and no longer than that.
    judged = nights.set_index(["hospital_id", "admission_id"])
    assert (judged["long_stay_gamma"] == (judged["nights"] > 1.5 * wanted * (1 + 1e-7))).all()


def test_the_estimators_are_compared_for_every_admission(sample_run: SampleRun) -> None:
    nights = sample_run.store.read(tables.GOLD_EXPECTED_NIGHTS).toPandas()
    row = sample_run.store.read(tables.GOLD_OLO_AGREEMENT).collect()[0]
    cell, gamma = nights["long_stay"], nights["long_stay_gamma"]
    wanted = (len(nights), (cell & gamma).sum(), (cell & ~gamma).sum(), (~cell & gamma).sum(), (~cell & ~gamma).sum())
    assert (row["admissions"], row["both"], row["cell_mean_only"], row["gamma_model_only"], row["neither"]) == wanted


def test_shares_of_hospitals_add_up_to_the_nation(sample_run: SampleRun) -> None:
    figures = sample_run.store.read(tables.GOLD_INDICATORS).where("indicator IN ('olo', 'los_ratio')").toPandas()
    for (_, _, _), part in figures[figures["breakdown"] == "none"].groupby(["indicator", "definition", "period_start"]):
        nation, hospitals = part[part["hospital_id"].isna()], part[part["hospital_id"].notna()]
        assert len(nation) == 1 and len(hospitals) > 200
        assert nation["admissions"].item() == hospitals["admissions"].sum()
        assert nation["observed"].item() == hospitals["observed"].sum()
    ratios = figures[(figures["indicator"] == "los_ratio") & (figures["definition"] == "cell_mean")]
    assert ratios[ratios["hospital_id"].isna() & (ratios["breakdown"] == "none")]["value"].between(95, 105).all()


def test_what_is_shown_of_long_stays_is_what_was_judged(sample_run: SampleRun) -> None:
    store, settings = sample_run.store, sample_run.settings
    versions = show.shown_versions(store, settings, "olo")
    shown = show.olo(store, settings, versions, None).toPandas().set_index("hospital_id")
    nights = store.read(tables.GOLD_EXPECTED_NIGHTS).toPandas()
    assert shown.loc["nation", "long_stays"] == nights["long_stay"].sum() > 4_000
    assert shown.loc["nation", "percent"] == pytest.approx(100 * nights["long_stay"].mean(), rel=1e-12)
    assert shown.loc["nation", "los_ratio"] == pytest.approx(
        100 * nights["nights"].sum() / nights["expected_nights"].sum(), rel=1e-9
    )
    by_hospital = nights.groupby("hospital_id")["long_stay"].agg(["size", "sum"])
    assert (shown.drop("nation")["admissions"].sort_index() == by_hospital["size"].sort_index()).all()
    assert (shown.drop("nation")["long_stays"].sort_index() == by_hospital["sum"].sort_index()).all()
    largest = str(by_hospital["size"].idxmax())
    parts = show.olo(store, settings, versions, largest).toPandas()
    assert set(parts["breakdown"]) == {"none", "specialty", "main_diagnosis"}
    assert (parts.groupby("breakdown")["admissions"].sum() == by_hospital.loc[largest, "size"]).all()


def test_what_is_shown_of_readmissions_and_side_by_side(sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch) -> None:
    store, settings = sample_run.store, sample_run.settings
    index = store.read(tables.SILVER_STAYS).where("no_index_reason IS NULL").toPandas()
    within = index["days_to_return"] <= 30
    here = index["days_to_return_same"] <= 30
    nation = show.readmissions(store, settings, [registry.NO_MODEL_VERSION], "nation").toPandas()
    shown = show.readmissions(store, settings, [registry.NO_MODEL_VERSION], None).toPandas().set_index("hospital_id")
    assert nation[nation["breakdown"] == "none"]["observed"].item() == within.sum() == shown.loc["nation", "observed"]
    assert shown.loc["nation", "elsewhere_percent"] == pytest.approx(100 * (within & ~here).mean(), rel=1e-12)
    assert shown.loc["nation", "same_hospital_percent"] == pytest.approx(100 * here.mean(), rel=1e-12)
    side = show.summary(store, settings, None).toPandas().set_index("hospital_id")
    versions = show.shown_versions(store, settings, "hsmr")
    hsmr = store.read(tables.GOLD_INDICATORS).where("indicator = 'hsmr' AND hospital_id IS NOT NULL")
    wanted = hsmr.where(F.col("model_version").isin(versions)).toPandas().set_index("hospital_id")["value"].dropna().to_dict()
    assert side["hsmr"].drop("nation").dropna().to_dict() == wanted and len(wanted) > 200
    assert side["readmissions"].isna().all() and side["readmissions_admissions"].loc["nation"] == len(index)
    assert side.loc["nation", "olo"] == shown_share(store)
    reasons = show.stays(store, settings, None).toPandas().set_index("reason")
    assert reasons.loc["index", "stays"] == len(index)
    together = show.national_summary(store, settings, [registry.NO_MODEL_VERSION], "readmissions").collect()[0]
    assert together["hospitals"] > 200 and together["observed_above_expected"] is None and together["higher"] is None
    # Shares of stays that were derived anew are not shown beside figures of the former ones.
    monkeypatch.setattr(Store, "version", lambda *_: -1)
    stale = show.readmissions(store, settings, [registry.NO_MODEL_VERSION], None).toPandas()
    assert stale["observed"].sum() == shown["observed"].sum() and stale["elsewhere_percent"].isna().all()


def shown_share(store: Store) -> float:
    """The nation's share of long stays, from the admissions."""
    nights = store.read(tables.GOLD_EXPECTED_NIGHTS).toPandas()
    return 100 * int(nights["long_stay"].sum()) / len(nights)

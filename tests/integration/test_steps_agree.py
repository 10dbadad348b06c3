"""Steps called one by one must ask for the same thing."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import ModelError, SettingsError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.references import load_references
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.predicted import mortality_family
from sample import SampleRun

pytestmark = pytest.mark.long

NO_SEVERITY = "none delivered or derived, all other"


def _other(settings: Settings, section: str, **changes: object) -> Settings:
    content = settings.model_dump(mode="json")
    content[section] |= changes
    return Settings.model_validate(content)


def _derived(settings: Settings, severity_version: str = NO_SEVERITY) -> Derived:
    return Derived(settings, load_references(settings.references), severity_version)


@pytest.mark.parametrize("step", ["fit", "score", "indicators"])
def test_other_years_than_those_of_derive_are_refused(sample_run: SampleRun, step: str) -> None:
    other = _other(sample_run.settings, "period", years=[2018, 2019])
    with pytest.raises(SettingsError, match="derived with other settings: years 2019, now 2018, 2019"):
        STEPS[step](Store(sample_run.spark, other.storage), other, SILENT, "test")


def test_a_model_is_never_fitted_on_covariates_of_other_settings(sample_run: SampleRun) -> None:
    """Else its stored settings would name a grouping that its coefficients do not have."""
    other = _other(sample_run.settings, "population", diagnosis_grouping="groups")
    with pytest.raises(SettingsError, match="diagnosis_grouping"):
        STEPS["fit"](Store(sample_run.spark, other.storage), other, SILENT, "test")


def test_expected_numbers_never_stand_beside_observed_ones_of_another_definition(sample_run: SampleRun) -> None:
    """The current model knows what it was fitted for."""
    versions = Versions.read(sample_run.store)
    version = versions.require(mortality_family(sample_run.settings))
    other = _other(sample_run.settings, "population", diagnosis_grouping="groups")
    with pytest.raises(ModelError, match=r"fitted with other settings: population\.diagnosis_grouping ccs, now groups"):
        versions.require_alike(version, _derived(other))
    versions.require_alike(version, _derived(_other(sample_run.settings, "models", fit_threads=1)))
    with pytest.raises(ModelError, match=r"severity\.table none delivered or derived, all other, now severity-2017-1"):
        versions.require_alike(version, _derived(sample_run.settings, "severity-2017-1"))


def test_long_stays_are_never_judged_by_cells_of_another_size(sample_run: SampleRun) -> None:
    other = _other(sample_run.settings, "olo", minimum_cell_admissions=20)
    for step in ("score", "indicators"):
        with pytest.raises(
            ModelError, match=r"stay model was fitted with other settings: olo\.minimum_cell_admissions 50, now 20"
        ):
            STEPS[step](Store(sample_run.spark, other.storage), other, SILENT, "test")


def test_figures_are_never_made_of_admissions_that_changed_after_they_were_scored(sample_run: SampleRun) -> None:
    """Whatever changed, be it a class that moves no event: the probability beside the row is that of another row."""
    table = f"delta.`{sample_run.settings.storage.root}/silver/covariates`"
    included = sample_run.store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL")
    one = f"hospital_id = '{included.agg(F.min('hospital_id')).collect()[0][0]}'"
    before = sample_run.store.version(tables.GOLD_INDICATORS)
    sample_run.spark.sql(f"UPDATE {table} SET row_hash = row_hash + 1 WHERE {one}")
    try:
        with pytest.raises(ModelError, match="have changed since they were scored"):
            STEPS["indicators"](Store(sample_run.spark, sample_run.settings.storage), sample_run.settings, SILENT, "test")
    finally:
        sample_run.spark.sql(f"UPDATE {table} SET row_hash = row_hash - 1 WHERE {one}")
    assert sample_run.store.version(tables.GOLD_INDICATORS) == before


def test_long_stays_are_never_published_under_a_rule_they_were_not_judged_by(sample_run: SampleRun) -> None:
    other = _other(sample_run.settings, "olo", longer_than_percent=100)
    before = sample_run.store.version(tables.GOLD_INDICATORS)
    with pytest.raises(ModelError, match="what counts as an event, have changed since they were scored"):
        STEPS["indicators"](Store(sample_run.spark, other.storage), other, SILENT, "test")
    assert sample_run.store.version(tables.GOLD_INDICATORS) == before


def test_settings_can_be_given_again_in_full() -> None:
    """What the tests above lean on: dumped settings are settings."""
    settings = load_settings(None, ["storage.root=x"])
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings

"""Names of model versions: changed by everything that shapes a model, and by nothing else (METHOD section 4)."""

from __future__ import annotations

import json
import re

import pytest

from lbz_indicators.config import (
    LongStaySettings,
    ModelSettings,
    PopulationSettings,
    ReadmissionSettings,
    Settings,
    load_settings,
)
from lbz_indicators.models import registry
from lbz_indicators.models.registry import version_name

YEARS = (2016, 2017, 2018, 2019)
REFERENCES = {"diagnosis_codes": "aa", "diagnosis_groups": "bb", "charlson": "cc"}

SHAPING = {
    "population.care_types": "[K]",
    "population.diagnosis_grouping": "ccs",
    "population.covid_codes": "[U071]",
    "population.covid_excluded_years": "[2020]",
    "population.healthy_person_codes": "[Z38]",
    "population.nza_rules_from_year": "2018",
    "population.nza_evening_from": "'21:00'",
    "population.nza_observation_hours": "5",
    "models.engine": "glum",
    "models.maximum_model_years": "3",
    "models.minimum_class_admissions": "40",
    "models.merge_zero_event_classes": "false",
    "models.newton_decrement": "1.0e-14",
    "models.maximum_newton_steps": "50",
    "models.separated_ridge": "1.0e-7",
}
"""Settings that decide who is in the fit, which classes there are, or which coefficients come out."""

NOT_SHAPING = {
    "models.verify": "all",
    "models.promotion": "by_hand",
    "models.refit": "never",
    "models.engine_tolerance": "1.0e-5",
    "models.separated_tolerance": "1.0e-8",
    "models.pack_columns": "400",
    "models.pack_rows": "100000",
    "models.fit_threads": "1",
    "spark.master": "local[1]",
    "spark.memory": "4g",
    "storage.root": "/elsewhere",
    "delivery.input": "/elsewhere",
    "indicators.hsmr_confidence": "0.9",
}
"""How it is computed, checked, stored or published."""

ONLY_VALUE = {"models.frozen_year"}


def _name(*overrides: str, **changes: object) -> str:
    arguments = {
        "indicator": "mortality",
        "severity_version": "delivered-1",
        "model_years": YEARS,
        "references": REFERENCES,
        "cohort": "dd",
    } | changes
    return version_name(settings=load_settings(overrides=overrides), **arguments)  # type: ignore[arg-type]


def test_name_says_indicator_and_years() -> None:
    assert re.fullmatch(r"mortality-2016-2019-[0-9a-f]{8}", _name())
    assert re.fullmatch(r"readmission-2019-[0-9a-f]{8}", _name(indicator="readmission", model_years=(2019,)))


def test_same_input_same_name() -> None:
    assert _name() == _name()
    assert _name(references=dict(reversed(REFERENCES.items())), model_years=list(YEARS)) == _name()


@pytest.mark.parametrize(("path", "value"), SHAPING.items())
def test_shaping_settings_change_the_name(path: str, value: str) -> None:
    assert _name(f"{path}={value}") != _name()


@pytest.mark.parametrize(("path", "value"), NOT_SHAPING.items())
def test_other_settings_do_not(path: str, value: str) -> None:
    assert _name(f"{path}={value}") == _name()


def test_every_setting_of_population_and_models_is_judged_here() -> None:
    settings = {f"models.{name}" for name in ModelSettings.model_fields}
    settings |= {f"population.{name}" for name in PopulationSettings.model_fields}
    assert settings <= SHAPING.keys() | NOT_SHAPING.keys() | ONLY_VALUE


@pytest.mark.parametrize("name", REFERENCES)
def test_each_reference_list_changes_the_name(name: str) -> None:
    assert _name(references=REFERENCES | {name: "ee"}) != _name()


def test_the_severity_table_changes_the_name_of_models_that_read_it() -> None:
    other = {"severity_version": "delivered-2"}
    assert _name(**other) != _name() and _name(indicator="readmission", **other) != _name(indicator="readmission")
    assert _name(indicator="stay", **other) == _name(indicator="stay")


def test_cohort_and_years_change_the_name() -> None:
    assert _name(cohort="ee") != _name()
    # The end of the span alone does not say which years are in it.
    assert _name(model_years=(2016, 2018, 2019))[-8:] != _name()[-8:]


def test_program_version_changes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _name()
    monkeypatch.setattr(registry, "__version__", "9.9.9")
    assert _name() != before


READMISSION_SHAPING = {
    "readmission.window_days": "14", "readmission.hospital": "same", "readmission.urgent_only": "true",
    "readmission.transfers": "counted", "readmission.covid_excluded_years": "[2020]", "readmission.left_out_groups": "['100']",
}  # fmt: skip
READMISSION_NOT_SHAPING = {
    # Of these the cohort has a fingerprint; a frozen model does not change because a later day is delivered.
    "readmission.delivered_until": "2020-12-31", "readmission.settle_days": "0", "readmission.confidence": "0.9",
}  # fmt: skip
STAY_SHAPING = {
    "olo.minimum_cell_admissions": "40", "olo.minimum_procedure_admissions": "40", "olo.covid_excluded_years": "[2020]"
}  # fmt: skip
STAY_NOT_SHAPING = {
    "olo.estimator": "gamma_model", "olo.longer_than_percent": "100", "olo.at_least": "true", "olo.confidence": "0.9",
    "models.minimum_class_admissions": "40",
}  # fmt: skip


@pytest.mark.parametrize(
    ("indicator", "shaping", "others"),
    [("readmission", READMISSION_SHAPING, READMISSION_NOT_SHAPING), ("stay", STAY_SHAPING, STAY_NOT_SHAPING)],
)
def test_settings_of_an_outcome_shape_its_models_alone(indicator: str, shaping: dict[str, str], others: dict[str, str]) -> None:
    plain = _name(indicator=indicator)
    assert all(_name(f"{path}={value}", indicator=indicator) != plain for path, value in shaping.items())
    assert all(_name(f"{path}={value}", indicator=indicator) == plain for path, value in others.items())
    assert all(_name(f"{path}={value}") == _name() for path, value in (shaping | others).items() if not path.startswith("models"))


def test_every_setting_of_readmission_and_stay_is_judged_here() -> None:
    settings = {f"readmission.{name}" for name in ReadmissionSettings.model_fields}
    settings |= {f"olo.{name}" for name in LongStaySettings.model_fields}
    assert settings <= {*READMISSION_SHAPING, *READMISSION_NOT_SHAPING, *STAY_SHAPING, *STAY_NOT_SHAPING}


def test_what_a_version_was_fitted_for_is_compared_and_how_is_not() -> None:
    stored = json.dumps(registry.shaping_settings(load_settings(), "readmission", "delivered-1"))
    changed = load_settings(overrides=["readmission.hospital=same", "models.minimum_class_admissions=40"])

    def differences(settings: Settings, table: str, *, of_fit: bool) -> list[str]:
        wanted = registry.shaping_settings(settings, "readmission", table)
        return registry.differences(stored, wanted, None if of_fit else "models")

    assert differences(load_settings(), "delivered-1", of_fit=True) == []
    assert differences(changed, "delivered-1", of_fit=False) == ["readmission.hospital any, now same"]
    both = ["models.minimum_class_admissions 50, now 40", "readmission.hospital any, now same"]
    assert differences(changed, "delivered-1", of_fit=True) == both
    other = differences(load_settings(), "severity-2017-2018-1f0c2a9b", of_fit=True)
    assert other == ["severity.table delivered-1, now severity-2017-2018-1f0c2a9b"]

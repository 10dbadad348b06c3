"""Settings: layers, every problem in one message, the method's defaults (METHOD sections 2-5)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from lbz_indicators.commands.options import settings_of
from lbz_indicators.config import (
    CONF,
    ModelSettings,
    Settings,
    SyntheticSettings,
    load_settings,
    minutes_after_midnight,
    parse_years,
)
from lbz_indicators.errors import SettingsError


def _value(settings: Settings, path: str) -> Any:
    value: Any = settings
    for part in path.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("population.care_types", ("K", "O")),
        ("population.diagnosis_grouping", "groups"),
        ("population.covid_codes", ("U071", "U072", "U109")),
        ("population.covid_excluded_years", (2020, 2021)),
        ("population.healthy_person_codes", ("Z38", "Z763", "Z764")),
        ("population.nza_rules_from_year", 2017),
        ("population.nza_evening_from", "20:00"),
        ("population.nza_observation_hours", 4),
        ("validation.maximum_age_years", 120),
        ("validation.long_stay_days", 365),
        ("models.engine", "mllib"),
        ("models.verify", "none"),
        ("models.maximum_model_years", 4),
        ("models.minimum_class_admissions", 50),
        ("models.merge_zero_event_classes", True),
        ("models.frozen_year", "last"),
        ("models.newton_decrement", 1e-16),
        ("models.maximum_newton_steps", 100),
        ("models.separated_ridge", 1e-8),
        ("models.separated_tolerance", 1e-9),
        ("models.pack_columns", 400),
        ("models.pack_rows", 500_000),
        ("models.fit_threads", 3),
        ("indicators.reporting_years", 3),
        ("indicators.hsmr_confidence", 0.95),
        ("indicators.smr_confidence", 0.98),
        ("readmission.window_days", 30),
        ("readmission.hospital", "any"),
        ("readmission.urgent_only", False),
        ("readmission.transfers", "linked"),
        ("readmission.delivered_until", None),
        ("readmission.settle_days", 15),
        ("readmission.covid_excluded_years", (2020, 2021, 2022)),
        ("readmission.left_out_groups", ()),
        ("readmission.confidence", 0.95),
        ("olo.estimator", "cell_mean"),
        ("olo.minimum_cell_admissions", 50),
        ("olo.minimum_procedure_admissions", 50),
        ("olo.longer_than_percent", 50),
        ("olo.at_least", False),
        ("olo.covid_excluded_years", (2020, 2021, 2022)),
        ("olo.confidence", 0.95),
        ("indicators.own_reference_share", 0.5),
    ],
)
def test_defaults_are_those_of_the_method(path: str, expected: object) -> None:
    """Truth: METHOD sections 2-5."""
    assert _value(load_settings(), path) == expected


def _leaves(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, below in value.items():
        found |= _leaves(below, f"{above}{key}.") if isinstance(below, dict) else {f"{above}{key}": below}
    return found


def test_every_value_of_method_yml_is_a_setting_and_arrives_unchanged() -> None:
    settings = load_settings()
    leaves = _leaves(yaml.safe_load(CONF.joinpath("method.yml").read_text(encoding="utf-8")))
    assert len(leaves) >= 27
    for path, written in leaves.items():
        assert _value(settings, path) == (tuple(written) if isinstance(written, list) else written), path


def test_every_setting_of_the_models_stands_in_method_yml() -> None:
    """No default of the method hides in code."""
    written = yaml.safe_load(CONF.joinpath("method.yml").read_text(encoding="utf-8"))
    assert set(written["models"]) == set(ModelSettings.model_fields)
    synthetic = yaml.safe_load(CONF.joinpath("synthetic.yml").read_text(encoding="utf-8"))
    assert set(synthetic["synthetic"]) == set(SyntheticSettings.model_fields)
    required = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert {*written, *synthetic} == required


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("local.yml", "spark.master", "local[*]"),
        ("sample.yml", "delivery.source", "sih"),
        ("sample.yml", "years", (2019,)),
        ("sample.yml", "readmission.settle_days", 0),
        ("sample.yml", "delivered_until", dt.date(2019, 12, 31)),
        ("databricks.yml", "spark.master", "cluster"),
        ("databricks.yml", "storage.delta_snapshot_partitions", None),
    ],
)
def test_shipped_files(name: str, path: str, expected: object) -> None:
    assert _value(load_settings(str(CONF.joinpath(name))), path) == expected


def test_later_layers_win(tmp_path: Path) -> None:
    """method.yml < file < --set, key by key; a list is replaced, not mixed; of two --set the later wins."""
    file = tmp_path / "site.yml"
    file.write_text("models: {fit_threads: 2, pack_rows: 1000}\npopulation: {care_types: [K]}\n", encoding="utf-8")
    settings = load_settings(str(file), ["models.fit_threads=7", "models.fit_threads=5"])
    assert (settings.models.pack_columns, settings.models.pack_rows, settings.models.fit_threads) == (400, 1000, 5)
    assert settings.population.care_types == ("K",)
    assert settings.population.nza_evening_from == "20:00"


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("models.engine=glum", "models.engine", "glum"),
        (" models.engine =glum", "models.engine", "glum"),
        ("models.merge_zero_event_classes=false", "models.merge_zero_event_classes", False),
        ("models.separated_ridge=1.0e-9", "models.separated_ridge", 1e-9),
        ("population.care_types=[K]", "population.care_types", ("K",)),
        ("spark.master=local[2]", "spark.master", "local[2]"),
        ("storage.root=/data/a=b", "storage.root", "/data/a=b"),
        ("delivery.load_date=2020-01-31", "delivery.load_date", dt.date(2020, 1, 31)),
        ("period.years=2016-2019", "period.years", (2016, 2017, 2018, 2019)),
        ("period.years=[2018, 2019]", "period.years", (2018, 2019)),
        ("models={engine: glum}", "models.engine", "glum"),
    ],
)
def test_set(override: str, path: str, expected: object) -> None:
    assert _value(load_settings(overrides=[override]), path) == expected


def test_all_problems_stand_in_one_message(tmp_path: Path) -> None:
    """Unknown key, unknown section, wrong type, impossible value, missing =, broken YAML: six, each with its path."""
    file = tmp_path / "site.yml"
    file.write_text("models: {engin: glum, pack_columns: many, separated_ridge: 1}\nmodel: {}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(str(file), ["spark.memory", "models.engine=[", "population.care_types=[K, X]"])
    message = str(caught.value)
    assert caught.value.exit_status == 2
    assert message.startswith("7 wrong settings:")
    for line in (
        "models.engin: no such setting",
        "model: no such setting",
        "models.pack_columns:",
        "(given: 'many')",
        "models.separated_ridge:",
        "population.care_types.1:",
        "--set 'spark.memory': write key.path=value",
        "--set models.engine: the value is not valid YAML",
    ):
        assert line in message
    assert str(file) in message


@pytest.mark.parametrize(
    "override",
    [
        "models.engine=sas",
        "models.pack_columns=4097",  # MLlib's limit
        "models.pack_columns=1",
        "models.minimum_class_admissions=0",
        "models.newton_decrement=0",
        "models.frozen_year=first",
        "models.maximum_model_years=4.5",
        "models=3",
        "models=",
        "models.engine.name=glum",
        "indicators.hsmr_confidence=95",
        "indicators.smr_confidence=1",
        "indicators.smr_confidence=.nan",
        "population.nza_evening_from=24:00",
        "population.nza_observation_hours=25",
        "population.care_types=[]",
        "population.diagnosis_grouping=ccsr",
        "spark.memory=8",
        "spark.memory=0g",
        "period.years=2019-2016",
        "period.years=[2016, 2018]",
        "period.years=[2019, 2018]",
        "period.years=1816",
        "period.years=abc",
        "delivery.id=a/b",
        "storage.retention_days=6",
        "storage.catalog=nation",  # without a work path
        "a..b=1",
        "=1",
    ],
)
def test_impossible_values_end_with_status_2(override: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides=[override])
    assert caught.value.exit_status == 2
    assert override.partition("=")[0].split(".")[0] in str(caught.value)


def test_tables_have_one_place() -> None:
    with pytest.raises(SettingsError, match="not both"):
        load_settings(overrides=["storage.root=/data", "storage.catalog=nation", "storage.work_path=/volume"])


def test_missing_file() -> None:
    with pytest.raises(SettingsError, match=r"absent\.yml is not there") as caught:
        load_settings("absent.yml")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"models: [1, 2\nspark: {", "not valid YAML"),
        (b"\tmodels: 1", "not valid YAML"),
        (b"", "holds no settings"),
        (b"- models", "holds no settings"),
        (b"spark: {master: caf\xe9}", "cannot be read"),
    ],
)
def test_broken_file(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "site.yml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("2016-2019", [2016, 2017, 2018, 2019]),
        (" 2016 - 2017 ", [2016, 2017]),
        ("2019-2019", [2019]),
        (2019, [2019]),
        ("2018,2019", ["2018", "2019"]),
        ("2018, 2019", ["2018", "2019"]),
        ("2019-2016", [2019, 2016]),
        ([2018, 2019], [2018, 2019]),
        (None, None),
    ],
)
def test_parse_years(written: object, years: object) -> None:
    assert parse_years(written) == years


def test_model_years_and_reported_years() -> None:
    """METHOD: model years t-3..t, figures of t-2..t, as many as are delivered."""
    six = load_settings(overrides=["period.years=2014-2019"])
    assert (six.reporting_year, six.model_years, six.reported_years) == (2019, (2016, 2017, 2018, 2019), (2017, 2018, 2019))
    two = load_settings(overrides=["period.years=2018-2019"])
    assert (two.reporting_year, two.model_years, two.reported_years) == (2019, (2018, 2019), (2018, 2019))
    shorter = load_settings(overrides=["period.years=2016-2019", "models.maximum_model_years=2", "indicators.reporting_years=1"])
    assert (shorter.model_years, shorter.reported_years) == ((2018, 2019), (2019,))


def test_population_years_are_model_years_and_reported_years_of_all_models() -> None:
    """METHOD section 3, reason 2; readmissions of year t have the model of t-4..t-1 (section 6)."""
    assert load_settings(overrides=["period.years=2014-2019"]).population_years == (2015, 2016, 2017, 2018, 2019)
    assert load_settings(overrides=["period.years=2016-2019"]).population_years == (2016, 2017, 2018, 2019)
    short = load_settings(overrides=["period.years=2014-2019", "models.maximum_model_years=2"])
    assert short.population_years == (2017, 2018, 2019)


@pytest.mark.parametrize(("years", "expected"), [("2014-2019", (2015, 2016, 2017, 2018)), ("2018-2019", (2018,)), ("2019", ())])
def test_the_model_of_readmissions_is_of_the_years_before(years: str, expected: tuple[int, ...]) -> None:
    assert load_settings(overrides=[f"period.years={years}"]).earlier_model_years == expected


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ([], "any_30d"),
        (["hospital=same"], "same_30d"),
        (["urgent_only=true", "window_days=14"], "any_14d_urgent"),
        (["transfers=counted", "hospital=same", "urgent_only=true"], "same_30d_urgent_transfers"),
    ],
)
def test_a_combination_of_readmission_settings_has_a_name(chosen: list[str], name: str) -> None:
    assert load_settings(overrides=[f"readmission.{setting}" for setting in chosen]).readmission.definition == name


def test_the_day_until_which_all_have_delivered_must_be_said() -> None:
    with pytest.raises(SettingsError, match="--delivered-until 2019-12-31"):
        _ = load_settings(overrides=["period.years=2018-2019"]).delivered_until
    given = load_settings(overrides=["period.years=2019", "readmission.delivered_until=2019-11-30"])
    assert given.delivered_until == dt.date(2019, 11, 30)


def test_a_run_without_years_is_told() -> None:
    with pytest.raises(SettingsError, match="years of the run are not given"):
        _ = load_settings().model_years


def test_minutes_after_midnight() -> None:
    assert [minutes_after_midnight(clock) for clock in ("00:00", "20:00", "23:59")] == [0, 1200, 1439]


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().models.fit_threads = 9


def test_fingerprint_follows_every_setting() -> None:
    plain = load_settings()
    assert plain.fingerprint == load_settings().fingerprint
    changed = [
        load_settings(overrides=[o]).fingerprint for o in ("models.fit_threads=1", "delivery.source=sih", "period.years=2019")
    ]
    assert len({plain.fingerprint, *changed}) == 4


@pytest.mark.parametrize("folder", ["/data/2019", "2019", "2019-01-01", "/data/delivery #2", "no", "[a]", "~", "/data: new"])
def test_options_of_the_command_line_are_taken_literally(folder: str) -> None:
    """A path given to --input or --output is text, not YAML: `--output 2019`, `--input '/data/delivery #2'`."""
    assert settings_of(None, None, delivery__input=folder).delivery.input == folder


@pytest.mark.parametrize("option", ["delivery.load_date=2020-02-30", "delivery.load_date=2020-13-01"])
def test_an_impossible_date_is_a_wrong_setting(option: str) -> None:
    with pytest.raises(SettingsError, match=r"delivery\.load_date"):
        load_settings(overrides=[option])


def test_an_impossible_date_in_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    file = tmp_path / "site.yml"
    file.write_text("delivery: {load_date: 2020-02-30}\n", encoding="utf-8")
    with pytest.raises(SettingsError):
        load_settings(str(file))


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("delivery.id=0812", "delivery.id", "0812"),
        ("population.covid_codes=[09]", "population.covid_codes", ("09",)),
        ("models.fit_threads=08", "models.fit_threads", 8),
        ("models.fit_threads=010", "models.fit_threads", 10),
    ],
)
def test_leading_zeros_are_kept_in_text_and_mean_nothing_in_numbers(override: str, path: str, expected: object) -> None:
    """YAML 1.1 takes 010 for the octal 8, and 08 for text."""
    assert _value(load_settings(overrides=[override]), path) == expected


def test_a_clock_time_can_be_given_on_the_command_line() -> None:
    """YAML 1.1 reads 20:30 without quotes as the number 1230."""
    assert load_settings(overrides=["population.nza_evening_from=20:30"]).population.nza_evening_from == "20:30"

"""The registry on the tables of a run: a second version, compared, promoted and retired; a version that travels as files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from lbz_indicators import printing, tables
from lbz_indicators.errors import DeliveryError, ModelError, SettingsError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.progress import SILENT
from lbz_indicators.registry_views import compare, describe_version, list_versions
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.exchange import export_model, import_model, read_files
from lbz_indicators.steps.predicted import mortality_family, stay_family
from lbz_indicators.steps.promotion import promote, retire
from lbz_indicators.steps.run import run_alone, run_steps
from sample import SampleRun, assert_equal_to_independent, current_figures, sample_settings

pytestmark = pytest.mark.long

OTHER_CLASSES = ("models.minimum_class_admissions=80", "models.promotion=by_hand")


@pytest.fixture(scope="module")
def copied(sample_run: SampleRun, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    """The tables of the sample's run, to be changed here, and a second version of the mortality models as a candidate."""
    root = tmp_path_factory.mktemp("registry") / "tables"
    shutil.copytree(str(sample_run.settings.storage.root), root)
    settings = sample_settings(shared_data, root)
    store = Store(sample_run.spark, settings.storage)
    STEPS["fit"](store, sample_settings(shared_data, root, *OTHER_CLASSES), SILENT, "second")
    return SampleRun(sample_run.spark, settings, store, sample_run.run_id)


def _versions(run: SampleRun) -> tuple[str, str]:
    """(the version that the run made current, the one made after it)"""
    found = Versions.read(run.store).of(mortality_family(run.settings))
    second = [v.name for v in found if json.loads(v.settings)["models"]["minimum_class_admissions"] == 80]
    first = [v.name for v in found if v.name not in second]
    assert len(first) == len(second) == 1
    return first[0], second[0]


def _status(run: SampleRun, name: str) -> str | None:
    version = Versions.read(run.store).named(name)
    assert version is not None
    return version.status


def test_a_version_waits_for_its_promotion_and_the_former_one_is_retired(copied: SampleRun) -> None:
    first, second = _versions(copied)
    assert (_status(copied, first), _status(copied, second)) == ("current", "candidate")
    settings = copied.settings
    said = run_alone(copied.spark, settings, "models promote", lambda store, *_: promote(store, second, "wider classes"), SILENT)
    assert (_status(copied, first), _status(copied, second)) == ("retired", "current") and second in said.message
    listed = {row["model_version"]: row for row in list_versions(copied.store).collect()}
    assert listed[second]["note"] == "wider classes" and listed[first]["note"] == f"replaced by {second}: wider classes"
    facts = {row["fact"]: row["value"] for row in describe_version(copied.store, second).collect()}
    assert json.loads(facts["settings"])["models"]["minimum_class_admissions"] == 80
    assert {name: len(value) for name, value in json.loads(facts["references"]).items()} == dict.fromkeys(
        ("diagnosis_codes", "diagnosis_groups", "charlson"), 64
    )
    assert [fact.split()[0] for fact in facts if " since " in fact] == ["candidate", "current"]
    runs = copied.store.read(tables.GOLD_RUNS).where("step = 'models promote'").collect()
    assert [(row["status"], row["message"]) for row in runs] == [("done", said.message)]

    assert promote(copied.store, second, "again").rows_out == 0
    retire(copied.store, second, "a mistake")
    assert Versions.read(copied.store).current(mortality_family(settings)) is None
    assert retire(copied.store, second, "again").rows_out == 0
    promote(copied.store, first, "back")
    assert (_status(copied, first), _status(copied, second)) == ("current", "retired")


def test_a_version_that_is_not_there_is_named_in_the_message(copied: SampleRun) -> None:
    for change in (promote, retire):
        with pytest.raises(SettingsError, match="no model version 'mortality-2019-0000000'"):
            change(copied.store, "mortality-2019-0000000", "typing")


def test_two_versions_side_by_side(copied: SampleRun, capsys: pytest.CaptureFixture[str]) -> None:
    """Every hospital's ratio under the first is the one of the run; under either the nation's is 100, for both are of its year."""
    first, second = _versions(copied)
    compared = compare(copied.store, copied.settings, first, second)
    figures = current_figures(copied.store, first).query("indicator == 'hsmr'")
    both = compared.hospitals.merge(figures, on="hospital_id", how="outer", suffixes=("", "_run"), validate="one_to_one")
    assert len(both) == 272 and (both.admissions == both.admissions_run).all() and (both.observed == both.observed_run).all()
    np.testing.assert_allclose(both.expected_a, both.expected, rtol=0, atol=1e-12)
    nation = compared.hospitals[compared.hospitals.hospital_id.isna()].iloc[0]
    assert nation.ratio_a == pytest.approx(100, abs=1e-6) and nation.ratio_b == pytest.approx(100, abs=1e-6)
    assert compared.hospitals.ratio_change.abs().max() > 0.5  # other classes do matter to somebody
    groups = compared.groups
    fitted = groups[groups.status_a == "fitted"]
    assert (fitted.terms_b <= fitted.terms_a).all() and (fitted.terms_b < fitted.terms_a).any()
    assert groups.loc[groups.terms_b < groups.terms_a, "merged_otherwise"].sum() > 0
    same = compare(copied.store, copied.settings, first, first)
    assert (same.hospitals.ratio_change.dropna() == 0).all() and (same.coefficients.difference == 0).all()
    assert (same.groups.merged_otherwise.dropna() == 0).all() and (same.groups.sign_changes.dropna() == 0).all()

    printing.print_comparison(copied.spark, copied.settings, first, second, printing.SUMMARY, printing.TABLE)
    said = capsys.readouterr()
    assert "hospitals, 20 of 272 that differ most" in said.out and f"A  {first}\nB  {second}\n" in said.err
    printing.print_comparison(copied.spark, copied.settings, first, second, "hospitals", printing.JSON)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 272 and lines[0]["hospital_id"] is None
    with pytest.raises(SettingsError, match="no part 'hospital'"):
        printing.print_comparison(copied.spark, copied.settings, first, second, "hospital", printing.TABLE)


def test_models_of_different_events_are_not_compared(copied: SampleRun) -> None:
    stay = next(v.name for v in Versions.read(copied.store).of(stay_family(2019)))
    with pytest.raises(SettingsError, match="cannot be compared: mortality, stay"):
        compare(copied.store, copied.settings, _versions(copied)[0], stay)


def test_one_organisation_fits_and_another_scores(
    copied: SampleRun, spark: SparkSession, shared_data: Path, tmp_path: Path
) -> None:
    """The other one never fits a logistic model, and has the figures of the independent implementation to 1e-6."""
    first, _ = _versions(copied)
    files = export_model(copied.store, first, str(tmp_path / "files"))
    assert set(files) == {path.name for path in (tmp_path / "files").iterdir()}
    with pytest.raises(SettingsError, match=r"holds .*model\.json"):
        export_model(copied.store, first, str(tmp_path / "files"))

    settings = sample_settings(shared_data, tmp_path / "other", "models.refit=never")
    for layer in ("bronze", "silver"):  # the admissions as derived, and no model
        shutil.copytree(f"{copied.settings.storage.root}/{layer}", tmp_path / "other" / layer)
    store = Store(spark, settings.storage)
    with pytest.raises(ModelError, match=r"No mortality model over 2019-2019 is current"):
        STEPS["fit"](store, settings, SILENT, "too early")
    delivered = read_files(str(tmp_path / "files"))
    assert import_model(store, delivered, "of the registry", "import").rows_out
    assert import_model(store, delivered, "of the registry", "import").rows_out == 0
    imported = Versions.read(store).named(first)
    assert imported is not None and imported.status == registry.CANDIDATE
    promote(store, first, "of the registry")
    run_steps(spark, settings, ["fit", "score", "indicators"], SILENT)
    assert [row["model_version"] for row in store.read(tables.GOLD_MODELS).collect() if row["indicator"] == "mortality"] == [
        first
    ]
    figures = current_figures(store)
    assert_equal_to_independent(figures, shared_data)
    key = ["indicator", "breakdown", "breakdown_value", "hospital_id", "period_start"]
    theirs = figures.sort_values(key)[[*key, "expected", "lower", "upper", "own_reference_share"]].reset_index(drop=True)
    ours = current_figures(copied.store, first).sort_values(key)[theirs.columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)


def test_a_version_of_the_same_name_and_other_content_is_refused(copied: SampleRun, tmp_path: Path) -> None:
    first, _ = _versions(copied)
    export_model(copied.store, first, str(tmp_path / "files"))
    about, rows = read_files(str(tmp_path / "files"))
    group, covariate, code, label, term, estimate, *rest = rows[tables.GOLD_MODEL_COEFFICIENTS][5]
    rows[tables.GOLD_MODEL_COEFFICIENTS][5] = (group, covariate, code, label, term, estimate + 1e-9, *rest)
    with pytest.raises(DeliveryError, match=f"A version {first} with other content is there already"):
        import_model(copied.store, (about, rows), "forged", "import")
    with pytest.raises(DeliveryError, match=r"The folder .* is not there"):
        read_files(str(tmp_path / "elsewhere"))

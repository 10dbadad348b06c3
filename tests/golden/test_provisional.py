"""The provisional HSMR of 2020 by the model of 2016-2019, the definitive one by that of 2017-2020, and why they differ.

Truth: the frozen score of the golden set (R's coefficients, pandas), and plain Python from exported model files.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from independent_scoring import IndependentModel, expected_sum

from golden import Golden, expected, golden_settings
from lbz_indicators import show, tables
from lbz_indicators.cli import app
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.stats.difference import Sums
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.exchange import export_model
from lbz_indicators.steps.explained_sides import sides_of
from lbz_indicators.steps.explanation import Part, explain
from lbz_indicators.steps.predicted import mortality_family
from lbz_indicators.steps.run import run_steps

pytestmark = pytest.mark.long

KEY = ["hospital_id", "admission_id"]
FIGURES = ["fit", "score", "indicators"]


@dataclass
class Both:
    """A store with the provisional figures of 2020 and then the definitive ones."""

    store: Store
    provisional: Settings
    definitive: Settings
    versions: tuple[str, str]
    runs: tuple[str, str]
    models: tuple[IndependentModel, IndependentModel]

    @property
    def admissions(self) -> pd.DataFrame:
        """The population of 2020."""
        rows = self.store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL AND discharge_year = 2020")
        return rows.toPandas()


@pytest.fixture(scope="module")
def both(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Both:
    root = tmp_path_factory.mktemp("provisional") / "tables"
    shutil.copytree(str(golden.settings.storage.root), root)
    provisional, definitive = (
        golden_settings(root, "period.years=2016-2020", f"indicators.mortality={variant}")
        for variant in ("provisional", "definitive")
    )
    spark, store = golden.store.spark, Store(golden.store.spark, provisional.storage)
    runs = (run_steps(spark, provisional, ["derive", *FIGURES], SILENT), run_steps(spark, definitive, FIGURES, SILENT))
    names = tuple(Versions.read(store).require(mortality_family(settings)).name for settings in (provisional, definitive))
    folders = [root.parent / name for name in names]
    for name, folder in zip(names, folders):
        export_model(store, name, str(folder))
    models = tuple(IndependentModel(folder) for folder in folders)
    return Both(store, provisional, definitive, names, runs, models)  # type: ignore[arg-type]


def _figures(both: Both, variant: str, year: int = 2020) -> pd.DataFrame:
    rows = both.store.read(tables.GOLD_INDICATORS).where(f"indicator IN ('hsmr', 'smr') AND variant = '{variant}'")
    return rows.where(f"year(period_start) = {year} AND year(period_end) = {year}").toPandas()


def test_the_definitive_model_of_the_year_before_stays_as_it_is(both: Both, golden: Golden) -> None:
    """2016-2019 was fitted a year ago; the provisional round takes that very version."""
    assert both.versions[0] == golden.version
    made = both.store.read(tables.GOLD_MODELS).where("indicator = 'mortality'").collect()
    assert sorted(row["model_version"] for row in made) == sorted(both.versions)


def test_provisional_figures_equal_the_frozen_score(both: Both) -> None:
    """Expected of every hospital and diagnosis group to 1e-9; the comparison with the nation worked out here."""
    truth = expected("frozen_score.csv.gz").dropna(subset=["expected"])
    of_2020 = truth.merge(both.admissions[[*KEY, "reporting_hospital_id"]], on=KEY, how="left", validate="one_to_one")
    found = _figures(both, "provisional")
    hospitals = found[(found.indicator == "hsmr") & found.hospital_id.notna()].set_index("hospital_id").sort_index()
    wanted = of_2020.groupby("reporting_hospital_id").agg(o=("observed", "sum"), e=("expected", "sum"), n=("expected", "size"))
    assert len(hospitals) == len(wanted) > 5 and (hospitals.model_version == both.versions[0]).all()
    assert (hospitals.observed == wanted.o).all() and (hospitals.admissions == wanted.n).all()
    np.testing.assert_allclose(hospitals.expected, wanted.e, rtol=0, atol=1e-9)
    nation = 100 * of_2020.observed.sum() / of_2020.expected.sum()
    np.testing.assert_allclose(hospitals.national_value, nation, rtol=1e-12)
    np.testing.assert_allclose(hospitals.comparison_value, 100 * (100 * wanted.o / wanted.e) / nation, rtol=1e-9)
    for limit in ("lower", "upper"):
        np.testing.assert_allclose(hospitals[f"comparison_{limit}"], 100 * hospitals[limit] / nation, rtol=1e-12)
    verdict = np.where(hospitals.lower > nation, "higher", np.where(hospitals.upper < nation, "lower", "none"))
    assert (hospitals.comparison_significance == verdict).all() and set(verdict) > {"none"}
    groups = found[(found.breakdown == "diagnosis_group") & found.hospital_id.isna()].set_index("breakdown_value")
    np.testing.assert_allclose(
        groups.expected, of_2020.groupby("diagnosis_group").expected.sum()[groups.index], rtol=0, atol=1e-9
    )


def test_provisional_and_definitive_figures_of_a_year_stand_beside_each_other(both: Both) -> None:
    provisional, definitive = (_figures(both, variant) for variant in ("provisional", "definitive"))
    of_nation = {
        name: one[(one.indicator == "hsmr") & one.hospital_id.isna()] for name, one in (("p", provisional), ("d", definitive))
    }
    assert {name: rows.model_version.tolist() for name, rows in of_nation.items()} == dict(
        zip("pd", ([v] for v in both.versions))
    )
    assert len(_figures(both, "definitive", 2019)) and not len(_figures(both, "provisional", 2019))
    # The fitted years of each: the nation is 100 over all four of them, whatever is in the table beside.
    assert definitive.comparison_value.isna().all()


def test_show_puts_the_verdict_against_the_nation_first(both: Both) -> None:
    for settings, verdict in ((both.provisional, "comparison_significance"), (both.definitive, "admissions")):
        versions = show.shown_versions(both.store, settings, "hsmr")
        frame = show.hsmr(both.store, settings, versions, None)
        assert frame.columns[-9 if verdict == "admissions" else 3] == verdict
        years = {row["period"].split(" (only")[0] for row in frame.collect()}
        assert years == ({"2020"} if verdict != "admissions" else {"2018", "2019", "2020", "2018-2020"})
        summary = show.national_summary(both.store, settings, versions, "hsmr").collect()
        assert {row["period"].split(" (only")[0] for row in summary} == years


def test_one_year_has_no_provisional_figure(both: Both) -> None:
    settings = both.provisional.model_copy(update={"period": both.provisional.period.model_copy(update={"years": (2020,)})})
    with pytest.raises(SettingsError, match="needs a model of the year before"):
        mortality_family(settings)


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    return frame.to_dict("records")  # type: ignore[return-value]


@pytest.mark.parametrize(("hospital", "group"), [("H03", None), ("H01", "63"), (None, None)])
def test_why_the_definitive_figure_differs_from_the_provisional_one(both: Both, hospital: str | None, group: str | None) -> None:
    """E_A(B) and E_B(B) rescored independently agree to 1e-9, and the same admissions have no other term than the model's."""
    part = Part(hospital, group)
    found = explain(both.store, both.definitive, *sides_of(both.store, both.definitive, None, None, None), part)
    assert (found.a.version.name, found.b.version.name) == both.versions
    rows = both.admissions
    rows = rows if hospital is None else rows[rows.reporting_hospital_id == hospital]
    rows = rows if group is None else rows[rows.diagnosis_group == group]
    scored = [[model.expected(row) is not None for row in _rows(rows)] for model in both.models]
    sums = [
        (sum(known), int(rows.died[known].sum()), expected_sum(model, _rows(rows))) for known, model in zip(scored, both.models)
    ]
    for figure, (n, o, e) in zip((found.figures.a, found.figures.b), sums):
        assert (figure.admissions, figure.observed) == (n, o) and figure.expected == pytest.approx(e, abs=1e-9)
    known_to_both = rows[np.array(scored[0]) & np.array(scored[1])]
    assert found.figures.scored_by_a.expected == pytest.approx(expected_sum(both.models[0], _rows(known_to_both)), abs=1e-9)
    assert found.figures.scored_by_b.expected == pytest.approx(expected_sum(both.models[1], _rows(known_to_both)), abs=1e-9)
    assert found.terms is not None and (found.terms.crude, found.terms.case_mix) == (0, 0)
    by_model = math.log(found.figures.scored_by_a.expected / found.figures.scored_by_b.expected)
    assert found.terms.model == pytest.approx(by_model, abs=1e-12)
    ratio_a, ratio_b = (o / e for _, o, e in sums)
    assert found.terms.total == pytest.approx(math.log(ratio_b / ratio_a), abs=1e-12)
    if group is None:
        stored = [_figures(both, v).query("indicator == 'hsmr'") for v in ("provisional", "definitive")]
        for frame, figure in zip(stored, (found.figures.a, found.figures.b)):
            row = frame[frame.hospital_id.isna() if hospital is None else frame.hospital_id == hospital].iloc[0]
            assert (row.observed, row.expected) == (figure.observed, figure.expected)


def test_last_year_and_this_year_under_one_model(both: Both) -> None:
    """No model term; crude mortality and case mix by hand from the admissions of both years."""
    sides = sides_of(both.store, both.definitive, (both.versions[1], both.versions[1]), None, ("2019", "2020"))
    found = explain(both.store, both.definitive, *sides, Part("H03"))
    every = (
        both.store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL AND reporting_hospital_id = 'H03'").toPandas()
    )
    rows = [every[every.discharge_year == year] for year in (2019, 2020)]
    n, o = [len(one) for one in rows], [int(one.died.sum()) for one in rows]
    e = [expected_sum(both.models[1], _rows(one)) for one in rows]
    assert found.terms is not None and found.terms.model == 0 and found.terms.population == 0
    assert found.terms.crude == pytest.approx(math.log((o[1] / n[1]) / (o[0] / n[0])), abs=1e-12)
    assert found.terms.case_mix == pytest.approx(-math.log((e[1] / n[1]) / (e[0] / n[0])), abs=1e-9)


def test_last_run_and_this_run(both: Both) -> None:
    """After the last run one hospital's month is withdrawn: the run's own admissions are read as it found them."""
    before = explain(
        both.store, both.definitive, *sides_of(both.store, both.definitive, (both.versions[1],) * 2, None, None), Part("H03")
    )
    table = f"delta.`{both.definitive.storage.root}/silver/covariates`"
    gone = "reporting_hospital_id = 'H03' AND discharge_year = 2020 AND admission_month = 5"
    version = both.store.version(tables.SILVER_COVARIATES)
    both.store.spark.sql(f"DELETE FROM {table} WHERE {gone}")
    try:
        rows = both.admissions.query("reporting_hospital_id == 'H03'")
        now = explain(
            both.store, both.definitive, *sides_of(both.store, both.definitive, (both.versions[1],) * 2, None, None), Part("H03")
        )
        sides = sides_of(both.store, both.definitive, (both.versions[1],) * 2, (both.runs[1],) * 2, None)
        as_then = explain(both.store, both.definitive, *sides, Part("H03"))
        mixed = explain(both.store, both.definitive, sides[0], now.b, Part("H03"))
    finally:
        both.store.spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {version}")
    assert as_then.figures == before.figures and now.figures.b.admissions == len(rows) < before.figures.b.admissions
    assert mixed.figures.a == before.figures.a and mixed.figures.b == now.figures.b
    assert mixed.terms is not None and (mixed.terms.crude, mixed.terms.case_mix, mixed.terms.model) == (0, 0, 0)
    withdrawn = math.log(_ratio(mixed.figures.b) / _ratio(mixed.figures.a))
    assert mixed.terms.population == pytest.approx(withdrawn, abs=1e-12) and withdrawn != 0


def _ratio(sums: Sums) -> float:
    return sums.observed / sums.expected


def test_a_model_made_with_other_settings_scores_the_admissions_as_it_would_have_had_them(both: Both, tmp_path: Path) -> None:
    """Without the NZa rules more admissions are in: the rows are derived anew for the model that was made so, and back."""
    root = tmp_path / "tables"
    shutil.copytree(str(both.definitive.storage.root), root)
    other = golden_settings(root, "period.years=2016-2020", "population.nza_rules_from_year=2100", "models.refit=maintenance")
    store = Store(both.store.spark, other.storage)
    for step in ("derive", *FIGURES):
        STEPS[step](store, other, SILENT, "without NZa rules")
    wide = Versions.read(store).require(mortality_family(other)).name
    export_model(store, wide, str(tmp_path / "wide"))
    found = explain(store, other, *sides_of(store, other, (both.versions[1], wide), None, None), Part("H03"))
    back = explain(store, other, *sides_of(store, other, (wide, both.versions[1]), None, None), Part("H03"))
    wanted = explain(
        both.store, both.definitive, *sides_of(both.store, both.definitive, (both.versions[1],) * 2, None, None), Part("H03")
    )
    assert found.figures.a == wanted.figures.a == back.figures.b
    assert found.figures.b == back.figures.a
    rows = store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL AND discharge_year = 2020").toPandas()
    of_hospital = _rows(rows[rows.reporting_hospital_id == "H03"])
    assert back.figures.a.expected == pytest.approx(expected_sum(IndependentModel(tmp_path / "wide"), of_hospital), abs=1e-9)
    assert found.terms is not None and (found.terms.crude, found.terms.case_mix) == (0, 0)
    assert found.terms.model != 0 and found.terms.population != 0
    assert found.figures.b.admissions > found.figures.a.admissions


def test_the_command_prints_the_terms_and_draws_them(
    both: Both, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lbz_indicators.commands.explain.start", lambda settings, writes: both.store.spark)
    run: Callable[..., object] = app
    arguments = ["explain", "--output", str(both.definitive.storage.root), "--years", "2016-2020", "--hospital", "H03"]
    run([*arguments, "--picture", str(tmp_path / "why.svg")], standalone_mode=False)
    said = capsys.readouterr()
    assert "why B differs from A" in said.out and "crude mortality" in said.out and both.versions[0] in said.err
    drawn = (tmp_path / "why.svg").read_text()
    assert drawn.startswith("<?xml") and "</svg>" in drawn
    run([*arguments, "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["sides"]["b"] == {"model_version": both.versions[1], "years": [2020], "run_id": None}
    assert sum(found["terms"].values()) == pytest.approx(
        math.log(found["sums"]["b"]["observed"] / found["sums"]["b"]["expected"])
        - math.log(found["sums"]["a"]["observed"] / found["sums"]["a"]["expected"]),
        abs=1e-12,
    )
    with pytest.raises(SettingsError, match="no admissions with an expected value: hospital H99"):
        run([*arguments[:-1], "H99"], standalone_mode=False)

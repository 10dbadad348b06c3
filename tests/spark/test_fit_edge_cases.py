"""Diagnosis groups a fit must survive: separated, aliased, no events, all events, intercept only, one admission."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.models import mllib
from lbz_indicators.models.engine import EngineFit
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.fitting import fit_models

NEUTRAL = {"age": 10, "sex": 0, "ses": 2, "severity": 0, "urgency": 0, "comorbidity": 0, "source": 0, "admission_month": 0}


def _cells(group: str, cells: list[tuple[dict[str, int], int, int]]) -> list[dict[str, object]]:
    """Admissions of a group from (classes, admissions, events)."""
    rows: list[dict[str, object]] = []
    for classes, admissions, events in cells:
        rows += [{"diagnosis_group": group, **NEUTRAL, **classes, "event": place < events} for place in range(admissions)]
    return rows


def _cohort() -> list[dict[str, object]]:
    regular = [({"age": a, "urgency": u}, 300 + 10 * a, 20 + 9 * u + a) for a in (9, 10, 11) for u in (0, 1)]
    # x1 = urgency, x2 = sex: nobody dies at (0,0), everybody at (1,1), some at the others; no margin is empty.
    separated = [
        ({"urgency": 0, "sex": 0}, 80, 0),
        ({"urgency": 1, "sex": 1}, 80, 80),
        ({"urgency": 0, "sex": 1}, 80, 30),
        ({"urgency": 1, "sex": 0}, 80, 40),
    ]
    # Source institution always and only with acute admissions: the later column is dropped.
    aliased = [({"urgency": 0, "source": 0}, 200, 20), ({"urgency": 1, "source": 1}, 150, 40)]
    return [
        *_cells("regular", regular),
        *_cells("separated", separated),
        *_cells("aliased", aliased),
        *_cells("nobody", [({}, 60, 0)]),
        *_cells("everybody", [({}, 7, 7)]),
        *_cells("intercept", [({"sex": 0}, 30, 3), ({"sex": 1}, 10, 1)]),
        *_cells("single", [({}, 1, 0)]),
    ]


YEARS = (2019,)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("edge")
    return load_settings(None, [f"storage.root={root}", "period.years=2019", "models.verify=all"])


@pytest.fixture(scope="module")
def cohort(spark: SparkSession) -> DataFrame:
    frame = spark.createDataFrame(pd.DataFrame(_cohort()))
    return frame.withColumns({"discharge_year": F.lit(2019), "reporting_hospital_id": F.lit("H")})


@pytest.fixture(scope="module")
def fitted(spark: SparkSession, settings: Settings, cohort: DataFrame) -> dict[str, FittedGroup]:
    groups = fit_models(Store(spark, settings.storage), cohort, YEARS, settings, SILENT)
    return {group.design.group: group for group in groups}


def test_every_group_has_its_status(fitted: dict[str, FittedGroup]) -> None:
    assert {name: group.status for name, group in fitted.items()} == {
        "regular": "fitted",
        "separated": "separated",
        "aliased": "fitted",
        "nobody": "no_events",
        "everybody": "all_events",
        "intercept": "fitted",
        "single": "no_events",
    }


def test_regular_group_equals_statsmodels(fitted: dict[str, FittedGroup]) -> None:
    rows = pd.DataFrame(_cohort()).query("diagnosis_group == 'regular'")
    group = fitted["regular"]
    columns = [np.ones(len(rows))]
    columns += [rows[term.covariate].isin(term.classes).to_numpy(float) for term in group.design.columns[1:]]
    truth = sm.GLM(rows.event.to_numpy(float), np.column_stack(columns), family=sm.families.Binomial()).fit(tol=1e-14)
    assert group.result is not None
    np.testing.assert_allclose(group.result.coefficients, truth.params, atol=1e-9)


def test_intercept_only_is_the_crude_log_odds(fitted: dict[str, FittedGroup]) -> None:
    result = fitted["intercept"].result
    assert result is not None and len(result.coefficients) == 1
    assert result.coefficients[0] == pytest.approx(np.log(4 / 36), abs=1e-10)


def test_aliased_column_is_dropped_and_named(fitted: dict[str, FittedGroup]) -> None:
    group = fitted["aliased"]
    assert [term.id for term in group.design.terms if term.is_aliased] == ["source:1"]
    assert group.result is not None
    # Two cells, two columns: the fit reproduces both crude proportions.
    np.testing.assert_allclose(group.result.coefficients, [np.log(20 / 180), np.log(40 / 110) - np.log(20 / 180)], atol=1e-9)


def test_separated_group_has_probabilities_near_the_limit(fitted: dict[str, FittedGroup]) -> None:
    """The supremum of the likelihood gives 0 and 1 in the separated cells and the crude proportions elsewhere."""
    group = fitted["separated"]
    assert group.result is not None and group.engine_difference is not None and group.engine_difference < 1e-9
    place = {term.id: column for column, term in enumerate(group.design.columns)}
    beta = group.result.coefficients

    def probability(urgency: int, sex: int) -> float:
        eta = beta[0]
        for covariate, code in (("urgency", urgency), ("sex", sex)):
            term = group.design.term_of(covariate)[code]
            eta += beta[place[term.id]] if term.id in place else 0.0
        return float(1 / (1 + np.exp(-eta)))

    assert probability(0, 0) < 1e-5 and probability(1, 1) > 1 - 1e-5
    assert probability(0, 1) == pytest.approx(30 / 80, abs=1e-4)
    assert probability(1, 0) == pytest.approx(40 / 80, abs=1e-4)


def test_engines_agree_in_every_group(fitted: dict[str, FittedGroup]) -> None:
    differences = {name: g.engine_difference for name, g in fitted.items() if g.result is not None}
    assert all(difference is not None and difference < 1e-6 for difference in differences.values()), differences


def test_a_pack_that_falls_back_is_mended(
    spark: SparkSession, settings: Settings, cohort: DataFrame, monkeypatch: pytest.MonkeyPatch, fitted: dict[str, FittedGroup]
) -> None:
    """Every pack of two or more is taken for fallen: groups end up alone, with MLlib's own intercept, and agree."""
    alone: list[str] = []
    real = mllib._fit

    def fall_back(rows: DataFrame, pack: mllib.Pack, kind: mllib.Kind, cache: bool) -> object:
        if not pack.alone:
            return None
        alone.append(pack.groups[0].design.group)
        return real(rows, pack, kind, cache)

    monkeypatch.setattr(mllib, "_fit", fall_back)
    chosen = cohort.where("diagnosis_group IN ('regular', 'aliased')")
    again = fit_models(Store(spark, settings.storage), chosen, YEARS, load_settings(None, [
        f"storage.root={settings.storage.root}", "period.years=2019"]), SILENT)  # fmt: skip
    assert sorted(alone) == ["aliased", "regular"]
    for group in again:
        expected = fitted[group.design.group].result
        assert group.result is not None and expected is not None and group.iterations is not None
        np.testing.assert_allclose(group.result.coefficients, expected.coefficients, atol=1e-9)


def test_a_wrong_second_engine_is_an_error(
    spark: SparkSession, settings: Settings, cohort: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lbz_indicators.errors import ModelError
    from lbz_indicators.models import glum

    def off_by_a_little(rows: DataFrame, designs: list[object]) -> dict[str, EngineFit]:
        fits = real(rows, designs)
        return {group: EngineFit(fit.coefficients + 1e-5, fit.iterations) for group, fit in fits.items()}

    real = glum.fit_groups
    monkeypatch.setattr(glum, "fit_groups", off_by_a_little)
    with pytest.raises(ModelError, match="engines disagree") as error:
        fit_models(Store(spark, settings.storage), cohort.where("diagnosis_group = 'regular'"), YEARS, settings, SILENT)
    assert error.value.exit_status == 4

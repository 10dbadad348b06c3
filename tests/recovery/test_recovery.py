"""Known coefficients come back: models fitted to a generated nation without hospital effects, against its truth.

The nation's admissions are made once. Its deaths and readmissions are drawn anew per seed from the true models, at higher odds,
so that enough groups have the 2,000 events from which maximum likelihood is no longer visibly biased.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.stats import chi2, kstest, norm

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.models import certify, fitted, registry
from lbz_indicators.models.design import INTERCEPT, GroupDesign
from lbz_indicators.models.fitted import FittedGroup
from lbz_indicators.models.score import scoring_model, with_expected
from lbz_indicators.population.covariates import COMORBIDITY, ordered_covariates
from lbz_indicators.population.severity import OTHER, UPPER_PERCENTAGES
from lbz_indicators.progress import SILENT
from lbz_indicators.stats.logistic import covariance
from lbz_indicators.steps.fitting import fit_models
from lbz_indicators.steps.generate import generate
from lbz_indicators.steps.predicted import mortality, readmission
from lbz_indicators.steps.run import run_steps
from lbz_indicators.synthetic.draws import row_key, uniform

pytestmark = pytest.mark.story
SEEDS = tuple(range(11, 19))
SHIFT = {registry.MORTALITY: 3.0, registry.READMISSION: 1.5}
EVENTS = 2000
NATION = [
    "readmission.delivered_until=2022-12-31",
    "period.years=2019-2022", "synthetic.hospitals=20", "synthetic.admissions_per_year=100000", "synthetic.history_years=1",
    "synthetic.format=parquet", "synthetic.hospital_effects=false", "synthetic.planted_events=false", "synthetic.dirt=0",
]  # fmt: skip
Truth = dict[tuple[str, str, str], float]


@dataclass(frozen=True)
class Drawn:
    """One draw of deaths: the fitted groups, and sums per group and decile of fitted risk (n, O, E, sum p(1-p))."""

    groups: list[FittedGroup]
    deciles: list[tuple[str, int, float, float, float]]


@dataclass(frozen=True)
class Nation:
    """Tables derived from a generated delivery, and the truth beside it."""

    store: Store
    settings: Settings
    root: Path


@dataclass(frozen=True)
class Cohort:
    """What one event's models are fitted on: rows with the true probability, the model years, and the true coefficients."""

    indicator: str
    rows: DataFrame
    years: tuple[int, ...]
    truth: Truth

    def drawn(self, seed: int) -> DataFrame:
        """The rows with events drawn anew."""
        odds = F.log(F.col("true") / (1 - F.col("true"))) + SHIFT[self.indicator]
        u = uniform(row_key(seed, F.col("hospital_id"), F.col("admission_id")), "recovery")
        return self.rows.withColumn("event", u < 1 / (1 + F.exp(-odds)))


@pytest.fixture(scope="module")
def nation(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Nation:
    root = tmp_path_factory.mktemp("recovery")
    generate(spark, load_settings(None, [*NATION, f"storage.root={root}/nation"]), SILENT)
    settings = load_settings(None, [*NATION, f"storage.root={root}/tables", f"delivery.input={root}/nation/delivery"])
    run_steps(spark, settings, ["ingest", "validate", "derive"], SILENT)
    return Nation(Store(spark, settings.storage), settings, root)


TRUE = {registry.MORTALITY: "expected_death", registry.READMISSION: "expected_readmission"}


@pytest.fixture(scope="module", params=[mortality, readmission], ids=list(TRUE))
def cohort(request: pytest.FixtureRequest, nation: Nation) -> Iterator[Cohort]:
    spark, event = nation.store.spark, request.param(nation.settings)
    truth = spark.read.parquet(f"{nation.root}/nation/truth/admissions")
    true = truth.select("hospital_id", "admission_id", F.col(TRUE[event.indicator]).alias("true")).where("true IS NOT NULL")
    rows = event.population(nation.store, event.model_years).join(true, on=["hospital_id", "admission_id"], how="inner").persist()
    coefficients = spark.read.parquet(f"{nation.root}/nation/truth/coefficients").where(F.col("indicator") == event.indicator)
    truth_of = {
        (r["diagnosis_group"], r["covariate"], _class_name(r["covariate"], r["class"], r["class_label"])): r["estimate"]
        for r in coefficients.collect()
    }
    yield Cohort(event.indicator, rows, event.model_years, truth_of)
    rows.unpersist()


def _class_name(covariate: str, code: int, label: str) -> str:
    """A condition by its number, any other class by its label: years are numbered from the first delivered one."""
    return str(code) if covariate == COMORBIDITY else label


@pytest.fixture(scope="module")
def draws(nation: Nation, cohort: Cohort) -> list[Drawn]:
    store, drawn = nation.store, []
    for seed in SEEDS:
        with_event = cohort.drawn(seed)
        groups = fit_models(store, with_event, cohort.years, nation.settings, SILENT)
        drawn.append(Drawn(groups, _deciles(store, with_event, groups, cohort.years)))
    return drawn


def _deciles(store: Store, cohort: DataFrame, groups: list[FittedGroup], years: tuple[int, ...]) -> list[tuple]:  # type: ignore[type-arg]
    names = store.columns(tables.GOLD_MODEL_COEFFICIENTS)
    labels = {condition: str(condition) for condition in range(1, 18)}
    rows = [dict(zip(names, row, strict=True)) for g in groups for row in fitted.coefficient_rows("v", g, years, labels)]
    statuses = [{"diagnosis_group": g.design.group, "status": g.status} for g in groups]
    scored = with_expected(cohort, scoring_model(store.spark, rows, statuses, years))
    ranked = scored.select(
        "diagnosis_group",
        "event",
        "expected",
        F.expr("floor(10 * percent_rank() OVER (PARTITION BY diagnosis_group ORDER BY expected) * 0.9999)").alias("decile"),
    )
    sums = ranked.groupBy("diagnosis_group", "decile").agg(
        F.sum(F.col("event").cast("int")), F.sum("expected"), F.sum(F.col("expected") * (1 - F.col("expected")))
    )
    return [tuple(row) for row in sums.collect()]


def _standing_alone(design: GroupDesign) -> list[tuple[int, str, int, int | None]]:
    """(column, covariate, class, reference class) of the terms that merged with nothing, nor did their reference."""
    references = {t.covariate: t.classes for t in design.terms if t.is_reference}
    alone = []
    for column, term in enumerate(design.columns):
        if term.covariate == INTERCEPT or len(term.classes) > 1:
            continue
        if term.covariate == COMORBIDITY:
            alone.append((column, COMORBIDITY, term.classes[0], None))
        elif len(references[term.covariate]) == 1:
            alone.append((column, term.covariate, term.classes[0], references[term.covariate][0]))
    return alone


def _distance(group: FittedGroup, truth: Truth, labels: dict[str, tuple[str, ...]]) -> tuple[float, int]:
    """((b - beta)' V^-1 (b - beta), number of coefficients) over the classes that stand alone."""
    assert group.result is not None
    alone = _standing_alone(group.design)
    name = group.design.group

    def true(covariate: str, code: int, reference: int | None) -> float:
        if reference is None:
            return truth[name, covariate, str(code)]
        return truth[name, covariate, labels[covariate][code]] - truth[name, covariate, labels[covariate][reference]]

    columns = [column for column, *_ in alone]
    gap = group.result.coefficients[columns] - np.array([true(*rest) for _, *rest in alone])
    inner = covariance(group.result.moments.information)[np.ix_(columns, columns)]
    return float(gap @ np.linalg.solve(inner, gap)), len(columns)


def test_distance_from_the_true_coefficients_follows_its_chi_square(cohort: Cohort, draws: list[Drawn]) -> None:
    labels = {c.name: c.labels for c in ordered_covariates(cohort.years)}
    tail, small = [], defaultdict(list)
    for drawn in draws:
        for group in drawn.groups:
            if group.status != certify.FITTED:
                continue
            distance, freedom = _distance(group, cohort.truth, labels)
            events = group.design.counts.total.events
            if events >= EVENTS:
                tail.append(chi2.sf(distance, freedom))
            elif freedom:
                small[min(int(np.log10(max(events, 1))), 3)].append(distance / freedom)
    for power, ratios in sorted(small.items()):
        print(f"groups of {10**power} events and more: mean distance per coefficient {np.mean(ratios):.3f} ({len(ratios)} fits)")
    print(
        f"{len(tail)} fits of {EVENTS} events and more: mean tail {np.mean(tail):.3f}, KS p {kstest(tail, 'uniform').pvalue:.3f}"
    )
    assert len(tail) >= 20
    assert kstest(tail, "uniform").pvalue > 0.001


def test_severity_derived_from_the_history_is_the_true_class_of_frequent_codes(nation: Nation) -> None:
    """A class derived from deaths differs from the true one only where chance explains it: by the Poisson range of its deaths."""
    store, settings = nation.store, nation.settings
    run_steps(store.spark, settings, ["severity"], SILENT)
    derived = store.read(tables.GOLD_SEVERITY_CLASSES).toPandas().set_index("main_diagnosis")
    codes = store.spark.read.parquet(str(settings.delivery.input).replace("delivery", "truth/codes")).toPandas()
    codes["main_diagnosis"] = codes["diagnosis_code"].str.replace(".", "")
    both = codes.set_index("main_diagnosis").join(derived, rsuffix="_derived", how="inner")
    frequent = both[(both["admissions"] >= 100) & (both["severity_derived"] < OTHER)]
    bounds = np.array([0.0, *UPPER_PERCENTAGES, 100.0]) / 100
    true = frequent["severity"].to_numpy()
    deaths, admissions = frequent["deaths"].to_numpy(), frequent["admissions"].to_numpy()
    low = np.nan_to_num(chi2.ppf(0.0001, 2 * deaths) / 2)
    high = chi2.ppf(0.9999, 2 * (deaths + 1)) / 2
    possible = (low / admissions < bounds[true + 1]) & (high / admissions >= bounds[true])
    share = np.average(frequent["severity_derived"] == true, weights=admissions)
    print(f"{len(frequent)} codes of {len(both)}: {share:.3f} of their admissions in the true class; not by chance: "
          f"{frequent[~possible][['severity', 'severity_derived', 'admissions', 'deaths']]}")  # fmt: skip
    assert len(frequent) > 100 and set(true) >= {0, 1, 2, 3}
    assert possible.all()
    # Classes are narrow beside what chance does to a hundred admissions, so not all can agree.
    assert share > 0.75


def test_probabilities_are_calibrated_over_deciles_of_every_group(draws: list[Drawn]) -> None:
    """z = (O - E)/sqrt(sum p(1-p)) where at least 5 deaths are expected, at Bonferroni's share of 1%.

    The deaths are those of the fit, so the true variance is smaller and the test on the safe side; the total of a group is
    exact by construction.
    """
    scores = []
    for drawn in draws:
        enough = {g.design.group for g in drawn.groups if g.design.counts.total.events >= 50}
        by_group: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for group, _, observed, expected, variance in drawn.deciles:
            by_group[group][0] += observed
            by_group[group][1] += expected
            if group in enough and expected >= 5:
                scores.append((observed - expected) / np.sqrt(variance))
        assert all(o == pytest.approx(e, rel=1e-6) for g, (o, e) in by_group.items() if g in enough)
    print(f"{len(scores)} deciles, largest |z| {np.abs(scores).max():.2f}, standard deviation {np.std(scores):.3f}")
    assert len(scores) > 1000
    assert np.abs(scores).max() < norm.isf(0.01 / len(scores) / 2)
    assert 0.7 < np.std(scores) < 1.05


def test_two_hospitals_of_equal_quality_and_different_patients_get_the_same_ratio(
    nation: Nation, cohort: Cohort, draws: list[Drawn]
) -> None:
    """The hospitals with the highest and the lowest true mean risk: crude rates far apart, ratios both 100 within error."""
    store, rows = nation.store, cohort.drawn(SEEDS[-1])
    names = store.columns(tables.GOLD_MODEL_COEFFICIENTS)
    labels = {condition: str(condition) for condition in range(1, 18)}
    groups = draws[-1].groups
    coefficients = [
        dict(zip(names, row, strict=True)) for g in groups for row in fitted.coefficient_rows("v", g, cohort.years, labels)
    ]
    statuses = [{"diagnosis_group": g.design.group, "status": g.status} for g in groups]
    scored = with_expected(rows, scoring_model(store.spark, coefficients, statuses, cohort.years))
    sums = scored.groupBy("reporting_hospital_id").agg(
        F.count("*").alias("n"), F.sum(F.col("event").cast("int")).alias("o"), F.sum("expected").alias("e")
    )
    hospitals = sorted(sums.collect(), key=lambda row: row["o"] / row["n"])
    low, high = hospitals[0], hospitals[-1]
    assert high["o"] / high["n"] > 1.2 * low["o"] / low["n"], "the crude rates differ"
    for row in (low, high):
        assert abs(row["o"] - row["e"]) < 3.5 * np.sqrt(row["e"]), "the ratios do not"


def test_national_rates_are_those_of_the_nation_it_is_like(nation: Nation) -> None:
    """As the program counts them: 10.3% readmitted to any hospital, 91% of these to the same; 15% unexpectedly long."""
    stays = nation.store.read(tables.SILVER_STAYS).where("no_index_reason IS NULL")
    same = F.col("readmitted") & (F.col("days_to_return_same") <= 30)
    number, readmitted, here = stays.agg(F.count("*"), F.count_if("readmitted"), F.count_if(same)).collect()[0]
    assert 0.095 < readmitted / number < 0.112 and 0.88 < here / readmitted < 0.94
    run_steps(nation.store.spark, nation.settings, ["fit", "score", "indicators"], SILENT)
    long = nation.store.read(tables.GOLD_INDICATORS).where(
        "indicator = 'olo' AND definition = 'cell_mean_over_50' AND breakdown = 'none' AND hospital_id IS NULL"
    )
    shares = [row["value"] for row in long.collect()]
    print(f"readmitted {readmitted / number:.4f}, here {here / readmitted:.3f}, long {shares}")
    assert len(shares) == 3 and all(13.5 < share < 16.5 for share in shares)

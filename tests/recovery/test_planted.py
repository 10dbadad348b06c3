"""What was planted comes back: a generated nation with effects, events and broken records, run from delivery to figures."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from generated_code import generated_code
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy.stats import binom, t
from stay_comparison import differing_nights, differing_stays

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import STEPS
from lbz_indicators.steps.generate import generate
from lbz_indicators.steps.run import run_steps
from scorecard import effects_recovered, others_found

pytestmark = pytest.mark.long
NATION = [
    "readmission.delivered_until=2021-12-31", "period.years=2019-2021", "synthetic.hospitals=24",
    "synthetic.admissions_per_year=40000", "synthetic.history_years=0", "synthetic.format=parquet",
]  # fmt: skip


@dataclass(frozen=True)
class Whole:
    """Tables of a finished run, and the nation they are of."""

    store: Store
    settings: Settings
    nation: str

    def truth(self, name: str) -> pd.DataFrame:
        return self.store.spark.read.parquet(f"{self.nation}/truth/{name}").toPandas()


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    root = tmp_path_factory.mktemp("planted")
    generate(spark, load_settings(None, [*NATION, f"storage.root={root}/nation"]), SILENT)
    settings = load_settings(None, [*NATION, f"storage.root={root}/tables", f"delivery.input={root}/nation/delivery"])
    with generated_code(spark):
        run_steps(spark, settings, list(STEPS), SILENT)
    return Whole(Store(spark, settings.storage), settings, f"{root}/nation")


def test_every_admission_has_the_stay_and_the_expected_nights_of_the_independent_implementation(whole: Whole) -> None:
    number, differing = differing_stays(whole.store, whole.settings)
    assert number > 70_000 and differing == []
    number, differing = differing_nights(whole.store, whole.settings)
    assert number > 70_000 and differing == []


def test_hospitals_with_planted_readmissions_and_stays_are_found(whole: Whole) -> None:
    found = others_found(whole.store, whole.settings, whole.truth("events")).set_index("planted")
    print(found.to_string())
    assert dict(found["verdict against the nation"]) == {
        "long_stays": "higher", "short_stays": "lower", "excess_readmissions": "higher",
    }  # fmt: skip


def test_figures_follow_the_effects_that_hospitals_were_given(whole: Whole) -> None:
    found = effects_recovered(whole.store, whole.settings, whole.nation).set_index("indicator")["correlation"]
    print(found.to_string())
    # Above what chance gives one time in twenty with so many hospitals; a hospital's readmissions are a few dozen.
    assert (found > spearman_critical(0.05, 24)).all()


def spearman_critical(share: float, hospitals: int) -> float:
    """The rank correlation that unrelated numbers exceed in this share of samples, by Student's approximation."""
    quantile = t.isf(share, hospitals - 2)
    return float(quantile / (hospitals - 2 + quantile**2) ** 0.5)


def test_limits_of_the_readmission_ratio_hold_the_true_ratio(whole: Whole) -> None:
    """True ratio: the probabilities that returns were drawn with over the expected ones, of the same index stays."""
    spark, store = whole.store.spark, whole.store
    expected = store.read(tables.GOLD_EXPECTED).where(
        (F.col("indicator") == registry.READMISSION) & F.col("expected").isNotNull()
    )
    truth = spark.read.parquet(f"{whole.nation}/truth/admissions").select(
        "hospital_id", "admission_id", "reporting_hospital_id", "probability_readmission"
    )
    rows = expected.join(truth, on=["hospital_id", "admission_id"], how="inner")
    sums = rows.groupBy(F.col("reporting_hospital_id").alias("hospital_id")).agg(
        F.sum("probability_readmission").alias("true"), F.sum("expected").alias("model")
    )
    figures = store.read(tables.GOLD_INDICATORS).where(
        "indicator = 'readmission_ratio' AND breakdown = 'none' AND hospital_id IS NOT NULL"
    )
    both = figures.join(sums, on="hospital_id", how="inner").toPandas()
    ratio = 100 * both["true"] / both["model"]
    held = (both["lower"] <= ratio) & (ratio <= both["upper"])
    print(f"{held.sum()} of {len(both)} hospitals; true ratios {ratio.min():.0f}-{ratio.max():.0f}")
    assert len(both) >= 20 and ratio.max() > 115
    assert held.sum() >= binom.ppf(0.001, len(both), 0.95)

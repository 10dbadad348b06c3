"""The synthetic nation against the program: what the truth says of a record is what the program finds in the delivery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stay_comparison import differing_stays

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.ingest.rules import DiagnosisRule, Flag, Rejection
from lbz_indicators.io import Store
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.generate import generate
from lbz_indicators.steps.run import run_steps

pytestmark = pytest.mark.long

YEARS = "2020-2021"
UNTIL = "readmission.delivered_until=2021-12-31"
SIZE = ["synthetic.hospitals=16", "synthetic.admissions_per_year=5000", "synthetic.history_years=1", "synthetic.dirt=0.06"]
OTHERWISE = [
    "readmission.hospital=same", "readmission.urgent_only=true", "readmission.window_days=20", "readmission.transfers=counted",
    "readmission.settle_days=0", "readmission.left_out_groups=['100','122']",
]  # fmt: skip
CLASSES = ["age", "sex", "ses", "severity", "urgency", "comorbidity", "source", "discharge_year", "admission_month"]
KEY = ["hospital_id", "admission_id"]


@dataclass(frozen=True)
class Made:
    """A nation, and the store that holds what the program made of its delivery and then of its correction."""

    truth: pd.DataFrame
    covariates: pd.DataFrame
    stays: pd.DataFrame
    clinical: int
    differing: list[object]
    differing_otherwise: list[object]
    store: Store
    root: Path


def _settings(root: Path, *more: str) -> Settings:
    return load_settings(None, [*SIZE, f"period.years={YEARS}", f"storage.root={root}", UNTIL, *more])


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    root, work = tmp_path_factory.mktemp("nation"), tmp_path_factory.mktemp("tables")
    generate(spark, _settings(root), SILENT)
    first = _settings(work, f"delivery.input={root}/delivery")
    run_steps(spark, first, ["ingest", "validate", "derive"], SILENT)
    store = Store(spark, first.storage)
    covariates = store.read(tables.SILVER_COVARIATES).toPandas()
    stays = store.read(tables.SILVER_STAYS).toPandas()
    clinical, differing = differing_stays(store, first)
    otherwise = _settings(work, *OTHERWISE)
    run_steps(spark, otherwise, ["derive"], SILENT)
    _, differing_otherwise = differing_stays(store, otherwise)
    run_steps(spark, _settings(work, f"delivery.input={root}/correction"), ["ingest", "validate"], SILENT)
    truth = spark.read.parquet(f"{root}/truth/admissions").toPandas()
    yield Made(truth, covariates, stays, clinical, differing, differing_otherwise, store, root)


def test_every_sound_record_has_the_true_covariates_group_and_exclusion(made: Made) -> None:
    sound = made.truth[made.truth["defect"].isna() | (made.truth["defect"] == Rejection.SUPERSEDED.value)]
    found = made.covariates.set_index(KEY)
    both = sound.join(found, on=KEY, how="left", rsuffix="_found")
    assert len(sound) > 12_000
    assert both["row_hash"].notna().all(), "a sound record was rejected or is not delivered"
    assert (sound["hospital_id"] != sound["reporting_hospital_id"]).sum() > 30, "no record comes under a merged hospital's number"
    for name in [*CLASSES, "diagnosis_group", "exclusion_reason", "died", "reporting_hospital_id"]:
        true, derived = both[name], both[f"{name}_found"]
        wrong = both[(true != derived) & ~(true.isna() & derived.isna())]
        assert wrong.empty, f"{name}: {len(wrong)} differ\n{wrong[[*KEY, name, f'{name}_found', 'disposition', 'link']].head()}"


def test_every_class_of_the_nation_occurs(made: Made) -> None:
    """The comparison above is not about constants."""
    counts = {name: made.truth[name].nunique() for name in CLASSES if name != "comorbidity"}
    assert counts == {
        "age": 21, "sex": 2, "ses": 6, "severity": made.truth["severity"].nunique(), "urgency": 2, "source": 3,
        "discharge_year": 3, "admission_month": 6,
    }  # fmt: skip
    assert made.truth["severity"].nunique() >= 3
    assert made.truth["exclusion_reason"].nunique() >= 9
    conditions = pd.Series(0, index=range(17)).index.map(lambda place: (made.truth["comorbidity"].to_numpy() >> place & 1).any())
    assert sum(conditions) >= 16


def test_every_rule_of_validation_is_met(made: Made) -> None:
    """By enumeration: a new rule without a defect of its own fails here."""
    counted = made.store.read(tables.SILVER_QUALITY).groupBy("rule").agg(F.sum("records")).collect()
    met = {row[0] for row in counted}
    assert {rule.value for kinds in (Rejection, Flag, DiagnosisRule) for rule in kinds} <= met


def test_a_defect_is_met_as_the_rule_it_names(made: Made) -> None:
    """Every broken record is rejected or flagged for the reason the truth gives."""
    rejected = made.store.read(tables.SILVER_REJECTED_ADMISSIONS).toPandas()
    named = {str(rule.value) for rule in Rejection}
    for defect in sorted(named - {Rejection.MISSING_KEY.value, Rejection.UNKNOWN_HOSPITAL.value}):
        keys = made.truth[made.truth["defect"] == defect]["admission_id"]
        mine = rejected[rejected["admission_id"].isin(keys)]
        assert len(keys) > 0 and set(keys) <= set(mine["admission_id"]), defect
        assert all(defect in reasons for reasons in mine["reasons"]), defect


def test_nobody_comes_back_from_the_dead_or_within_thirty_days_by_chance(made: Made) -> None:
    """Stays of METHOD section 6.1 on the true rows: each next stay within 30 days is one that was drawn."""
    broken = set(made.truth.loc[made.truth["defect"].notna(), "patient_id"])
    truth = made.truth[made.truth["patient_id"].notna() & ~made.truth["patient_id"].isin(broken)]
    silver = made.store.spark.createDataFrame(truth[[*KEY]].assign(_keep=True))
    days = made.store.read(tables.SILVER_ADMISSIONS).join(silver, on=KEY, how="inner").toPandas()
    rows = truth.merge(days[[*KEY, "admission_date", "discharge_date", "care_type"]], on=KEY)
    rows = rows.sort_values(["patient_id", "admission_date", "discharge_date", "admission_id"])
    before = rows.groupby("patient_id").shift(1)
    assert not (before["died"] == True).any()  # noqa: E712
    gap = (pd.to_datetime(rows["admission_date"]) - pd.to_datetime(before["discharge_date"])).dt.days
    linked = rows["link"] != "none"
    assert (gap[~linked].dropna() > 30).all()
    assert (gap[linked].dropna() <= 30).all()


def test_every_clinical_admission_has_the_stay_of_the_independent_implementation(made: Made) -> None:
    """Broken records, merged hospitals and chains of returns among them."""
    assert made.clinical > 8_000 and made.differing == []


def test_so_it_has_by_other_settings(made: Made) -> None:
    """Urgent returns to the same hospital within 20 days, transfers counted, two groups left out."""
    assert made.differing_otherwise == []


def _followed(made: Made) -> pd.DataFrame:
    """Index stays of patients none of whose records is broken, with the truth of their admissions."""
    broken = set(made.truth.loc[made.truth["defect"].notna(), "patient_id"])
    stays = made.stays[made.stays["no_index_reason"].isna() & ~made.stays["patient_id"].isin(broken)]
    truth = made.truth.set_index(KEY)
    keys = [
        [first, *((k["hospital_id"], k["admission_id"]) for k in joined)]
        for first, joined in zip(zip(stays["hospital_id"], stays["admission_id"], strict=True), stays["joined"], strict=True)
    ]
    drawn = truth["returned"].to_dict()
    here = (truth["returned"] & truth["returned_here"].fillna(False).astype(bool)).to_dict()
    return stays.assign(
        # Of a stay with same-day returns only the last admission can have drawn a readmission.
        returned=[any(drawn[key] for key in of_stay) for of_stay in keys],
        returned_here=[any(here[key] for key in of_stay) for of_stay in keys],
        link=truth.loc[[of_stay[0] for of_stay in keys], "link"].to_numpy(),
    )


def test_readmissions_found_are_those_that_were_drawn(made: Made) -> None:
    """Of stays followed to the end only a return that is still in hospital when the delivery closes can be missing."""
    stays = _followed(made)
    found, drawn = stays["readmitted"].astype(bool), stays["returned"]
    assert drawn.sum() > 500
    assert not (found & ~drawn).any()
    missing = stays[drawn & ~found]
    assert len(missing) <= 0.01 * drawn.sum()
    assert (pd.to_datetime(missing["ends"]) >= pd.Timestamp("2021-10-01")).all()
    here = stays["days_to_return_same"] <= 30
    assert (here[found] == stays["returned_here"][found]).mean() > 0.99


def test_the_nation_has_every_kind_of_return(made: Made) -> None:
    """Day 30 and day 31, at midnight, from and across 29 February, elsewhere, after a transfer, chains, and the end of the
    follow-up."""
    stays = _followed(made)
    found, days = stays["readmitted"].astype(bool), stays["days_to_return"]
    assert (days == 30).any() and (days == 31).any()
    assert found[days == 30].all() and not found[days >= 31].any()
    leap = pd.Timestamp("2020-02-29")
    ends = pd.to_datetime(stays["ends"])
    assert (ends == leap).any() and (found & (ends < leap) & (ends + pd.to_timedelta(days, unit="D") > leap)).any()
    assert (found & ~(stays["days_to_return_same"] <= 30)).any(), "elsewhere"
    assert (found & (stays["link"] == "transfer")).any(), "after a transfer"
    chains = found.groupby(stays["patient_id"]).sum()
    assert (chains >= 3).any(), "several returns"
    returned = stays.loc[found, ["patient_id", "return_stay_number"]]
    stay_key = made.stays.set_index(["patient_id", "stay_number"])[KEY]
    first = returned.join(stay_key, on=["patient_id", "return_stay_number"], how="inner")
    minutes = made.store.read(tables.SILVER_ADMISSIONS).select(*KEY, "admission_minutes").toPandas().set_index(KEY)
    assert len(first) == found.sum() and (first.join(minutes, on=KEY, how="inner")["admission_minutes"] == 0).any(), "at midnight"
    last = pd.Timestamp("2021-12-31") - pd.Timedelta(days=30 + 15)
    assert ends.max() == last
    unseen = made.stays[made.stays["no_index_reason"] == "follow_up_incomplete"]
    assert pd.to_datetime(unseen["ends"]).min() == last + pd.Timedelta(days=1)


def _content(frame: DataFrame) -> tuple[int, int]:
    """Rows, and a hash of them free of their order."""
    row = frame.agg(F.count("*"), F.sum(F.xxhash64(*frame.columns).cast("decimal(38,0)"))).collect()[0]
    return row[0], int(row[1])


def test_what_a_hospital_writes_down_makes_nobody_more_or_less_ill(made: Made, spark: SparkSession, tmp_path: Path) -> None:
    """The same nation without planted events has the same first admissions: other records, the same risks."""
    generate(spark, _settings(tmp_path, "synthetic.planted_events=false"), SILENT)
    quiet = spark.read.parquet(f"{tmp_path}/truth/admissions").where("link = 'none'").toPandas().set_index("admission_id")
    events = spark.read.parquet(f"{made.root}/truth/events").toPandas()
    about_records = events["event"].str.contains("coded|complication")
    others = events[events["event"].str.contains("deaths|palliative")]["hospital_id"]
    coding = set(events[about_records]["hospital_id"]) - set(others)
    rows = made.truth[(made.truth["link"] == "none") & made.truth["probability_death"].notna()].set_index("admission_id")
    both = rows[rows["reporting_hospital_id"].isin(coding)].join(quiet, how="inner", rsuffix="_quiet")
    assert len(coding) == 3 and len(both) > 1_000
    assert (both["comorbidity"] != both["comorbidity_quiet"]).mean() > 0.05
    np.testing.assert_allclose(both["probability_death"], both["probability_death_quiet"], rtol=1e-9)
    hardly = both[both["reporting_hospital_id"].isin(events[events["event"].str.contains("hardly")]["hospital_id"])]
    assert hardly["expected_death"].sum() < 0.95 * hardly["expected_death_quiet"].sum(), "less is recorded, less is expected"


def test_partitions_change_no_row(made: Made, spark: SparkSession, tmp_path: Path) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    generate(spark, _settings(tmp_path, "synthetic.rows_per_partition=2500"), SILENT)
    spark.conf.set("spark.sql.shuffle.partitions", before or "4")
    for name in ("delivery/admissions", "delivery/diagnoses", "correction/admissions"):
        parts = [spark.read.option("header", True).csv(f"{root}/{name}") for root in (made.root, tmp_path)]
        assert _content(parts[0]) == _content(parts[1]), name
    truths = [spark.read.parquet(f"{root}/truth/admissions") for root in (made.root, tmp_path)]
    assert _content(truths[0]) == _content(truths[1])


def test_deaths_and_readmissions_are_draws_from_their_probabilities(made: Made) -> None:
    """Observed against the sum of p, within four standard deviations; over all, by age, and by decile of p."""
    truth = made.truth
    alive = truth[
        truth["probability_readmission"].notna() & ~truth["died"] & ~truth["transferred_out"] & (truth["link"] != "same_day")
    ]
    early = alive[alive["discharge_year"] < alive["discharge_year"].max()]
    for rows, outcome, probability in (
        (truth[truth["probability_death"].notna()], "died", "probability_death"),
        (early, "returned", "probability_readmission"),
    ):
        deciles = pd.qcut(rows[probability], 10, labels=False, duplicates="drop")
        for part in (pd.Series(0, index=rows.index), rows["age"] // 5, deciles):
            sums = rows.assign(_v=rows[probability] * (1 - rows[probability])).groupby(part)[[outcome, probability, "_v"]].sum()
            assert ((sums[outcome] - sums[probability]).abs() <= 4 * sums["_v"] ** 0.5 + 1).all(), sums


def test_what_a_rule_decides_has_no_probability(made: Made) -> None:
    fixed = made.truth["disposition"].isin(["day", "acute_same_day_home", "short_observation", "died_same_evening"])
    assert made.truth.loc[fixed, "probability_death"].isna().all()
    included = made.truth[made.truth["exclusion_reason"].isna()]
    assert included["probability_death"].notna().all()
    assert made.truth.loc[made.truth["disposition"] == "died_same_evening", "died"].all()


def test_the_comparison_counts_what_pandas_counts(made: Made, spark: SparkSession) -> None:
    from lbz_indicators.synthetic.targets import compare

    found = {
        row.measure: row.reached
        for row in compare(spark.read.parquet(f"{made.root}/truth/admissions"), {"a": "general", "b": "university"}, 1_784_657)
    }
    included = made.truth[made.truth["exclusion_reason"].isna()]
    assert found["crude_mortality"] == pytest.approx(100 * included["died"].mean())
    year = included[included["discharge_year"] == 2021]
    records = made.truth[made.truth["discharge_year"] == 2021]
    kept = ~records["exclusion_reason"].isin(["hospital_year_not_validated", "month_incomplete"])
    assert found["included_2021"] == pytest.approx(len(year) / kept.mean())
    assert found["general_hospitals"] == 50 and found["included_2022"] is None
    assert found["highest_hospital_acute"] == pytest.approx(100 * included.groupby("hospital_id")["urgency"].mean().max())

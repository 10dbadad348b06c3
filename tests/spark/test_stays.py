"""Stays on crowded calendars (METHOD section 6): many admissions of few patients in few days, against another algorithm."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from independent_stays import DAYS, stays_of
from pyspark.sql import SparkSession

from lbz_indicators.config import load_settings
from lbz_indicators.population.stays import linked_stays

FIRST = dt.date(2019, 2, 20)
ALIKE = (
    "begins", "ends", "died", "merged_overlap", "overlaps_earlier_stay", "transferred_out", "destination_disagrees", *DAYS.values()
)  # fmt: skip


def _crowd(seed: int, admissions: int, patients: int, days: int) -> pd.DataFrame:
    """Admissions whose days collide: short stays, a few long ones, four hospitals of which two are counted as one."""
    random = np.random.default_rng(seed)
    begin = random.integers(0, days, admissions)
    length = np.where(random.random(admissions) < 0.1, random.integers(5, 40, admissions), random.integers(0, 3, admissions))
    hospital = random.integers(1, 5, admissions)
    patient = random.integers(0, patients, admissions)
    return pd.DataFrame(
        {
            "hospital_id": [f"H{number}" for number in hospital],
            # Numbers are of their hospital: other hospitals have the same ones.
            "admission_id": pd.Series(hospital).groupby(hospital).cumcount().astype(str),
            "reporting_hospital_id": [f"H{3 if number == 4 else number}" for number in hospital],
            "patient_id": [None if random.random() < 0.05 else f"P{number}" for number in patient],
            "admission_date": [FIRST + dt.timedelta(days=int(day)) for day in begin],
            "discharge_date": [FIRST + dt.timedelta(days=int(day)) for day in begin + length],
            "care_type": random.choice(["K", "K", "K", "K", "O", "D"], admissions),
            "urgency": random.choice(["acute", "planned"], admissions),
            "discharge_destination": random.choice(["home", "home", "hospital"], admissions),
            "died": random.random(admissions) < 0.03,
        }
    )


def _assert_alike(spark: SparkSession, admissions: pd.DataFrame, partitions: int) -> None:
    frame = spark.createDataFrame(admissions).repartition(partitions)
    found = linked_stays(frame, load_settings().readmission).toPandas().set_index(["hospital_id", "admission_id"])
    given = admissions.assign(exclusion_reason=None, covid_main_diagnosis=False, discharge_year=2019, diagnosis_group=None)
    given["discharge_year"] = [day.year for day in given["discharge_date"]]
    until = dt.date(2030, 1, 1)
    every = stays_of(given, delivered_until=until, settle_days=0, window_days=30, transfers_linked=True)
    first = pd.MultiIndex.from_arrays([every["stay_hospital_id"], every["stay_admission_id"]])
    truth = every[[key == own for key, own in zip(first, every.index, strict=True)]]
    assert set(found.index) == set(truth.index) and len(found) == len(truth) > 100
    found, truth = found.sort_index(), truth.sort_index()
    assert (found["stay"].to_numpy() == truth["stay_number"].to_numpy()).all()
    epoch = dt.date(1970, 1, 1)
    for name in ALIKE:
        ours, theirs = found[name], truth[name]
        if name in {"begins", "ends"}:
            theirs = theirs.map(lambda day: (day - epoch).days)
        assert (ours.isna().to_numpy() == theirs.isna().to_numpy()).all(), name
        assert (ours.dropna().to_numpy() == theirs.dropna().to_numpy()).all(), name
    joined = {(k["hospital_id"], k["admission_id"]) for keys in found["joined"] for k in keys}
    assert joined == set(every.index) - set(truth.index)


@pytest.mark.parametrize(("seed", "days", "partitions"), [(1, 40, 1), (2, 120, 7), (3, 15, 3)])
def test_crowded_calendars_have_the_stays_of_another_algorithm(
    spark: SparkSession, seed: int, days: int, partitions: int
) -> None:
    _assert_alike(spark, _crowd(seed, 3_000, 300, days), partitions)


def test_one_pseudonym_with_very_many_admissions(spark: SparkSession) -> None:
    """A number that stands for many people must cost no more than many people."""
    crowd = _crowd(4, 20_000, 1, 1_500)
    _assert_alike(spark, crowd.assign(patient_id="P0"), 4)

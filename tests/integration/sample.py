"""Running the real sample in tests: settings, tables as pandas, comparison with the independent implementation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store


@dataclass
class SampleRun:
    """A finished run on the real sample, cut in four partitions, both engines compared."""

    spark: SparkSession
    settings: Settings
    store: Store
    run_id: str


def sample_settings(data: Path, root: Path, *more: str) -> Settings:
    """The whole command of the real sample, conf/sample.yml, for this data and output."""
    config = Path(__file__).resolve().parents[2] / "conf" / "sample.yml"
    return load_settings(str(config), [f"delivery.input={data}", f"storage.root={root}", *more])


def every_figure(store: Store) -> pd.DataFrame:
    """gold.indicators."""
    return store.read(tables.GOLD_INDICATORS).toPandas()


def current_figures(store: Store, version: str | None = None) -> pd.DataFrame:
    """HSMRs and SMRs of one model version, of all where none is given."""
    figures = store.read(tables.GOLD_INDICATORS).where("indicator IN ('hsmr', 'smr')")
    return (figures if version is None else figures.where(f"model_version = '{version}'")).toPandas()


def assert_equal_to_independent(figures: pd.DataFrame, data: Path) -> None:
    """Admissions, observed, expected, value and limits of every hospital, and expected deaths of every group, to 1e-6."""
    wanted = pd.read_csv(data / "expected_sih_hsmr_hospitals.csv", dtype={"hospital_id": str})
    hsmr = figures[(figures.indicator == "hsmr") & figures.hospital_id.notna()]
    both = hsmr.merge(wanted, on="hospital_id", how="outer", suffixes=("", "_w"), indicator=True)
    assert len(wanted) == 271 and (both["_merge"] == "both").all()
    assert (both.admissions == both.admissions_w).all() and (both.observed == both.observed_w).all()
    np.testing.assert_allclose(both.expected, both.expected_w, atol=1e-6, rtol=0)
    for name in ("value", "lower", "upper"):
        assert (both[name].isna() == both[f"{name}_w"].isna()).all(), name
        # The file has nine decimals of E; dividing by a small E makes more of their rounding.
        np.testing.assert_allclose(both[name], both[f"{name}_w"], rtol=1e-6, atol=1e-6, err_msg=name)
    wanted = pd.read_csv(data / "expected_sih_smr_groups.csv", dtype={"grp": str})
    groups = figures[(figures.breakdown == "diagnosis_group") & figures.hospital_id.isna()]
    both = groups.merge(wanted, left_on="breakdown_value", right_on="grp", how="outer", suffixes=("", "_w"), indicator=True)
    assert len(wanted) == 251 and (both["_merge"] == "both").all()
    assert (both.observed == both.observed_w).all()
    np.testing.assert_allclose(both.expected, both.expected_w, atol=1e-6, rtol=0)


def comparable(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures in one order, without the run that made them."""
    key = ["indicator", "definition", "breakdown", "breakdown_value", "hospital_id", "period_start", "period_end"]
    return figures.drop(columns=["run_id"]).sort_values(key, na_position="first").reset_index(drop=True)

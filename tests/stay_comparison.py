"""Comparing silver.stays and gold.expected_nights with the independent implementations, for every admission."""

from __future__ import annotations

from typing import Any

import pandas as pd
from independent_nights import expected_nights
from independent_stays import DAYS, stays_of

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.io import Store

KEY = ["hospital_id", "admission_id"]
ALIKE = (
    "stay_number", "begins", "ends", "died", "merged_overlap", "overlaps_earlier_stay", "transferred_out",
    "destination_disagrees", *DAYS.values(), "no_index_reason",
)  # fmt: skip


def valid_admissions(store: Store) -> pd.DataFrame:
    """Every valid admission with what derive says of it, other than stays and classes."""
    derived = ["reporting_hospital_id", "exclusion_reason", "covid_main_diagnosis", "diagnosis_group", "main_diagnosis_category"]
    covariates = store.read(tables.SILVER_COVARIATES).select(*KEY, *derived)
    return store.read(tables.SILVER_ADMISSIONS).join(covariates, on=KEY, how="inner").toPandas()


def differing_stays(store: Store, settings: Settings) -> tuple[int, list[Any]]:
    """(clinical admissions, those of which silver.stays says otherwise than the independent implementation)."""
    chosen = settings.readmission
    truth = stays_of(
        valid_admissions(store),
        delivered_until=settings.delivered_until,
        settle_days=chosen.settle_days,
        window_days=chosen.window_days,
        transfers_linked=chosen.transfers == "linked",
        left_out_groups=chosen.left_out_groups,
    )
    stays = store.read(tables.SILVER_STAYS).toPandas()
    found: dict[Any, dict[str, Any]] = {}
    for row in stays.to_dict("records"):
        first = (row["hospital_id"], row["admission_id"])
        said = {name: _plain(row[name]) for name in (*ALIKE, "readmitted")} | {"first": first}
        for key in [first, *((k["hospital_id"], k["admission_id"]) for k in row["joined"])]:
            assert key not in found, "an admission is in one stay"
            found[key] = said
    assert set(found) == set(truth.index), "every clinical admission is in a stay"
    outcome = f"readmitted_{chosen.hospital}" + ("_urgent" if chosen.urgent_only else "")
    wanted = truth[list(ALIKE)].assign(readmitted=truth[outcome])
    wanted["first"] = list(zip(truth["stay_hospital_id"], truth["stay_admission_id"], strict=True))
    expected = {key: {name: _plain(value) for name, value in row.items()} for key, row in wanted.to_dict("index").items()}
    return len(found), [key for key in found if found[key] != expected[key]]


def differing_nights(store: Store, settings: Settings) -> tuple[int, list[Any]]:
    """(judged admissions, those whose level, expected nights or verdict by cell_mean is another)."""
    olo = settings.olo
    truth = expected_nights(
        valid_admissions(store),
        minimum=olo.minimum_cell_admissions,
        longer_than_percent=olo.longer_than_percent,
        at_least=olo.at_least,
        covid_years=olo.covid_excluded_years,
        years=settings.reported_years,
    )
    found = store.read(tables.GOLD_EXPECTED_NIGHTS).toPandas().set_index(KEY)
    assert set(found.index) == set(truth.index), "the same admissions are judged"
    both = found.join(truth, rsuffix="_wanted")
    nights = both["level_nights"] / both["level_admissions"]
    same = (both["level"] == both["level_wanted"]) & (both["long_stay"] == both["long_stay_wanted"])
    same &= (both["nights"] == both["nights_wanted"]) & ((both["expected_nights"] - nights).abs() < 1e-12 * nights)
    return len(both), list(both.index[~same])


def _plain(value: Any) -> Any:
    """A value as Python has it; every kind of missing is None."""
    if value is None or (not isinstance(value, tuple) and pd.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value

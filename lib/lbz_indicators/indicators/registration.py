"""How hospitals register, counted per quarter, and what the model makes of their comorbidity (METHOD section 9).

Transforms of DataFrames to small counts, and judgements of those in pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.models.score import FIXED_POINT, fixed_point
from lbz_indicators.population.exclusions import Exclusion, begins_with_any
from lbz_indicators.stats.coding_change import frozen_expected, judge_changes
from lbz_indicators.stats.intervals import HIGHER, LOWER, NONE, standardised_ratio

SHARES: Mapping[str, bool] = {
    "acute": True,
    "secondary_diagnoses": False,
    "charlson_terms": False,
    "vague": True,
    "complications": False,
    "palliative": True,
}
"""Measures, and whether each is a share of admissions (else a count per admission)."""
REGISTRATION = (
    "hospital_id", "year", "quarter", "measure", "count", "admissions", "value", "past_value", "national_change", "z", "phi",
    "flag",
)  # fmt: skip
FROZEN_CODING = (
    "hospital_id", "admissions", "observed", "expected", "value", "coding_factor", "past_coding_factor", "frozen_expected",
    "frozen_value",
)  # fmt: skip
_KEY = ("hospital_id", "year", "quarter")
_ADMISSION = ("admission_id", "hospital_id")
PALLIATIVE = ("Z515",)


def count_registration(
    covariates: DataFrame, admissions: DataFrame, diagnoses: DataFrame, vague_codes: Sequence[str]
) -> DataFrame:
    """Counts per reporting hospital and quarter of discharge. Grain: hospital_id, year, quarter.

    Columns: admissions (included), diagnosed (and those without a group but for which they were included), and one per measure
    of SHARES. secondary_diagnoses: distinct codes other than the main one, complications counted; complications: of these
    delivered as complications; palliative: Z51.5 as main or secondary diagnosis; charlson_terms: conditions in the mask.

    `covariates` is silver.covariates, `admissions` silver.admissions, `diagnoses` silver.diagnoses; those of another delivery
    than the admission's are not the admission's.
    """
    included = F.col("exclusion_reason").isNull()
    unknown = F.coalesce(F.col("exclusion_reason") == Exclusion.DIAGNOSIS_GROUP_UNKNOWN.value, F.lit(False))
    of = covariates.where(included | unknown).select(
        *_ADMISSION,
        F.col("reporting_hospital_id").alias("_reporting"),
        F.col("discharge_year").alias("year"),
        F.ceil(F.col("discharge_month") / 3).cast("int").alias("quarter"),
        included.alias("_included"),
        F.col("diagnosis_group").isNull().alias("_no_group"),
        "urgency",
        "comorbidity",
    )
    coded = admissions.select(*_ADMISSION, "delivery_id", "main_diagnosis")
    rows = of.join(coded, on=list(_ADMISSION), how="inner")
    rows = rows.join(_counted_codes(rows, diagnoses), on=list(_ADMISSION), how="left")
    main, counted = F.col("main_diagnosis"), F.col("_included")
    sums: dict[str, Column] = {
        "admissions": F.count_if(counted),
        "diagnosed": F.count("*"),
        "acute": F.count_if(counted & (F.col("urgency") == 1)),
        "secondary_diagnoses": F.sum(F.when(counted, F.coalesce("_codes", F.lit(0))).otherwise(0)),
        "charlson_terms": F.sum(F.when(counted, F.bit_count("comorbidity")).otherwise(0)),
        "vague": F.count_if(begins_with_any(main, vague_codes) | F.col("_no_group")),
        "complications": F.sum(F.when(counted, F.coalesce("_complications", F.lit(0))).otherwise(0)),
        "palliative": F.count_if(counted & (begins_with_any(main, PALLIATIVE) | F.coalesce("_palliative", F.lit(False)))),
    }
    grouped = rows.groupBy(F.col("_reporting").alias("hospital_id"), "year", "quarter")
    return grouped.agg(*[value.cast("bigint").alias(name) for name, value in sums.items()])


def _counted_codes(rows: DataFrame, diagnoses: DataFrame) -> DataFrame:
    """Of every admission with secondary diagnoses: distinct ones, complications among them, whether one is palliative care."""
    key = [*_ADMISSION, "delivery_id"]
    listed = diagnoses.join(rows.select(*key, "main_diagnosis"), on=key, how="inner").where("diagnosis_code != main_diagnosis")
    distinct = listed.groupBy(*_ADMISSION, "diagnosis_code").agg(F.bool_or("is_complication").alias("_complication"))
    return distinct.groupBy(*_ADMISSION).agg(
        F.count("*").alias("_codes"),
        F.count_if("_complication").alias("_complications"),
        F.bool_or(begins_with_any(F.col("diagnosis_code"), PALLIATIVE)).alias("_palliative"),
    )


def judge_registration(counts: pd.DataFrame, year: int, limit: float) -> pd.DataFrame:
    """gold.registration but run_id: each quarter of the year against the hospital's own years before, and the nation's change.

    `counts`: count_registration. `limit`: from so many standard errors on a change is flagged.
    """
    parts = []
    past = counts[counts["year"] < year].groupby("hospital_id")[["admissions", "diagnosed", *SHARES]].sum()
    for quarter, now in counts[counts["year"] == year].groupby("quarter", sort=True):
        before = past.reindex(now["hospital_id"], fill_value=0)
        for measure, is_share in SHARES.items():
            of = "diagnosed" if measure == "vague" else "admissions"
            found = judge_changes(now[measure], now[of], before[measure].to_numpy(), before[of].to_numpy(), is_share=is_share)
            flag = np.full(len(now), NONE, dtype=object)
            flag[found.z > limit], flag[found.z < -limit], flag[np.isnan(found.z)] = HIGHER, LOWER, None
            parts.append(
                pd.DataFrame(
                    {
                        "hospital_id": now["hospital_id"].to_numpy(),
                        "year": year,
                        "quarter": quarter,
                        "measure": measure,
                        "count": now[measure].to_numpy(),
                        "admissions": now[of].to_numpy(),
                        "value": found.now,
                        "past_value": found.past,
                        "national_change": found.national_change,
                        "z": found.z,
                        "phi": np.nan if found.phi is None else found.phi,
                        "flag": flag,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(REGISTRATION))


def sum_coding(scored: DataFrame) -> DataFrame:
    """Expected deaths with and without comorbidity. Grain: hospital_id, year, diagnosis_group.

    `scored`: reporting_hospital_id, discharge_year, diagnosis_group, observed, expected, and without: the expected value of the
    same admission had it no comorbidity. Columns admissions, observed, expected, without.
    """
    known = scored.where(F.col("expected").isNotNull() & F.col("without").isNotNull())
    grouped = known.groupBy(
        F.col("reporting_hospital_id").alias("hospital_id"), F.col("discharge_year").alias("year"), "diagnosis_group"
    )
    return grouped.agg(
        F.count("*").alias("admissions"),
        F.count_if("observed").alias("observed"),
        *[(F.sum(fixed_point(F.col(name))).cast("double") / FIXED_POINT).alias(name) for name in ("expected", "without")],
    )


def freeze_coding(sums: pd.DataFrame, year: int) -> pd.DataFrame:
    """FROZEN_CODING of every hospital with admissions in the year, from sum_coding over it and the years before."""
    key = ["hospital_id", "diagnosis_group"]
    past = sums[sums["year"] < year].groupby(key)[["expected", "without"]].sum()
    now = sums[sums["year"] == year].sort_values(key)
    before = past.reindex(pd.MultiIndex.from_frame(now[key]), fill_value=0.0).reset_index(drop=True)
    rows = now.reset_index(drop=True).assign(past=before["expected"], past_without=before["without"])
    rows["frozen_expected"] = frozen_expected(rows["expected"], rows["without"], rows["past"], rows["past_without"])
    both = (rows["without"] > 0) & (rows["past_without"] > 0)
    # The past's factor with today's weights: of the same groups, so that a change of case mix is none of coding.
    rows["_of_both"], rows["_frozen_of_both"] = rows["without"].where(both, 0.0), rows["frozen_expected"].where(both, 0.0)
    names = ["admissions", "observed", "expected", "without", "frozen_expected", "_of_both", "_frozen_of_both"]
    hospitals = rows.groupby("hospital_id", sort=True)[names].sum().reset_index()
    observed = hospitals["observed"].to_numpy(float)
    return hospitals.assign(
        value=standardised_ratio(observed, hospitals["expected"].to_numpy(float)),
        coding_factor=(hospitals["expected"] / hospitals["without"]).where(hospitals["without"] > 0),
        past_coding_factor=(hospitals["_frozen_of_both"] / hospitals["_of_both"]).where(hospitals["_of_both"] > 0),
        frozen_value=standardised_ratio(observed, hospitals["frozen_expected"].to_numpy(float)),
    )[list(FROZEN_CODING)]

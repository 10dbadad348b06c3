"""Diagnosis group of a main diagnosis (METHOD section 3, last paragraph).

Official title: diagnosis group of the HSMR model (CCS category or cluster of categories).
A code resolves to a CCS category first: (1) the code itself; else (2) its first three characters as a code; else
(3) the most frequent category among the list's codes with those three characters, ties to the lowest number; else
unknown. The category then has a group. A code is in the list only if it has a category there.
Known limitation: the list is derived from the American classification; step (3) is a majority, not a mapping.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

GROUPS, CCS = "groups", "ccs"


def category_order(category: str) -> tuple[int, int, str]:
    """Sorts categories by number, those without a number (COVID) last."""
    return (0, int(category), "") if category.isdigit() else (1, 0, category)


def category_lookups(codes: Iterable[Mapping[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """(category by code, category by first three characters) from rows with `icd10` and `ccs`."""
    by_code = {row["icd10"].replace(".", "").upper(): row["ccs"] for row in codes if row["ccs"]}
    members: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for code, category in by_code.items():
        members[code[:3]][category] += 1
    by_stem = {
        stem: by_code.get(stem) or min(counts, key=lambda category: (-counts[category], category_order(category)))
        for stem, counts in members.items()
    }
    return by_code, by_stem


def group_of_category(groups: Iterable[Mapping[str, str]], grouping: str) -> dict[str, str]:
    """Diagnosis group by CCS category: the list's groups, or with grouping `ccs` the category itself."""
    return {row["ccs"]: row["ccs"] if grouping == CCS else row["diagnosis_group"] for row in groups}


def group_labels(groups: Iterable[Mapping[str, str]], grouping: str) -> dict[str, str]:
    """Label by diagnosis group."""
    label = "ccs_label" if grouping == CCS else "diagnosis_group_label"
    group = "ccs" if grouping == CCS else "diagnosis_group"
    return {row[group]: row[label] for row in groups}


def cluster_of_group(groups: Iterable[Mapping[str, str]], grouping: str) -> dict[str, str]:
    """Diagnosis cluster (chapter above the groups) by diagnosis group."""
    return {row["ccs"] if grouping == CCS else row["diagnosis_group"]: row["cluster"] for row in groups}


def cluster_labels(groups: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Label by diagnosis cluster."""
    return {row["cluster"]: row["cluster_label"] for row in groups}


def with_diagnosis_group(admissions: DataFrame, by_code: DataFrame, by_stem: DataFrame) -> DataFrame:
    """Adds `diagnosis_group`, null where unknown. Grain unchanged.

    `by_code` has main_diagnosis and group, `by_stem` has stem and group; both small and unique by their first column.
    """
    codes = F.broadcast(by_code.select("main_diagnosis", F.col("group").alias("_by_code"), F.lit(True).alias("_listed")))
    stems = F.broadcast(by_stem.select(F.col("stem").alias("_stem"), F.col("group").alias("_by_stem")))
    return (
        admissions.join(codes, on="main_diagnosis", how="left")
        .join(stems, on=F.substring("main_diagnosis", 1, 3) == F.col("_stem"), how="left")
        .withColumn("diagnosis_group", F.when(F.col("_listed"), F.col("_by_code")).otherwise(F.col("_by_stem")))
        .drop("_by_code", "_listed", "_stem", "_by_stem")
    )

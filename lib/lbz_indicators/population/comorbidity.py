"""The 17 Charlson conditions of an admission as one bit mask (METHOD section 4.1, covariate comorbidity).

Official title: comorbidities of the Charlson index, 17 yes/no terms. Numerator of each: a secondary diagnosis whose
code begins with one of the condition's ICD-10 prefixes, unless it is flagged as a complication or equals the main
diagnosis. Source of the prefixes: the list `charlson`.
Known limitation: a hospital that codes fewer secondary diagnoses has fewer conditions and fewer expected deaths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.errors import SettingsError

CONDITIONS = 17
_NUMBERS = {str(number) for number in range(1, CONDITIONS + 1)}
DIABETES, DIABETES_COMPLICATIONS = 10, 11
LIVER_DISEASE, SEVERE_LIVER_DISEASE = 9, 17
MERGED_PAIRS = ((LIVER_DISEASE, SEVERE_LIVER_DISEASE), (DIABETES, DIABETES_COMPLICATIONS))
"""(joined, joining): the second joins the first where it is deficient, as one term 'either'."""


def bit(condition: int) -> int:
    """The mask of one condition, 1..17."""
    return 1 << (condition - 1)


def condition_prefixes(charlson: Iterable[Mapping[str, str]]) -> dict[int, dict[str, int]]:
    """Mask by prefix, for every length of prefix: {3: {'I21': 1, ...}, 4: {...}}; SettingsError for another condition."""
    masks: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in charlson:
        if row["condition"] not in _NUMBERS or not row["icd10_prefix"]:
            raise SettingsError(
                f"The list charlson has a row with condition {row['condition']!r}, prefix {row['icd10_prefix']!r}.",
                mend=f"use conditions 1 to {CONDITIONS}, each with a prefix (references.charlson).",
            )
        prefix = row["icd10_prefix"].replace(".", "").upper()
        masks[len(prefix)][prefix] |= bit(int(row["condition"]))
    return {length: dict(prefixes) for length, prefixes in sorted(masks.items())}


def with_comorbidity(admissions: DataFrame, diagnoses: DataFrame, prefixes: Mapping[int, DataFrame]) -> DataFrame:
    """Adds `comorbidity`, the mask. Grain unchanged.

    `diagnoses` is silver.diagnoses; `prefixes` has per length of prefix a small DataFrame with prefix and mask.
    Only diagnoses that name a condition are shuffled, once.
    """
    key = ["admission_id", "hospital_id", "delivery_id"]  # joins sort by the first column, and hospitals are few
    coded = diagnoses.where(~F.col("is_complication")).select(*key, "diagnosis_code")
    mask = F.lit(0)
    for length, masks in prefixes.items():
        table = F.broadcast(masks.select(F.col("prefix").alias(f"_p{length}"), F.col("mask").alias(f"_m{length}")))
        coded = coded.join(table, on=F.substring("diagnosis_code", 1, length) == F.col(f"_p{length}"), how="left")
        mask = mask.bitwiseOR(F.coalesce(f"_m{length}", F.lit(0)))
    counting = coded.select(*key, F.struct("diagnosis_code", mask.alias("mask")).alias("_condition"))
    listed = counting.where("_condition.mask != 0").groupBy(*key).agg(F.collect_list("_condition").alias("_conditions"))
    other = F.filter("_conditions", lambda condition: condition["diagnosis_code"] != F.col("main_diagnosis"))
    together = F.aggregate(other, F.lit(0), lambda all_, condition: all_.bitwiseOR(condition["mask"]))
    joined = admissions.join(listed, on=key, how="left")
    return joined.withColumn("comorbidity", F.coalesce(together, F.lit(0))).drop("_conditions")

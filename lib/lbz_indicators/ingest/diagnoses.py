"""Validation of secondary diagnoses."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.ingest.rules import DiagnosisRule
from lbz_indicators.ingest.sources import MALFORMED
from lbz_indicators.ingest.validate import normalised_code, true_or_false
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import SILVER_DIAGNOSES

_ADMISSION = ("admission_id", "hospital_id", "delivery_id")
"""The number first: joins sort by the first column, and hospitals are few."""
_ROW = (*_ADMISSION, "diagnosis_code", "is_complication")


def known_admissions(valid: DataFrame, rejected: DataFrame, not_in_force: DataFrame) -> DataFrame:
    """Every delivered admission. Grain: hospital_id, admission_id, delivery_id. Columns `_valid`, `_in_force`.

    `valid` is silver.admissions, `rejected` silver.rejected_admissions, `not_in_force` the records that a later delivery
    replaces or withdraws. A key may be there twice in one delivery: it is valid if one of its records is.
    """
    parts = [(valid, True, True), (rejected, False, True), (not_in_force, False, False)]
    every = [
        rows.select(*_ADMISSION, F.lit(is_valid).alias("_valid"), F.lit(in_force).alias("_in_force"))
        for rows, is_valid, in_force in parts
    ]
    together = every[0].unionByName(every[1]).unionByName(every[2])
    return together.groupBy(*_ADMISSION).agg(F.max("_valid").alias("_valid"), F.max("_in_force").alias("_in_force"))


def check_diagnoses(records: DataFrame, admissions: DataFrame, known_codes: DataFrame) -> DataFrame:
    """Judges every delivered secondary diagnosis. Grain: one row per admission, code and complication flag.

    `admissions` is what known_admissions gives. Adds `records` (how many delivered rows the row stands for), `in_force`,
    and one boolean per DiagnosisRule (but DUPLICATE).
    """
    typed = records.where("defect IS NULL OR defect = 'malformed_record'").select(
        *_ADMISSION,
        normalised_code("diagnosis_code").alias("diagnosis_code"),
        F.coalesce(true_or_false("is_complication"), F.lit(False)).alias("is_complication"),
        F.when(true_or_false("is_complication").isNull(), 1).otherwise(0).alias("_unknown"),
        (
            F.col("defect").eqNullSafe(MALFORMED)
            | F.col("hospital_id").isNull()
            | F.col("admission_id").isNull()
            | F.col("diagnosis_code").isNull()
        ).alias("_malformed"),
    )
    # One shuffle for both the grouping and the join.
    once = (
        typed.repartition(*_ADMISSION)
        .groupBy(*_ROW, "_malformed")
        .agg(F.count("*").alias("records"), F.sum("_unknown").alias("_unknowns"))
    )
    joined = once.join(admissions, on=list(_ADMISSION), how="left").join(
        F.broadcast(known_codes.select(F.col("code").alias("diagnosis_code"), F.lit(True).alias("_in_tree"))),
        on="diagnosis_code",
        how="left",
    )
    return joined.select(
        *_ROW,
        "records",
        F.coalesce("_in_force", F.lit(True)).alias("in_force"),
        F.col("_malformed").alias(DiagnosisRule.MALFORMED_RECORD.value),
        (~F.col("_malformed") & ~F.coalesce("_valid", F.lit(True))).alias(DiagnosisRule.OF_REJECTED_ADMISSION.value),
        (~F.col("_malformed") & F.col("_valid").isNull()).alias(DiagnosisRule.WITHOUT_ADMISSION.value),
        F.col("_unknowns").alias(DiagnosisRule.UNKNOWN_IS_COMPLICATION.value),
        (~F.col("_malformed") & F.col("_in_tree").isNull()).alias(DiagnosisRule.NOT_IN_TREE.value),
    )


def valid_diagnoses(checked: DataFrame) -> DataFrame:
    """silver.diagnoses: one row per admission, code and complication flag, of admissions in force that are not rejected."""
    left_out = F.col(DiagnosisRule.MALFORMED_RECORD.value) | F.col(DiagnosisRule.OF_REJECTED_ADMISSION.value)
    return checked.where(F.col("in_force") & ~left_out).select(*SCHEMAS[SILVER_DIAGNOSES].names)

"""silver.quality: how many records each rule of validation met, per delivery and hospital."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.ingest.rules import DiagnosisRule, WithdrawalRule
from lbz_indicators.ingest.sources import is_filtered
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import SILVER_QUALITY

DELIVERED, VALID, REJECTED = "delivered", "valid", "rejected"
REPLACED, WITHDRAWN = "replaced_by_later_delivery", "withdrawn_by_later_delivery"
_COLUMNS = SCHEMAS[SILVER_QUALITY].names
_PLACE = ("delivery_id", "hospital_id")


def count_admission_rules(valid: DataFrame, rejected: DataFrame) -> DataFrame:
    """Counts every rule that silver.admissions and silver.rejected_admissions name.

    A rejected record counts under each of its reasons, a valid one under each of its flags, and both under a total.
    """
    return _counted(valid, "flags", "flagged", VALID).unionByName(_counted(rejected, "reasons", "rejected", REJECTED))


def _counted(rows: DataFrame, names: str, severity: str, total: str) -> DataFrame:
    """Records per name in an array column, and all records under `total`, in one pass."""
    named = rows.select(*_PLACE, F.explode(F.concat(names, F.array(F.lit(total)))).alias("rule"))
    counted = named.groupBy(*_PLACE, "rule").agg(F.count("*").alias("records"))
    kind = F.when(F.col("rule") == total, "total").otherwise(severity)
    return counted.withColumn("severity", kind).select(*_COLUMNS)


def count_delivered(records: DataFrame) -> DataFrame:
    """Totals of all delivered records, in force or not. `records` is what mark_in_force gives.

    delivered = valid + rejected + replaced + withdrawn + filtered, per delivery and hospital.
    """
    filtered = is_filtered()
    totals = _stack(
        records,
        {
            (DELIVERED, "total"): F.count("*"),
            (REPLACED, "superseded"): F.count_if(F.col("replaced") & ~filtered),
            (WITHDRAWN, "superseded"): F.count_if(F.col("withdrawn") & ~filtered),
        },
    )
    reasons = records.where(filtered).groupBy(*_PLACE, F.col("defect").alias("rule")).agg(F.count("*").alias("records"))
    return totals.unionByName(reasons.withColumn("severity", F.lit("filtered")).select(*_COLUMNS))


def count_withdrawals(withdrawn: DataFrame) -> DataFrame:
    """Counts what deliveries withdraw. `withdrawn` is what with_records_met gives."""
    counts = {
        (WithdrawalRule.ASKED.value, "withdrawal"): F.count("*"),
        (WithdrawalRule.WITHOUT_RECORD.value, "flagged"): F.count_if(~F.col("met")),
    }
    return _stack(withdrawn, counts)


def count_diagnosis_rules(checked: DataFrame) -> DataFrame:
    """Counts the rules on secondary diagnoses. `checked` is what check_diagnoses gives."""
    records = F.col("records")
    whole = (
        (DiagnosisRule.MALFORMED_RECORD, "rejected"),
        (DiagnosisRule.OF_REJECTED_ADMISSION, "rejected"),
        (DiagnosisRule.WITHOUT_ADMISSION, "flagged"),
        (DiagnosisRule.NOT_IN_TREE, "flagged"),
    )
    counts = {(rule.value, severity): F.sum(F.when(F.col(rule.value), records).otherwise(0)) for rule, severity in whole}
    unknown = F.col(DiagnosisRule.UNKNOWN_IS_COMPLICATION.value)
    left_out = F.col(DiagnosisRule.MALFORMED_RECORD.value) | F.col(DiagnosisRule.OF_REJECTED_ADMISSION.value)
    counts[(DiagnosisRule.DUPLICATE.value, "rejected")] = F.sum(F.when(left_out, 0).otherwise(records - 1))
    counts[(DiagnosisRule.UNKNOWN_IS_COMPLICATION.value, "flagged")] = F.sum(F.when(left_out, 0).otherwise(unknown))
    return _stack(checked.where("in_force"), counts)


def _stack(rows: DataFrame, counts: dict[tuple[str, str], Column]) -> DataFrame:
    """One aggregation per delivery and hospital, its columns stacked to rows; rules that met nothing are left out."""
    wide = rows.groupBy(*_PLACE).agg(*[count.cast("bigint").alias(f"c{i}") for i, count in enumerate(counts.values())])
    items = [
        F.struct(F.lit(rule).alias("rule"), F.lit(severity).alias("severity"), F.col(f"c{i}").alias("records"))
        for i, (rule, severity) in enumerate(counts)
    ]
    long = wide.select(*_PLACE, F.explode(F.array(*items)).alias("_item")).select(*_PLACE, "_item.*")
    return long.where("records > 0").select(*_COLUMNS)

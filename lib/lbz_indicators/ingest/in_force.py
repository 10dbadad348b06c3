"""Which delivered records are in force: of each hospital's months of discharge the latest delivery, less what was withdrawn.

A corrected delivery replaces exactly the months of discharge it has records of; records whose discharge date cannot be
read form a month of their own. A withdrawal takes back what earlier deliveries hold: of a month, or of an admission.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.ingest.validate import day
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import SILVER_DELIVERED_MONTHS

Keep = Callable[[DataFrame], DataFrame]
"""Makes a small look-up once."""

MONTH = ("hospital_id", "discharge_month")
_KEY = ("hospital_id", "admission_id")


def discharge_month() -> Column:
    """'2019-03' of a delivered record, null where its discharge date cannot be read."""
    return F.when(day("discharge_date").isNotNull(), F.substring("discharge_date", 1, 7)).alias("discharge_month")


def _stamp() -> Column:
    """The place of a delivery among all: deliveries loaded at the same moment are told apart by name."""
    return F.struct("loaded_at", "delivery_id")


def delivered_months(bronze: DataFrame) -> DataFrame:
    """silver.delivered_months of these records. Grain: delivery_id, hospital_id, discharge_month."""
    held = bronze.groupBy("delivery_id", "hospital_id", discharge_month())
    counted = held.agg(F.min("loaded_at").alias("loaded_at"), F.count("*").alias("records"))
    return counted.select(*SCHEMAS[SILVER_DELIVERED_MONTHS].names)


def withdrawals(bronze: DataFrame) -> DataFrame:
    """What every delivery withdraws, from bronze.withdrawals. Grain: delivery and what it names.

    Columns hospital_id, discharge_month ('2019-03'; null = any month), admission_id (null = the whole month), loaded_at,
    delivery_id. Month and admission are never both null.
    """
    year, month = (F.lpad(F.col(name).cast("int").cast("string"), size, "0") for name, size in (("year", 4), ("month", 2)))
    named = F.concat(year, F.lit("-"), month).alias("discharge_month")
    return bronze.where("defect IS NULL").select("hospital_id", named, "admission_id", "loaded_at", "delivery_id").distinct()


def mark_in_force(bronze: DataFrame, months: DataFrame, withdrawn: DataFrame) -> DataFrame:
    """Adds discharge_month and the booleans `replaced`, `withdrawn` and `in_force`, of which exactly one holds. Grain unchanged.

    Replaced: a later delivery holds records of the hospital-month. Withdrawn: none does, but a later one withdraws the
    month or the admission. `months`: silver.delivered_months of every month of the records; `withdrawn`: what
    `withdrawals` gives.
    """
    records = bronze.withColumn("discharge_month", discharge_month())
    joined = joins.look_up(records, F.broadcast(_latest_months(months, withdrawn)), MONTH)
    joined = joined.join(F.broadcast(_withdrawn_admissions(withdrawn)), on=list(_KEY), how="left")
    named = F.exists(
        "_withdrawals",
        lambda one: (one["month"].isNull() | one["month"].eqNullSafe(F.col("discharge_month"))) & (one["stamp"] > _stamp()),
    )
    replaced = F.col("_latest") != F.col("delivery_id")
    gone = ~replaced & (F.col("_month_withdrawn") | F.coalesce(named, F.lit(False)))
    return joined.withColumns({"replaced": replaced, "withdrawn": gone, "in_force": ~replaced & ~gone}).select(
        *records.columns, "replaced", "withdrawn", "in_force"
    )


def _latest_months(months: DataFrame, withdrawn: DataFrame) -> DataFrame:
    """Grain: hospital_id, discharge_month. `_latest`: the latest delivery with records of it; `_month_withdrawn`: a later one
    withdraws the month."""
    latest = months.groupBy(*MONTH).agg(F.max(_stamp()).alias("_stamp"))
    whole = withdrawn.where("admission_id IS NULL").groupBy(*MONTH).agg(F.max(_stamp()).alias("_whole"))
    return joins.look_up(latest, F.broadcast(whole), MONTH).select(
        *MONTH,
        F.col("_stamp.delivery_id").alias("_latest"),
        F.coalesce(F.col("_whole") > F.col("_stamp"), F.lit(False)).alias("_month_withdrawn"),
    )


def _withdrawn_admissions(withdrawn: DataFrame) -> DataFrame:
    """Grain: hospital_id, admission_id. `_withdrawals`: every (month, stamp) that withdraws it; month null = any."""
    one = F.struct(F.col("discharge_month").alias("month"), _stamp().alias("stamp"))
    return withdrawn.where("admission_id IS NOT NULL").groupBy(*_KEY).agg(F.collect_list(one).alias("_withdrawals"))


def with_records_met(withdrawn: DataFrame, months: DataFrame, bronze: DataFrame, keep: Keep) -> DataFrame:
    """Adds `met` to what `withdrawals` gives: whether an earlier delivery holds a record that it names. Grain unchanged.

    `months` and `bronze` need to hold only the months and admissions named.
    """
    names = withdrawn.where("admission_id IS NOT NULL").select(*_KEY).distinct()
    records = bronze.join(F.broadcast(names), on=list(_KEY), how="left_semi")
    held = keep(records.select(*_KEY, discharge_month(), "loaded_at", "delivery_id").distinct())
    first_of_month = months.groupBy(*MONTH).agg(F.min(_stamp()).alias("_month"))
    of_month = held.groupBy(*_KEY, "discharge_month").agg(F.min(_stamp()).alias("_in_month"))
    anywhere = held.groupBy(*_KEY).agg(F.min(_stamp()).alias("_anywhere"))
    joined = joins.look_up(withdrawn, first_of_month, MONTH)
    joined = joins.look_up(joined, of_month, [*_KEY, "discharge_month"])
    joined = joins.look_up(joined, anywhere, _KEY)
    of_admission = F.when(F.col("discharge_month").isNull(), F.col("_anywhere")).otherwise(F.col("_in_month"))
    first = F.when(F.col("admission_id").isNull(), F.col("_month")).otherwise(of_admission)
    return joined.select(*withdrawn.columns, F.coalesce(first < _stamp(), F.lit(False)).alias("met"))

"""Which person every episode belongs to.

A row of `patients` is a line of people with the same traits: after a death, or where an episode would begin before the
30 days after an earlier one are over, the next person of the line takes over, with a pseudonym of its own. So nobody comes
back from the dead or lies in two beds, no episode within 30 days is mistaken for a readmission, no admission is lost, and
who takes over depends on earlier episodes only: the outcome of each row stays the draw it was.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators.synthetic.returns import WITHIN_DAYS


def later_lives(rows: DataFrame, partitions: int) -> DataFrame:
    """Grain: patient, episode, those only whose person is not the first of the line. Column life, 1 and up.

    `rows` are all admissions; narrow columns are shuffled once, by patient.
    """
    narrow = rows.where("several_episodes").select("patient", "episode", "admission_date", "discharge_date", "died")
    chains = (
        narrow.repartition(partitions, "patient")
        .groupBy("patient", "episode")
        .agg(
            F.min("admission_date").alias("_from"),
            F.max("discharge_date").alias("_to"),
            F.max("died").alias("_died"),
        )
    )
    order = Window.partitionBy("patient").orderBy("_from", "episode")
    earlier = order.rowsBetween(Window.unboundedPreceding, -1)
    marked = chains.withColumn(
        "_break",
        F.coalesce(F.lag("_died").over(order), F.lit(False))
        | F.coalesce(F.datediff("_from", F.max("_to").over(earlier)) <= WITHIN_DAYS, F.lit(False)),
    )
    lives = marked.withColumn("life", F.sum(F.col("_break").cast("int")).over(order).cast("int"))
    return lives.where("life > 0").select("patient", "episode", "life")

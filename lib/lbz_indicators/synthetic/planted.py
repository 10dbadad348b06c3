"""Effects of planted events as Columns."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column
from pyspark.sql import functions as F

from lbz_indicators.synthetic.draws import below, row_key, texts
from lbz_indicators.synthetic.events import MERGED_HOSPITAL, Kind
from lbz_indicators.synthetic.plan import Plan


def event_effect(plan: Plan, kinds: Collection[Kind], day: Column) -> Column:
    """Sum of the sizes of the events of these kinds that meet a row: its hospital, group, and the day."""
    total = F.lit(0.0)
    for event in plan.nation.events:
        if event.kind not in kinds:
            continue
        met = F.col("hospital") == plan.nation.hospitals.code.index(event.hospital)
        met = met & day.between(F.lit(event.first_day), F.lit(event.last_day))
        if event.diagnosis_group is not None:
            met = met & (F.col("group") == plan.profiles.groups.index(event.diagnosis_group))
        total = total + F.when(met, event.size).otherwise(0.0)
    return total


def delivered_hospital(plan: Plan) -> Column:
    """The number that a row is delivered under: its hospital's, or that of the one that merged into it."""
    own = reporting_hospital(plan)
    patient = row_key(plan.seed, F.col("patient"))
    for event in plan.nation.events:
        if event.kind is Kind.MERGED:
            here = F.col("hospital") == plan.nation.hospitals.code.index(event.hospital)
            before = here & (F.col("discharge_date") <= F.lit(event.last_day)) & below(event.size, patient, "location")
            own = F.when(before, MERGED_HOSPITAL).otherwise(own)
    return own


def reporting_hospital(plan: Plan) -> Column:
    """The number of the hospital that a row counts for."""
    return F.get(texts(plan.nation.hospitals.code), F.col("hospital"))

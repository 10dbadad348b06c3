"""Gold, between admissions and figures: whole-number sums that figures are made of, kept so that a night adds to them."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import INTEGER, LONG, LONGS, STRING, Column, TableSchema
from lbz_indicators.schemas.gold_models import DIAGNOSIS_GROUP, MODEL_VERSION, OUTCOME

_HOSPITAL_YEAR = (
    Column("hospital_id", STRING, "Reporting hospital", required=True),
    Column("discharge_year", INTEGER, "Calendar year of discharge", required=True),
)

SCHEMAS = (
    TableSchema(
        tables.GOLD_FIGURE_CELLS,
        "model version x event x hospital x discharge year x value of a breakdown: sums over its admissions (index stays)",
        (
            MODEL_VERSION,
            OUTCOME,
            *_HOSPITAL_YEAR,
            Column("breakdown", STRING, "none, diagnosis_group, diagnosis_cluster, sex, urgency, age_class, ...", required=True),
            Column("breakdown_value", STRING, "Value of the breakdown; null for none and for unknown specialty"),
            Column("admissions", LONG, "Admissions with an expected value; all where there is no model", required=True),
            Column("observed", LONG, "Events", required=True),
            Column("expected_fixed", LONG, "Sum of round(expected probability x 10^12); null = no model"),
        ),
        ("model_version", "indicator", "hospital_id", "discharge_year", "breakdown", "breakdown_value"),
        partition_by=("discharge_year",),
    ),
    TableSchema(
        tables.GOLD_WEIGHT_CELLS,
        "model version x event x diagnosis group x hospital x discharge year: the sums behind model-aware limits",
        (
            MODEL_VERSION,
            OUTCOME,
            DIAGNOSIS_GROUP,
            *_HOSPITAL_YEAR,
            Column("admissions", LONG, "Admissions with an expected value", required=True),
            Column("total", LONG, "Sum of round(p (1 - p) x 10^12)", required=True),
            Column("sums", LONGS, "The same over the admissions of every class, in the order of models.classes.slots", True),
        ),
        ("model_version", "indicator", "diagnosis_group", "hospital_id", "discharge_year"),
        partition_by=("discharge_year",),
    ),
)

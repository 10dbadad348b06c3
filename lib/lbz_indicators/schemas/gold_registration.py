"""Gold, the watch over registration: how hospitals code, and what their coding does to the HSMR (METHOD section 9)."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import DOUBLE, INTEGER, LONG, STRING, Column, TableSchema
from lbz_indicators.schemas.gold_models import MODEL_VERSION, RUN_ID

_HOSPITAL = Column("hospital_id", STRING, "Reporting hospital", required=True)
_YEAR = Column("year", INTEGER, "Calendar year of discharge", required=True)

SCHEMAS = (
    TableSchema(
        tables.GOLD_REGISTRATION,
        "reporting hospital x quarter of the reporting year x measure of registration: now, before, and the nation's change",
        (
            _HOSPITAL,
            _YEAR,
            Column("quarter", INTEGER, "Quarter of discharge, 1..4", required=True),
            Column(
                "measure", STRING, "acute, secondary_diagnoses, charlson_terms, vague, complications, palliative", required=True
            ),
            Column("count", LONG, "Admissions, or diagnoses, that the measure counts", required=True),
            Column("admissions", LONG, "Included admissions; of vague also those without a group", required=True),
            Column("value", DOUBLE, "count / admissions; null without admissions"),
            Column("past_value", DOUBLE, "The same of the years of the run before the reporting year; null likewise"),
            Column("national_change", DOUBLE, "Change of all hospitals together from then to now; null likewise"),
            Column("z", DOUBLE, "Own change less the nation's, in standard errors with over-dispersion; null = not judged"),
            Column("phi", DOUBLE, "Over-dispersion of the changes of all hospitals; null likewise"),
            Column("flag", STRING, "higher, lower, none: registers more or less than before; null = not judged"),
            RUN_ID,
        ),
        ("hospital_id", "year", "quarter", "measure"),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_FROZEN_CODING,
        "reporting hospital: HSMR of the reporting year, and what it were with comorbidity coded as in the years before",
        (
            _HOSPITAL,
            _YEAR,
            MODEL_VERSION,
            Column("admissions", LONG, "Admissions with an expected value", required=True),
            Column("observed", LONG, "Deaths", required=True),
            Column("expected", DOUBLE, "Expected deaths", required=True),
            Column("value", DOUBLE, "100 x observed / expected; null where nothing is expected"),
            Column("coding_factor", DOUBLE, "expected / expected of the same admissions without any comorbidity; null likewise"),
            Column("past_coding_factor", DOUBLE, "The same of the years before, of the groups of both; null = no past"),
            Column(
                "frozen_expected", DOUBLE, "Expected deaths with the factor of the past in every diagnosis group", required=True
            ),
            Column("frozen_value", DOUBLE, "100 x observed / frozen_expected; null where nothing is expected"),
            RUN_ID,
        ),
        ("hospital_id", "year", "model_version"),
        lineage=("run_id",),
    ),
)

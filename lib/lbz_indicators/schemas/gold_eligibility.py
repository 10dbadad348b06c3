"""Gold, who gets a report: what was counted of every hospital and year, and each criterion with its verdict."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import BOOLEAN, DATE, DOUBLE, INTEGER, LONG, STRING, Column, TableSchema
from lbz_indicators.schemas.gold_models import RUN_ID

_HOSPITAL_YEAR = (
    Column("hospital_id", STRING, "Reporting hospital", required=True),
    Column("year", INTEGER, "Calendar year of discharge", required=True),
)

SCHEMAS = (
    TableSchema(
        tables.GOLD_ELIGIBILITY_COUNTS,
        "reporting hospital x year: what the criteria and the duty to publish are judged by",
        (
            *_HOSPITAL_YEAR,
            Column("authorised", BOOLEAN, "CBS is authorised in writing", required=True),
            Column("specific_population", BOOLEAN, "Patients unlike any other hospital's", required=True),
            Column("delivered_on", DATE, "Delivery of the year, of the member furthest behind its deadline; null = unknown"),
            Column("deadline", DATE, "Its last day; null = unknown"),
            Column("complete_months", INTEGER, "Completely registered months, 0..12", required=True),
            Column("valid_admissions", LONG, "Valid admissions, before exclusions", required=True),
            Column("clinical_deaths", LONG, "Deaths in care type K before exclusions, without rehabilitation", required=True),
            Column("admissions", LONG, "Included admissions", required=True),
            Column("acute", LONG, "Acute ones among them", required=True),
            Column("deaths", LONG, "Deaths among them", required=True),
            Column("diagnosed_admissions", LONG, "Included, or excluded for nothing but an unknown group", required=True),
            Column("vague_diagnoses", LONG, "Of these, with a vague main diagnosis or none with a group", required=True),
            Column("secondary_diagnoses", LONG, "Distinct secondary diagnoses of included admissions", required=True),
            Column("case_mix_deviation", DOUBLE, "0..1 from the nation's case mix; null = nothing expected"),
            RUN_ID,
        ),
        ("hospital_id", "year"),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_ELIGIBILITY,
        "reporting hospital x year x criterion: value, limit, verdict; a report is made where none is false",
        (
            *_HOSPITAL_YEAR,
            Column("criterion", STRING, "What is asked: deaths, acute_percent, ...", required=True),
            Column("reason", STRING, "Why there is no report where it is not met: few_deaths, few_acute, ...", required=True),
            Column("value", DOUBLE, "Count, percent, days after the deadline, 1 and 0 for yes and no; null = unknown"),
            Column("limit", DOUBLE, "What it is held against, in the same unit", required=True),
            Column("met", BOOLEAN, "Verdict; null = cannot be judged, and keeps nobody from a report"),
            Column("national_value", DOUBLE, "The same of all hospitals together, for shares and means; else null"),
            Column("sentence_nl", STRING, "For a letter, in Dutch; null where the criterion is met or not judged"),
            Column("sentence_en", STRING, "The same in English"),
            RUN_ID,
        ),
        ("hospital_id", "year", "criterion"),
        lineage=("run_id",),
    ),
)

"""Silver: cleaned and typed records, their quality, and the covariates of every admission."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.bronze import ADMISSIONS as DELIVERED_ADMISSION
from lbz_indicators.schemas.contract import (
    BOOLEAN,
    BYTE,
    DATE,
    INTEGER,
    INTEGERS,
    KEYS,
    LONG,
    STRING,
    STRINGS,
    Column,
    TableSchema,
)

KEY = (
    Column("hospital_id", STRING, "Hospital that delivered the admission", required=True),
    Column("admission_id", STRING, "Number of the admission, unique within hospital", required=True),
)
DELIVERY = Column("delivery_id", STRING, "Delivery the record came with", required=True)

CLASSES = (
    Column("age", BYTE, "Class 0..20: 0, 1-4, 5-9, ... 90-94, 95+ years", required=True),
    Column("sex", BYTE, "0 male, 1 female or unknown", required=True),
    Column("ses", BYTE, "0 lowest .. 4 highest quintile of the postcode, 5 unknown", required=True),
    Column("severity", BYTE, "0..7 by national mortality of the main diagnosis, 8 other", required=True),
    Column("urgency", BYTE, "0 planned, 1 acute", required=True),
    Column("comorbidity", INTEGER, "Bit c-1 set = Charlson condition c, 17 bits", required=True),
    Column("source", BYTE, "0 home, 1 institution, 2 hospital", required=True),
    Column("admission_month", BYTE, "0 Jan-Feb .. 5 Nov-Dec", required=True),
)
PLACE = (
    Column("specialty", STRING, "Code of the discharging specialty; null = unknown"),
    Column("main_diagnosis_category", STRING, "First three characters of the main diagnosis", required=True),
)

SCHEMAS = (
    TableSchema(
        tables.SILVER_ADMISSIONS,
        "one valid admission",
        (
            *KEY,
            DELIVERY,
            Column("patient_id", STRING, "Pseudonym; null = not linkable"),
            Column("admission_date", DATE, "Day of admission", required=True),
            Column("admission_minutes", INTEGER, "Time of admission, minutes after midnight; null = unknown"),
            Column("discharge_date", DATE, "Day of discharge", required=True),
            Column("discharge_minutes", INTEGER, "Time of discharge, minutes after midnight; null = unknown"),
            Column("care_type", STRING, "K clinical, D day admission, O prolonged observation", required=True),
            Column("urgency", STRING, "acute, planned", required=True),
            Column("origin", STRING, "home, institution, hospital (unknown taken as home, flagged)", required=True),
            Column("discharge_destination", STRING, "home, institution, hospital, deceased, other", required=True),
            Column("died", BOOLEAN, "Died in hospital during this admission", required=True),
            Column("sex", STRING, "M, F; null = unknown, counted as female"),
            Column("age_years", INTEGER, "Completed years at admission", required=True),
            Column("postcode4", STRING, "Four digits; null = unknown"),
            Column("resident", BOOLEAN, "Lives in the Netherlands (unknown taken as true, flagged)", required=True),
            Column("specialty", STRING, "Code of the discharging specialty; null = unknown"),
            Column("main_diagnosis", STRING, "ICD-10, upper case, without the dot", required=True),
            Column("main_procedure", STRING, "Code of the main procedure; null = none"),
            Column("flags", STRINGS, "Rules the record was flagged by but kept, sorted", required=True),
        ),
        ("hospital_id", "admission_id"),
    ),
    TableSchema(
        tables.SILVER_DIAGNOSES,
        "one secondary diagnosis of a delivered admission (a code given twice stands once)",
        (
            *KEY,
            DELIVERY,
            Column("diagnosis_code", STRING, "ICD-10, upper case, without the dot", required=True),
            Column("is_complication", BOOLEAN, "Arose during the admission (unknown taken as false)", required=True),
        ),
        ("hospital_id", "admission_id", "delivery_id", "diagnosis_code", "is_complication"),
    ),
    TableSchema(
        tables.SILVER_REJECTED_ADMISSIONS,
        "one rejected admission record, as delivered, with all reasons",
        (
            DELIVERY,
            Column("record", LONG, "Number of the record in bronze.admissions", required=True),
            Column("reasons", STRINGS, "Every rule that rejects the record, sorted", required=True),
            *DELIVERED_ADMISSION,
        ),
        ("delivery_id", "record"),
    ),
    TableSchema(
        tables.SILVER_QUALITY,
        "delivery x hospital x rule: records",
        (
            DELIVERY,
            Column("hospital_id", STRING, "Hospital as delivered; null = the record names none"),
            Column("rule", STRING, "Rule of validation, or delivered / valid / rejected for the totals", required=True),
            Column("severity", STRING, "total, rejected, flagged, superseded", required=True),
            Column("records", LONG, "Records the rule applies to (admissions, or diagnoses for rules on those)", True),
        ),
        ("delivery_id", "hospital_id", "rule", "severity"),
    ),
    TableSchema(
        tables.SILVER_COVARIATES,
        "one valid admission: exclusion, diagnosis group and the nine covariates as class codes",
        (
            *KEY,
            Column("reporting_hospital_id", STRING, "Hospital it is counted as (reports_as, else itself)", True),
            Column("discharge_year", INTEGER, "Calendar year of discharge; covariate year", required=True),
            Column("diagnosis_group", STRING, "Stratum of the models; null = unknown"),
            Column("exclusion_reason", STRING, "First exclusion that applies; null = in the population"),
            Column("time_unknown", BOOLEAN, "An NZa rule could not be judged for want of a time", required=True),
            Column("died", BOOLEAN, "Died in hospital", required=True),
            *CLASSES,
            *PLACE,
            Column("covid_main_diagnosis", BOOLEAN, "COVID-19 as main diagnosis (population.covid_codes)", required=True),
            Column("care_type", STRING, "K clinical, D day admission, O prolonged observation", required=True),
            Column("nights", INTEGER, "Nights of the admission, at least 1", required=True),
            Column("main_procedure", STRING, "Code of the main procedure; null = none"),
            Column("row_hash", LONG, "xxhash64 of everything but the key", required=True),
        ),
        ("hospital_id", "admission_id"),
        partition_by=("discharge_year",),
    ),
    TableSchema(
        tables.SILVER_STAYS,
        "one stay: clinical admissions of a patient in one hospital, merged; known by its first admission",
        (
            *KEY,
            Column("reporting_hospital_id", STRING, "Hospital it is counted as", required=True),
            Column("patient_id", STRING, "Pseudonym; null = not linkable, each admission a stay of its own"),
            Column("stay_number", INTEGER, "Place among the patient's stays, from 1", required=True),
            Column("joined", KEYS, "Keys of the admissions merged into it beside the first, sorted", required=True),
            Column("begins", DATE, "Day of admission of its first admission", required=True),
            Column("ends", DATE, "Latest day of discharge of its admissions", required=True),
            Column("died", BOOLEAN, "Any of its admissions ended in death", required=True),
            Column("merged_overlap", BOOLEAN, "An admission began before an earlier one of the stay had ended", True),
            Column("overlaps_earlier_stay", BOOLEAN, "Began before an earlier stay of the patient had ended", required=True),
            Column("transferred_out", BOOLEAN, "The next stay is elsewhere and begins by the day after the end", required=True),
            Column("destination_disagrees", BOOLEAN, "Discharged to a hospital without a transfer, or the reverse", True),
            Column("days_to_return", INTEGER, "Days from its end to the next stay that begins then or later; null = none"),
            Column("days_to_return_same", INTEGER, "The same, to the same hospital"),
            Column("days_to_urgent_return", INTEGER, "The same, urgent, to any hospital"),
            Column("days_to_urgent_return_same", INTEGER, "The same, urgent, to the same hospital"),
            Column("return_stay_number", INTEGER, "Stay of the patient that counts by the settings, within the window or not"),
            Column("no_index_reason", STRING, "Why it is no index stay, the first that applies; null = index stay"),
            Column("readmitted", BOOLEAN, "Readmitted by the settings; null = no index stay"),
            Column("discharge_year", INTEGER, "Year of discharge of the first admission; covariate year", required=True),
            Column("diagnosis_group", STRING, "Of the first admission, as are all columns below; null = unknown"),
            *CLASSES,
            *PLACE,
            Column("row_hash", LONG, "xxhash64 of everything but the key", required=True),
        ),
        ("hospital_id", "admission_id"),
        partition_by=("discharge_year",),
    ),
    TableSchema(
        tables.SILVER_DERIVATION,
        "one row: what silver.covariates and silver.stays were derived with; later steps must ask for the same",
        (
            Column("derived", STRING, "The table: silver.covariates", required=True),
            Column("years", INTEGERS, "Discharge years in the period", required=True),
            Column("settings", STRING, "Settings of population and readmission, JSON", required=True),
            Column("references", STRING, "Reference lists by SHA-256 of their content, JSON", required=True),
            Column("severity_version", STRING, "Severity table used", required=True),
            Column("inputs", STRING, "Delta versions of the tables they were made of, JSON", required=True),
            Column("complete", BOOLEAN, "False while they are being derived with something else", required=True),
            Column("run_id", STRING, "Run that wrote the row", required=True),
        ),
        ("derived",),
        lineage=("run_id",),
    ),
)

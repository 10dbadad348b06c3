"""Bronze: each delivery as it came, text only, one append per delivery. Layout: METHOD section 2."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import DATE, LONG, STRING, TIMESTAMP, Column, TableSchema
from lbz_indicators.tables import Table

LINEAGE = (
    Column("delivery_id", STRING, "Delivery the record came with", required=True),
    Column("file", STRING, "Name of the file the record was read from", required=True),
    Column("load_date", DATE, "Load date of the delivery; a discharge after it is rejected", required=True),
    Column("loaded_at", TIMESTAMP, "When the delivery was loaded (UTC); later deliveries correct earlier ones", True),
)

RECORD = (
    Column("record", LONG, "Number of the record, unique within delivery and table; carries no order", required=True),
    Column("defect", STRING, "malformed_record: too few, too many or over-long fields; filtered:REASON: the source's row filter"),
)

DATES = ("admission_date", "discharge_date", "delivered_on", "deadline")


def _text(**meanings: str) -> tuple[Column, ...]:
    return tuple(Column(name, STRING, meaning) for name, meaning in meanings.items())


ADMISSIONS = _text(
    admission_id="Number of the admission, unique within hospital",
    patient_id="Pseudonym, the same person has the same one in every hospital; null = not linkable",
    hospital_id="Hospital that delivered the admission",
    admission_date="yyyy-MM-dd",
    admission_time="HH:MM; null = unknown",
    discharge_date="yyyy-MM-dd",
    discharge_time="HH:MM; null = unknown",
    care_type="K clinical, D day admission, O prolonged observation without overnight stay",
    urgency="acute, planned",
    origin="home, institution, hospital",
    discharge_destination="home, institution, hospital, deceased, other",
    died="true or false: died in hospital during this admission",
    sex="M, F; null = unknown",
    age_years="Completed years at admission, 0..120",
    postcode4="Four digits; null = unknown",
    resident="true or false: lives in the Netherlands",
    specialty="Code of the discharging specialty; null = unknown",
    main_diagnosis="ICD-10, with or without the dot",
    main_procedure="Code of the main procedure; null = none",
)

DIAGNOSES = _text(
    admission_id="Admission the diagnosis belongs to",
    hospital_id="Hospital of that admission",
    diagnosis_code="ICD-10 of a secondary diagnosis, with or without the dot",
    is_complication="true or false: arose during the admission",
)

HOSPITALS = _text(
    hospital_id="Hospital",
    name="Name",
    hospital_type="general, university, specialised",
    cbs_authorised="true or false: written authorisation of CBS is there",
    specific_population="true or false: patients unlike any other hospital's",
    reports_as="Hospital it merged into and is counted as for all years; null = itself",
)

HOSPITAL_YEARS = _text(hospital_id="Hospital", year="Calendar year", delivered_on="yyyy-MM-dd", deadline="yyyy-MM-dd")

HOSPITAL_MONTHS = _text(
    hospital_id="Hospital",
    year="Calendar year",
    month="1..12",
    complete="true or false: every discharge of the month is delivered",
    validated="true or false: the hospital has approved the month",
)

SES = _text(
    postcode4="Four digits",
    ses_score="Socio-economic score, higher = better off",
    inhabitants="Inhabitants of the postcode, persons",
)

SEVERITY = _text(diagnosis_code="ICD-10 as delivered", severity_class="0..7 by national mortality of the code, 8 = other")

WITHDRAWALS = _text(
    hospital_id="Hospital",
    year="Calendar year of discharge; null = whatever year, where an admission is named",
    month="1..12; null where year is",
    admission_id="Admission withdrawn; null = the whole month",
)

DELIVERY_TABLES: dict[Table, tuple[Column, ...]] = {
    tables.BRONZE_ADMISSIONS: ADMISSIONS,
    tables.BRONZE_DIAGNOSES: DIAGNOSES,
    tables.BRONZE_HOSPITALS: HOSPITALS,
    tables.BRONZE_HOSPITAL_YEARS: HOSPITAL_YEARS,
    tables.BRONZE_HOSPITAL_MONTHS: HOSPITAL_MONTHS,
    tables.BRONZE_SES: SES,
    tables.BRONZE_SEVERITY: SEVERITY,
    tables.BRONZE_WITHDRAWALS: WITHDRAWALS,
}

REQUIRED_TABLES = (tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_HOSPITALS)

DELIVERIES = TableSchema(
    tables.BRONZE_DELIVERIES,
    "delivery x delivered table: what it held when it was loaded. A delivery counts from the commit of these rows on, also "
    "where its records were removed or given new pseudonyms since",
    (
        Column("delivery_id", STRING, "Delivery", required=True),
        Column("table_name", STRING, "Delivered table: admissions, diagnoses, ...", required=True),
        Column("records", LONG, "Records delivered", required=True),
        Column("content_hash", STRING, "Sum of xxHash64 over the records as delivered, whatever their files and order", True),
        Column("load_date", DATE, "Load date of the delivery", required=True),
        Column("loaded_at", TIMESTAMP, "When the delivery was loaded (UTC), later than every delivery before it", required=True),
        Column("run_id", STRING, "Run that loaded it", required=True),
    ),
    ("delivery_id", "table_name"),
)

SCHEMAS = (
    DELIVERIES,
    *(
        TableSchema(
            table,
            f"one record of {table.name}, as delivered",
            (*columns, *RECORD, *LINEAGE),
            ("delivery_id", "record"),
            change_feed=True,
        )
        for table, columns in DELIVERY_TABLES.items()
    ),
)

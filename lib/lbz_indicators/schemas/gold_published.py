"""Gold, what must outlive corrections: publications as they were frozen, and how figures moved."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    STRINGS,
    TEXT_BY_NAME,
    TIMESTAMP,
    Column,
    TableSchema,
)
from lbz_indicators.schemas.gold import FIGURE, FIGURE_KEY, FIGURE_KEY_NAMES
from lbz_indicators.schemas.gold_models import DIAGNOSIS_GROUP, MODEL_VERSION, RUN_ID, STAY_CELL, VERSIONS, YEAR
from lbz_indicators.schemas.silver import CLASSES, PLACE

PUBLICATION_ID = Column("publication_id", STRING, "Named by reporting year and content", required=True)

SCHEMAS = (
    TableSchema(
        tables.GOLD_PUBLICATIONS,
        "one publication; append-only, written last, so a publication here is complete",
        (
            PUBLICATION_ID,
            Column("frozen_at", TIMESTAMP, "When it was frozen (UTC)", required=True),
            Column("note", STRING, "Why it was frozen", required=True),
            Column("figure_run_ids", STRINGS, "Runs that made its figures, sorted", required=True),
            Column("settings", STRING, "All settings, JSON", required=True),
            Column(
                "models",
                TEXT_BY_NAME,
                "Model version by event: mortality, readmission (none = counted only), stay 2019, ...",
                True,
            ),
            Column("references", STRING, "Reference lists by SHA-256 of their content, JSON", required=True),
            Column("code_version", STRING, "Version of the program", required=True),
            Column("admissions", LONG, "Rows of gold.published_covariates", required=True),
            Column("figures", LONG, "Rows of gold.published_figures", required=True),
            Column("covariates_sha256", STRING, "Of its rows of gold.published_covariates but row_identity", required=True),
            Column("figures_sha256", TEXT_BY_NAME, "Of its rows of gold.published_figures, by indicator", required=True),
            Column(
                "models_sha256",
                TEXT_BY_NAME,
                "Of the coefficients by model version, and of gold.published_stay_cells",
                required=True,
            ),
            Column("salt", STRING, "With which row_identity was made", required=True),
            RUN_ID,
        ),
        ("publication_id",),
    ),
    TableSchema(
        tables.GOLD_PUBLISHED_COVARIATES,
        "publication x admission in any of its figures: what they were computed from; append-only but for erasure and retention",
        (
            PUBLICATION_ID,
            Column("row_identity", BINARY, "Salted hash of the admission's key, so that a patient can be erased", required=True),
            Column("reporting_hospital_id", STRING, "Hospital it is counted as", required=True),
            YEAR,
            DIAGNOSIS_GROUP,
            *CLASSES,
            *PLACE,
            Column("died", BOOLEAN, "Died in hospital; null = not in the population of HSMR and SMR"),
            Column("readmitted", BOOLEAN, "Its stay was followed by a readmission; null = no index stay"),
            Column("nights", INTEGER, "Nights; null = not in the population of long stays"),
            Column("main_procedure", STRING, "Code of the main procedure; null = none, or not in the population of long stays"),
        ),
        ("publication_id", "row_identity"),
        partition_by=("publication_id",),
    ),
    TableSchema(
        tables.GOLD_PUBLISHED_STAY_CELLS,
        "publication x cell of the expected stay: its estimates, as gold.stay_cells had them; append-only",
        (
            PUBLICATION_ID,
            *STAY_CELL,
            Column("level", STRING, "First level of cell_mean with enough admissions", required=True),
            Column("level_admissions", LONG, "All admissions of the cell of that level", required=True),
            Column("level_nights", LONG, "Their nights; cell_mean = level_nights / level_admissions", required=True),
            Column("gamma_nights", DOUBLE, "Expected nights by gamma_model", required=True),
        ),
        ("publication_id", *(column.name for column in STAY_CELL)),
        partition_by=("publication_id",),
    ),
    TableSchema(
        tables.GOLD_PUBLISHED_FIGURES,
        "publication x figure, as it was published; append-only",
        (PUBLICATION_ID, *FIGURE_KEY, *FIGURE, RUN_ID),
        ("publication_id", *FIGURE_KEY_NAMES),
        partition_by=("publication_id",),
    ),
    TableSchema(
        tables.GOLD_MONTH_FIGURES,
        "variant x reporting hospital x month of discharge x time it moved: HSMR of the month; append-only, the last one holds",
        (
            Column("variant", STRING, "definitive, provisional", required=True),
            Column("hospital_id", STRING, "Reporting hospital; null = the nation"),
            Column("discharge_month", DATE, "First day of the month of discharge", required=True),
            Column("recorded_at", TIMESTAMP, "When it was recorded (UTC), later than all before", required=True),
            MODEL_VERSION,
            Column("admissions", LONG, "Admissions with an expected value; 0 = none is left", required=True),
            Column("observed", LONG, "Deaths among them", required=True),
            Column("expected", DOUBLE, "Expected deaths, sum of probabilities", required=True),
            Column("value", DOUBLE, "100 x observed / expected; null where expected is 0"),
            Column("delivered_until", DATE, "Last day of discharge that all hospitals had delivered"),
            RUN_ID,
        ),
        ("variant", "hospital_id", "discharge_month", "recorded_at"),
    ),
    TableSchema(
        tables.GOLD_ERASURES,
        "one removal of admissions: of patients, or of what is past its retention; written before it begins, corrected to what "
        "went when it ends; names nobody",
        (
            Column("erased_at", TIMESTAMP, "When (UTC)", required=True),
            Column("reason", STRING, "patient: at a patient's request; retention: kept as long as the law allows", required=True),
            Column("patients", LONG, "Pseudonyms asked for; null for retention"),
            Column("rows_by_table", VERSIONS, "Rows removed, by table", required=True),
            Column("rows_by_publication", VERSIONS, "Of gold.published_covariates, by publication", required=True),
            Column("note", STRING, "Why; never a pseudonym"),
            Column("complete", BOOLEAN, "false = under way, or broken off: the counts are of what was to go, else of what went"),
            RUN_ID,
        ),
        ("erased_at", "run_id"),
    ),
)

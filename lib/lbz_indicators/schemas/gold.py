"""Gold, the figures: counts, expected values, what is published, and the record of the runs."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import (
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    INTEGER,
    INTEGERS,
    LONG,
    STRING,
    TIMESTAMP,
    Column,
    TableSchema,
)
from lbz_indicators.schemas.gold_models import DIAGNOSIS_GROUP, MODEL_VERSION, OUTCOME, RUN_ID, VERSIONS, YEAR
from lbz_indicators.schemas.silver import KEY as ADMISSION_KEY

INDICATOR = Column("indicator", STRING, "hsmr, smr, readmission_ratio, olo, los_ratio", required=True)

COMMAND = Column("command", STRING, "Command that was given: run, derive, models promote, ...", required=True)
SCORED_HASH = Column("scored_hash", LONG, "row_hash of the row of silver.covariates or .stays that was scored", required=True)

FIGURE_KEY = (
    INDICATOR,
    Column("definition", STRING, "What counts: death_in_hospital; any_30d (readmission); cell_mean (stay), ...", required=True),
    Column("variant", STRING, "definitive (model of the year), provisional (model of earlier years)", required=True),
    Column("hospital_id", STRING, "Reporting hospital; null = the nation"),
    Column("breakdown", STRING, "none, diagnosis_group, diagnosis_cluster, sex, urgency, age_class, ...", required=True),
    Column("breakdown_value", STRING, "Value of the breakdown; null for none and for unknown specialty"),
    Column("period_start", DATE, "First day of the period of discharge", required=True),
    Column("period_end", DATE, "Last day of the period of discharge", required=True),
    MODEL_VERSION,
)
FIGURE_KEY_NAMES = tuple(column.name for column in FIGURE_KEY)

FIGURE = (
    Column("years_included", INTEGERS, "Discharge years of the period with admissions in the figure", required=True),
    Column("admissions", LONG, "Admissions in the figure", required=True),
    Column("observed", LONG, "Observed: deaths, readmissions, long stays (olo), nights (los_ratio)", required=True),
    Column("expected", DOUBLE, "Sum of expected probabilities, events; nights for los_ratio; null = no model, and for olo"),
    Column("value", DOUBLE, "100 x observed / expected, null where expected is 0 or null; for olo 100 x observed / admissions"),
    Column("lower", DOUBLE, "Lower confidence limit of the value"),
    Column("upper", DOUBLE, "Upper confidence limit of the value"),
    Column("confidence", DOUBLE, "Confidence of the limits, 0.95 or 0.98; null = no limits"),
    Column("interval_method", STRING, "How the limits were made: exact_poisson, wilson (olo), none", required=True),
    Column("significance", STRING, "higher, lower, none: against 100, for olo against the nation; null = not judged"),
    Column("own_reference_share", DOUBLE, "Share of the figure's variance that is the hospital's own part in the model"),
    Column("national_value", DOUBLE, "The nation's value of the same breakdown and period"),
    Column("comparison_value", DOUBLE, "Value / national value x 100, for figures against a frozen model"),
    Column("comparison_lower", DOUBLE, "Lower limit / national value x 100, likewise"),
    Column("comparison_upper", DOUBLE, "Upper limit / national value x 100, likewise"),
    Column("comparison_significance", STRING, "higher, lower, none against the nation, for figures against a frozen model"),
)

SCHEMAS = (
    TableSchema(
        tables.GOLD_EXCLUSIONS,
        "discharge year x reason: admissions; the rows of a year add up to its valid admissions",
        (
            Column("discharge_year", INTEGER, "Calendar year of discharge", required=True),
            Column("reason", STRING, "Exclusion reason, or included", required=True),
            Column("admissions", LONG, "Valid admissions", required=True),
            Column("time_unknown", LONG, "Of these, an NZa rule could not be judged for want of a time", required=True),
        ),
        ("discharge_year", "reason"),
    ),
    TableSchema(
        tables.GOLD_INDEX_STAYS,
        "reporting hospital x discharge year x reason: stays; the rows of a year add up to its stays",
        (
            Column("hospital_id", STRING, "Reporting hospital", required=True),
            Column("discharge_year", INTEGER, "Calendar year of discharge of the first admission", required=True),
            Column("reason", STRING, "Why they are no index stays, or index", required=True),
            Column("stays", LONG, "Stays", required=True),
            Column("admissions", LONG, "Admissions merged in them", required=True),
            Column("merged_overlaps", LONG, "Stays with admissions that overlap", required=True),
            Column("overlapping_stays", LONG, "Stays that began before an earlier one of the patient had ended", required=True),
            Column("destination_disagreements", LONG, "Discharged to a hospital without a transfer, or the reverse", True),
            Column("readmitted", LONG, "Index stays with a readmission by the settings", required=True),
            Column("readmitted_any", LONG, "Index stays with a return to any hospital within the window", required=True),
            Column("readmitted_same", LONG, "Of these, with one to the same hospital", required=True),
        ),
        ("hospital_id", "discharge_year", "reason"),
    ),
    TableSchema(
        tables.GOLD_EXPECTED,
        "model version x admission of the population (readmission: index stay, by its first admission): observed and expected",
        (
            MODEL_VERSION,
            OUTCOME,
            *ADMISSION_KEY,
            Column("discharge_year", INTEGER, "Calendar year of discharge", required=True),
            Column("discharge_month", BYTE, "Month of discharge, 1..12", required=True),
            DIAGNOSIS_GROUP,
            Column("observed", BOOLEAN, "The event happened (died, was readmitted)", required=True),
            Column("expected", DOUBLE, "Its probability by the model; null = no model"),
            Column("no_expected_reason", STRING, "no_model where expected is null"),
            Column("unseen_classes", INTEGER, "Covariates whose class the fit never saw", required=True),
            SCORED_HASH,
        ),
        ("model_version", "indicator", "hospital_id", "admission_id", "discharge_year"),
        partition_by=("discharge_year",),
    ),
    TableSchema(
        tables.GOLD_EXPECTED_NIGHTS,
        "model version x admission of the population of long stays: nights, expected nights, and whether it is long",
        (
            MODEL_VERSION,
            *ADMISSION_KEY,
            YEAR,
            DIAGNOSIS_GROUP,
            Column("nights", INTEGER, "Nights of the admission, at least 1", required=True),
            Column("level", STRING, "Level of cell_mean used", required=True),
            Column("expected_nights", DOUBLE, "By cell_mean", required=True),
            Column("expected_nights_gamma", DOUBLE, "By gamma_model", required=True),
            Column("long_stay", BOOLEAN, "Unexpectedly long by cell_mean, compared in whole numbers", required=True),
            Column("long_stay_gamma", BOOLEAN, "The same by gamma_model", required=True),
            Column("rule", STRING, "What counted as long: over_50, from_100, ...", required=True),
            SCORED_HASH,
        ),
        ("model_version", "hospital_id", "admission_id"),
        partition_by=("discharge_year",),
    ),
    TableSchema(
        tables.GOLD_OLO_AGREEMENT,
        "model version x discharge year: how far both estimators flag the same admissions",
        (
            MODEL_VERSION,
            YEAR,
            Column("admissions", LONG, "Admissions of the population of long stays", required=True),
            Column("both", LONG, "Long by both estimators", required=True),
            Column("cell_mean_only", LONG, "Long by cell_mean alone", required=True),
            Column("gamma_model_only", LONG, "Long by gamma_model alone", required=True),
            Column("neither", LONG, "Long by neither", required=True),
        ),
        ("model_version", "discharge_year"),
    ),
    TableSchema(
        tables.GOLD_INDICATORS,
        "one published figure",
        (*FIGURE_KEY, *FIGURE, RUN_ID),
        FIGURE_KEY_NAMES,
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_INDICATOR_HISTORY,
        "every value a figure of gold.indicators ever had; append-only",
        (
            *FIGURE_KEY,
            *FIGURE,
            RUN_ID,
            Column("change", STRING, "upsert, or delete where the figure was withdrawn", required=True),
            Column("recorded_at", TIMESTAMP, "When (UTC), later than all that was recorded before", required=True),
            Column("indicators_version", LONG, "Delta version of gold.indicators that was recorded", required=True),
        ),
        (*FIGURE_KEY_NAMES, "run_id"),
    ),
    TableSchema(
        tables.GOLD_INTERVAL_VARIANTS,
        "figure of gold.indicators x another interval method",
        (
            *FIGURE_KEY,
            Column("interval_method", STRING, "byar, model_aware", required=True),
            Column("confidence", DOUBLE, "Confidence of the limits", required=True),
            Column("lower", DOUBLE, "Lower confidence limit of the value"),
            Column("upper", DOUBLE, "Upper confidence limit of the value"),
            Column("variance", DOUBLE, "Variance of observed minus expected, for model_aware"),
            RUN_ID,
        ),
        (*FIGURE_KEY_NAMES, "interval_method"),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_RUNS,
        "one step of one run; append-only, the commit that makes its figures readable",
        (
            RUN_ID,
            COMMAND,
            Column("step", STRING, "Step of the pipeline, or the command; run for the whole", required=True),
            Column("settings", STRING, "All settings of the run, JSON", required=True),
            Column("settings_fingerprint", STRING, "SHA-256 of the settings", required=True),
            Column("code_version", STRING, "Version of the program", required=True),
            Column("tables_in", VERSIONS, "Delta versions read", required=True),
            Column("tables_out", VERSIONS, "Delta versions after the step", required=True),
            Column("rows_in", LONG, "Rows read"),
            Column("rows_out", LONG, "Rows inserted, updated or deleted"),
            Column("rejected", LONG, "Records rejected"),
            Column("started_at", TIMESTAMP, "Start (UTC), by the clock of the machine", required=True),
            Column("seconds", DOUBLE, "Duration, seconds", required=True),
            Column("status", STRING, "done, failed", required=True),
            Column("message", STRING, "What went wrong, or what was worth saying"),
            Column("number", LONG, "Place in the order in which steps ended, from 1; null = before table version 2"),
        ),
        ("run_id", "step"),
    ),
    TableSchema(
        tables.GOLD_LEASE,
        "the lease on the tables: who writes, or wrote last; one row",
        (
            Column("lease_name", STRING, "tables", required=True),
            Column("token", STRING, "Chosen by chance for each taking", required=True),
            RUN_ID,
            COMMAND,
            Column("host", STRING, "Machine of the run", required=True),
            Column("process_id", LONG, "Its process", required=True),
            Column("process_birth", STRING, "Boot, space of process numbers and start of the process; null = unknown"),
            Column("taken_at", TIMESTAMP, "When it was taken (UTC)", required=True),
            Column("renewed_at", TIMESTAMP, "Last renewal (UTC)", required=True),
            Column("expires_at", TIMESTAMP, "From when another run may take it over (UTC)", required=True),
            Column("released_at", TIMESTAMP, "When it was released (UTC); null = held"),
            Column("taken_over_from", STRING, "Run whose lease had expired, or whose process had ended; null = none"),
        ),
        ("lease_name",),
    ),
)

"""Gold: what is published, the models behind it, and the record of the runs."""

from __future__ import annotations

from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.schemas.contract import (
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    DOUBLES,
    INTEGER,
    INTEGERS,
    LONG,
    STRING,
    STRINGS,
    TIMESTAMP,
    Column,
    TableSchema,
)
from lbz_indicators.schemas.silver import KEY as ADMISSION_KEY

MODEL_VERSION = Column("model_version", STRING, "Version of the fitted models", required=True)
SEVERITY_VERSION = Column("severity_version", STRING, "Named by history years and content", required=True)
DIAGNOSIS_GROUP = Column("diagnosis_group", STRING, "Stratum: one model each", required=True)
INDICATOR = Column("indicator", STRING, "hsmr, smr, readmission_ratio, olo, los_ratio", required=True)
OUTCOME = Column("indicator", STRING, "What the models predict: mortality", required=True)
RUN_ID = Column("run_id", STRING, "Run that wrote the row", required=True)
VERSIONS = T.MapType(STRING, LONG)

FIGURE_KEY = (
    INDICATOR,
    Column("variant", STRING, "definitive, provisional", required=True),
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
    Column("observed", LONG, "Observed events among them (deaths)", required=True),
    Column("expected", DOUBLE, "Sum of expected probabilities, events", required=True),
    Column("value", DOUBLE, "100 x observed / expected; null where expected is 0"),
    Column("lower", DOUBLE, "Lower confidence limit of the value"),
    Column("upper", DOUBLE, "Upper confidence limit of the value"),
    Column("confidence", DOUBLE, "Confidence of the limits, 0.95 or 0.98", required=True),
    Column("interval_method", STRING, "How the limits were made: exact_poisson", required=True),
    Column("significance", STRING, "higher, lower, none against 100; null = not judged"),
    Column("own_reference_share", DOUBLE, "Share of the figure's variance that is the hospital's own part in the model"),
    Column("national_value", DOUBLE, "The nation's value of the same breakdown and period"),
    Column("comparison_value", DOUBLE, "Value / national value x 100, for figures against a frozen model"),
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
        tables.GOLD_SEVERITY_VERSIONS,
        "one time a severity table came into force; append-only, the last one is in force",
        (
            SEVERITY_VERSION,
            Column("in_force_from", TIMESTAMP, "When it came into force (UTC)", required=True),
            Column("history_years", INTEGERS, "Discharge years it was derived from", required=True),
            Column("admissions", LONG, "Admissions of the population in those years", required=True),
            Column("main_diagnoses", LONG, "Main diagnoses classed, other included", required=True),
            Column("settings", STRING, "Settings that shape it, JSON", required=True),
            Column("code_version", STRING, "Version of the program", required=True),
            RUN_ID,
        ),
        ("severity_version", "in_force_from"),
    ),
    TableSchema(
        tables.GOLD_SEVERITY_CLASSES,
        "severity version x main diagnosis; append-only",
        (
            SEVERITY_VERSION,
            Column("main_diagnosis", STRING, "ICD-10, full code as delivered, upper case, no dot", required=True),
            Column("admissions", LONG, "Admissions of the history years", required=True),
            Column("deaths", LONG, "Deaths among them", required=True),
            Column("hospitals", LONG, "Reporting hospitals that used the code", required=True),
            Column("severity", BYTE, "Class 0..7 of deaths / admissions; 8 = other (too few of either)", required=True),
        ),
        ("severity_version", "main_diagnosis"),
    ),
    TableSchema(
        tables.GOLD_MODELS,
        "one model version: all diagnosis groups of one indicator; written last, so a version here is complete",
        (
            MODEL_VERSION,
            OUTCOME,
            Column("engine", STRING, "mllib, glum", required=True),
            Column("model_years", INTEGERS, "Discharge years of the fit cohort", required=True),
            Column("settings", STRING, "Settings that shape the fit, JSON", required=True),
            Column("references", STRING, "Reference lists by SHA-256 of their content, JSON", required=True),
            Column("cohort_fingerprint", STRING, "Order-free hash of the fit cohort", required=True),
            Column("table_versions", VERSIONS, "Delta versions of the tables read", required=True),
            Column("code_version", STRING, "Version of the program", required=True),
            Column("created_at", TIMESTAMP, "When it was fitted (UTC)", required=True),
            Column("note", STRING, "Why it was made"),
            RUN_ID,
        ),
        ("model_version",),
    ),
    TableSchema(
        tables.GOLD_MODEL_EVENTS,
        "one change of a model version's status; append-only",
        (
            MODEL_VERSION,
            Column("status", STRING, "candidate, current, retired", required=True),
            Column("at", TIMESTAMP, "When (UTC)", required=True),
            Column("note", STRING, "Why"),
        ),
        ("model_version", "status", "at"),
    ),
    TableSchema(
        tables.GOLD_MODEL_COEFFICIENTS,
        "model version x diagnosis group x covariate x original class, seen in the fit or not",
        (
            MODEL_VERSION,
            DIAGNOSIS_GROUP,
            Column("covariate", STRING, "intercept, age, sex, ..., comorbidity, ...", required=True),
            Column("class", INTEGER, "Class code as in silver.covariates; condition 1..17 for comorbidity", required=True),
            Column("class_label", STRING, "What the class is called", required=True),
            Column("term_id", STRING, "Classes merged in the fit share one term", required=True),
            Column("estimate", DOUBLE, "Log odds against the reference", required=True),
            Column("standard_error", DOUBLE, "Of the estimate; null for reference, aliased and separated terms"),
            Column("is_reference", BOOLEAN, "In the reference term of its covariate", required=True),
            Column("is_aliased", BOOLEAN, "Term dropped: a combination of earlier terms", required=True),
            Column("admissions", LONG, "Admissions of the class in the fit; 0 = unseen", required=True),
            Column("events", LONG, "Events among them", required=True),
        ),
        ("model_version", "diagnosis_group", "covariate", "class"),
    ),
    TableSchema(
        tables.GOLD_MODEL_FIT,
        "model version x diagnosis group: how the fit went",
        (
            MODEL_VERSION,
            DIAGNOSIS_GROUP,
            Column("admissions", LONG, "Admissions of the fit", required=True),
            Column("events", LONG, "Events of the fit", required=True),
            Column("hospitals", INTEGER, "Reporting hospitals in the fit", required=True),
            Column("status", STRING, "fitted, separated, not_converged, no_events, all_events, no_admissions", True),
            Column("terms", INTEGER, "Estimated columns, the intercept included", required=True),
            Column("aliased_terms", STRINGS, "Terms dropped as combinations of earlier ones", required=True),
            Column("iterations", INTEGER, "Iterations of the engine; null where it fell back or none was needed"),
            Column("newton_steps", INTEGER, "Newton steps after the engine", required=True),
            Column("newton_decrement", DOUBLE, "g' I^-1 g at the stored coefficients"),
            Column("deviance", DOUBLE, "-2 log likelihood"),
            Column("c_statistic", DOUBLE, "Area under the ROC curve on the fit cohort; null without events or survivors"),
            Column("max_engine_difference", DOUBLE, "Largest difference between the engines; null = not verified"),
        ),
        ("model_version", "diagnosis_group"),
    ),
    TableSchema(
        tables.GOLD_MODEL_COVARIATES,
        "model version x diagnosis group x covariate left in the fit; comorbidity as a whole and comorbidity_N singly",
        (
            MODEL_VERSION,
            DIAGNOSIS_GROUP,
            Column("covariate", STRING, "Covariate", required=True),
            Column("wald_chi2", DOUBLE, "Wald chi-square of its terms together", required=True),
            Column("df", INTEGER, "Degrees of freedom: its estimated terms", required=True),
            Column("p_value", DOUBLE, "Of the Wald chi-square", required=True),
        ),
        ("model_version", "diagnosis_group", "covariate"),
    ),
    TableSchema(
        tables.GOLD_MODEL_INFORMATION,
        "model version x fitted diagnosis group: the full information matrix",
        (
            MODEL_VERSION,
            DIAGNOSIS_GROUP,
            Column("terms", STRINGS, "Term ids of the estimated columns, intercept first", required=True),
            Column("matrix", DOUBLES, "X'WX at the stored coefficients, row by row, terms x terms", required=True),
        ),
        ("model_version", "diagnosis_group"),
    ),
    TableSchema(
        tables.GOLD_MODEL_CALIBRATION,
        "model version x diagnosis group x tenth of predicted risk, on the fit cohort; equal risks stay together",
        (
            MODEL_VERSION,
            DIAGNOSIS_GROUP,
            Column("decile", INTEGER, "0 lowest risk .. 9", required=True),
            Column("admissions", LONG, "Admissions", required=True),
            Column("observed", LONG, "Events", required=True),
            Column("expected", DOUBLE, "Sum of predicted probabilities", required=True),
        ),
        ("model_version", "diagnosis_group", "decile"),
    ),
    TableSchema(
        tables.GOLD_EXPECTED,
        "model version x admission of the population: observed and expected",
        (
            MODEL_VERSION,
            OUTCOME,
            *ADMISSION_KEY,
            Column("discharge_year", INTEGER, "Calendar year of discharge", required=True),
            DIAGNOSIS_GROUP,
            Column("observed", BOOLEAN, "The event happened (died)", required=True),
            Column("expected", DOUBLE, "Its probability by the model; null = no model"),
            Column("no_expected_reason", STRING, "no_model where expected is null"),
            Column("unseen_classes", INTEGER, "Covariates whose class the fit never saw", required=True),
        ),
        ("model_version", "indicator", "hospital_id", "admission_id"),
        partition_by=("discharge_year",),
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
            Column("recorded_at", TIMESTAMP, "When (UTC)", required=True),
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
            Column("step", STRING, "Step of the pipeline, run for the whole", required=True),
            Column("settings_fingerprint", STRING, "SHA-256 of the settings", required=True),
            Column("code_version", STRING, "Version of the program", required=True),
            Column("tables_in", VERSIONS, "Delta versions read", required=True),
            Column("tables_out", VERSIONS, "Delta versions after the step", required=True),
            Column("rows_in", LONG, "Rows read"),
            Column("rows_out", LONG, "Rows inserted, updated or deleted"),
            Column("rejected", LONG, "Records rejected"),
            Column("started_at", TIMESTAMP, "Start (UTC)", required=True),
            Column("seconds", DOUBLE, "Duration, seconds", required=True),
            Column("status", STRING, "done, failed", required=True),
            Column("message", STRING, "What went wrong, or what was worth saying"),
        ),
        ("run_id", "step"),
    ),
)

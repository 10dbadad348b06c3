"""Gold, the models: severity tables, versions of the fitted models, and the rows that describe them."""

from __future__ import annotations

from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.schemas.contract import (
    BOOLEAN,
    BYTE,
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

MODEL_VERSION = Column("model_version", STRING, "Version of the fitted models", required=True)
SEVERITY_VERSION = Column("severity_version", STRING, "Named by history years and content", required=True)
DIAGNOSIS_GROUP = Column("diagnosis_group", STRING, "Stratum: one model each", required=True)
OUTCOME = Column("indicator", STRING, "What the models predict: mortality, readmission, stay", required=True)
RUN_ID = Column("run_id", STRING, "Run that wrote the row", required=True)
YEAR = Column("discharge_year", INTEGER, "Calendar year of discharge", required=True)
STAY_CELL = (
    YEAR,
    DIAGNOSIS_GROUP,
    Column("main_diagnosis_category", STRING, "First three characters of the main diagnosis", required=True),
    Column("main_procedure", STRING, "Code of the main procedure; null = none"),
    Column("age_class", STRING, "0, 1-14, 15-44, 45-64, 65-74, 75-84, 85+ years", required=True),
)
VERSIONS = T.MapType(STRING, LONG)

SCHEMAS = (
    TableSchema(
        tables.GOLD_SEVERITY_VERSIONS,
        "one time a severity table came into force; append-only, the last one is in force",
        (
            SEVERITY_VERSION,
            Column("in_force_from", TIMESTAMP, "When it came into force (UTC), later than all before", required=True),
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
            Column("admissions", LONG, "Admissions of the history years; null where classes were delivered"),
            Column("deaths", LONG, "Deaths among them, likewise"),
            Column("hospitals", LONG, "Reporting hospitals that used the code, likewise"),
            Column("severity", BYTE, "Class 0..7 of deaths / admissions; 8 = other (too few of either)", required=True),
        ),
        ("severity_version", "main_diagnosis"),
    ),
    TableSchema(
        tables.GOLD_REFERENCE_LISTS,
        "reference list x content: every list that admissions were ever derived with; append-only",
        (
            Column("list", STRING, "diagnosis_codes, diagnosis_groups, charlson", required=True),
            Column("sha256", STRING, "SHA-256 of the file, as models and derivations name it", required=True),
            Column("content", STRING, "The file's text, CSV", required=True),
        ),
        ("list", "sha256"),
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
            Column("created_at", TIMESTAMP, "When it was stored (UTC), later than all before", required=True),
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
            Column("at", TIMESTAMP, "When (UTC), later than all changes before", required=True),
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
        tables.GOLD_STAY_CELLS,
        "model version x discharge year x cell of the expected stay: admissions, nights, and both estimates",
        (
            MODEL_VERSION,
            *STAY_CELL,
            Column("admissions", LONG, "Admissions of the cell", required=True),
            Column("nights", LONG, "Their nights", required=True),
            Column("nights_squared", LONG, "Sum of the squares of their nights", required=True),
            Column("level", STRING, "First level of cell_mean with enough admissions; see docs/methods.md", required=True),
            Column("level_admissions", LONG, "All admissions of the cell of that level", required=True),
            Column("level_nights", LONG, "Their nights; cell_mean = level_nights / level_admissions", required=True),
            Column("gamma_nights", DOUBLE, "Expected nights by gamma_model", required=True),
        ),
        ("model_version", *(column.name for column in STAY_CELL)),
    ),
    TableSchema(
        tables.GOLD_STAY_COEFFICIENTS,
        "model version x discharge year x diagnosis group x class of a term of gamma_model",
        (
            MODEL_VERSION,
            YEAR,
            DIAGNOSIS_GROUP,
            Column("term", STRING, "intercept, main_diagnosis_category, main_procedure, age_class", required=True),
            Column("class_label", STRING, "Code or age; (none) = no procedure, (other) = procedures with few admissions", True),
            Column("estimate", DOUBLE, "Log ratio of nights against the reference; of the intercept log nights", required=True),
            Column("standard_error", DOUBLE, "Of the estimate; null for reference and aliased classes"),
            Column("is_reference", BOOLEAN, "Reference of its term", required=True),
            Column("is_aliased", BOOLEAN, "Dropped: a combination of earlier classes", required=True),
            Column("admissions", LONG, "Admissions of the class", required=True),
        ),
        ("model_version", "discharge_year", "diagnosis_group", "term", "class_label"),
    ),
    TableSchema(
        tables.GOLD_STAY_FIT,
        "model version x discharge year x diagnosis group: how the fit of gamma_model went",
        (
            MODEL_VERSION,
            YEAR,
            DIAGNOSIS_GROUP,
            Column("admissions", LONG, "Admissions of the fit", required=True),
            Column("nights", LONG, "Their nights", required=True),
            Column("terms", INTEGER, "Estimated columns, the intercept included", required=True),
            Column("iterations", INTEGER, "Iterations of MLlib; null where it fell back or none was needed"),
            Column("newton_steps", INTEGER, "Newton steps after MLlib", required=True),
            Column("decrement", DOUBLE, "g' I^-1 g at the stored coefficients", required=True),
            Column("largest_score", DOUBLE, "Largest absolute sum of (nights - expected) / expected of a column", required=True),
            Column("dispersion", DOUBLE, "Pearson estimate; null where every admission has a parameter"),
        ),
        ("model_version", "discharge_year", "diagnosis_group"),
    ),
)

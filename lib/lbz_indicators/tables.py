"""Every table name, once. What each holds stands in `lbz_indicators.schemas`."""

from __future__ import annotations

from typing import NamedTuple


class Table(NamedTuple):
    """A Delta table: `ROOT/<layer>/<name>` on a path, `<catalog>.<layer>.<name>` in a catalog."""

    layer: str
    name: str

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"


BRONZE_ADMISSIONS = Table("bronze", "admissions")
BRONZE_DELIVERIES = Table("bronze", "deliveries")
BRONZE_DIAGNOSES = Table("bronze", "diagnoses")
BRONZE_HOSPITALS = Table("bronze", "hospitals")
BRONZE_HOSPITAL_MONTHS = Table("bronze", "hospital_months")
BRONZE_HOSPITAL_YEARS = Table("bronze", "hospital_years")
BRONZE_SES = Table("bronze", "ses")
BRONZE_SEVERITY = Table("bronze", "severity")
BRONZE_WITHDRAWALS = Table("bronze", "withdrawals")

SILVER_ADMISSIONS = Table("silver", "admissions")
SILVER_DIAGNOSES = Table("silver", "diagnoses")
SILVER_REJECTED_ADMISSIONS = Table("silver", "rejected_admissions")
SILVER_QUALITY = Table("silver", "quality")
SILVER_DELIVERED_MONTHS = Table("silver", "delivered_months")
SILVER_VALIDATION = Table("silver", "validation")
SILVER_COVARIATES = Table("silver", "covariates")
SILVER_STAYS = Table("silver", "stays")
SILVER_DERIVATION = Table("silver", "derivation")

GOLD_EXCLUSIONS = Table("gold", "exclusions")
GOLD_INDEX_STAYS = Table("gold", "index_stays")
GOLD_SEVERITY_VERSIONS = Table("gold", "severity_versions")
GOLD_SEVERITY_CLASSES = Table("gold", "severity_classes")
GOLD_REFERENCE_LISTS = Table("gold", "reference_lists")
GOLD_MODELS = Table("gold", "models")
GOLD_MODEL_EVENTS = Table("gold", "model_events")
GOLD_MODEL_COEFFICIENTS = Table("gold", "model_coefficients")
GOLD_MODEL_FIT = Table("gold", "model_fit")
GOLD_MODEL_COVARIATES = Table("gold", "model_covariates")
GOLD_MODEL_INFORMATION = Table("gold", "model_information")
GOLD_MODEL_CALIBRATION = Table("gold", "model_calibration")
GOLD_STAY_CELLS = Table("gold", "stay_cells")
GOLD_STAY_COEFFICIENTS = Table("gold", "stay_coefficients")
GOLD_STAY_FIT = Table("gold", "stay_fit")
GOLD_EXPECTED_NIGHTS = Table("gold", "expected_nights")
GOLD_OLO_AGREEMENT = Table("gold", "olo_agreement")
GOLD_EXPECTED = Table("gold", "expected")
GOLD_FIGURE_CELLS = Table("gold", "figure_cells")
GOLD_WEIGHT_CELLS = Table("gold", "weight_cells")
GOLD_INDICATORS = Table("gold", "indicators")
GOLD_INDICATOR_HISTORY = Table("gold", "indicator_history")
GOLD_INTERVAL_VARIANTS = Table("gold", "interval_variants")
GOLD_MONTH_FIGURES = Table("gold", "month_figures")
GOLD_FUNNEL = Table("gold", "funnel")
GOLD_MONITORING = Table("gold", "monitoring")
GOLD_MONITORING_LIMITS = Table("gold", "monitoring_limits")
GOLD_SIGNALS = Table("gold", "signals")
GOLD_SIGNAL_LISTS = Table("gold", "signal_lists")
GOLD_REGISTRATION = Table("gold", "registration")
GOLD_FROZEN_CODING = Table("gold", "frozen_coding")
GOLD_ELIGIBILITY_COUNTS = Table("gold", "eligibility_counts")
GOLD_ELIGIBILITY = Table("gold", "eligibility")
GOLD_PUBLICATIONS = Table("gold", "publications")
GOLD_PUBLISHED_COVARIATES = Table("gold", "published_covariates")
GOLD_PUBLISHED_STAY_CELLS = Table("gold", "published_stay_cells")
GOLD_PUBLISHED_FIGURES = Table("gold", "published_figures")
GOLD_PACKAGES = Table("gold", "packages")
GOLD_PACKAGE_MESSAGES = Table("gold", "package_messages")
GOLD_ERASURES = Table("gold", "erasures")
GOLD_RUNS = Table("gold", "runs")
GOLD_LEASE = Table("gold", "lease")

ALL: tuple[Table, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Table))
"""Every table, layer by layer."""

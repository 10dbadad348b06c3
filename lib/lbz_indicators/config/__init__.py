"""The settings of a run."""

from lbz_indicators.config.comparison import ComparisonSettings
from lbz_indicators.config.eligibility import EligibilitySettings
from lbz_indicators.config.loading import CONF, explain, load_settings, load_yaml, recorded_settings
from lbz_indicators.config.sections import (
    DeliverySettings,
    IndicatorSettings,
    LongStaySettings,
    ModelSettings,
    PeriodSettings,
    PopulationSettings,
    PublicationSettings,
    ReadmissionSettings,
    ReferenceSettings,
    RetentionSettings,
    Section,
    SeveritySettings,
    SparkSettings,
    StorageSettings,
    SyntheticSettings,
    ValidationSettings,
    minutes_after_midnight,
    parse_years,
)
from lbz_indicators.config.settings import Settings, fingerprint

__all__ = [
    "CONF",
    "ComparisonSettings",
    "DeliverySettings",
    "EligibilitySettings",
    "IndicatorSettings",
    "LongStaySettings",
    "ModelSettings",
    "PeriodSettings",
    "PopulationSettings",
    "PublicationSettings",
    "ReadmissionSettings",
    "ReferenceSettings",
    "RetentionSettings",
    "Section",
    "Settings",
    "SeveritySettings",
    "SparkSettings",
    "StorageSettings",
    "SyntheticSettings",
    "ValidationSettings",
    "explain",
    "fingerprint",
    "load_settings",
    "load_yaml",
    "minutes_after_midnight",
    "parse_years",
    "recorded_settings",
]

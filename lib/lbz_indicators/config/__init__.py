"""The settings of a run."""

from lbz_indicators.config.loading import CONF, explain, load_settings, load_yaml
from lbz_indicators.config.sections import (
    DeliverySettings,
    IndicatorSettings,
    LongStaySettings,
    ModelSettings,
    PeriodSettings,
    PopulationSettings,
    ReadmissionSettings,
    ReferenceSettings,
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
    "DeliverySettings",
    "IndicatorSettings",
    "LongStaySettings",
    "ModelSettings",
    "PeriodSettings",
    "PopulationSettings",
    "ReadmissionSettings",
    "ReferenceSettings",
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
]

"""All settings of a run, and what follows from them: which years are modelled, reported and looked back to."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from lbz_indicators.config.comparison import ComparisonSettings
from lbz_indicators.config.eligibility import EligibilitySettings
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
)
from lbz_indicators.errors import SettingsError


class Settings(Section):
    """Everything a run depends on besides its input."""

    spark: SparkSettings = SparkSettings()
    storage: StorageSettings = StorageSettings()
    delivery: DeliverySettings = DeliverySettings()
    period: PeriodSettings = PeriodSettings()
    references: ReferenceSettings = ReferenceSettings()
    publication: PublicationSettings = PublicationSettings()
    retention: RetentionSettings
    validation: ValidationSettings
    population: PopulationSettings
    severity: SeveritySettings
    models: ModelSettings
    indicators: IndicatorSettings
    readmission: ReadmissionSettings
    olo: LongStaySettings
    eligibility: EligibilitySettings
    comparison: ComparisonSettings
    synthetic: SyntheticSettings

    @property
    def years(self) -> tuple[int, ...]:
        """The years of the run; SettingsError where none are given."""
        if self.period.years is None:
            raise SettingsError("The years of the run are not given.", mend="add --years 2016-2019 or period.years.")
        return self.period.years

    @property
    def reporting_year(self) -> int:
        return self.years[-1]

    @property
    def model_years(self) -> tuple[int, ...]:
        """t-3..t, as many of them as the run has."""
        return self.years[-self.models.maximum_model_years :]

    @property
    def reported_years(self) -> tuple[int, ...]:
        """t-2..t, as many of them as the run has."""
        return self.years[-self.indicators.reporting_years :]

    @property
    def population_years(self) -> tuple[int, ...]:
        """Years of discharge in the population: model years and reported years of all models of the run."""
        return tuple(sorted({*self.model_years, *self.earlier_model_years, *self.reported_years}))

    @property
    def earlier_model_years(self) -> tuple[int, ...]:
        """t-4..t-1, as many of them as the run has, for figures of year t by the model of t-1: none where only the reporting
        year is delivered."""
        return self.years[:-1][-self.models.maximum_model_years :]

    @property
    def mortality_model_years(self) -> tuple[int, ...]:
        """The years behind HSMR and SMR; SettingsError where a provisional figure has no year before it."""
        if self.indicators.mortality == "definitive":
            return self.model_years
        if not self.earlier_model_years:
            raise SettingsError(
                "A provisional HSMR needs a model of the year before, and the run has one year.",
                where="indicators.mortality: provisional",
                mend=f"name the earlier years too: --years {self.reporting_year - 4}-{self.reporting_year}.",
            )
        return self.earlier_model_years

    @property
    def delivered_until(self) -> dt.date:
        """The last day of discharge that all hospitals have delivered; SettingsError where it is not given."""
        if self.readmission.delivered_until is None:
            raise SettingsError(
                "It is not said until which day of discharge the delivery is complete.",
                where="readmission.delivered_until",
                mend=f"add --delivered-until {self.reporting_year}-12-31, or the day up to which every hospital has delivered.",
            )
        return self.readmission.delivered_until

    @property
    def severity_years(self) -> tuple[int, ...]:
        """Years of discharge from which severity is derived; SettingsError where they are not before the model years."""
        first = self.population_years[0]
        years = self.severity.years or tuple(range(first - self.severity.history_years, first))
        if max(years) >= first:
            raise SettingsError(
                f"The history years of severity ({max(years)}) reach into the model years ({first}).",
                mend="name earlier years in severity.years: a death may not predict itself.",
            )
        return tuple(sorted(years))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all settings, as stored in gold.runs."""
        return fingerprint(self.model_dump(mode="json"))


def fingerprint(value: object) -> str:
    """SHA-256 of a plain value in canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

"""The sections of the settings, frozen and typed. Bounds stand here, values in method.yml and synthetic.yml."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Year = Annotated[int, Field(ge=1990, le=2100)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]


def parse_years(value: object) -> object:
    """'2016-2019', '2019' or '2016,2018' as a list of years; anything else is left to validation."""
    if isinstance(value, int):
        return [value]
    if not isinstance(value, str):
        return value
    if span := re.fullmatch(r"\s*(\d{4})\s*-\s*(\d{4})\s*", value):
        first, last = int(span[1]), int(span[2])
        return list(range(first, last + 1)) or [first, last]
    return [part.strip() for part in value.split(",")]


def minutes_after_midnight(clock: str) -> int:
    """'20:00' as 1200."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SparkSettings(Section):
    """Where Spark runs. `master: cluster` takes the session that is there (Databricks)."""

    master: str = "local[*]"
    memory: Annotated[str, Field(pattern=r"^[1-9]\d*[mg]$")] = "8g"
    shuffle_partitions: Annotated[int, Field(ge=1)] | None = None
    cache: bool = True


class StorageSettings(Section):
    """Tables on a path (`root`) or in a catalog (`catalog`); exactly one of them."""

    root: str | None = None
    catalog: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    work_path: str | None = None
    delta_snapshot_partitions: Annotated[int, Field(ge=1)] | None = 2
    retention_days: Annotated[int, Field(ge=7)] = 30
    lease_minutes: Annotated[int, Field(ge=1, le=1440)] = 20
    optimize: bool = True

    @model_validator(mode="after")
    def one_place(self) -> StorageSettings:
        if self.root and self.catalog:
            raise ValueError("give root (a path) or catalog, not both")
        if self.catalog and not self.work_path:
            raise ValueError("a catalog needs work_path, a folder or volume for the fit's work files")
        return self


class RetentionSettings(Section):
    """Years after the year of discharge, or of a publication's reporting year, for which `maintain` keeps rows of admissions;
    null: for good."""

    admissions_years: Annotated[int, Field(ge=1, le=100)] | None
    published_years: Annotated[int, Field(ge=1, le=100)] | None


class DeliverySettings(Section):
    """What is delivered. `load_date` judges discharges in the future; stored with the delivery at its first load."""

    input: str | None = None
    source: str = "lbz"
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    load_date: dt.date | None = None
    input_partitions: Annotated[int, Field(ge=1)] | None = None


class PeriodSettings(Section):
    """The years delivered for a run; the last one is the reporting year t."""

    years: Annotated[tuple[Year, ...], BeforeValidator(parse_years), Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def without_gap(self) -> PeriodSettings:
        if self.years and list(self.years) != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError("years must be consecutive and ascending, such as 2016-2019")
        return self


class ReferenceSettings(Section):
    """Files that replace the shipped reference lists (same columns)."""

    diagnosis_codes: str | None = None
    diagnosis_groups: str | None = None
    charlson: str | None = None


class PopulationSettings(Section):
    care_types: Annotated[tuple[Literal["K", "O", "D"], ...], Field(min_length=1)]
    diagnosis_grouping: Literal["groups", "ccs"]
    covid_codes: tuple[str, ...]
    covid_excluded_years: tuple[Year, ...]
    healthy_person_codes: tuple[str, ...]
    nza_rules_from_year: Year
    nza_evening_from: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    nza_observation_hours: Annotated[int, Field(ge=0, le=24)]


class SeveritySettings(Section):
    """How severity classes are derived, and which table of them a run uses."""

    table: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    years: Annotated[tuple[Year, ...], BeforeValidator(parse_years), Field(min_length=1)] | None
    history_years: Annotated[int, Field(ge=1, le=20)]
    minimum_admissions: Annotated[int, Field(ge=1)]
    minimum_hospitals: Annotated[int, Field(ge=1)]


class ValidationSettings(Section):
    maximum_age_years: Annotated[int, Field(ge=100, le=150)]
    long_stay_days: Annotated[int, Field(ge=1)]
    maximum_field_characters: Annotated[int, Field(ge=50, le=100_000)]


class ModelSettings(Section):
    engine: Literal["mllib", "glum"]
    verify: Literal["none", "all"]
    maximum_model_years: Annotated[int, Field(ge=1, le=10)]
    minimum_class_admissions: Annotated[int, Field(ge=1)]
    merge_zero_event_classes: bool
    frozen_year: Literal["last"]
    promotion: Literal["at_once", "by_hand"]
    refit: Literal["changed", "maintenance", "never"]
    newton_decrement: Annotated[float, Field(gt=0, le=1e-8)]
    maximum_newton_steps: Annotated[int, Field(ge=1)]
    separated_ridge: Annotated[float, Field(gt=0, le=1e-3)]
    engine_tolerance: Annotated[float, Field(gt=0, le=1e-3)]
    separated_tolerance: Annotated[float, Field(gt=0, le=1e-3)]
    pack_columns: Annotated[int, Field(ge=2, le=4096)]
    pack_rows: Annotated[int, Field(ge=1)]
    fit_threads: Annotated[int, Field(ge=1, le=64)]


class IndicatorSettings(Section):
    """`mortality`: HSMR and SMR by the model of t-3..t (definitive), or of year t by the model of t-4..t-1 (provisional)."""

    mortality: Literal["definitive", "provisional"]
    reporting_years: Annotated[int, Field(ge=1, le=5)]
    hsmr_confidence: Confidence
    smr_confidence: Confidence
    own_reference_share: Annotated[float, Field(gt=0, le=1)]


class ReadmissionSettings(Section):
    """What counts as a readmission, and until when returns can be seen. `delivered_until` has no default: see derive."""

    window_days: Annotated[int, Field(ge=1, le=365)]
    hospital: Literal["any", "same"]
    urgent_only: bool
    transfers: Literal["linked", "counted"]
    delivered_until: dt.date | None
    settle_days: Annotated[int, Field(ge=0, le=365)]
    covid_excluded_years: tuple[Year, ...]
    left_out_groups: tuple[str, ...]
    confidence: Confidence

    @property
    def definition(self) -> str:
        """The combination of settings, as named in the results: any_30d, same_30d_urgent, any_30d_transfers, ..."""
        urgent = "_urgent" if self.urgent_only else ""
        return f"{self.hospital}_{self.window_days}d{urgent}{'_transfers' if self.transfers == 'counted' else ''}"


class LongStaySettings(Section):
    """Unexpectedly long stay (OLO) and the expected stay behind it."""

    estimator: Literal["cell_mean", "gamma_model"]
    minimum_cell_admissions: Annotated[int, Field(ge=1)]
    minimum_procedure_admissions: Annotated[int, Field(ge=1)]
    longer_than_percent: Annotated[int, Field(ge=1, le=1000)]
    at_least: bool
    covid_excluded_years: tuple[Year, ...]
    confidence: Confidence

    @property
    def rule(self) -> str:
        """What counts as long: over_50, from_100 (at_least), ..."""
        return f"{'from' if self.at_least else 'over'}_{self.longer_than_percent}"

    def definition(self, estimator: str) -> str:
        """The estimator and what counts as long, as named in the results: cell_mean_over_50, gamma_model_from_100, ..."""
        return f"{estimator}_{self.rule}"


class PublicationSettings(Section):
    """Packages for hospitals and the messages about them (docs/publication.md). No secret stands here, for the settings of a
    run are stored with it: passwords are in the environment, a secret store or files of their own."""

    folder: str | None = None
    password_folder: str | None = None
    secret_store: str | None = None
    authorised: str | None = None
    language: Literal["nl", "en"] = "nl"
    collect_at: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,300}$")] | None = None
    sender: Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,63}$")] | None = None
    outbox: str | None = None
    smtp_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")] | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_ca: str | None = None
    smtp_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30

    @model_validator(mode="after")
    def one_way(self) -> PublicationSettings:
        if self.smtp_host and self.outbox:
            raise ValueError("give smtp_host (messages are sent) or outbox (they are written there), not both")
        if self.smtp_host and not self.sender:
            raise ValueError("smtp_host needs sender, the address that messages come from")
        return self


Share = Annotated[float, Field(ge=0, lt=1)]


class SyntheticSettings(Section):
    """The synthetic nation. Effects are standard deviations over hospitals; shares are of records or patients."""

    hospitals: Annotated[int, Field(ge=4, le=170)]
    admissions_per_year: Annotated[int, Field(ge=500, le=100_000_000)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    history_years: Annotated[int, Field(ge=0, le=10)]
    format: Literal["csv", "parquet"]
    hospital_effects: bool
    mortality_effect_sd: Annotated[float, Field(ge=0, le=1)]
    readmission_effect_sd: Annotated[float, Field(ge=0, le=1)]
    stay_effect_sd: Annotated[float, Field(ge=0, le=1)]
    planted_events: bool
    dirt: Annotated[float, Field(ge=0, le=0.5)]
    severity_file: bool
    day_admission_share: Annotated[float, Field(ge=0, le=0.5)]
    missing_pseudonym_share: Share
    missing_postcode_share: Share
    missing_time_share: Share
    longest_chain: Annotated[int, Field(ge=1, le=6)]
    rows_per_partition: Annotated[int, Field(ge=1_000)]

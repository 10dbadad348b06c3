"""Which figures belong together: those of some settings, by the model versions behind them; and the admissions they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators.readmission import READMISSION_RATIO
from lbz_indicators.io import Store
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.schemas.silver import CLASSES, PLACE
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.predicted import KEY, mortality, readmission, stay_family

FROZEN = (
    "reporting_hospital_id", "discharge_year", "diagnosis_group", *(column.name for column in (*CLASSES, *PLACE)),
    "died", "readmitted", "nights", "main_procedure",
)  # fmt: skip
"""Columns of gold.published_covariates that figures are computed from."""

STAY_ESTIMATES = (*stay_cells.CELL, "level", "level_admissions", "level_nights", "gamma_nights")
"""Columns of gold.published_stay_cells that figures are computed from."""


@dataclass(frozen=True)
class FigureBasis:
    """Settings, and the model version of each event, of stays by discharge year; readmissions may have none."""

    settings: Settings
    mortality: Version
    readmission: Version | None
    stays: Mapping[int, Version]

    @classmethod
    def of(cls, settings: Settings, versions: Versions) -> FigureBasis:
        """By the current versions; ModelError where there is none of deaths or of stays."""
        return cls(
            settings,
            versions.require(mortality(settings).family),
            versions.current(readmission(settings).family),
            {year: versions.require(stay_family(year)) for year in settings.reported_years},
        )

    @property
    def versions(self) -> list[Version]:
        """Every version, each once."""
        every = [self.mortality, *([self.readmission] if self.readmission else []), *self.stays.values()]
        return list({version.name: version for version in every}.values())

    @property
    def models(self) -> dict[str, str]:
        """Name of the version by event: mortality, readmission, stay 2019, ..."""
        readmissions = self.readmission.name if self.readmission else registry.NO_MODEL_VERSION
        stays = {f"{registry.STAY} {year}": version.name for year, version in self.stays.items()}
        return {registry.MORTALITY: self.mortality.name, registry.READMISSION: readmissions, **stays}

    @classmethod
    def named(cls, settings: Settings, models: Mapping[str, str], find: Callable[[str], Version]) -> FigureBasis:
        """From what `models` gives."""
        readmissions = models[registry.READMISSION]
        stays = {int(event.split()[1]): find(name) for event, name in models.items() if event.startswith(f"{registry.STAY} ")}
        known = None if readmissions == registry.NO_MODEL_VERSION else find(readmissions)
        return cls(settings, find(models[registry.MORTALITY]), known, stays)

    @property
    def mortality_years(self) -> tuple[int, ...]:
        """Years of the HSMRs and SMRs."""
        event = mortality(self.settings)
        return event.scored_years if event.is_provisional else self.settings.reported_years

    def figures(self, store: Store) -> DataFrame:
        """The rows of gold.indicators."""
        version, variant = F.col("model_version"), F.col("variant")
        of_deaths = (version == self.mortality.name) & (variant == self.settings.indicators.mortality)
        of_readmissions = (F.col("indicator") == READMISSION_RATIO) & (version == self.models[registry.READMISSION])
        of_year = F.year("period_end") == self.settings.reporting_year
        chosen = of_deaths | (of_readmissions & of_year) | version.isin(*{stay.name for stay in self.stays.values()})
        return store.read(tables.GOLD_INDICATORS).where(chosen)

    def cells(self, store: Store) -> DataFrame:
        """The rows of gold.stay_cells of its versions. Columns: STAY_ESTIMATES."""
        versions = F.col("model_version").isin(*{stay.name for stay in self.stays.values()})
        return store.read(tables.GOLD_STAY_CELLS).where(versions).select(*STAY_ESTIMATES)

    def admissions(self, store: Store) -> DataFrame:
        """Every admission in any of these figures, with its key. Grain: hospital_id, admission_id. Columns beside it: FROZEN."""
        event, settings = readmission(self.settings), self.settings
        rows = store.read(tables.SILVER_COVARIATES).where(
            F.col("exclusion_reason").isNull() & F.col("discharge_year").isin(*settings.reported_years)
        )
        # Index stays are those of admissions in the population, and carry the covariates of their first admission.
        returned = event.population(store, event.scored_years).select(*KEY, F.col("event").alias("readmitted"))
        judged = stay_cells.is_judged(settings.olo)
        # Outcomes at once: withColumns reads all of them before any is replaced.
        outcomes = rows.join(returned, on=["admission_id", "hospital_id"], how="left").withColumns(
            {
                "died": F.when(F.col("discharge_year").isin(*self.mortality_years), F.col("died")),
                "nights": F.when(judged, F.col("nights")),
                "main_procedure": F.when(judged, F.col("main_procedure")),
            }
        )
        return outcomes.select(*KEY, *FROZEN)

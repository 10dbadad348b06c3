"""What is modelled: deaths, readmissions, stays; from which rows, fitted on which years, scored in which."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators.figures import PROVISIONAL
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.schemas.silver import CLASSES, PLACE
from lbz_indicators.tables import Table

KEY = ("hospital_id", "admission_id")
COHORT = ("reporting_hospital_id", "discharge_year", "diagnosis_group", *(column.name for column in CLASSES))
"""What a logistic model is fitted on, beside the event."""


@dataclass(frozen=True)
class Family:
    """Model versions of one indicator over the same years, of which at most one is current. No years: there is none."""

    indicator: str
    years: tuple[int, ...]


@dataclass(frozen=True)
class Predicted:
    """An event with logistic models.

    `out` names the column that says why a row of `table` is not in its population, `event` the one that says whether it
    happened; `variant` is what its figures are called. `keeps_model`: its model is the definitive one of an earlier year, and
    stays as it is.
    """

    family: Family
    table: Table
    out: str
    event: str
    scored_years: tuple[int, ...]
    variant: str
    keeps_model: bool = False

    @property
    def indicator(self) -> str:
        return self.family.indicator

    @property
    def model_years(self) -> tuple[int, ...]:
        return self.family.years

    @property
    def is_provisional(self) -> bool:
        """Whether a year is scored by a model of earlier years."""
        return self.variant == PROVISIONAL

    def population(self, store: Store, years: tuple[int, ...]) -> DataFrame:
        """Rows of the population discharged in these years: keys, what models and breakdowns read, month, row_hash, and boolean
        `event`."""
        rows = store.read(self.table).where(F.col(self.out).isNull() & F.col("discharge_year").isin(*years))
        place = [column.name for column in PLACE]
        return rows.select(*KEY, *COHORT, *place, "discharge_month", "row_hash", F.col(self.event).alias("event"))


def mortality_family(settings: Settings) -> Family:
    """The models behind HSMR and SMR: of t-3..t, for provisional figures of t-4..t-1."""
    return Family(registry.MORTALITY, settings.mortality_model_years)


def readmission_family(settings: Settings) -> Family:
    """The models behind the readmission ratio: of t-4..t-1."""
    return Family(registry.READMISSION, settings.earlier_model_years)


def mortality(settings: Settings) -> Predicted:
    """Death in hospital, of admissions: fitted on t-3..t and scored in these and the reported years; for provisional figures
    fitted on t-4..t-1 and scored in year t [rule]."""
    family = mortality_family(settings)
    variant = settings.indicators.mortality
    provisional = variant == PROVISIONAL
    scored = (settings.reporting_year,) if provisional else tuple(sorted({*settings.model_years, *settings.reported_years}))
    return Predicted(family, tables.SILVER_COVARIATES, "exclusion_reason", "died", scored, variant, keeps_model=provisional)


def readmission(settings: Settings) -> Predicted:
    """Readmission, of index stays: fitted on t-4..t-1, scored in year t [rule]."""
    family = readmission_family(settings)
    return Predicted(family, tables.SILVER_STAYS, "no_index_reason", "readmitted", (settings.reporting_year,), PROVISIONAL)


def predicted_events(settings: Settings) -> tuple[Predicted, ...]:
    """Every event with a model, in the order in which they are fitted."""
    return (mortality(settings), readmission(settings))


def stay_family(year: int) -> Family:
    """The estimates of the expected stay of one year."""
    return Family(registry.STAY, (year,))

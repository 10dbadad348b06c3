"""Step 3 of a night: covariates of the admissions that changed, and the stays of their patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.io import Store, Written, of_keys
from lbz_indicators.population import stays
from lbz_indicators.references import References
from lbz_indicators.steps import derivation, derive, judged
from lbz_indicators.steps.moved import Month
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import KEY


@dataclass(frozen=True)
class Changed:
    """What was delivered otherwise since the last derivation.

    `admissions`: hospital_id, admission_id of admissions that are new, gone or changed, or whose secondary diagnoses or month
    of delivery are. `patients`: patient_id of these before or after, and of those whose returns can be seen now and could not
    before, or the reverse. Each once, and kept until the store is released.
    """

    admissions: DataFrame
    patients: DataFrame

    @property
    def number(self) -> int:
        """Admissions or patients, whichever are more."""
        return max(self.admissions.count(), self.patients.count())

    @classmethod
    def since(cls, store: Store, settings: Settings, admissions: int, diagnoses: int, months: Sequence[Month]) -> Changed:
        """From the change feeds of silver.admissions and silver.diagnoses after these versions, and the hospital-months that are
        complete or validated otherwise."""
        rows = store.look_up(store.changed_since(tables.SILVER_ADMISSIONS, admissions, [*KEY, "patient_id"]))
        coded = store.changed_since(tables.SILVER_DIAGNOSES, diagnoses, list(KEY))
        keys = rows.select(*KEY).union(coded)
        if months:
            keys = keys.union(_of_months(store.read(tables.SILVER_ADMISSIONS), months))
        changed = store.look_up(keys.distinct())
        own = store.read(tables.SILVER_ADMISSIONS).join(changed, on=list(KEY), how="left_semi")
        patients = rows.select("patient_id").union(own.select("patient_id")).union(_followed(store, settings))
        return cls(changed, store.look_up(patients.where("patient_id IS NOT NULL").distinct()))


def _of_months(admissions: DataFrame, months: Sequence[Month]) -> DataFrame:
    """Keys of the admissions discharged in these hospital-months."""
    named = admissions.sparkSession.createDataFrame(list(months), "hospital_id string, discharge_year int, _month int")
    placed = admissions.withColumn("_month", F.month("discharge_date"))
    return placed.join(F.broadcast(named), on=["hospital_id", "discharge_year", "_month"], how="left_semi").select(*KEY)


def _followed(store: Store, settings: Settings) -> DataFrame:
    """patient_id of the stays whose follow-up has ended since, or has not any more; null for who has no pseudonym."""
    stays_now = store.read(tables.SILVER_STAYS)
    before, now = derivation.delivered_until(store), settings.delivered_until
    if before is None or before == now:
        return stays_now.select("patient_id").limit(0)
    earlier, later = sorted(stays.last_followed_day(settings.readmission, until) for until in (before, now))
    return stays_now.where((F.col("ends") > F.lit(earlier)) & (F.col("ends") <= F.lit(later))).select("patient_id")


def derive_touched(
    store: Store, settings: Settings, references: References, severity: tuple[DataFrame, str], changed: Changed, run_id: str
) -> Outcome:
    """silver.covariates, silver.stays, gold.exclusions and gold.index_stays as the step derive makes them, by writing only rows
    of what changed. `severity`: classes by main_diagnosis, and what they are called.

    To be called only where years, settings, lists, severity classes, hospitals and SES scores are those of the last derivation.
    """
    classes, severity_version = severity
    everyone = store.read(tables.SILVER_ADMISSIONS)
    admissions = of_keys(changed.admissions)(everyone).select(*everyone.columns)
    rows = judged.with_covariates(
        store, settings, references, admissions, classes, settings.population_years, of_keys(changed.admissions)
    )
    with derivation.deriving(store, settings, references, severity_version, run_id):
        written = store.replace(tables.SILVER_COVARIATES, rows, of_keys(changed.admissions))
        linked = _replace_stays(store, settings, everyone, changed)
    years = sorted({*written.years, *linked.years})
    counts = derive.count_years(store, settings, F.col("discharge_year").isin(*years)) if years else 0
    of = f", discharged in {', '.join(map(str, years))}" if years else ""
    message = f"{written.rows:,} admissions and {linked.rows:,} stays changed{of}"
    return Outcome(message, None, written.rows + linked.rows + counts)


def _replace_stays(store: Store, settings: Settings, everyone: DataFrame, changed: Changed) -> Written:
    """The stays of every patient of a changed admission, and of those whose follow-up moved (who has no pseudonym has none)."""
    touched = _of_patients_or_keys(changed)
    theirs = store.cache(touched(everyone))
    derived = of_keys(store.look_up(theirs.select(*KEY)))(store.read(tables.SILVER_COVARIATES))
    return store.replace(tables.SILVER_STAYS, judged.stays_of(store, settings, theirs, derived), touched)


def _of_patients_or_keys(changed: Changed) -> Callable[[DataFrame], DataFrame]:
    """Rows with key and patient_id: those of the patients, and the changed ones. Tables are read once for both."""
    patients = F.broadcast(changed.patients.withColumn("_linked", F.lit(True)))
    keys = F.broadcast(changed.admissions.withColumn("_changed", F.lit(True)))

    def choose(rows: DataFrame) -> DataFrame:
        marked = rows.join(keys, on=list(KEY), how="left").join(patients, on="patient_id", how="left")
        return marked.where("_linked OR _changed").select(*rows.columns)

    return choose

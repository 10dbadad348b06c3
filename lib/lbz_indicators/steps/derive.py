"""Step 3, derive: exclusions, diagnosis groups and the nine covariates of every valid admission; stays and their returns."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io import Store
from lbz_indicators.population import exclusions, stays
from lbz_indicators.population.diagnosis_groups import group_of_category
from lbz_indicators.progress import Progress
from lbz_indicators.references import References, load_references
from lbz_indicators.steps import derivation, judged, severity, validation
from lbz_indicators.steps.kept_references import keep_references
from lbz_indicators.steps.outcome import Outcome


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.admissions with its diagnoses to silver.covariates and silver.stays, gold.exclusions and gold.index_stays."""
    validation.require_complete(store)
    references = load_references(settings.references)
    _require_known_groups(settings, references)
    classes, severity_version = severity.classes_in_force(store, settings)
    severity.keep_delivered(store, classes, severity_version)
    keep_references(store, references)
    admissions = store.read(tables.SILVER_ADMISSIONS)
    rows = judged.with_covariates(store, settings, references, admissions, classes, settings.population_years)
    with derivation.deriving(store, settings, references, severity_version, run_id):
        written = store.replace(tables.SILVER_COVARIATES, rows)
        derived = store.read(tables.SILVER_COVARIATES)
        linked = store.replace(tables.SILVER_STAYS, judged.stays_of(store, settings, admissions, derived))

    counts = count_years(store, settings)
    totals = store.read(tables.GOLD_EXCLUSIONS).groupBy((F.col("reason") == exclusions.INCLUDED).alias("included"))
    total = {row[0]: row[1] for row in totals.agg(F.sum("admissions")).collect()}
    included, excluded = total.get(True, 0), total.get(False, 0)
    message = f"{included:,} admissions included, {excluded:,} excluded; {_count_stays(store)}; severity: {severity_version}"
    return Outcome(message, included + excluded, written.rows + linked.rows + counts)


def count_years(store: Store, settings: Settings, of_years: Column | None = None) -> int:
    """gold.exclusions and gold.index_stays from silver.covariates and silver.stays, of all years or of some; rows written."""
    chosen = F.lit(True) if of_years is None else of_years
    excluded = exclusions.count_exclusions(store.read(tables.SILVER_COVARIATES).where(chosen))
    index = stays.count_index_stays(store.read(tables.SILVER_STAYS).where(chosen), settings.readmission)
    written = store.replace(tables.GOLD_EXCLUSIONS, excluded, of_years), store.replace(tables.GOLD_INDEX_STAYS, index, of_years)
    return sum(one.rows for one in written)


def _require_known_groups(settings: Settings, references: References) -> None:
    groups = set(group_of_category(references.diagnosis_groups.rows, settings.population.diagnosis_grouping).values())
    unknown = sorted(set(settings.readmission.left_out_groups) - groups)
    if unknown:
        raise SettingsError(
            f"There is no diagnosis group {', '.join(unknown)} to leave out of the readmissions.",
            where="readmission.left_out_groups",
            mend="name groups of the list of diagnosis groups (`lbz-indicators show models` lists them).",
        )


def _count_stays(store: Store) -> str:
    counts = store.read(tables.GOLD_INDEX_STAYS).agg(
        F.sum("stays"), F.sum(F.when(F.col("reason") == stays.INDEX, F.col("stays")))
    )
    total, index = counts.collect()[0]
    return f"{total or 0:,} stays, {index or 0:,} of them index stays of readmissions"

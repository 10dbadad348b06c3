"""Keeping admissions as long as the settings allow (retention.*), and no longer; figures, models and runs are kept for good."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.ingest.validate import day
from lbz_indicators.io import Store
from lbz_indicators.steps import removal, validation
from lbz_indicators.steps.publications import publications
from lbz_indicators.steps.removal import Doomed, Part


def expired(store: Store, settings: Settings, this_year: int | None = None) -> Doomed:
    """What is past its retention on 1 January of this year."""
    year = this_year or utc_now().year
    parts: list[Part] = []
    kept = settings.retention.admissions_years
    if kept is not None and store.find_version(tables.BRONZE_ADMISSIONS) is not None:
        parts += _of_admissions(store, year - kept)
    parts += _of_publications(store, settings, year)
    return Doomed.of(store, parts)


def _of_admissions(store: Store, first_kept: int) -> list[Part]:
    """Admissions discharged before a year, with all that goes with them; without a readable day, by the delivery's."""
    year = F.coalesce(F.year(day("discharge_date")), F.year("load_date"))
    gone = store.read(tables.BRONZE_ADMISSIONS).where(year < first_kept).localCheckpoint()
    parts = removal.parts_of(store, gone, first_kept)
    # Diagnoses without an admission have no day but that of their delivery.
    old = store.read(tables.BRONZE_DIAGNOSES).where(F.year("load_date") < first_kept).select(*removal.RECORD)
    return [*parts[:-1], Part(tables.BRONZE_DIAGNOSES, _of_no_other_part(store, old, parts), removal.RECORD), parts[-1]]


def _of_no_other_part(store: Store, old: DataFrame, parts: Sequence[Part]) -> DataFrame:
    """Those that no other part takes, so that none is counted twice."""
    others = [part for part in parts if part.table == tables.BRONZE_DIAGNOSES]
    for part in others:
        taken = part.rows(store).select(*removal.RECORD)
        old = old.join(taken, on=list(removal.RECORD), how="left_anti")
    return old.localCheckpoint()


def _of_publications(store: Store, settings: Settings, year: int) -> list[Part]:
    """Frozen admissions of publications whose reporting year lies too far back; their figures stay."""
    kept = settings.retention.published_years
    old = [one for one in publications(store) if kept is not None and one.settings.reporting_year < year - kept]
    if not old:
        return []
    names = store.spark.createDataFrame([(one.publication_id,) for one in old], "publication_id string")
    return [Part(tables.GOLD_PUBLISHED_COVARIATES, names, ("publication_id",))]


def remove_expired(store: Store, found: Doomed, run_id: str) -> None:
    """Deletes it, and notes it in gold.erasures."""
    if found.by_table:
        validation.mark_unfinished(store, run_id)
        removal.remove(store, found, removal.RETENTION, None, "past its retention", run_id)

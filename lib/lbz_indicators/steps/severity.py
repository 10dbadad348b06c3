"""Model maintenance, severity: the severity class of every main diagnosis, from the years before the model years."""

from __future__ import annotations

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings, fingerprint
from lbz_indicators.errors import ModelError, SettingsError, StorageError
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.population import severity
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import judged, validation
from lbz_indicators.steps.delivered import find_delivered, read_delivered_or_empty
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.times import time_after_all

DELIVERED = "delivered-"
"""The name of a delivered table begins with this."""
NO_TABLE = "none delivered or derived, all other"


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """silver.admissions to a version of gold.severity_classes, which is then in force; nothing where it is so already."""
    validation.require_complete(store)
    years = settings.severity_years
    references = load_references(settings.references)
    admissions = judged.with_exclusions(store, settings, references, store.read(tables.SILVER_ADMISSIONS), years)
    history = admissions.where(F.col("exclusion_reason").isNull())
    rows = store.cache(severity.severity_classes(history, settings.severity))
    counted = rows.agg(
        F.count("*").alias("codes"),
        F.sum("admissions").alias("admissions"),
        F.count_if(F.col("severity") == severity.OTHER).alias("other"),
        _content().alias("content"),
    ).collect()[0]
    if not counted["codes"]:
        raise ModelError(
            f"No admission of the population is discharged in the history years {years[0]}-{years[-1]}.",
            where=f"silver.admissions in {store.place}",
            mend="deliver those years too, or name the years with --set severity.years=2014-2015.",
        )
    if counted["codes"] == counted["other"]:
        raise ModelError(
            f"None of {counted['codes']:,} main diagnoses has the admissions and hospitals that a severity class needs.",
            where=f"history years {years[0]}-{years[-1]} of silver.admissions in {store.place}",
            mend="deliver more of those years, or use a delivered table; severity.minimum_admissions and minimum_hospitals.",
        )
    found = tuple(sorted(row[0] for row in history.select("discharge_year").distinct().collect()))
    version = _version(counted["codes"], counted["content"], found, settings)
    known = store.read_or_empty(tables.GOLD_SEVERITY_CLASSES).where(F.col("severity_version") == version)
    if known.isEmpty():
        named = rows.withColumn("severity_version", F.lit(version))
        store.append(tables.GOLD_SEVERITY_CLASSES, named.select(*store.columns(tables.GOLD_SEVERITY_CLASSES)))
    if version_in_force(store) == version:
        return Outcome(f"severity {version} is in force already", counted["admissions"], 0)
    now = time_after_all(store, tables.GOLD_SEVERITY_VERSIONS, "in_force_from")
    shaping = json.dumps(_shaping(settings), sort_keys=True)
    record = (version, now, list(found), counted["admissions"], counted["codes"], shaping, __version__, run_id)
    store.append(tables.GOLD_SEVERITY_VERSIONS, store.frame(tables.GOLD_SEVERITY_VERSIONS, [record]))
    message = (
        f"severity {version}: {counted['codes']:,} main diagnoses classed, {counted['other']:,} of them other; history years "
        f"{', '.join(map(str, found))} ({len(found)} of {len(years)}); in force from the next derive, before a delivered table"
    )
    return Outcome(message, counted["admissions"], counted["codes"])


def version_in_force(store: Store) -> str | None:
    """The version derived last, None where none was."""
    versions = store.read_or_empty(tables.GOLD_SEVERITY_VERSIONS).orderBy(F.desc("in_force_from")).limit(1).collect()
    return versions[0]["severity_version"] if versions else None


def classes_in_force(store: Store, settings: Settings) -> tuple[DataFrame, str]:
    """(main_diagnosis, severity; grain main_diagnosis) and what they are called; by the setting severity.table."""
    wanted = settings.severity.table
    version = version_in_force(store) if wanted in {"latest", "derived"} else wanted
    if wanted == "derived" and version is None:
        raise SettingsError(
            "There is no derived severity table (severity.table: derived).",
            mend="run `lbz-indicators severity` first, or set severity.table to latest or delivered.",
        )
    if version is None or wanted == "delivered":
        rows = small_tables.severity_classes(read_delivered_or_empty(store, tables.BRONZE_SEVERITY))
        if find_delivered(store, tables.BRONZE_SEVERITY) is None:
            return rows, NO_TABLE
        _, content = registry.content_fingerprint(rows, ["main_diagnosis", "severity"])
        return rows, f"{DELIVERED}{content[:8]}"
    return kept_classes(store, version), version


def kept_classes(store: Store, version: str) -> DataFrame:
    """Classes of a version by main_diagnosis; StorageError where it is not kept."""
    rows = store.read_or_empty(tables.GOLD_SEVERITY_CLASSES).where(F.col("severity_version") == version)
    if version != NO_TABLE and rows.isEmpty():
        raise StorageError(
            f"There is no severity table {version}.",
            where=f"gold.severity_classes in {store.place}",
            mend="name a version of gold.severity_versions, or latest, in severity.table.",
        )
    return rows.select("main_diagnosis", "severity")


def keep_delivered(store: Store, classes: DataFrame, version: str) -> None:
    """Keeps the classes of a delivered table under its name, so that what was derived with it can be derived again."""
    known = store.read_or_empty(tables.GOLD_SEVERITY_CLASSES).where(F.col("severity_version") == version)
    if version.startswith(DELIVERED) and known.isEmpty():
        none = F.lit(None).cast("bigint")
        counts = {name: none for name in ("admissions", "deaths", "hospitals")}
        rows = classes.withColumns({"severity_version": F.lit(version), **counts})
        store.append(tables.GOLD_SEVERITY_CLASSES, rows.select(*store.columns(tables.GOLD_SEVERITY_CLASSES)))


def _shaping(settings: Settings) -> dict[str, object]:
    severity_settings = settings.severity.model_dump(mode="json", exclude={"table"})
    return {"severity": severity_settings, "population": settings.population.model_dump(mode="json")}


def _content() -> Column:
    """A hash of all classes and their counts, whatever their order."""
    return F.sum(F.xxhash64("main_diagnosis", "admissions", "deaths", "hospitals", "severity").cast("decimal(38,0)"))


def _version(codes: int, content: object, years: tuple[int, ...], settings: Settings) -> str:
    """Such as severity-2017-2018-1f0c2a9b: named by what it says, so that the same classes have the same name."""
    span = "-".join(str(year) for year in sorted({years[0], years[-1]}))
    return f"severity-{span}-{fingerprint([list(years), _shaping(settings), codes, str(content)])[:8]}"

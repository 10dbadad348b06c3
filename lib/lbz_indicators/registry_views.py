"""Views of the registry: which model versions there are, what made one, and how two differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.models import comparison
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.model_comparison import hospital_effect, require_comparable
from lbz_indicators.steps.promotion import require_known
from lbz_indicators.tables import Table


def list_versions(store: Store) -> DataFrame:
    """Every version with its status and the note of its last change, newest first."""
    events = store.read_or_empty(tables.GOLD_MODEL_EVENTS)
    last = events.groupBy("model_version").agg(F.max(F.struct("at", "status", "note")).alias("_last"))
    models = store.read(tables.GOLD_MODELS).join(last, on="model_version", how="left")
    return models.select(
        "model_version",
        "indicator",
        F.array_join(F.col("model_years").cast("array<string>"), ", ").alias("model_years"),
        "engine",
        F.col("_last.status").alias("status"),
        F.col("_last.at").alias("since"),
        "created_at",
        F.col("_last.note").alias("note"),
    ).orderBy(F.desc("created_at"), "model_version")


def describe_version(store: Store, name: str) -> DataFrame:
    """What made a version: its row in gold.models, a line per fact; then each change of its status."""
    require_known(Versions.read(store), name, store.place)
    of_version = F.col("model_version") == name
    row = store.read(tables.GOLD_MODELS).where(of_version).collect()[0].asDict()
    facts = [(key, str(value)) for key, value in row.items() if value is not None]
    events = store.read_or_empty(tables.GOLD_MODEL_EVENTS).where(of_version).orderBy("at", "status").collect()
    facts += [(f"{event['status']} since {event['at']:%Y-%m-%d %H:%M:%S}", event["note"] or "") for event in events]
    return store.spark.createDataFrame(facts, "fact string, value string")


@dataclass(frozen=True)
class Compared:
    """Two versions side by side: per diagnosis group, per class, and per hospital."""

    groups: pd.DataFrame
    coefficients: pd.DataFrame
    hospitals: pd.DataFrame


def compare(store: Store, settings: Settings, first: str, second: str) -> Compared:
    """Version `first` as A, `second` as B; SettingsError where they are not of one event."""
    versions = Versions.read(store)
    a, b = (require_known(versions, name, store.place) for name in (first, second))
    require_comparable(a, b)
    coefficients = comparison.compare_coefficients(*_both(store, tables.GOLD_MODEL_COEFFICIENTS, a, b))
    fits, deciles = _both(store, tables.GOLD_MODEL_FIT, a, b), _both(store, tables.GOLD_MODEL_CALIBRATION, a, b)
    groups = comparison.compare_groups(coefficients, fits, deciles)
    return Compared(groups, coefficients, hospital_effect(store, settings, a, b).toPandas())


def _both(store: Store, table: Table, a: Version, b: Version) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = store.read(table)
    return tuple(rows.where(F.col("model_version") == version.name).toPandas() for version in (a, b))  # type: ignore[return-value]


PARTS: dict[str, Callable[[Compared], pd.DataFrame]] = {
    "groups": lambda compared: compared.groups,
    "coefficients": lambda compared: compared.coefficients,
    "hospitals": lambda compared: compared.hospitals,
}
"""What of a comparison can be printed by itself."""

"""Writing a model version into the registry: its row in gold.models, which makes it complete, and changes of its status."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lbz_indicators import tables
from lbz_indicators.io import Store
from lbz_indicators.steps.predicted import Family
from lbz_indicators.steps.times import time_after_all


@dataclass(frozen=True)
class NewVersion:
    """What gold.models says of a version; `references`: SHA-256 by reference list, `table_versions`: Delta versions read."""

    name: str
    family: Family
    engine: str
    settings: Mapping[str, Any]
    references: Mapping[str, str]
    cohort_fingerprint: str
    table_versions: Mapping[str, int]
    code_version: str
    note: str | None = None


@dataclass(frozen=True)
class StatusChange:
    """A row of gold.model_events."""

    version: str
    status: str
    note: str


def register(store: Store, versions: Sequence[NewVersion], run_id: str) -> None:
    """Appends the versions; to be called after all their other rows are written."""
    if not versions:
        return
    at = time_after_all(store, tables.GOLD_MODELS, "created_at")
    rows = [
        {
            "model_version": new.name,
            "indicator": new.family.indicator,
            "engine": new.engine,
            "model_years": list(new.family.years),
            "settings": json.dumps(new.settings, sort_keys=True),
            "references": json.dumps(new.references, sort_keys=True),
            "cohort_fingerprint": new.cohort_fingerprint,
            "table_versions": dict(new.table_versions),
            "code_version": new.code_version,
            "created_at": at,
            "note": new.note,
            "run_id": run_id,
        }
        for new in versions
    ]
    names = store.columns(tables.GOLD_MODELS)
    store.append(tables.GOLD_MODELS, store.frame(tables.GOLD_MODELS, [[row[name] for name in names] for row in rows]))


def change_status(store: Store, changes: Sequence[StatusChange]) -> None:
    """Appends the changes in their order, in one commit: a family is never left between its former and its new current version.

    Each has a time of its own, later than every one before: the last change of a version says its status.
    """
    if not changes:
        return
    first = time_after_all(store, tables.GOLD_MODEL_EVENTS, "at")
    rows = [
        (change.version, change.status, first + number * dt.timedelta(microseconds=1), change.note)
        for number, change in enumerate(changes)
    ]
    store.append(tables.GOLD_MODEL_EVENTS, store.frame(tables.GOLD_MODEL_EVENTS, rows))

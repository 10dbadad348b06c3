"""What the records in silver were judged with: settings, diagnosis codes, program, versions of bronze; and whether to the end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.references import References
from lbz_indicators.steps.delivered import deliveries

VALIDATED = str(tables.SILVER_ADMISSIONS)


@contextmanager
def validating(store: Store, settings: Settings, references: References, run_id: str) -> Iterator[None]:
    """While the validated tables are written: says with what, and that they are unfinished where that is not as last time.

    Five tables have five commits. Where a run ended between them only a whole validation makes them agree again.
    """
    read = {name: version for name, version in sorted(store.versions_read.items()) if name.startswith("bronze.")}
    wanted = judged_with(settings, references) | {"inputs": json.dumps(read), "loaded_until": _loaded_until(store)}
    stored = last_validation(store)
    same = stored is not None and all(stored[name] == value for name, value in wanted.items())
    if not same:
        _write(store, wanted, complete=False, run_id=run_id)
    yield
    if not (same and stored is not None and stored["complete"]):
        _write(store, wanted, complete=True, run_id=run_id)


def _loaded_until(store: Store) -> dt.datetime | None:
    """When the last of the deliveries that are judged was loaded; every later one has a later time."""
    loaded = deliveries(store)
    return None if loaded is None else loaded.agg(F.max("loaded_at")).collect()[0][0]


def judged_with(settings: Settings, references: References) -> dict[str, Any]:
    """The columns of silver.validation that say what records are judged with."""
    return {
        "settings": json.dumps(settings.validation.model_dump(mode="json"), sort_keys=True),
        "diagnosis_codes": references.diagnosis_codes.sha256,
        "code_version": __version__,
    }


def last_validation(store: Store) -> dict[str, Any] | None:
    """The row of silver.validation; None where nothing was validated yet."""
    rows = store.read_or_empty(tables.SILVER_VALIDATION).collect()
    return rows[0].asDict() if rows else None


def require_complete(store: Store) -> None:
    """StorageError where the validated tables are not those of one whole validation by this version of the program: a run ended
    between them, bronze changed otherwise than by a delivery, or `migrate` made it unknown."""
    stored = last_validation(store)
    if stored is None or not stored["complete"]:
        what = "The validated tables are not those of one validation: it was interrupted, or rows were removed since."
    elif stored["code_version"] != __version__:
        what = f"The records were validated by version {stored['code_version']} of the program; this is {__version__}."
    else:
        return
    raise StorageError(what, where=f"{VALIDATED} in {store.place}", mend="run validate (or `run`, or `nightly`) first.")


def _write(store: Store, content: dict[str, Any], *, complete: bool, run_id: str) -> None:
    row = {"validated": VALIDATED, **content, "complete": complete, "run_id": run_id}
    rows = [[row[name] for name in store.columns(tables.SILVER_VALIDATION)]]
    store.overwrite(tables.SILVER_VALIDATION, store.frame(tables.SILVER_VALIDATION, rows), "true")


def mark_unfinished(store: Store, run_id: str) -> None:
    """Says that only a whole validation will do next, for bronze changes otherwise than by a delivery."""
    stored = last_validation(store)
    if stored is not None and stored["complete"]:
        _write(store, stored, complete=False, run_id=run_id)

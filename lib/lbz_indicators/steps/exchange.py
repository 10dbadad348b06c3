"""Model maintenance: a version of logistic models to files, and files to a version, so that one organisation fits and another
scores."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError, SettingsError, StorageError
from lbz_indicators.io import Store
from lbz_indicators.models import exchange, registry
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import Family
from lbz_indicators.steps.promotion import require_known
from lbz_indicators.steps.registration import NewVersion, StatusChange, change_status, register

Delivered = exchange.Delivered


def export_model(store: Store, name: str, folder: str) -> list[str]:
    """Writes the files of a version to a folder that holds none yet; their names. They hold no patient's record."""
    version = require_known(Versions.read(store), name, store.place)
    if version.family.indicator == registry.STAY:
        raise SettingsError(f"{name} is no version of logistic models.", mend="name a version of mortality or readmission.")
    texts = _stored(store, name)
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        if there := [text for text in texts if (place / text).exists()]:
            raise SettingsError(f"The folder {folder} holds {', '.join(there)} already.", mend="give an empty folder.")
        for file, text in texts.items():
            (place / file).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise StorageError(f"The model files cannot be written to {folder}: {error.strerror}.") from error
    return list(texts)


def read_files(folder: str) -> Delivered:
    """(what model.json says, rows by table) of a folder; DeliveryError where they cannot be used."""
    return exchange.from_files(_read(folder))


def import_model(store: Store, delivered: Delivered, note: str, run_id: str) -> Outcome:
    """Stores a version as a candidate; nothing where it is there already with the same content."""
    about, rows = delivered
    name = about["model_version"]
    if name in Versions.read(store):
        stored, given = _stored(store, name), exchange.to_files(about, rows)
        if different := [file for file in exchange.FILES if stored[file] != given[file]]:
            raise DeliveryError(
                f"A version {name} with other content is there already.",
                where=", ".join(different),
                mend="ask who made the files: a version is named by what made it, and never changes.",
            )
        return Outcome(f"{name} is there already", rows_out=0)
    written = 0
    for table, of_table in rows.items():
        column, version = exchange.version_of(table, about)
        frame = store.frame(table, [(version, *row) for row in of_table])
        written += store.replace(table, frame, scope=F.col(column) == version).rows
    imported = f"imported: {note}"
    family = Family(about["indicator"], tuple(about["model_years"]))
    shaping, lists, cohort = (about[fact] for fact in ("settings", "references", "cohort_fingerprint"))
    new = NewVersion(name, family, about["engine"], shaping, lists, cohort, {}, about["code_version"], imported)
    register(store, [new], run_id)
    change_status(store, [StatusChange(name, registry.CANDIDATE, imported)])
    return Outcome(f"{name} is stored as a candidate; `models promote {name} --note ...` makes it current", rows_out=written)


def _stored(store: Store, name: str) -> dict[str, str]:
    """The files of a version that is there."""
    of_version = F.col("model_version") == name
    row = store.read(tables.GOLD_MODELS).where(of_version).collect()[0].asDict()
    described = row | {key: json.loads(row[key]) for key in ("settings", "references")}
    rows = {}
    for table in exchange.FILES.values():
        columns = [column.name for column in exchange.columns_of(table)]
        column, version = exchange.version_of(table, described)
        found = store.read_or_empty(table).where(F.col(column) == version).select(*columns)
        rows[table] = [tuple(row) for row in found.collect()]
    return exchange.to_files(described, rows)


def _read(folder: str) -> dict[str, str]:
    if not os.path.isdir(folder):
        raise DeliveryError(f"The folder {folder} is not there.", mend="give the folder of the model files.")
    texts = {}
    for file in (exchange.DESCRIPTION, *exchange.FILES):
        path = Path(folder) / file
        if path.is_file():
            try:
                texts[file] = path.read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise DeliveryError(f"The model file {file} cannot be read.", where=folder, mend="deliver it again.") from error
    return texts

"""Publications as they were frozen: what is stored of one, and the hashes it must still have."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings, recorded_settings
from lbz_indicators.digests import row_text, set_digests
from lbz_indicators.errors import StorageError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.population.diagnosis_groups import cluster_of_group
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.figure_basis import FROZEN, STAY_ESTIMATES, FigureBasis
from lbz_indicators.steps.kept_references import kept_references

STAY_CELLS = str(tables.GOLD_PUBLISHED_STAY_CELLS)
_MODEL_UNIT = 1_000_000_000_000
_STORED_MODEL = {
    tables.GOLD_MODEL_COEFFICIENTS: ("diagnosis_group", "covariate", "class", "term_id", "estimate", "admissions"),
    tables.GOLD_MODEL_FIT: ("diagnosis_group", "status"),
    tables.GOLD_MODEL_INFORMATION: ("diagnosis_group", "terms", "matrix"),
}
"""What of a version figures are computed from."""


@dataclass(frozen=True)
class Publication:
    """A row of gold.publications."""

    publication_id: str
    frozen_at: dt.datetime
    figure_run_ids: tuple[str, ...]
    settings_text: str
    models: Mapping[str, str]
    references: Mapping[str, str]
    admissions: int
    covariates_sha256: str
    figures_sha256: Mapping[str, str]
    models_sha256: Mapping[str, str]
    salt: str

    @property
    def settings(self) -> Settings:
        """Its settings; SettingsError where this version of the program no longer has one of them."""
        return recorded_settings(self.settings_text, f"publication {self.publication_id}")

    def holds(self) -> Column:
        """Whether a row of the published tables is of it."""
        return F.col("publication_id") == self.publication_id

    def basis(self, store: Store) -> FigureBasis:
        """Its settings and model versions; StorageError where a version is no longer there."""
        versions = Versions.read(store)
        return FigureBasis.named(self.settings, self.models, lambda name: _known(versions, name, store))


def publications(store: Store) -> list[Publication]:
    """Every complete publication, the last one first."""
    rows = store.read_or_empty(tables.GOLD_PUBLICATIONS).orderBy(F.desc("frozen_at")).collect()
    return [
        Publication(
            row["publication_id"],
            row["frozen_at"],
            tuple(row["figure_run_ids"]),
            row["settings"],
            row["models"],
            json.loads(row["references"]),
            row["admissions"],
            row["covariates_sha256"],
            row["figures_sha256"],
            row["models_sha256"],
            row["salt"],
        )
        for row in rows
    ]


def clusters_of(store: Store, settings: Settings, references: Mapping[str, str]) -> dict[str, str]:
    """Diagnosis cluster by diagnosis group, from the lists that are kept by these hashes."""
    lists = kept_references(store, references)
    return cluster_of_group(lists.diagnosis_groups.rows, settings.population.diagnosis_grouping)


def covariates_digest(frozen: DataFrame) -> tuple[int, str]:
    """(rows, SHA-256) of rows with the columns FROZEN."""
    row = set_digests(frozen, row_text(frozen, FROZEN)).collect()[0]
    return row["rows"], row["sha256"]


def model_digests(store: Store, models: Mapping[str, str], cells: DataFrame) -> dict[str, str]:
    """SHA-256 by version of the stored coefficients, and of the cells of the expected stay (STAY_CELLS)."""
    logistic = {name for event, name in models.items() if not event.startswith(registry.STAY)} - {registry.NO_MODEL_VERSION}
    found = {}
    for name in sorted(logistic):
        parts = []
        for table, names in _STORED_MODEL.items():
            rows = store.read(table).where(F.col("model_version") == name)
            digest = set_digests(rows, row_text(rows, names, dict.fromkeys(names, _MODEL_UNIT)))
            parts.append(digest.withColumn("part", F.lit(table.name)))
        found[name] = sha256_of(f"{row['part']} {row['rows']} {row['sha256']}" for part in parts for row in part.collect())
    units = dict.fromkeys(STAY_ESTIMATES, _MODEL_UNIT)
    found[STAY_CELLS] = set_digests(cells, row_text(cells, STAY_ESTIMATES, units)).collect()[0]["sha256"]
    return found


def sha256_of(texts: Iterable[str]) -> str:
    """SHA-256 of lines of text."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def row_identity(salt: str) -> Column:
    """The salted hash of an admission's key: 128 bits of SHA-256, so that a frozen row names no admission by itself."""
    text = F.concat(F.lit(salt), F.lit("|"), F.length("hospital_id").cast("string"), F.lit("|"), "hospital_id", "admission_id")
    return F.unhex(F.substring(F.sha2(text, 256), 1, 32))


def _known(versions: Versions, name: str, store: Store) -> Version:
    version = versions.named(name)
    if version is None:
        raise StorageError(
            f"The model version {name} of the publication is no longer there.",
            where=f"gold.models in {store.place}",
            mend="restore gold.models and the gold.model_* tables from a backup: nothing of this program removes them.",
        )
    return version

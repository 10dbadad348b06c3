"""Freezing a publication: what the figures say and what they were computed from, so that they can be computed again for years.

Frozen rows outlive corrections, compaction, vacuum and the retirement of models. Before a publication counts, its figures are
computed from the rows as they were written, and must be those of gold.indicators.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store
from lbz_indicators.steps import derivation, leftovers
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.figure_agreement import agreement, figure_digests
from lbz_indicators.steps.figure_basis import FROZEN, STAY_ESTIMATES, FigureBasis
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.publications import (
    clusters_of,
    covariates_digest,
    model_digests,
    publications,
    row_identity,
    sha256_of,
)
from lbz_indicators.steps.recomputed import COMPUTED, recomputed_figures


@dataclass(frozen=True)
class _Content:
    """What is to be frozen, with its hashes."""

    basis: FigureBasis
    figures: DataFrame
    admissions: DataFrame
    cells: DataFrame
    number: int
    covariates_sha256: str
    figures_sha256: dict[str, str]
    models_sha256: dict[str, str]

    @property
    def publication_id(self) -> str:
        """Named by its content: the same figures of the same admissions are the same publication."""
        lines = [self.covariates_sha256, *_lines(self.figures_sha256), *_lines(self.models_sha256)]
        return f"publication-{self.basis.settings.reporting_year}-{sha256_of(lines)[:16]}"


def freeze(store: Store, settings: Settings, note: str, run_id: str) -> Outcome:
    """Freezes the figures of these settings by the current models, unless they are frozen already.

    ModelError where there are none, or where they are not of the admissions as they are now.
    """
    cleared = leftovers.clear(store)
    derived = derivation.require(store, settings)
    content = _content(store, settings, derived)
    publication = content.publication_id
    if publication in {known.publication_id for known in publications(store)}:
        said = f"these figures are frozen already as {publication}; nothing was written"
        return Outcome(" ".join([*cleared, said]), content.number, 0)
    salt = secrets.token_hex(16)
    _write_rows(store, publication, salt, content)
    references = derived.references.hashes
    _require_reproduced(store, content, clusters_of(store, settings, references))
    published = content.figures.withColumn("publication_id", F.lit(publication))
    rows = store.append(tables.GOLD_PUBLISHED_FIGURES, published.select(*store.columns(tables.GOLD_PUBLISHED_FIGURES))).rows
    facts = {
        "publication_id": publication,
        "frozen_at": utc_now(),
        "note": note,
        "figure_run_ids": sorted(row[0] for row in content.figures.select("run_id").distinct().collect()),
        "settings": json.dumps(settings.model_dump(mode="json"), sort_keys=True),
        "models": content.basis.models,
        "references": json.dumps(dict(references), sort_keys=True),
        "code_version": __version__,
        "admissions": content.number,
        "figures": rows,
        "covariates_sha256": content.covariates_sha256,
        "figures_sha256": content.figures_sha256,
        "models_sha256": content.models_sha256,
        "salt": salt,
        "run_id": run_id,
    }
    columns = store.columns(tables.GOLD_PUBLICATIONS)
    store.append(tables.GOLD_PUBLICATIONS, store.frame(tables.GOLD_PUBLICATIONS, [[facts[name] for name in columns]]))
    said = f"{publication}: {rows:,} figures of {content.number:,} admissions are frozen, and were reproduced from them"
    return Outcome(" ".join([*cleared, said]), content.number, content.number + rows)


def _content(store: Store, settings: Settings, derived: Derived) -> _Content:
    versions = Versions.read(store)
    basis = FigureBasis.of(settings, versions)
    for version in basis.versions:
        versions.require_alike(version, derived)
    figures = store.cache(basis.figures(store))
    digests = figure_digests(figures)
    if not digests:
        raise ModelError("There are no figures to freeze.", where=store.place, mend="run score and indicators (or `run`) first.")
    admissions = store.cache(basis.admissions(store))
    number, sha256 = covariates_digest(admissions)
    cells = store.cache(basis.cells(store))
    return _Content(basis, figures, admissions, cells, number, sha256, digests, model_digests(store, basis.models, cells))


def _lines(hashes: dict[str, str]) -> list[str]:
    return [f"{name} {sha256}" for name, sha256 in sorted(hashes.items())]


def _write_rows(store: Store, publication: str, salt: str, content: _Content) -> None:
    """The admissions and the cells."""
    named = {"publication_id": F.lit(publication)}
    marked = content.admissions.withColumns(named | {"row_identity": row_identity(salt)})
    store.append(tables.GOLD_PUBLISHED_COVARIATES, marked.select("publication_id", "row_identity", *FROZEN))
    store.append(tables.GOLD_PUBLISHED_STAY_CELLS, content.cells.withColumns(named).select("publication_id", *STAY_ESTIMATES))


def _require_reproduced(store: Store, content: _Content, clusters: dict[str, str]) -> None:
    publication = content.publication_id
    written = (tables.GOLD_PUBLISHED_COVARIATES, tables.GOLD_PUBLISHED_STAY_CELLS)
    frozen, cells = (store.read(table).where(F.col("publication_id") == publication) for table in written)
    recomputed = store.cache(recomputed_figures(store, content.basis, clusters, frozen, cells))
    found = agreement(content.figures.select(*COMPUTED), recomputed)
    if differing := [one for one in found if not one.hash_equal]:
        leftovers.remove_unpublished(store)
        counts = "; ".join(f"{one.indicator}: {one.differing} of {one.figures}" for one in differing)
        raise ModelError(
            f"The figures are not those of the admissions as they are now; nothing was frozen. Differing: {counts}.",
            where=f"gold.indicators in {store.place}, worst: {differing[0].worst}",
            mend="run score and indicators (or `run`) with these settings first.",
        )

"""Reproducing figures: computed again from what was frozen, or from the tables as a run left them, and compared by hash.

Nothing is fitted: coefficients are read as they are stored. What can no longer agree, and why, is part of the answer.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Row
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings, recorded_settings
from lbz_indicators.errors import ErasedError, ReproductionError, SettingsError
from lbz_indicators.failures import storage_errors
from lbz_indicators.io import Store
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.derivation import COVARIATES
from lbz_indicators.steps.figure_agreement import Agreement, agreement, figure_digests
from lbz_indicators.steps.figure_basis import FigureBasis
from lbz_indicators.steps.publications import STAY_CELLS, Publication, clusters_of, covariates_digest, model_digests, publications
from lbz_indicators.steps.recomputed import COMPUTED, recomputed_figures
from lbz_indicators.steps.removal import removals
from lbz_indicators.steps.run_order import ORDERED_BY, place


@dataclass(frozen=True)
class Gone:
    """Frozen rows that are gone by law: when, why (patient, retention), and how many."""

    at: dt.datetime
    reason: str
    rows: int


@dataclass(frozen=True)
class Reproduction:
    """What came of it. `changed`: frozen parts that no longer have the hash they had; `source`: what it was computed from."""

    source: str
    indicators: tuple[Agreement, ...]
    removals: tuple[Gone, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether every figure and everything behind it is as it was."""
        return not self.changed and not self.removals and all(one.hash_equal for one in self.indicators)


def find_publication(store: Store, publication_id: str | None, run_id: str | None) -> Publication | None:
    """The publication of that name, or the last one that holds a figure of the run; None for a run of which none was frozen."""
    known = publications(store)
    if publication_id is None:
        return next((one for one in known if run_id in one.figure_run_ids), None)
    named = next((one for one in known if one.publication_id == publication_id), None)
    if named is None:
        names = ", ".join(one.publication_id for one in known) or "none is there"
        raise SettingsError(
            f"There is no publication {publication_id!r}.", where=f"gold.publications in {store.place}", mend=f"known: {names}."
        )
    return named


def reproduce_publication(store: Store, publication: Publication) -> Reproduction:
    """From the frozen rows and the stored coefficients."""
    frozen = store.read(tables.GOLD_PUBLISHED_COVARIATES).where(publication.holds())
    published = store.cache(store.read(tables.GOLD_PUBLISHED_FIGURES).where(publication.holds()).select(*COMPUTED))
    cells = store.read(tables.GOLD_PUBLISHED_STAY_CELLS).where(publication.holds())
    basis = publication.basis(store)
    clusters = clusters_of(store, publication.settings, publication.references)
    recomputed = store.cache(recomputed_figures(store, basis, clusters, frozen, cells))
    gone = _removals(store, publication)
    rows, sha256 = covariates_digest(frozen)
    changed = [
        name if name == STAY_CELLS else f"coefficients of {name}"
        for name, digest in model_digests(store, publication.models, cells).items()
        if publication.models_sha256.get(name) != digest
    ]
    if figure_digests(published) != dict(publication.figures_sha256):
        changed.append("gold.published_figures")
    gone_rows = sum(one.rows for one in gone)
    if rows + gone_rows != publication.admissions or (not gone_rows and sha256 != publication.covariates_sha256):
        changed.append(f"gold.published_covariates ({rows:,} rows, frozen with {publication.admissions:,})")
    source = f"{publication.publication_id}, frozen {publication.frozen_at:%Y-%m-%d %H:%M} UTC"
    return Reproduction(source, tuple(agreement(published, recomputed)), gone, tuple(changed))


def _removals(store: Store, publication: Publication) -> tuple[Gone, ...]:
    every = [removal.as_done(store) for removal in removals(store)]
    counted = [(one, one.by_publication.get(publication.publication_id, 0)) for one in every]
    return tuple(Gone(one.at, one.reason, number) for one, number in counted if number)


def reproduce_run(store: Store, run_id: str) -> Reproduction:
    """From the tables as the run left them, by Delta's time travel; StorageError where vacuum has ended that."""
    then, settings, versions = _as_left_by(store, run_id)
    with storage_errors(
        f"The tables as run {run_id} left them are no longer kept, and none of its figures was frozen.",
        f"{versions} in {store.place}",
        "freeze what is published (`lbz-indicators freeze`): Delta keeps former versions for storage.retention_days only.",
    ):
        basis = FigureBasis.of(settings, Versions.read(then))
        clusters = clusters_of(store, settings, _references(then))
        figures = store.cache(basis.figures(then).select(*COMPUTED))
        admissions = store.cache(basis.admissions(then))
        recomputed = store.cache(recomputed_figures(store, basis, clusters, admissions, basis.cells(then)))
        found = agreement(figures, recomputed)
    if not found:
        raise SettingsError(f"Run {run_id} left no figures of its settings.", where=store.place, mend="give another run.")
    return Reproduction(f"the tables as run {run_id} left them: {versions}", tuple(found))


def _as_left_by(store: Store, run_id: str) -> tuple[Store, Settings, str]:
    """The tables of admissions, figures and the registry as a run left them, its settings, and which versions these are."""
    rows = store.read(tables.GOLD_RUNS).where((F.col("run_id") == run_id) & (F.col("status") == "done")).collect()
    made = [row for row in rows if str(tables.GOLD_INDICATORS) in (row["tables_out"] or {})]
    if not made:
        raise SettingsError(
            f"No run {run_id!r} has made figures.", where=f"gold.runs in {store.place}", mend="take a run_id of gold.indicators."
        )
    last = max(made, key=place)
    wanted = {name: version for name, version in last["tables_in"].items() if name in _PINNED}
    wanted |= _of_score(store, last)
    wanted[str(tables.GOLD_INDICATORS)] = last["tables_out"][str(tables.GOLD_INDICATORS)]
    said = ", ".join(f"{name} {version}" for name, version in sorted(wanted.items()) if name not in _REGISTRY)
    return store.pinned(wanted), recorded_settings(last["settings"], f"run {run_id}"), said


def _of_score(store: Store, indicators: Row) -> dict[str, int]:
    """The version of the cells of the expected stay with which stays had been judged before a step of gold.runs: a later fit
    writes over them."""
    cells = str(tables.GOLD_STAY_CELLS)
    scored = store.read(tables.GOLD_RUNS).where((F.col("step") == "score") & (F.col("status") == "done"))
    rows = scored.select(F.col("tables_in")[cells].alias("cells"), *ORDERED_BY).where("cells IS NOT NULL").collect()
    before = [row for row in rows if place(row) <= place(indicators)]
    return {cells: max(before, key=place)["cells"]} if before else {}


_REGISTRY = {str(tables.GOLD_MODELS), str(tables.GOLD_MODEL_EVENTS)}
_PINNED = _REGISTRY | {str(table) for table in (tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.SILVER_DERIVATION)}


def _references(store: Store) -> Mapping[str, str]:
    """Reference lists by SHA-256, of the rows in silver.covariates."""
    row = store.read(tables.SILVER_DERIVATION).where(F.col("derived") == COVARIATES).collect()[0]
    hashes: dict[str, str] = json.loads(row["references"])
    return hashes


def require_equal(found: Reproduction) -> None:
    """ReproductionError where something differs; ErasedError where rows are gone by law and all else is as it was."""
    differing = [one for one in found.indicators if not one.hash_equal]
    if found.changed or (differing and not found.removals):
        figures = [f"{one.indicator}: {one.differing} of {one.figures} figures, worst {one.worst}" for one in differing]
        raise ReproductionError(
            "The figures do not come out as they were recorded: " + "; ".join([*found.changed, *figures]) + ".",
            where=found.source,
            mend="what was frozen is never changed by this program: look who wrote to these tables, and restore them.",
        )
    if found.removals:
        gone = "; ".join(f"{one.rows:,} rows on {one.at:%Y-%m-%d} ({one.reason})" for one in found.removals)
        raise ErasedError(
            f"Of what was frozen, rows were erased by law: {gone}. The hash of the covariates can no longer agree, nor need "
            "figures; the published figures stay.",
            where=found.source,
        )

"""Maintenance of the tables: what is past its retention goes, small files are put together, old files are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.io.upkeep import DELETED_FILES, LOG, TableState, Upkeep
from lbz_indicators.progress import Progress
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps import leftovers, retention
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.removal import OF_ADMISSIONS
from lbz_indicators.tables import GOLD_LEASE, Table

_KEPT = [table for table in SCHEMAS if table != GOLD_LEASE]
"""The lease is written anew all the time by whoever holds it, this command too."""


@dataclass(frozen=True)
class Maintained:
    """What was done, and the tables afterwards."""

    outcome: Outcome
    tables: tuple[TableState, ...]


def maintain(
    store: Store, settings: Settings, progress: Progress, run_id: str, *, dry_run: bool, only: Sequence[Table] | None = None
) -> Maintained:
    """Retention, table properties, compaction (storage.optimize) and vacuum; with `dry_run` nothing but the counts.

    Compaction and vacuum change no row, so the nightly run passes over them; deleted rows make it derive anew what they touch.
    """
    unpublished = leftovers.count_unpublished(store) if dry_run else 0
    cleared = [] if dry_run else [*leftovers.clear(store), *leftovers.clear_loads(store)]
    found = retention.expired(store, settings)
    upkeep = Upkeep(store)
    states = [state for table in only or _KEPT if (state := upkeep.state(table)) is not None]
    if not dry_run:
        retention.remove_expired(store, found, run_id)
        for state in states:
            progress.say(f"{state.table}: compaction and vacuum")
            _keep(upkeep, store, settings, state)
        states = [state for one in states if (state := upkeep.state(one.table)) is not None]
    counts = ", ".join(f"{name} {number:,}" for name, number in sorted(found.by_table.items())) or "none"
    done = "would be deleted" if dry_run else "deleted"
    size = sum(state.bytes for state in states)
    said = f"rows past their retention, {done}: {counts}; {len(states)} tables, {size / 1e6:,.1f} MB"
    if unpublished:
        said += f"; frozen rows of no publication, left by a freeze that broke off, {done}: {unpublished:,}"
    return Maintained(Outcome(" ".join([*cleared, said]), rows_out=0 if dry_run else sum(found.by_table.values())), tuple(states))


def _keep(upkeep: Upkeep, store: Store, settings: Settings, state: TableState) -> None:
    """Both retentions of Delta are set together: else its log would name files that vacuum has deleted, or the reverse."""
    days = f"interval {store.retention_days} days"
    wanted = {DELETED_FILES: days, LOG: days}
    if any(state.properties.get(name) != value for name, value in wanted.items()):
        upkeep.set_properties(state.table, wanted)
    if settings.storage.optimize and state.files > 1:
        upkeep.compact(state.table)
    if state.table in OF_ADMISSIONS:
        # Deleted rows are only marked in their files, also those of a removal that broke off.
        upkeep.purge(state.table)
    upkeep.vacuum(state.table)

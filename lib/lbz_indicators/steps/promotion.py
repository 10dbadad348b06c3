"""Model maintenance: which version of a family is current is somebody's decision, noted with its reason."""

from __future__ import annotations

from lbz_indicators.errors import SettingsError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.registration import StatusChange, change_status


def promote(store: Store, name: str, note: str) -> Outcome:
    """Makes a version the current one of its family, and retires the one that was; nothing where it is so already."""
    versions = Versions.read(store)
    version = require_known(versions, name, store.place)
    before = versions.current(version.family)
    if before == version:
        return Outcome(f"{name} is current already", rows_out=0)
    changes = [StatusChange(before.name, registry.RETIRED, f"replaced by {name}: {note}")] if before else []
    changes.append(StatusChange(name, registry.CURRENT, note))
    change_status(store, changes)
    former = f", {before.name} is retired" if before else ""
    return Outcome(f"{name} is current{former}; score and indicators (or run) make its figures", rows_out=len(changes))


def retire(store: Store, name: str, note: str) -> Outcome:
    """Retires a version; its family is without a current one where it was that. Nothing where it is retired already."""
    version = require_known(Versions.read(store), name, store.place)
    if version.status == registry.RETIRED:
        return Outcome(f"{name} is retired already", rows_out=0)
    change_status(store, [StatusChange(name, registry.RETIRED, note)])
    left = "; no version of its years is current now" if version.status == registry.CURRENT else ""
    return Outcome(f"{name} is retired{left}", rows_out=1)


def require_known(versions: Versions, name: str, place: str) -> Version:
    """The version of that name; SettingsError where there is none."""
    version = versions.named(name)
    if version is None:
        raise SettingsError(
            f"There is no model version {name!r}.",
            where=f"gold.models in {place}",
            mend="`lbz-indicators models list` names them.",
        )
    return version

"""What silver.covariates and silver.stays were derived with: years, settings, reference lists, program. Later steps must ask for
the same.

Without it a fit or a score with other years or another grouping would take the rows as they are, and the figures would
be wrong without a word.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lbz_indicators import __version__, tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.io import Store
from lbz_indicators.references import ReferenceList, References, load_references

COVARIATES = str(tables.SILVER_COVARIATES)
DELIVERED_UNTIL = "readmission.delivered_until"


@dataclass(frozen=True)
class Derived:
    """What covariates and stays are of, when they are of this command's settings: models must be of the same."""

    settings: Settings
    references: References
    severity_version: str


@contextmanager
def deriving(store: Store, settings: Settings, references: References, severity_version: str, run_id: str) -> Iterator[None]:
    """While covariates and stays are written: says with what, and that they are unfinished where that is not as last time.

    What they are made of, the versions of the tables read so far, is part of it: else covariates of one delivery and stays of
    another could pass for a whole after a failure between the two.
    """
    read = {name: version for name, version in sorted(store.versions_read.items()) if not name.startswith("gold.")}
    inputs = json.dumps(read)  # of gold it reads severity classes, which have a version of their own, and what it keeps itself
    wanted = _content(settings, references)
    wanted |= {"severity_version": severity_version, "code_version": __version__, "inputs": inputs}
    stored = _stored(store)
    same = stored is not None and all(stored[name] == value for name, value in wanted.items())
    if stored is not None and not same:
        _write(store, wanted, complete=False, run_id=run_id)
    yield
    if not (same and stored is not None and stored["complete"]):
        _write(store, wanted, complete=True, run_id=run_id)


def require(store: Store, settings: Settings) -> Derived:
    """SettingsError where the covariates were derived with other years, settings or lists than this command's, or by another
    version of the program."""
    references = load_references(settings.references)
    stored = _stored(store)
    if stored is None or not stored["complete"]:
        raise StorageError(
            "The covariates are not there, or an interrupted derive left them half done.",
            where=f"{COVARIATES} in {store.place}",
            mend="run derive (or `run`) again: it finishes the work.",
        )
    if problems := [*_program(stored), *_problems(stored, settings, references)]:
        raise SettingsError(
            f"The covariates were derived with other settings: {'; '.join(problems)}.",
            where=f"{COVARIATES} in {store.place}",
            mend="give the same --years, --config and --set to every step, or run derive again with these.",
        )
    return Derived(settings, references, str(stored["severity_version"]))


@dataclass(frozen=True)
class Basis:
    """What the covariates in the tables were derived with, whatever a command asks for."""

    derived: Derived
    years: tuple[int, ...]


def stored_basis(store: Store, settings: Settings) -> Basis | None:
    """What covariates and stays in the tables are of: `settings` with what was stored of population and outcome; None where
    they are not there or unfinished. Its lists have hashes and no rows."""
    stored = _stored(store)
    if stored is None or not stored["complete"]:
        return None
    values: dict[str, dict[str, Any]] = {}
    for path, value in json.loads(stored["settings"]).items():
        section, key = path.split(".")
        values.setdefault(section, {})[key] = value
    content = settings.model_dump(mode="json")
    made = Settings.model_validate(content | {section: content[section] | found for section, found in values.items()})
    lists = References(**{name: ReferenceList((), "", sha256) for name, sha256 in json.loads(stored["references"]).items()})
    return Basis(Derived(made, lists, str(stored["severity_version"])), tuple(stored["years"]))


def delivered_until(store: Store) -> dt.date | None:
    """The last day of complete delivery that the stays were derived with; None where there are none."""
    stored = _stored(store)
    day = json.loads(stored["settings"]).get(DELIVERED_UNTIL) if stored else None
    return dt.date.fromisoformat(day) if day else None


def differences(store: Store, settings: Settings, references: References, severity_version: str) -> list[str]:
    """What covariates and stays were derived with otherwise than is wanted, the program too, but for the day of complete
    delivery; that they are not there or unfinished."""
    stored = _stored(store)
    if stored is None or not stored["complete"]:
        return ["the covariates are not there, or unfinished"]
    wanted = _content(settings, references) | {"severity_version": severity_version}
    wanted["settings"] = json.dumps(json.loads(wanted["settings"]) | _day_of(stored["settings"]), sort_keys=True)
    names = ("years", "settings", "references")
    found = [*_program(stored), *(problem for name in names for problem in _differences(name, stored[name], wanted[name]))]
    if stored["severity_version"] != severity_version:
        found.append(f"severity {stored['severity_version']}, now {severity_version}")
    return found


def is_of(store: Store, settings: Settings, references: References) -> bool:
    """Whether covariates and stays were derived with these years, settings and lists, by whichever version of the program."""
    stored = _stored(store)
    return stored is not None and stored["complete"] and not _problems(stored, settings, references)


def _problems(stored: dict[str, Any], settings: Settings, references: References) -> list[str]:
    """What differs from what the covariates were derived with."""
    wanted = _content(settings, references)
    if settings.readmission.delivered_until is None:
        # A step that only reads the stays takes the day that they were derived with.
        wanted["settings"] = json.dumps(json.loads(wanted["settings"]) | _day_of(stored["settings"]), sort_keys=True)
    return [problem for name, value in wanted.items() for problem in _differences(name, stored[name], value)]


def _program(stored: dict[str, Any]) -> list[str]:
    """That another version of the program derived them."""
    return [] if stored["code_version"] == __version__ else [f"program {stored['code_version']}, now {__version__}"]


def _content(settings: Settings, references: References) -> dict[str, Any]:
    sections = {
        "population": settings.population.model_dump(mode="json"),
        "readmission": settings.readmission.model_dump(mode="json", exclude={"confidence"}),
    }
    shaping = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    return {
        "years": list(settings.population_years),
        "settings": json.dumps(shaping, sort_keys=True),
        "references": json.dumps(dict(references.hashes), sort_keys=True),
    }


def _day_of(stored: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(stored).items() if key == DELIVERED_UNTIL}


def _differences(name: str, stored: Any, wanted: Any) -> list[str]:
    """What differs, key by key where there are keys."""
    if stored == wanted:
        return []
    if name == "years":
        return [f"years {_shown(stored)}, now {_shown(wanted)}"]
    one, other = json.loads(stored), json.loads(wanted)
    keys = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    return [f"{key} {_shown(one.get(key))}, now {_shown(other.get(key))}" for key in keys]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _stored(store: Store) -> dict[str, Any] | None:
    rows = store.read_or_empty(tables.SILVER_DERIVATION).collect()
    return rows[0].asDict() if rows else None


def _write(store: Store, content: dict[str, Any], *, complete: bool, run_id: str) -> None:
    row = {"derived": COVARIATES, **content, "complete": complete, "run_id": run_id}
    rows = [[row[name] for name in store.columns(tables.SILVER_DERIVATION)]]
    store.overwrite(tables.SILVER_DERIVATION, store.frame(tables.SILVER_DERIVATION, rows), "true")

"""The reference lists of a run: shipped, or the site's own files with the same columns. Read on the driver, never code."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lbz_indicators.config import CONF, ReferenceSettings
from lbz_indicators.errors import SettingsError

_FILES = {
    "diagnosis_codes": ("icd10_who_to_ccs.csv", ("icd10", "ccs")),
    "diagnosis_groups": (
        "diagnosis_groups.csv",
        ("ccs", "ccs_label", "diagnosis_group", "diagnosis_group_label", "cluster", "cluster_label"),
    ),
    "charlson": ("charlson_icd10.csv", ("condition", "name", "icd10_prefix")),
}


@dataclass(frozen=True)
class ReferenceList:
    """Rows of a list by column name, its text, and the SHA-256 of the file."""

    rows: tuple[Mapping[str, str], ...]
    text: str
    sha256: str


@dataclass(frozen=True)
class References:
    """All lists of a run."""

    diagnosis_codes: ReferenceList
    diagnosis_groups: ReferenceList
    charlson: ReferenceList

    def text(self, name: str) -> str:
        """The content of one list's file."""
        return str(getattr(self, name).text)

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 by list, as stored with a model version."""
        return {name: getattr(self, name).sha256 for name in _FILES}


def load_references(settings: ReferenceSettings) -> References:
    """Reads the lists; SettingsError where a file is absent, unreadable or lacks a column."""
    return References(**{name: _load(name, getattr(settings, name)) for name in _FILES})


def _load(name: str, path: str | None) -> ReferenceList:
    shipped, _ = _FILES[name]
    try:
        content = Path(path).read_bytes() if path else CONF.joinpath("reference", shipped).read_bytes()
        return _parse(name, content, path or shipped)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"The reference list {name} cannot be read: {error}.", mend=f"correct references.{name}.") from error


def parse_references(texts: Mapping[str, str]) -> References:
    """The lists from their text by name, as a store keeps them."""
    return References(**{name: _parse(name, texts[name].encode(), name) for name in _FILES})


def _parse(name: str, content: bytes, where: str) -> ReferenceList:
    columns = _FILES[name][1]
    text = content.decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text))
    rows = tuple(reader)
    broken = [number for number, row in enumerate(rows, start=2) if any(row[c] is None for c in columns if c in row)]
    missing = [column for column in columns if column not in (reader.fieldnames or [])]
    if missing or not rows:
        what = f"lacks the column(s) {', '.join(missing)}" if missing else "is empty"
        raise SettingsError(f"The reference list {name} {what}.", where=where, mend=f"correct references.{name}.")
    if broken:
        line = f"{where}, line {broken[0]}"
        raise SettingsError(
            f"{len(broken)} line(s) of the list {name} lack a field.", where=line, mend=f"correct references.{name}."
        )
    return ReferenceList(rows, content.decode("utf-8"), hashlib.sha256(content).hexdigest())

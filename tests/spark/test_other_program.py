"""What another version of the program validated or derived is not taken for this one's: it may have judged otherwise."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.progress import SILENT
from lbz_indicators.references import load_references
from lbz_indicators.steps import derivation, severity, validation
from lbz_indicators.steps.derivation import deriving
from lbz_indicators.steps.validate_arrived import needs_all
from lbz_indicators.steps.validation import require_complete, validating

SETTINGS = load_settings(None, ["storage.root=memory", "period.years=2019", "readmission.delivered_until=2019-12-31"])


@pytest.fixture
def store(spark: SparkSession) -> MemoryStore:
    return MemoryStore(spark)


def _program(patch: pytest.MonkeyPatch, version: str) -> None:
    for module in (validation, derivation):
        patch.setattr(module, "__version__", version)


def _validate(store: MemoryStore) -> bool:
    """Whether the tables counted as whole while they were written."""
    with validating(store, SETTINGS, load_references(SETTINGS.references), "run"):
        stored = validation.last_validation(store)
        return stored is not None and stored["complete"]


def _derive(store: MemoryStore) -> bool:
    with deriving(store, SETTINGS, load_references(SETTINGS.references), "none", "run"):
        return derivation.stored_basis(store, SETTINGS) is not None


def test_records_validated_by_another_program(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match="not those of one validation"):
        require_complete(store)  # nothing says what they were judged with, as after `migrate`
    _program(monkeypatch, "1.0")
    assert not _validate(store)
    assert _validate(store), "the same again interrupts nothing"
    require_complete(store)
    _program(monkeypatch, "1.1")
    with pytest.raises(StorageError, match=r"validated by version 1\.0 of the program; this is 1\.1") as error:
        require_complete(store)
    assert "run validate" in str(error.value)
    assert needs_all(store, SETTINGS, []) == "the last validation was by version 1.0 of the program"
    assert not _validate(store), "a validation that breaks off leaves tables of two programs"
    require_complete(store)
    validation.mark_unfinished(store, "erasure")
    for reader in (lambda: require_complete(store), lambda: severity.step(store, SETTINGS, SILENT, "run")):
        with pytest.raises(StorageError, match="not those of one validation"):
            reader()
    assert [row["code_version"] for row in store.read(tables.SILVER_VALIDATION).collect()] == ["1.1"]


def test_covariates_derived_by_another_program(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    references = load_references(SETTINGS.references)
    _program(monkeypatch, "1.0")
    _derive(store)
    assert _derive(store), "the same again interrupts nothing"
    assert derivation.differences(store, SETTINGS, references, "none") == []
    derivation.require(store, SETTINGS)
    _program(monkeypatch, "1.1")
    with pytest.raises(SettingsError, match=r"program 1\.0, now 1\.1"):
        derivation.require(store, SETTINGS)
    assert derivation.differences(store, SETTINGS, references, "none") == ["program 1.0, now 1.1"]
    assert not _derive(store), "a derive that breaks off leaves covariates of one program and stays of another"
    derivation.require(store, SETTINGS)

"""Which model versions there are, which of a family is current, and its rows read back from the gold.model tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import ModelError
from lbz_indicators.indicators import variance
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.models.certify import SEPARATED
from lbz_indicators.models.score import ScoringModel, scoring_model
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.predicted import Family


@dataclass(frozen=True)
class Version:
    """A row of gold.models: `settings` and `references` as JSON, `status` of its last event, and since when it was last
    current."""

    name: str
    family: Family
    settings: str
    references: str
    cohort_fingerprint: str
    status: str | None
    current_since: dt.datetime | None

    def differences(self, derived: Derived, *, of_fit: bool) -> list[str]:
        """What it was fitted with otherwise than rows are derived with: population, outcome, reference lists, severity; and
        `of_fit`, how models are fitted, which may differ, for an older version can be current."""
        indicator = self.family.indicator
        wanted = registry.shaping_settings(derived.settings, indicator, derived.severity_version)
        found = registry.differences(self.settings, wanted, None if of_fit else "models")
        lists = json.dumps({"references": json.loads(self.references)})
        return found + registry.differences(lists, {"references": derived.references.hashes})


class Versions:
    """All model versions of a store as they were when this was made. `place` is for messages."""

    def __init__(self, versions: Iterable[Version], place: str) -> None:
        self._all = {version.name: version for version in versions}
        self._place = place

    @classmethod
    def read(cls, store: Store) -> Versions:
        """From gold.models and gold.model_events: a row per fit and per change, which fit any memory."""
        events = store.read_or_empty(tables.GOLD_MODEL_EVENTS).select("model_version", "at", "status").collect()
        last: dict[str, tuple[dt.datetime, str]] = {}
        current: dict[str, dt.datetime] = {}
        for name, at, status in events:
            last[name] = max(last.get(name, (at, status)), (at, status))
            if status == registry.CURRENT:
                current[name] = max(current.get(name, at), at)
        columns = ("model_version", "indicator", "model_years", "settings", "references", "cohort_fingerprint")
        versions = []
        for name, indicator, years, settings, lists, cohort in store.read_or_empty(tables.GOLD_MODELS).select(*columns).collect():
            family, status = Family(indicator, tuple(years)), last[name][1] if name in last else None
            versions.append(Version(name, family, settings, lists, cohort, status, current.get(name)))
        return cls(versions, store.place)

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def named(self, name: str) -> Version | None:
        """The version of that name, None where there is none."""
        return self._all.get(name)

    def of(self, family: Family) -> list[Version]:
        """The versions of one indicator over the same years: of these, at most one is current."""
        return [version for version in self._all.values() if version.family == family]

    def current(self, family: Family) -> Version | None:
        """The current version of a family, None where none is."""
        return next((version for version in self.of(family) if version.status == registry.CURRENT), None)

    def require(self, family: Family) -> Version:
        """The current version of a family; ModelError where none is."""
        version = self.current(family)
        if version is None:
            raise ModelError(
                f"No {family.indicator} model over {family.years[0]}-{family.years[-1]} is current.",
                where=self._place,
                mend="fit it first: lbz-indicators fit, or run.",
            )
        return version

    def require_alike(self, version: Version, derived: Derived) -> None:
        """ModelError where the version was fitted for another population or outcome, or with other lists: its expected numbers
        would stand beside observed ones of another definition."""
        if problems := version.differences(derived, of_fit=False):
            raise ModelError(
                f"The current {version.family.indicator} model was fitted with other settings: {'; '.join(problems)}.",
                where=f"{version.name} in {self._place}",
                mend="give the same --config and --set to every step, or run fit with these.",
            )


@dataclass(frozen=True)
class LogisticModel:
    """The rows of one version of logistic models."""

    version: str
    model_years: tuple[int, ...]
    coefficients: DataFrame
    fits: DataFrame
    information: DataFrame


def current_model(store: Store, family: Family) -> LogisticModel:
    """The current logistic models of a family; ModelError where none are."""
    return read_model(store, Versions.read(store).require(family))


def read_model(store: Store, version: Version) -> LogisticModel:
    """The logistic models of a version."""
    of_version = F.col("model_version") == version.name
    return LogisticModel(
        version.name,
        version.family.years,
        store.read(tables.GOLD_MODEL_COEFFICIENTS).where(of_version),
        store.read(tables.GOLD_MODEL_FIT).where(of_version),
        store.read(tables.GOLD_MODEL_INFORMATION).where(of_version),
    )


def broadcastable(store: Store, model: LogisticModel) -> ScoringModel:
    """The version's coefficients as one small row per diagnosis group."""
    names = ("diagnosis_group", "covariate", "class", "term_id", "estimate", "admissions")
    coefficients = [row.asDict() for row in model.coefficients.select(*names).collect()]
    fits = [row.asDict() for row in model.fits.select("diagnosis_group", "status").collect()]
    return scoring_model(store.spark, coefficients, fits, model.model_years)


def group_information(model: LogisticModel, ridge: float) -> dict[str, variance.GroupInformation]:
    """What the variance of a figure needs of every fitted group of a version; `ridge` of its separated groups."""
    separated = {row[0] for row in model.fits.where(F.col("status") == SEPARATED).select("diagnosis_group").collect()}
    coefficients: dict[str, list[dict[str, object]]] = {}
    for row in model.coefficients.select("diagnosis_group", "covariate", "class", "term_id").collect():
        coefficients.setdefault(row["diagnosis_group"], []).append(row.asDict())
    return {
        row["diagnosis_group"]: variance.group_information(
            coefficients[row["diagnosis_group"]],
            row["terms"],
            row["matrix"],
            ridge if row["diagnosis_group"] in separated else 0.0,
        )
        for row in model.information.collect()
    }

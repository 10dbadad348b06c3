"""Step 5, score: the expected probability of every event that a model predicts, and the expected nights of every stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.io import Store, of_keys
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.models.score import with_expected, without_model
from lbz_indicators.progress import Progress
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import Version, Versions, broadcastable, read_model
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import Predicted, mortality, predicted_events, stay_family
from lbz_indicators.steps.stay_fitting import STAY_COHORT, whole_versions
from lbz_indicators.steps.touched import Touched
from lbz_indicators.tables import Table


def step(store: Store, settings: Settings, progress: Progress, run_id: str, touched: Touched | None = None) -> Outcome:
    """silver.covariates, silver.stays and the current models to gold.expected and gold.expected_nights.

    `touched`: only these rows, and the stays of these years; the others are scored by the current models as they are.
    """
    derived = derivation.require(store, settings)
    scoring = _Scoring(store, settings, Versions.read(store), derived, touched)
    scoring.versions.require(mortality(settings).family)  # deaths need a model; readmissions are counted without one
    outcomes = [scoring.events(), scoring.stays()]
    rows_in, rows_out = (sum(getattr(o, name) or 0 for o in outcomes) for name in ("rows_in", "rows_out"))
    return Outcome("; ".join(outcome.message for outcome in outcomes), rows_in, rows_out)


@dataclass(frozen=True)
class _Scored:
    """Rows of gold.expected of one event, the condition that holds for them alone, and in SQL the one of those they replace."""

    event: Predicted
    version: str
    rows: DataFrame
    scope: Column
    replaced: str


@dataclass(frozen=True)
class _Scoring:
    store: Store
    settings: Settings
    versions: Versions
    derived: Derived
    touched: Touched | None

    def events(self) -> Outcome:
        """Expected values of every event by its current model, null where it has none; one write for all."""
        store = self.store
        scored = [self._scored(event) for event in predicted_events(self.settings)]
        of_versions = reduce(or_, [one.scope for one in scored])
        only = self._only_touched(scored)
        scope = of_versions if self.touched is None else lambda rows: only(rows.where(of_versions))
        written = store.replace(tables.GOLD_EXPECTED, reduce(DataFrame.unionByName, [one.rows for one in scored]), scope)
        _forget(store, tables.GOLD_EXPECTED, " OR ".join(one.replaced for one in scored))
        unseen = {one.event.indicator: int(one.event.is_provisional) for one in scored}
        beyond = F.create_map(*[F.lit(value) for pair in unseen.items() for value in pair])[F.col("indicator")]
        counted = only(store.read(tables.GOLD_EXPECTED).where(of_versions)).groupBy("indicator").agg(
            F.count("*").alias("total"),
            F.count_if(F.col("expected").isNull()).alias("without"),
            F.count_if(F.col("unseen_classes") > beyond).alias("unseen"),
        )  # fmt: skip
        counts = {row["indicator"]: (row["total"], row["without"], row["unseen"]) for row in counted.collect()}
        said = [_said(one, *counts.get(one.event.indicator, (0, 0, 0))) for one in scored]
        return Outcome("; ".join(said), sum(total for total, _, _ in counts.values()), written.rows)

    def _only_touched(self, scored: Sequence[_Scored]) -> Callable[[DataFrame], DataFrame]:
        """Those of rows of gold.expected that are scored: all, or the touched ones."""
        if self.touched is None:
            return lambda rows: rows
        named = [self.touched.keys[one.event.table].withColumn("indicator", F.lit(one.event.indicator)) for one in scored]
        return of_keys(reduce(DataFrame.unionByName, named))

    def _scored(self, event: Predicted) -> _Scored:
        """Expected values of one event by its current model, null where it has none."""
        current = self.versions.current(event.family)
        version = current.name if current else registry.NO_MODEL_VERSION
        rows = event.population(self.store, event.scored_years)
        if self.touched is not None:
            rows = self.touched.among(event.table, rows)
        if current:
            self.versions.require_alike(current, self.derived)
            scored = with_expected(rows, broadcastable(self.store, read_model(self.store, current)))
        else:
            scored = without_model(rows)
        of_event, years = f"indicator = '{event.indicator}'", ", ".join(map(str, event.scored_years))
        without = f"({of_event} AND {_of_versions([registry.NO_MODEL_VERSION])} AND discharge_year IN ({years}))"
        of_version = f"({of_event} AND {_of_versions([version])} AND discharge_year IN ({years}))"
        scope = of_version if current else without
        others = [v.name for v in self.versions.of(event.family) if v.name != version]
        replaced = f"({of_event} AND {_of_versions(others)})"
        forgotten = f"{replaced} OR {without}" if current else replaced
        return _Scored(event, version, _expected_rows(scored, event, version), F.expr(scope), forgotten)

    def stays(self) -> Outcome:
        """Expected nights of every admission whose stay is judged, by both estimators, with the version of its year."""
        store, settings = self.store, self.settings
        touched = None if self.touched is None else self.touched.years[tables.SILVER_COVARIATES]
        years = [year for year in settings.reported_years if touched is None or year in touched]
        if not years:
            return Outcome("no stay is touched", 0, 0)
        current = {year: self.versions.require(stay_family(year)) for year in years}
        admissions = stay_cells.population(store.read(tables.SILVER_COVARIATES), settings.olo, years)
        self._require_cohorts(admissions, current)
        names = {year: version.name for year, version in current.items()}
        cells = store.read(tables.GOLD_STAY_CELLS).where(F.col("model_version").isin(*names.values()))
        by_year = F.create_map(*[F.lit(value) for pair in sorted(names.items()) for value in pair])
        scored = stay_cells.with_expected_nights(admissions, cells, settings.olo)
        scored = scored.withColumn("model_version", by_year[F.col("discharge_year")])
        rows = scored.withColumnRenamed("row_hash", "scored_hash").select(*store.columns(tables.GOLD_EXPECTED_NIGHTS))
        written = self._write_nights(rows, names)
        of_versions = F.col("model_version").isin(*names.values())
        agreement = stay_cells.count_agreement(store.read(tables.GOLD_EXPECTED_NIGHTS).where(of_versions))
        named = agreement.withColumn("model_version", by_year[F.col("discharge_year")])
        counted = store.cache(named.select(*store.columns(tables.GOLD_OLO_AGREEMENT)))
        store.replace(tables.GOLD_OLO_AGREEMENT, counted, scope=F.col("discharge_year").isin(*years))
        total, both = counted.agg(F.sum("admissions"), F.sum(F.col("both") + F.col("neither"))).collect()[0]
        share = f", {100 * both / total:.1f}% judged alike by both estimators" if total else ""
        return Outcome(f"{total or 0:,} stays compared with {', '.join(names.values())}{share}", total or 0, written)

    def _require_cohorts(self, admissions: DataFrame, current: Mapping[int, Version]) -> None:
        """ModelError where a version is not of these settings, not of these very stays, or without its rows."""
        for version in current.values():
            self.versions.require_alike(version, self.derived)
        found = registry.fingerprints_by_year(admissions, STAY_COHORT)
        other = [v.name for year, v in current.items() if found.get(year, registry.NO_ROWS)[1] != v.cohort_fingerprint]
        if other:
            raise ModelError(
                "The stays have changed since the expected stay was estimated.",
                where=f"{', '.join(other)} in {self.store.place}",
                mend="run fit (or `run`) first: a stay may be of a kind that the estimate does not know.",
            )
        numbers = {version.name: found.get(year, registry.NO_ROWS)[0] for year, version in current.items()}
        if broken := sorted(numbers.keys() - whole_versions(self.store, numbers)):
            raise ModelError(
                "The expected stay is not there as it was estimated: a fit broke off while it wrote another one in its place.",
                where=f"{', '.join(broken)} in gold.stay_cells, gold.stay_coefficients and gold.stay_fit of {self.store.place}",
                mend="run fit (or `run`) first: it finishes the work.",
            )

    def _write_nights(self, rows: DataFrame, names: Mapping[int, str]) -> int:
        """Rows of a year that the table has by the same version are compared; those of another version give way as a whole."""
        store, table = self.store, tables.GOLD_EXPECTED_NIGHTS
        by_version = store.read_or_empty(table).select("discharge_year", "model_version").distinct().collect()
        known = {year for year, name in names.items() if {row[1] for row in by_version if row[0] == year} == {name}}
        written = 0
        if fresh := sorted(set(names) - known):
            in_years = f"discharge_year IN ({', '.join(map(str, fresh))})"
            written += store.overwrite(table, rows.where(in_years), in_years).rows
        if known:
            of_known = F.col("discharge_year").isin(*known)
            written += store.replace(table, rows.where(of_known), scope=of_known).rows
        return written


def _said(one: _Scored, total: int, without: int, unseen: int) -> str:
    what = f"{total:,} {'admissions' if one.event.table == tables.SILVER_COVARIATES else 'index stays'}"
    no_model = one.version == registry.NO_MODEL_VERSION
    by = f"of {one.event.indicator} without a model" if no_model else f"scored with {one.version}"
    return f"{what} {by}; {without:,} without expected value, {unseen:,} with a class the fit never saw"


def _expected_rows(scored: DataFrame, event: Predicted, version: str) -> DataFrame:
    return scored.select(
        F.lit(version).alias("model_version"),
        F.lit(event.indicator).alias("indicator"),
        "hospital_id",
        "admission_id",
        "discharge_year",
        "discharge_month",
        "diagnosis_group",
        F.col("event").alias("observed"),
        "expected",
        "no_expected_reason",
        "unseen_classes",
        F.col("row_hash").alias("scored_hash"),
    )


def _of_versions(names: Sequence[str]) -> str:
    """The SQL condition that a row is of one of these versions, whose names are made by this program."""
    named = ", ".join(f"'{name}'" for name in names)
    return f"model_version IN ({named})" if names else "false"


def _forget(store: Store, table: Table, replaced: str) -> None:
    """Removes expected values of versions that the current one has replaced; the condition is made of trusted text."""
    if not store.read(table).where(replaced).isEmpty():
        store.delete(table, replaced)

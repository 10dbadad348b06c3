"""Step 6, indicators: HSMR, SMR, readmission ratio and long stay of every hospital and the nation, with limits and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.errors import ModelError
from lbz_indicators.indicators import figures, length_of_stay, limits, mortality, readmission, variance
from lbz_indicators.io import CHANGE, Store
from lbz_indicators.io.changes import DELETE, changed_rows
from lbz_indicators.joins import look_up
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.models.certify import SEPARATED
from lbz_indicators.population.diagnosis_groups import cluster_of_group
from lbz_indicators.progress import Progress
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.schemas.gold import FIGURE_KEY_NAMES
from lbz_indicators.schemas.silver import PLACE
from lbz_indicators.steps import derivation, predicted
from lbz_indicators.steps.current import LogisticModel, Version, Versions, read_model
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import COHORT, KEY, Predicted, stay_family


def step(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """gold.expected and gold.expected_nights to gold.indicators, gold.indicator_history and gold.interval_variants."""
    derived = derivation.require(store, settings)
    clusters = cluster_of_group(derived.references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    work = _Indicators(store, settings, clusters, Versions.read(store), derived, run_id)
    parts = [work.mortality(), work.readmission(), work.length_of_stay()]
    # One write for all: comparing and committing cost more than so few rows.
    scope = reduce(lambda left, right: left | right, [part.scope for part in parts])
    rows = reduce(DataFrame.unionByName, [part.rows for part in parts])
    before, recorded = store.find_version(tables.GOLD_INDICATORS), _recorded_version(store)
    written = store.replace(tables.GOLD_INDICATORS, rows, scope=scope)
    # A run that ended between the two writes left figures that the history does not have.
    changes = written.changes if recorded == before else _unrecorded(store)
    if changes is not None:
        _record_history(store, changes, written.version, run_id)
    variants = reduce(DataFrame.unionByName, [part.variants for part in parts if part.variants is not None])
    others = store.replace(tables.GOLD_INTERVAL_VARIANTS, variants, scope=scope)
    return Outcome("; ".join(part.said for part in parts), None, written.rows + others.rows)


@dataclass(frozen=True)
class _Figures:
    """Rows of gold.indicators and gold.interval_variants of one indicator, and the condition that holds for them alone."""

    rows: DataFrame
    variants: DataFrame | None
    scope: Column
    said: str


@dataclass(frozen=True)
class _Indicators:
    """`clusters`: diagnosis cluster by diagnosis group."""

    store: Store
    settings: Settings
    clusters: Mapping[str, str]
    versions: Versions
    derived: Derived
    run_id: str

    def mortality(self) -> _Figures:
        """HSMR and SMRs of the reported years, each and together; provisional ones of the reporting year."""
        event, chosen = predicted.mortality(self.settings), self.settings.indicators
        model = self._model(self.versions.require(event.family))
        years = event.scored_years if event.is_provisional else self.settings.reported_years
        rows = self._scored(event, model.version, years)
        periods = figures.reporting_periods(years)
        expected = rows.where("expected IS NOT NULL")
        ratios = figures.ratio_figures(expected, figures.breakdowns(self.clusters), periods)
        named = mortality.name_indicator(ratios)
        confidence = F.when(F.col("indicator") == mortality.HSMR, chosen.hsmr_confidence).otherwise(chosen.smr_confidence)
        described = _described(named, mortality.DEFINITION, event.variant, model.version, confidence)
        # One version has definitive figures of its own years and provisional ones of the year after.
        scope = (F.col("model_version") == model.version) & (F.col("variant") == event.variant)
        return self._limited(described, rows, model, periods, scope)

    def readmission(self) -> _Figures:
        """Readmission ratio of the reporting year; without a model the readmissions are counted, and nothing is expected."""
        event, year = predicted.readmission(self.settings), self.settings.reporting_year
        current = self.versions.current(event.family)
        model = self._model(current) if current else None
        version = model.version if model else registry.NO_MODEL_VERSION
        rows = self._scored(event, version, (year,))
        chosen = figures.breakdowns(self.clusters)
        values = {name: chosen[name] for name in readmission.BREAKDOWNS}
        ratios = figures.ratio_figures(rows.where("expected IS NOT NULL") if model else rows, values, [(year,)])
        named = ratios.withColumn("indicator", F.lit(readmission.READMISSION_RATIO))
        confidence = F.lit(self.settings.readmission.confidence)
        definition = self.settings.readmission.definition
        described = _described(named, definition, event.variant, version, confidence)
        # Counts without a model give way to figures with one; the figures of other versions stay.
        of_version = F.col("model_version").isin(version, registry.NO_MODEL_VERSION) & (F.year("period_end") == year)
        scope = (F.col("indicator") == readmission.READMISSION_RATIO) & of_version
        return self._limited(described, rows, model, [(year,)], scope)

    def length_of_stay(self) -> _Figures:
        """OLO and los_ratio of every reported year by itself."""
        store, years = self.store, self.settings.reported_years
        current = self.versions.require(stay_family(self.settings))
        self._require_alike(current)
        version = current.name
        of_version = F.col("model_version") == version
        nights = store.read(tables.GOLD_EXPECTED_NIGHTS).where(of_version)
        nights = nights.drop("model_version", "discharge_year", "diagnosis_group", "nights")
        covariates = stay_cells.population(store.read(tables.SILVER_COVARIATES), self.settings.olo, years)
        covariates = covariates.select(*KEY, *COHORT, *(column.name for column in PLACE), "nights", "row_hash")
        rows = store.cache(covariates.join(nights, on=["admission_id", "hospital_id"], how="full_outer"))
        judged = _same_row() & F.col("rule").eqNullSafe(F.lit(self.settings.olo.rule))
        self._require_scored(rows, judged, version)
        sums = store.cache(length_of_stay.stay_sums(rows, years))
        stays = length_of_stay.stay_figures(sums, self.settings.olo).withColumn("model_version", F.lit(version))
        kept = store.cache(stays)
        return _Figures(length_of_stay.stay_rows(kept, self.run_id), None, of_version, _counted(kept))

    def _model(self, version: Version) -> LogisticModel:
        self._require_alike(version)
        return read_model(self.store, version)

    def _require_alike(self, version: Version) -> None:
        self.versions.require_alike(version, self.derived)

    def _scored(self, event: Predicted, version: str, years: Sequence[int]) -> DataFrame:
        """Rows of the event's population with the columns of silver.covariates, observed and expected."""
        of_version = (F.col("model_version") == version) & (F.col("indicator") == event.indicator)
        expected = self.store.read(tables.GOLD_EXPECTED).where(of_version & F.col("discharge_year").isin(*years))
        values = expected.select("hospital_id", "admission_id", "observed", "expected", "scored_hash")
        rows = event.population(self.store, tuple(years))
        # The number first: a join sorts by the first column, and hospitals are few.
        joined = self.store.cache(rows.join(values, on=["admission_id", "hospital_id"], how="full_outer"))
        self._require_scored(joined, _same_row() & F.col("event").eqNullSafe(F.col("observed")), version)
        return joined

    def _require_scored(self, rows: DataFrame, alike: Column, version: str) -> None:
        """ModelError unless population and expected values are of the same admissions, none of which has changed since."""
        if not rows.where(~alike).isEmpty():
            raise ModelError(
                "The admissions, or what counts as an event, have changed since they were scored.",
                where=f"{version} in {self.store.place}",
                mend="give the same --config and --set to every step, and run score (or `run`) first.",
            )

    def _limited(
        self, described: DataFrame, rows: DataFrame, model: LogisticModel | None, periods: list[tuple[int, ...]], scope: Column
    ) -> _Figures:
        """The figures with limits, model-aware ones where there is a model; `rows` are not needed afterwards."""
        if model is None:
            none = F.lit(None).cast("double")
            known = described.withColumns({"variance_d": none, "variance_v": none})
        else:
            variances = _variances(rows, model, self.settings, self.clusters, periods)
            known = _with_variance(self.store, described, variances)
        limited = self.store.cache(limits.with_limits(known))
        said = _counted(limited)
        rows.unpersist()
        return _Figures(limits.indicator_rows(limited, self.run_id), limits.variant_rows(limited, self.run_id), scope, said)


def _same_row() -> Column:
    """Whether a row is the one that was scored, to the last class; false where one of the two is missing."""
    return F.col("row_hash").eqNullSafe(F.col("scored_hash"))


def _counted(rows: DataFrame) -> str:
    """Makes the figures, and says how many there are."""
    counts = rows.groupBy("indicator").agg(F.count("*"), F.count_distinct("hospital_id")).orderBy("indicator").collect()
    return "; ".join(f"{row[0]}: {row[1]:,} figures of {row[2]} hospitals and the nation" for row in counts) or "no figures"


def _described(rows: DataFrame, definition: str, variant: str, version: str, confidence: Column) -> DataFrame:
    return rows.withColumns(
        {
            "definition": F.lit(definition),
            "variant": F.lit(variant),
            "model_version": F.lit(version),
            "confidence": confidence,
        }
    )


def _variances(
    scored: DataFrame,
    model: LogisticModel,
    settings: Settings,
    clusters: Mapping[str, str],
    periods: list[tuple[int, ...]],
) -> pd.DataFrame:
    cells = variance.weight_cells(scored, model.model_years).toPandas()
    separated = {row[0] for row in model.fits.where(F.col("status") == SEPARATED).select("diagnosis_group").collect()}
    coefficients: dict[str, list[dict[str, object]]] = {}
    for row in model.coefficients.select("diagnosis_group", "covariate", "class", "term_id").collect():
        coefficients.setdefault(row["diagnosis_group"], []).append(row.asDict())
    groups = {
        row["diagnosis_group"]: variance.group_information(
            coefficients[row["diagnosis_group"]],
            row["terms"],
            row["matrix"],
            settings.models.separated_ridge if row["diagnosis_group"] in separated else 0.0,
        )
        for row in model.information.collect()
    }
    return variance.figure_variances(cells, groups, clusters, periods, model.model_years)


def _with_variance(store: Store, figures: DataFrame, variances: pd.DataFrame) -> DataFrame:
    rows = list(variances.itertuples(index=False, name=None))
    known = store.spark.createDataFrame(rows, variance.FIGURE_VARIANCE_SCHEMA)
    return look_up(figures, known, variance.FIGURE_VARIANCE[:5])


def _recorded_version(store: Store) -> int | None:
    """The version of gold.indicators up to which gold.indicator_history is complete."""
    history = store.find(tables.GOLD_INDICATOR_HISTORY)
    return None if history is None else history.agg(F.max("indicators_version")).collect()[0][0]


def _unrecorded(store: Store) -> DataFrame:
    """Figures that are not the last ones recorded, with `_change`."""
    history = store.read_or_empty(tables.GOLD_INDICATOR_HISTORY)
    latest = Window.partitionBy(*FIGURE_KEY_NAMES).orderBy(F.desc("recorded_at"), F.desc("indicators_version"))
    last = history.withColumn("_n", F.row_number().over(latest)).where((F.col("_n") == 1) & (F.col("change") != DELETE))
    schema = SCHEMAS[tables.GOLD_INDICATORS]
    return changed_rows(store.read(tables.GOLD_INDICATORS), last.select(*schema.names), schema)


def _record_history(store: Store, changes: DataFrame, version: int, run_id: str) -> None:
    added = {"change": F.col(CHANGE), "recorded_at": F.lit(utc_now()), "run_id": F.lit(run_id)}
    rows = changes.withColumns(added | {"indicators_version": F.lit(version).cast("bigint")})
    store.append(tables.GOLD_INDICATOR_HISTORY, rows.select(*store.columns(tables.GOLD_INDICATOR_HISTORY)))

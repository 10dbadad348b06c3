"""Step 6, indicators: HSMR, SMR, readmission ratio and long stay of every hospital and the nation, with limits and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators import figures, length_of_stay, limits, mortality, readmission, variance
from lbz_indicators.io import Store
from lbz_indicators.joins import look_up
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.population.diagnosis_groups import cluster_of_group
from lbz_indicators.progress import Progress
from lbz_indicators.schemas.silver import PLACE
from lbz_indicators.steps import derivation, figure_cells, predicted
from lbz_indicators.steps.current import Version, Versions, group_information, read_model
from lbz_indicators.steps.derivation import Derived
from lbz_indicators.steps.figure_cells import Source
from lbz_indicators.steps.figure_history import write_figures
from lbz_indicators.steps.month_record import record_months
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import COHORT, KEY, Predicted, stay_family
from lbz_indicators.steps.touched import Touched
from lbz_indicators.tables import Table


def step(store: Store, settings: Settings, progress: Progress, run_id: str, touched: Touched | None = None) -> Outcome:
    """gold.expected and gold.expected_nights to gold.indicators, gold.indicator_history and gold.interval_variants, with the
    sums between in gold.figure_cells and gold.weight_cells; the months that moved to gold.month_figures.

    `touched`: only these rows are counted anew, and only figures over their years are made.
    """
    derived = derivation.require(store, settings)
    clusters = cluster_of_group(derived.references.diagnosis_groups.rows, settings.population.diagnosis_grouping)
    work = _Indicators(store, settings, clusters, Versions.read(store), derived, run_id, touched)
    work.write_cells()
    parts = [part for part in (work.mortality(), work.readmission(), work.length_of_stay()) if part is not None]
    if not parts:
        return Outcome("no admission of the reported years is touched", None, 0)
    # One write for all: comparing and committing cost more than so few rows.
    scope = reduce(lambda left, right: left | right, [part.scope for part in parts])
    rows = reduce(DataFrame.unionByName, [part.rows for part in parts])
    rows_out = write_figures(store, rows, scope, run_id)
    if variants := [part.variants for part in parts if part.variants is not None]:
        rows_out += store.replace(tables.GOLD_INTERVAL_VARIANTS, reduce(DataFrame.unionByName, variants), scope=scope).rows
    version = work.versions.require(predicted.mortality_family(settings)).name
    record_months(store, settings, version, touched.years[tables.SILVER_COVARIATES] if touched else None, run_id)
    return Outcome("; ".join(part.said for part in parts), None, rows_out)


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
    touched: Touched | None

    def write_cells(self) -> None:
        """The sums behind the ratios of deaths and readmissions."""
        sources = [self._deaths, self._readmissions]
        if self.touched is None:
            figure_cells.write_all(self.store, sources)
        else:
            figure_cells.write_touched(self.store, sources, self.touched)

    @cached_property
    def _deaths(self) -> Source:
        event = predicted.mortality(self.settings)
        years = event.scored_years if event.is_provisional else self.settings.reported_years
        version = self.versions.require(event.family)
        self._require_alike(version)
        values = figures.breakdowns(self.clusters)
        return Source(event, version.name, years, event.model_years, values, self._replaced(event, version.name))

    def _replaced(self, event: Predicted, version: str) -> tuple[str, ...]:
        """Other versions of an event and its years, and what stands where there was none."""
        names = {registry.NO_MODEL_VERSION, *(known.name for known in self.versions.of(event.family))}
        return tuple(sorted(names - {version}))

    @cached_property
    def _readmissions(self) -> Source:
        event = predicted.readmission(self.settings)
        current = self.versions.current(event.family)
        if current:
            self._require_alike(current)
        chosen = figures.breakdowns(self.clusters)
        values = {name: chosen[name] for name in readmission.BREAKDOWNS}
        years = (self.settings.reporting_year,)
        version = current.name if current else registry.NO_MODEL_VERSION
        model_years = event.model_years if current else None
        return Source(event, version, years, model_years, values, self._replaced(event, version))

    def mortality(self) -> _Figures | None:
        """HSMR and SMRs of the reported years, each and together; provisional ones of the reporting year."""
        source, chosen = self._deaths, self.settings.indicators
        periods = self._periods(source.event.table, figures.reporting_periods(source.years))
        if not periods:
            return None
        named = mortality.name_indicator(figures.ratio_figures(figure_cells.read_cells(self.store, source), periods))
        confidence = F.when(F.col("indicator") == mortality.HSMR, chosen.hsmr_confidence).otherwise(chosen.smr_confidence)
        described = _described(named, mortality.DEFINITION, source, confidence)
        # One version has definitive figures of its own years and provisional ones of the year after.
        scope = (F.col("model_version") == source.version) & (F.col("variant") == source.event.variant)
        return self._limited(described, source, periods, scope & self._of(periods))

    def readmission(self) -> _Figures | None:
        """Readmission ratio of the reporting year; without a model the readmissions are counted, and nothing is expected."""
        source, year = self._readmissions, self.settings.reporting_year
        periods = self._periods(source.event.table, [(year,)])
        if not periods:
            return None
        ratios = figures.ratio_figures(figure_cells.read_cells(self.store, source), periods)
        named = ratios.withColumn("indicator", F.lit(readmission.READMISSION_RATIO))
        confidence = F.lit(self.settings.readmission.confidence)
        described = _described(named, self.settings.readmission.definition, source, confidence)
        # Counts without a model give way to figures with one; the figures of other versions stay.
        of_version = F.col("model_version").isin(source.version, registry.NO_MODEL_VERSION) & (F.year("period_end") == year)
        scope = (F.col("indicator") == readmission.READMISSION_RATIO) & of_version
        return self._limited(described, source, periods, scope)

    def length_of_stay(self) -> _Figures | None:
        """OLO and los_ratio of every reported year by itself, in the place of those by a former estimate of the year."""
        store = self.store
        reported = [(year,) for year in self.settings.reported_years]
        years = [year for (year,) in self._periods(tables.SILVER_COVARIATES, reported)]
        if not years:
            return None
        current = [self.versions.require(stay_family(year)) for year in years]
        for version in current:
            self._require_alike(version)
        names = [version.name for version in current]
        nights = store.read(tables.GOLD_EXPECTED_NIGHTS).where(F.col("model_version").isin(*names))
        nights = nights.drop("discharge_year", "diagnosis_group", "nights")
        covariates = stay_cells.population(store.read(tables.SILVER_COVARIATES), self.settings.olo, years)
        covariates = covariates.select(*KEY, *COHORT, *(column.name for column in PLACE), "nights", "row_hash")
        rows = store.cache(covariates.join(nights, on=["admission_id", "hospital_id"], how="full_outer"))
        judged = F.col("row_hash").eqNullSafe(F.col("scored_hash")) & F.col("rule").eqNullSafe(F.lit(self.settings.olo.rule))
        figure_cells.require_alike(store, rows.withColumn("alike", judged), ", ".join(names))
        sums = store.cache(length_of_stay.stay_sums(rows, years))
        by_year = F.create_map(*[F.lit(value) for year, name in zip(years, names, strict=True) for value in (year, name)])
        stays = length_of_stay.stay_figures(sums, self.settings.olo)
        kept = store.cache(stays.withColumn("model_version", by_year[F.year("period_end")]))
        scope = F.col("indicator").isin(length_of_stay.OLO, length_of_stay.LOS_RATIO) & F.year("period_end").isin(*years)
        return _Figures(length_of_stay.stay_rows(kept, self.run_id), None, scope, _counted(kept))

    def _periods(self, table: Table, periods: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Those that hold a year in which rows of this table, which the figures are of, are touched."""
        return [period for period in periods if self.touched is None or set(period) & set(self.touched.years[table])]

    def _of(self, periods: Sequence[tuple[int, ...]]) -> Column:
        """Figures of these periods; of all where every row is counted."""
        if self.touched is None:
            return F.lit(True)
        spans = [(F.year("period_start") == p[0]) & (F.year("period_end") == p[-1]) for p in periods]
        return reduce(lambda left, right: left | right, spans)

    def _require_alike(self, version: Version) -> None:
        self.versions.require_alike(version, self.derived)

    def _limited(self, described: DataFrame, source: Source, periods: list[tuple[int, ...]], scope: Column) -> _Figures:
        """The figures with limits, model-aware ones where there is a model."""
        if source.model_years is None:
            none = F.lit(None).cast("double")
            known = described.withColumns({"variance_d": none, "variance_v": none})
        else:
            known = _with_variance(self.store, described, self._variances(source, periods))
        limited = self.store.cache(limits.with_limits(known))
        said = _counted(limited)
        return _Figures(limits.indicator_rows(limited, self.run_id), limits.variant_rows(limited, self.run_id), scope, said)

    def _variances(self, source: Source, periods: list[tuple[int, ...]]) -> pd.DataFrame:
        version = self.versions.named(source.version)
        assert version is not None
        groups = group_information(read_model(self.store, version), self.settings.models.separated_ridge)
        cells = figure_cells.read_weights(self.store, source)
        return variance.figure_variances(cells, groups, self.clusters, periods, version.family.years)


def _counted(rows: DataFrame) -> str:
    """Makes the figures, and says how many there are."""
    counts = rows.groupBy("indicator").agg(F.count("*"), F.count_distinct("hospital_id")).orderBy("indicator").collect()
    return "; ".join(f"{row[0]}: {row[1]:,} figures of {row[2]} hospitals and the nation" for row in counts) or "no figures"


def _described(rows: DataFrame, definition: str, source: Source, confidence: Column) -> DataFrame:
    return rows.withColumns(
        {
            "definition": F.lit(definition),
            "variant": F.lit(source.event.variant),
            "model_version": F.lit(source.version),
            "confidence": confidence,
        }
    )


def _with_variance(store: Store, figures: DataFrame, variances: pd.DataFrame) -> DataFrame:
    rows = list(variances.itertuples(index=False, name=None))
    known = store.spark.createDataFrame(rows, variance.FIGURE_VARIANCE_SCHEMA)
    return look_up(figures, known, variance.FIGURE_VARIANCE[:5])

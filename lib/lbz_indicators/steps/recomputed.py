"""Figures computed anew from admissions as they were frozen and from stored coefficients: nothing is fitted here.

By the functions that make the figures of a run: `indicators`, `models.score`, `models.stay_cells`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import IndicatorSettings
from lbz_indicators.indicators import figures, length_of_stay, limits, mortality, readmission, variance
from lbz_indicators.io import Store
from lbz_indicators.joins import look_up
from lbz_indicators.models import registry, stay_cells
from lbz_indicators.models.score import with_expected, without_model
from lbz_indicators.schemas.gold import FIGURE, FIGURE_KEY_NAMES
from lbz_indicators.steps.current import LogisticModel, broadcastable, group_information, read_model
from lbz_indicators.steps.figure_basis import FigureBasis
from lbz_indicators.steps.predicted import mortality as deaths
from lbz_indicators.steps.predicted import readmission as returns

Periods = list[tuple[int, ...]]
COMPUTED = [*FIGURE_KEY_NAMES, *(column.name for column in FIGURE)]


def recomputed_figures(
    store: Store, basis: FigureBasis, clusters: Mapping[str, str], frozen: DataFrame, cells: DataFrame
) -> DataFrame:
    """Every figure of the basis. Columns: COMPUTED.

    `frozen` has the columns FROZEN, `cells` STAY_ESTIMATES; `clusters`: diagnosis cluster by group.
    """
    making = _Recomputation(store, basis, clusters, frozen, cells)
    return reduce(DataFrame.unionByName, [making.mortality(), making.readmissions(), making.stays()]).select(*COMPUTED)


class _Recomputation:
    def __init__(
        self, store: Store, basis: FigureBasis, clusters: Mapping[str, str], frozen: DataFrame, cells: DataFrame
    ) -> None:
        self._store, self._basis, self._clusters, self._frozen, self._cells = store, basis, clusters, frozen, cells
        self._settings = basis.settings

    def mortality(self) -> DataFrame:
        event = deaths(self._settings)
        model = read_model(self._store, self._basis.mortality)
        scored = self._scored("died", model)
        periods = figures.reporting_periods(self._basis.mortality_years)
        cells = figures.ratio_cells(scored.where("expected IS NOT NULL"), figures.breakdowns(self._clusters))
        ratios = figures.ratio_figures(cells, periods)
        named = mortality.name_indicator(ratios).withColumn("confidence", _confidence(self._settings.indicators))
        return self._limited(named, mortality.DEFINITION, event.variant, scored, model, periods)

    def readmissions(self) -> DataFrame:
        event, version = returns(self._settings), self._basis.readmission
        model = read_model(self._store, version) if version else None
        scored = self._scored("readmitted", model)
        chosen = figures.breakdowns(self._clusters)
        values = {name: chosen[name] for name in readmission.BREAKDOWNS}
        periods: Periods = [(self._settings.reporting_year,)]
        cells = figures.ratio_cells(scored.where("expected IS NOT NULL") if model else scored, values)
        ratios = figures.ratio_figures(cells, periods)
        named = ratios.withColumns(
            {
                "indicator": F.lit(readmission.READMISSION_RATIO),
                "confidence": F.lit(self._settings.readmission.confidence),
            }
        )
        return self._limited(named, self._settings.readmission.definition, event.variant, scored, model, periods)

    def stays(self) -> DataFrame:
        settings = self._settings.olo
        names = {year: version.name for year, version in self._basis.stays.items()}
        admissions = stay_cells.with_age_class(self._frozen.where("nights IS NOT NULL"))
        judged = stay_cells.with_expected_nights(admissions, self._cells, settings)
        sums = self._store.cache(length_of_stay.stay_sums(judged, self._settings.reported_years))
        by_year = F.create_map(*[F.lit(value) for pair in sorted(names.items()) for value in pair])
        rows = length_of_stay.stay_figures(sums, settings).withColumn("model_version", by_year[F.year("period_end")])
        return length_of_stay.stay_rows(self._store.cache(rows), "")

    def _scored(self, outcome: str, model: LogisticModel | None) -> DataFrame:
        rows = self._frozen.where(F.col(outcome).isNotNull())
        scored = with_expected(rows, broadcastable(self._store, model)) if model else without_model(rows)
        return self._store.cache(scored.withColumn("observed", F.col(outcome)))

    def _limited(
        self, named: DataFrame, definition: str, variant: str, scored: DataFrame, model: LogisticModel | None, periods: Periods
    ) -> DataFrame:
        version = model.version if model else registry.NO_MODEL_VERSION
        described = named.withColumns(
            {"definition": F.lit(definition), "variant": F.lit(variant), "model_version": F.lit(version)}
        )
        if model is None:
            none = F.lit(None).cast("double")
            known = described.withColumns({"variance_d": none, "variance_v": none})
        else:
            known = self._with_variance(described, scored, model, periods)
        return limits.indicator_rows(self._store.cache(limits.with_limits(known)), "")

    def _with_variance(self, described: DataFrame, scored: DataFrame, model: LogisticModel, periods: Periods) -> DataFrame:
        cells = variance.weight_cells(scored, model.model_years).toPandas()
        groups = group_information(model, self._settings.models.separated_ridge)
        found = variance.figure_variances(cells, groups, self._clusters, periods, model.model_years)
        rows = list(found.itertuples(index=False, name=None))
        known = self._store.spark.createDataFrame(rows, variance.FIGURE_VARIANCE_SCHEMA)
        return look_up(described, known, variance.FIGURE_VARIANCE[:5])


def _confidence(settings: IndicatorSettings) -> Column:
    return F.when(F.col("indicator") == mortality.HSMR, settings.hsmr_confidence).otherwise(settings.smr_confidence)

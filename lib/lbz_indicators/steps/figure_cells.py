"""The sums that ratios are made of, in gold.figure_cells and gold.weight_cells.

They are whole numbers, so what a night changed can be added to them: the touched rows as they are now, less the same rows as
the last figures had them. The result is, to the last digit, that of summing all rows anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import ModelError
from lbz_indicators.indicators import figures, variance
from lbz_indicators.io import Store
from lbz_indicators.joins import look_up
from lbz_indicators.models.classes import slots
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps.predicted import Predicted
from lbz_indicators.steps.touched import Touched
from lbz_indicators.tables import Table

MEASURES = ("admissions", "observed", "expected_fixed")
_NAMED = ("model_version", "indicator")


@dataclass(frozen=True)
class Source:
    """Rows of one event that figures are made of: those scored by `version` in `years`.

    `model_years`: of the version, None where there is no model and nothing is expected. `values`: breakdowns of a row.
    `replaced`: other versions of the same years, whose cells give way.
    """

    event: Predicted
    version: str
    years: tuple[int, ...]
    model_years: tuple[int, ...] | None
    values: Mapping[str, Column]
    replaced: tuple[str, ...]

    @property
    def scope(self) -> Column:
        """The rows of the tables of cells, and of gold.expected, that are of this source."""
        return self._of(self.version)

    def _of(self, *versions: str) -> Column:
        of_versions = F.col("model_version").isin(*versions) & (F.col("indicator") == self.event.indicator)
        return of_versions & F.col("discharge_year").isin(*self.years)

    @property
    def written(self) -> Column:
        """The cells that those of this source replace."""
        return self._of(self.version, *self.replaced)

    def rows(self, store: Store, touched: Touched | None) -> DataFrame:
        """Rows of the event's population with what models and breakdowns read, observed and expected, `alike`: whether the row
        is the one that was scored, to the last class. Of `touched` rows alone where it is given."""
        expected = store.read(tables.GOLD_EXPECTED).where(self.scope)
        values = expected.select("hospital_id", "admission_id", "observed", "expected", "scored_hash")
        population = self.event.population(store, self.years)
        if touched is not None:
            population, values = (touched.among(self.event.table, rows) for rows in (population, values))
        # The number first: a join sorts by the first column, and hospitals are few.
        joined = population.join(values, on=["admission_id", "hospital_id"], how="full_outer")
        alike = F.col("row_hash").eqNullSafe(F.col("scored_hash")) & F.col("event").eqNullSafe(F.col("observed"))
        return joined.withColumn("alike", alike)

    def cells(self, rows: DataFrame) -> DataFrame:
        """gold.figure_cells of these rows."""
        judged = rows.where("expected IS NOT NULL") if self.model_years else rows
        return self._named(figures.ratio_cells(judged, self.values), tables.GOLD_FIGURE_CELLS)

    def weights(self, rows: DataFrame) -> DataFrame:
        """gold.weight_cells of these rows, none where there is no model."""
        if not self.model_years:
            return rows.sparkSession.createDataFrame([], SCHEMAS[tables.GOLD_WEIGHT_CELLS].struct)
        return self._named(variance.weight_cells(rows, self.model_years), tables.GOLD_WEIGHT_CELLS)

    def _named(self, rows: DataFrame, table: Table) -> DataFrame:
        named = rows.withColumns({"model_version": F.lit(self.version), "indicator": F.lit(self.event.indicator)})
        return named.select(*SCHEMAS[table].names)


def write_all(store: Store, sources: Sequence[Source]) -> None:
    """The cells of all rows; ModelError where a row has changed since it was scored."""
    rows = [store.cache(source.rows(store, None)) for source in sources]
    for source, of_source in zip(sources, rows, strict=True):
        require_alike(store, of_source, source.version)
    scope = reduce(or_, [source.written for source in sources])
    for table, made in _tables(sources, rows).items():
        store.replace(table, reduce(DataFrame.unionByName, made), scope=scope)
    for of_source in rows:
        of_source.unpersist()


def write_touched(store: Store, sources: Sequence[Source], touched: Touched) -> None:
    """The cells of before with what changed in the touched rows; ModelError where one of these changed after it was scored."""
    then = store.pinned(touched.before)
    now, before = ([store.cache(source.rows(one, touched)) for source in sources] for one in (store, then))
    for source, of_source in zip(sources, now, strict=True):
        require_alike(store, of_source, source.version)
    cells_before = _tables(sources, before)
    for table, after in _tables(sources, now).items():
        key = SCHEMAS[table].key
        sums = _sums(table, sources)
        less, more = (store.look_up(_summed(parts, key, sums)) for parts in (cells_before[table], after))
        concerned = store.look_up(less.select(*key).union(more.select(*key)).distinct())
        kept = look_up(concerned, store.read(table), key, how="inner")
        total = _summed([kept, more, _negative(less, sums)], key, sums)
        rows = total.where("admissions > 0").select(*SCHEMAS[table].names)
        store.replace(table, rows, scope=lambda old, concerned=concerned, key=key: look_up(old, concerned, key, how="inner"))
    for of_source in (*now, *before):
        of_source.unpersist()


def _tables(sources: Sequence[Source], rows: Sequence[DataFrame]) -> dict[Table, list[DataFrame]]:
    both = list(zip(sources, rows, strict=True))
    return {
        tables.GOLD_FIGURE_CELLS: [source.cells(of_source) for source, of_source in both],
        tables.GOLD_WEIGHT_CELLS: [source.weights(of_source) for source, of_source in both],
    }


def read_cells(store: Store, source: Source) -> DataFrame:
    """gold.figure_cells of a source, without its name and version."""
    return store.read(tables.GOLD_FIGURE_CELLS).where(source.scope).drop(*_NAMED)


def read_weights(store: Store, source: Source) -> pd.DataFrame:
    """gold.weight_cells of a source: small, groups x hospitals x years."""
    return store.read(tables.GOLD_WEIGHT_CELLS).where(source.scope).drop(*_NAMED).toPandas()


def require_alike(store: Store, rows: DataFrame, version: str) -> None:
    """ModelError unless population and expected values are of the same admissions, none of which has changed since."""
    if not rows.where("NOT alike").isEmpty():
        raise ModelError(
            "The admissions, or what counts as an event, have changed since they were scored.",
            where=f"{version} in {store.place}",
            mend="give the same --config and --set to every step, and run score (or `run`) first.",
        )


def _sums(table: Table, sources: Iterable[Source]) -> dict[str, Column]:
    """How the cells of a table add up, by column. Arrays of events with fewer model years end earlier."""
    if table == tables.GOLD_FIGURE_CELLS:
        return {name: F.sum(name) for name in MEASURES}
    longest = max(len(slots(source.model_years)) for source in sources if source.model_years)
    places = F.array(*[F.sum(F.get("sums", F.lit(place))) for place in range(longest)])
    return {"admissions": F.sum("admissions"), "total": F.sum("total"), "sums": F.filter(places, lambda value: value.isNotNull())}


def _summed(parts: Sequence[DataFrame], key: Sequence[str], sums: Mapping[str, Column]) -> DataFrame:
    rows = reduce(DataFrame.unionByName, parts)
    return rows.groupBy(*key).agg(*[value.alias(name) for name, value in sums.items()])


def _negative(rows: DataFrame, sums: Mapping[str, Column]) -> DataFrame:
    def less(name: str) -> Column:
        return F.transform(name, lambda value: -value) if name == "sums" else -F.col(name)

    return rows.withColumns({name: less(name) for name in sums})

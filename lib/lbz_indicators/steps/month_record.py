"""Recording the HSMR of every month when it has moved, so that the way it matured can be shown later."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators import months
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.steps import derivation
from lbz_indicators.steps.delivered import read_delivered
from lbz_indicators.steps.predicted import mortality
from lbz_indicators.steps.times import time_after_all


def record_months(store: Store, settings: Settings, version: str, touched: Collection[int] | None, run_id: str) -> int:
    """Appends to gold.month_figures the months of the reported years that are not as last recorded; how many.

    `version`: the model of deaths whose figures are made. `touched`: discharge years in which an admission is not as it was when
    months were recorded last; None where that is not known.
    """
    event = mortality(settings)
    reported = event.scored_years if event.is_provisional else settings.reported_years
    years = [year for year in reported if touched is None or year in touched]
    if not years:
        return 0
    of_version = (F.col("model_version") == version) & (F.col("indicator") == registry.MORTALITY)
    scored = store.read(tables.GOLD_EXPECTED).where(of_version & F.col("discharge_year").isin(*years))
    hospitals = small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS))
    current = months.month_sums(scored, hospitals).withColumn("model_version", F.lit(version))
    recorded = store.read_or_empty(tables.GOLD_MONTH_FIGURES).where(F.col("variant") == event.variant)
    moved = store.cache(months.moved_months(current, recorded, years))
    number = moved.count()
    if number:
        basis = derivation.stored_basis(store, settings)
        until = basis.derived.settings.readmission.delivered_until if basis else None
        at = time_after_all(store, tables.GOLD_MONTH_FIGURES, "recorded_at")
        rows = months.month_rows(moved, event.variant, at, until, run_id)
        store.append(tables.GOLD_MONTH_FIGURES, rows.select(*store.columns(tables.GOLD_MONTH_FIGURES)))
    return number

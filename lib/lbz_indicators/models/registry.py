"""Model versions: what makes one, which one is current.

A version is named by what made it: the settings that shape a fit, the reference lists, the fit cohort and the
program's version. The same input therefore has the same version, and is not fitted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators import __version__
from lbz_indicators.config import Settings, fingerprint

MORTALITY = "mortality"
CANDIDATE, CURRENT, RETIRED = "candidate", "current", "retired"

_NOT_SHAPING = ("verify", "engine_tolerance", "separated_tolerance", "pack_columns", "pack_rows", "fit_threads")


def shaping_settings(settings: Settings) -> dict[str, Any]:
    """The settings that a model version depends on."""
    models = {k: v for k, v in settings.models.model_dump(mode="json").items() if k not in _NOT_SHAPING}
    return {"models": models, "population": settings.population.model_dump(mode="json")}


def cohort_fingerprint(cohort: DataFrame) -> tuple[int, str]:
    """(admissions, order-free hash) of the fit cohort: how many rows, and the sum of their hashes."""
    row = cohort.agg(F.count("*"), F.sum(F.col("row_hash").cast("decimal(38,0)"))).collect()[0]
    return row[0], fingerprint([row[0], str(row[1])])


def version_name(
    indicator: str, settings: Settings, model_years: Sequence[int], references: Mapping[str, str], cohort: str
) -> str:
    """Such as mortality-2016-2019-1f0c2a9b."""
    content = [shaping_settings(settings), list(model_years), dict(references), cohort, __version__]
    years = "-".join(str(year) for year in sorted({model_years[0], model_years[-1]}))
    return f"{indicator}-{years}-{fingerprint(content)[:8]}"


def statuses(models: DataFrame, events: DataFrame) -> DataFrame:
    """gold.models with `status`: the last event of each version."""
    latest = Window.partitionBy("model_version").orderBy(F.desc("at"), F.desc("status"))
    last = events.withColumn("_n", F.row_number().over(latest)).where("_n = 1").select("model_version", "status")
    return models.join(last, on="model_version", how="left")


def family(models: DataFrame, indicator: str, model_years: Sequence[int]) -> DataFrame:
    """Versions of one indicator over the same model years: of these, one is current."""
    years = F.array(*[F.lit(int(year)) for year in model_years])
    return models.where((F.col("indicator") == indicator) & (F.col("model_years") == years))

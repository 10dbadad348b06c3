"""Model versions: what makes one, which one is current.

A version is named by what made it: the settings that shape a fit, the reference lists, the fit cohort and the
program's version. The same input therefore has the same version, and is not fitted twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import __version__
from lbz_indicators.config import Settings, fingerprint
from lbz_indicators.hashing import hash_of

MORTALITY, READMISSION, STAY = "mortality", "readmission", "stay"
NO_MODEL_VERSION = "none"
"""Stands where a version would, in rows of an event for which there is no model."""
NO_ROWS = (0, fingerprint([0, "None"]))
"""The content_fingerprint of no rows."""
CANDIDATE, CURRENT, RETIRED = "candidate", "current", "retired"

_NOT_SHAPING = (
    "verify",
    "promotion",
    "refit",
    "engine_tolerance",
    "separated_tolerance",
    "pack_columns",
    "pack_rows",
    "fit_threads",
)

_SHAPING_STAYS = {"minimum_cell_admissions", "minimum_procedure_admissions", "covid_excluded_years"}


def shaping_settings(settings: Settings, indicator: str, severity_version: str) -> dict[str, Any]:
    """The settings that a model version of this indicator depends on, and the table of severity classes behind its covariates."""
    population = settings.population.model_dump(mode="json")
    if indicator == STAY:
        return {"population": population, "olo": settings.olo.model_dump(mode="json", include=_SHAPING_STAYS)}
    models = {k: v for k, v in settings.models.model_dump(mode="json").items() if k not in _NOT_SHAPING}
    shaping = {"models": models, "population": population, "severity": {"table": severity_version}}
    if indicator == READMISSION:
        # Until when returns are seen shapes the cohort, which has a fingerprint of its own.
        left_out = {"confidence", "delivered_until", "settle_days"}
        shaping["readmission"] = settings.readmission.model_dump(mode="json", exclude=left_out)
    return shaping


def differences(stored: str, wanted: Mapping[str, Mapping[str, Any]], without: str | None = None) -> list[str]:
    """What a stored version (JSON of gold.models: values by section and key) was made with otherwise than is wanted, but for
    the section `without`."""
    one = json.loads(stored)
    return [
        f"{section}.{key} {one.get(section, {}).get(key)}, now {value}"
        for section, values in wanted.items()
        if section != without
        for key, value in values.items()
        if one.get(section, {}).get(key) != value
    ]


def content_fingerprint(rows: DataFrame, columns: Sequence[str]) -> tuple[int, str]:
    """(rows, order-free hash) of what a model is made of, by the columns that matter to it: the sum of the rows' hashes."""
    row = rows.agg(F.count("*"), F.sum(hash_of(columns).cast("decimal(38,0)"))).collect()[0]
    return row[0], fingerprint([row[0], str(row[1])])


def fingerprints_by_year(rows: DataFrame, columns: Sequence[str]) -> dict[int, tuple[int, str]]:
    """content_fingerprint of every discharge year, in one pass."""
    counted = rows.groupBy("discharge_year").agg(F.count("*"), F.sum(hash_of(columns).cast("decimal(38,0)")))
    return {row[0]: (row[1], fingerprint([row[1], str(row[2])])) for row in counted.collect()}


def version_name(
    indicator: str,
    settings: Settings,
    severity_version: str,
    model_years: Sequence[int],
    references: Mapping[str, str],
    cohort: str,
) -> str:
    """Such as mortality-2016-2019-1f0c2a9b."""
    content = [shaping_settings(settings, indicator, severity_version), list(model_years), dict(references), cohort, __version__]
    years = "-".join(str(year) for year in sorted({model_years[0], model_years[-1]}))
    return f"{indicator}-{years}-{fingerprint(content)[:8]}"

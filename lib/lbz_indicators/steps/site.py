"""The page of the nation for everyone: gold's figures of a run's years as one HTML file; nothing is written but the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.indicators import months
from lbz_indicators.indicators.figures import CLUSTER, GROUP, NONE, PROVISIONAL
from lbz_indicators.indicators.length_of_stay import OLO
from lbz_indicators.indicators.mortality import HSMR, SMR
from lbz_indicators.indicators.readmission import READMISSION_RATIO
from lbz_indicators.ingest.small_tables import in_force
from lbz_indicators.io import Store
from lbz_indicators.publish.eligibility_counts import hospital_standing
from lbz_indicators.publish.report.labels import labels_of
from lbz_indicators.publish.site.from_gold import site_content
from lbz_indicators.publish.site.page import site_page
from lbz_indicators.references import load_references
from lbz_indicators.steps.delivered import read_delivered

MORTALITY, READMISSIONS, STAYS = "hsmr", "readmissions", "olo"
"""Whose model versions are asked for; the names of `show`."""
_MONTH = ("hospital_id", "discharge_month", "observed", "expected")


def site(store: Store, settings: Settings, versions: Mapping[str, Sequence[str]], left_out: Collection[str]) -> str:
    """The page. versions: of the models whose figures are shown, by MORTALITY, READMISSIONS, STAYS.

    Hospitals without CBS authorisation are left out besides those named. SettingsError where there are no figures, or where a
    hospital is to be left out that has none.
    """
    figures = _figures(store, settings, versions)
    _require(store, settings, figures, left_out)
    hidden = {*left_out, *(_unauthorised(store) & set(figures["hospital_id"].dropna()))}
    language = settings.publication.language
    content = site_content(
        figures,
        _months(store, settings, versions[MORTALITY]),
        _names(store),
        labels_of(load_references(settings.references), settings.population.diagnosis_grouping, language),
        year=settings.reporting_year,
        variant=settings.indicators.mortality,
        left_out=hidden,
        own_reference_share=settings.indicators.own_reference_share,
    )
    return site_page(content, language)


def _figures(store: Store, settings: Settings, versions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The figures that the page reads: aggregates, a few thousand rows of a nation."""
    deaths = _of(HSMR, NONE) | (_of(SMR, GROUP) | _of(SMR, CLUSTER)) & _is_period(settings)
    deaths = deaths & (F.col("variant") == settings.indicators.mortality) & _by(versions[MORTALITY])
    readmissions = _of(READMISSION_RATIO, NONE) & (F.col("variant") == PROVISIONAL) & _by(versions[READMISSIONS])
    readmissions = readmissions & (F.col("definition") == settings.readmission.definition)
    stays = _of(OLO, NONE) & (F.col("definition") == settings.olo.definition(settings.olo.estimator)) & _by(versions[STAYS])
    rows = store.read(tables.GOLD_INDICATORS).where(_is_reported(settings) & (deaths | readmissions | stays))
    return rows.toPandas()


def _of(indicator: str, breakdown: str) -> Column:
    return (F.col("indicator") == indicator) & (F.col("breakdown") == breakdown)


def _by(versions: Sequence[str]) -> Column:
    return F.col("model_version").isin(*versions)


def _is_reported(settings: Settings) -> Column:
    """A reported year, or all of them together: not what a run over other years left."""
    years = settings.reported_years
    single = (F.year("period_start") == F.year("period_end")) & F.year("period_end").isin(*years)
    return single | ((F.year("period_start") == years[0]) & (F.year("period_end") == years[-1]))


def _is_period(settings: Settings) -> Column:
    """All reported years together; the reporting year where figures are provisional."""
    years = settings.reported_years
    first = years[-1] if settings.indicators.mortality == PROVISIONAL else years[0]
    return (F.year("period_start") == first) & (F.year("period_end") == years[-1])


def _months(store: Store, settings: Settings, versions: Sequence[str]) -> pd.DataFrame:
    """The months of the reported years as they were recorded last."""
    recorded = store.read_or_empty(tables.GOLD_MONTH_FIGURES).where(F.col("variant") == settings.indicators.mortality)
    of_years = F.year("discharge_month").isin(*settings.reported_years)
    return months.latest(recorded).where(of_years & _by(versions)).select(*_MONTH).toPandas()


def _unauthorised(store: Store) -> set[str]:
    """Hospitals of which no written authorisation of CBS is known: nobody may see their figures (METHOD section 8)."""
    standing = hospital_standing(read_delivered(store, tables.BRONZE_HOSPITALS))
    return {row[0] for row in standing.where("NOT coalesce(authorised, false)").select("hospital_id").collect()}


def _names(store: Store) -> dict[str, str | None]:
    hospitals = in_force(read_delivered(store, tables.BRONZE_HOSPITALS), tables.BRONZE_HOSPITALS)
    return {row[0]: row[1] for row in hospitals.select("hospital_id", "name").collect()}


def _require(store: Store, settings: Settings, figures: pd.DataFrame, left_out: Collection[str]) -> None:
    if not (figures["indicator"] == HSMR).any():
        raise SettingsError(
            f"There is no HSMR of {settings.reporting_year} ({settings.indicators.mortality}).",
            where=store.place,
            mend="give the --years, --config and --set of the run; `lbz-indicators run` with these makes it.",
        )
    unknown = sorted(set(left_out) - set(figures["hospital_id"].dropna()))
    if unknown:
        raise SettingsError(
            f"There are no figures of hospital {', '.join(map(repr, unknown))} to leave out.",
            where="--leave-out",
            mend="`show hsmr` lists the hospitals; one that merged is counted with the hospital it reports as.",
        )

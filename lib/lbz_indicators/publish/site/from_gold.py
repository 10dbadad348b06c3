"""The page's content of rows of gold's tables, collected by who calls; nothing is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from lbz_indicators.publish.plain_text import plain_text
from lbz_indicators.publish.report.figures import CLUSTER, GROUP, HSMR, NONE, OLO, READMISSION, SMR, read_figures
from lbz_indicators.publish.report.labels import Labels
from lbz_indicators.publish.site.content import SiteContent
from lbz_indicators.publish.site.quarters import QUARTERS, ByQuarter, Deaths, Quarter, sum_quarters
from lbz_indicators.publish.site.shown import protect
from lbz_indicators.publish.site.source import Source

_READ = {(HSMR, NONE), (SMR, GROUP), (SMR, CLUSTER), (READMISSION, NONE), (OLO, NONE)}
_ROUNDING = 1e-6
"""Relative; of the sum of expected deaths of twelve months beside that of the year."""


def site_content(
    figures: pd.DataFrame,
    months: pd.DataFrame | None,
    names: Mapping[str, str | None],
    labels: Labels,
    *,
    year: int,
    variant: str,
    left_out: Collection[str] = (),
    own_reference_share: float = 0.5,
) -> SiteContent:
    """The page of a nation over the reporting year and the years before it.

    figures: rows of gold.indicators of every hospital and the nation, of one definition and model version each. months: the rows
    of gold.month_figures recorded last of the same model, or None. names: of hospitals, by id. left_out: hospitals that count in
    the nation and are not shown. StorageError where figures do not add up, for then nothing can be said of what is safe to show.
    """
    kinds = zip(figures["indicator"], figures["breakdown"])
    read = read_figures(figures[[kind in _READ for kind in kinds]])
    every = {key.hospital_id for key in read.by_key} - {None}
    ordered = _named([str(hospital) for hospital in every if hospital not in left_out], names)
    source = Source(
        read, tuple(ordered), tuple(sorted(str(one) for one in every if one in left_out)), year, variant, labels.cluster_of, None
    )
    if months is not None and len(months):
        quarters = sum_quarters(months)
        if _are_of_the_figures(source, quarters):
            source = Source(read, source.hospitals, source.left_out, year, variant, labels.cluster_of, quarters)
    versions = tuple(sorted({str(version) for version in figures["model_version"]}))
    return SiteContent(year, variant, protect(source), ordered, labels, len(source.left_out), versions, own_reference_share)


def _named(hospitals: Sequence[str], names: Mapping[str, str | None]) -> dict[str, str]:
    """Names in the order of the alphabet; with the id where there is no name, or another hospital has the same."""
    found = {hospital: plain_text(names.get(hospital) or "").strip() for hospital in hospitals}
    often = Counter(found.values())
    unique = {
        hospital: (name if often[name] == 1 else f"{name} ({plain_text(hospital)})") if name else plain_text(hospital)
        for hospital, name in found.items()
    }
    return dict(sorted(unique.items(), key=lambda item: (item[1].casefold(), item[0])))


def _are_of_the_figures(source: Source, quarters: ByQuarter) -> bool:
    """Whether the months recorded are those that the HSMRs of the years were made of."""
    for hospital in (*source.hospitals, *source.left_out, None):
        for column in source.hsmr_years:
            year = column.period.first
            of_year = [quarters.get(hospital, {}).get(Quarter(year, number), Deaths(0, 0.0)) for number in QUARTERS]
            figure = source.by_cell.get((column, hospital))
            observed, expected = (0, 0.0) if figure is None else (figure.observed, figure.expected or 0.0)
            if sum(deaths.observed for deaths in of_year) != observed:
                return False
            if not np.isclose(sum(deaths.expected for deaths in of_year), expected, rtol=_ROUNDING, atol=_ROUNDING):
                return False
    return True

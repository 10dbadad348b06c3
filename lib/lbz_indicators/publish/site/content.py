"""What the page says, as plain values of shown figures, before any language or layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lbz_indicators.publish.report.figures import (
    DEFINITIVE,
    GROUP,
    HSMR,
    NONE,
    OLO,
    PROVISIONAL,
    READMISSION,
    SMR,
    Figure,
    Key,
    Period,
)
from lbz_indicators.publish.report.labels import Labels
from lbz_indicators.publish.site.shown import Shown
from lbz_indicators.stats.many_tests import benjamini_hochberg, exact_poisson_p
from lbz_indicators.stats.over_dispersion import OverDispersion, over_dispersion

FALSE_DISCOVERIES = 0.05
"""Share of false ones among the SMRs that are marked as standing after correction for many tests."""


@dataclass(frozen=True)
class Panel:
    """An indicator over a period: the nation's figure, that of every hospital that has a shown one, and hospitals whose figure is
    there and not shown."""

    indicator: str
    variant: str
    period: Period
    nation: Figure | None
    figures: Mapping[str, Figure]
    suppressed: tuple[str, ...]

    @property
    def name(self) -> str:
        """Names it within the page."""
        return f"{self.indicator}-{self.period.first}-{self.period.last}"

    @property
    def is_share(self) -> bool:
        """Whether values are per cent of admissions, beside the nation's share, and not ratios beside 100."""
        return self.indicator == OLO

    @property
    def is_compared(self) -> bool:
        """Whether the ratio is against a model of earlier years, so that it is judged beside the nation's."""
        return self.variant == PROVISIONAL

    @property
    def centre(self) -> float:
        """Where a hospital lies that is as the nation."""
        return self.nation.value if self.is_share and self.nation is not None and self.nation.value is not None else 100.0

    def judged(self, figure: Figure) -> tuple[float | None, float | None, float | None]:
        """Value and limits that the verdict is of."""
        if self.is_compared:
            return figure.comparison_value, figure.comparison_lower, figure.comparison_upper
        return figure.value, figure.lower, figure.upper

    @cached_property
    def over_dispersion(self) -> OverDispersion | None:
        """How much hospitals differ by more than chance (SHMI form); None for shares, and where a hospital is suppressed.

        It is made of every hospital of the funnel before anything is suppressed, so that with one missing, whose few deaths can
        only be 0 to 4, the estimate would tell which of them it is.
        """
        if self.is_share or self.suppressed:
            return None
        figures = [figure for figure in self.figures.values() if as_the_nation(figure)]
        return over_dispersion("shmi", [one.observed for one in figures], [as_the_nation(one) or 0.0 for one in figures])

    @cached_property
    def placed(self) -> dict[str, tuple[float, float]]:
        """Place in the funnel of every hospital that has one: expected events (admissions, for a share), and the judged value."""
        found = {}
        for hospital, figure in self.figures.items():
            size = float(figure.admissions) if self.is_share else as_the_nation(figure)
            value = self.judged(figure)[0]
            if size and value is not None:
                found[hospital] = (size, value)
        return found


def as_the_nation(figure: Figure) -> float | None:
    """Events expected were the hospital as the nation: by the model, for a model of earlier years times the nation's ratio."""
    if figure.expected is None or not figure.is_provisional:
        return figure.expected
    return None if figure.national_value is None else figure.expected * figure.national_value / 100


@dataclass(frozen=True)
class SiteContent:
    """The page of a nation. names: of hospitals, in the order of the page; delivered text that may hold anything.

    left_out: number of hospitals with figures that are not on the page. versions: of the models behind the figures.
    """

    year: int
    variant: str
    shown: Shown
    names: Mapping[str, str]
    labels: Labels
    left_out: int
    versions: tuple[str, ...]
    own_reference_share: float

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """Every indicator and period of which the nation and a hospital are shown."""
        year = Period(self.year, self.year)
        mortality = [self.shown.period] + ([year] if self.shown.period != year else [])
        wanted = [(HSMR, self.variant, period) for period in mortality]
        wanted += [(READMISSION, PROVISIONAL, year), (OLO, DEFINITIVE, year)]
        panels = (self._panel(*one) for one in wanted)
        return tuple(panel for panel in panels if panel.nation is not None and panel.placed)

    def _panel(self, indicator: str, variant: str, period: Period) -> Panel:
        keys = {hospital: Key(indicator, variant, hospital, NONE, period) for hospital in self.names}
        figures = {hospital: self.shown.figures.one(indicator, variant, hospital, period) for hospital in self.names}
        return Panel(
            indicator,
            variant,
            period,
            self.shown.figures.one(indicator, variant, None, period),
            {hospital: figure for hospital, figure in figures.items() if figure is not None},
            tuple(hospital for hospital, key in keys.items() if key in self.shown.suppressed),
        )

    def trend(self, panel: Panel, hospital: str | None) -> dict[int, Figure | None]:
        """The figure of each year of the period, None where it is not shown or not there."""
        of = (panel.indicator, panel.variant, hospital)
        return {year: self.shown.figures.one(*of, Period(year, year)) for year in self.shown.period.years}

    def smrs(self, breakdown: str, hospital: str | None) -> tuple[Figure, ...]:
        """The SMRs of the period that are shown."""
        return self.shown.figures.rows(Key(SMR, self.variant, hospital, breakdown, self.shown.period))

    @cached_property
    def standing(self) -> frozenset[tuple[str, str]]:
        """Hospital and diagnosis group of SMRs that differ also after correction for as many tests as are shown.

        Benjamini-Hochberg over the shown cells of hospitals and groups: what is suppressed could be inferred from its part in it.
        """
        cells = [
            (hospital, str(figure.breakdown_value), figure.observed, as_the_nation(figure))
            for hospital in self.names
            for figure in self.smrs(GROUP, hospital)
            if figure.verdict is not None
        ]
        expected = np.array([np.nan if cell[3] is None else cell[3] for cell in cells], dtype=float)
        adjusted = benjamini_hochberg(exact_poisson_p([cell[2] for cell in cells], expected))
        return frozenset(cell[:2] for cell, q in zip(cells, adjusted.tolist()) if q <= FALSE_DISCOVERIES)

"""Figures before anything is suppressed, as tables of counts whose rows add up to the nation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lbz_indicators.errors import StorageError
from lbz_indicators.publish.report.figures import HSMR, NONE, SMR, Figure, Figures, Key, Period, value_order
from lbz_indicators.publish.site.quarters import ByQuarter, Deaths, Quarter

Integers = NDArray[np.int64]
_MEND = "make the figures anew: lbz-indicators indicators, with the settings of the run."


class Column(NamedTuple):
    """What a column of a table counts: a figure of gold.indicators without its hospital."""

    indicator: str
    variant: str
    breakdown: str
    period: Period
    value: str | None = None

    def key(self, hospital: str | None) -> Key:
        """The key of a hospital's figure; None is the nation."""
        return Key(self.indicator, self.variant, hospital, self.breakdown, self.period)


Cell = tuple[Column, str | None]
"""A figure: its column, and its hospital (None: the nation)."""


@dataclass(frozen=True)
class Source:
    """Figures as gold has them, with who is shown.

    hospitals: those that are shown, in the order of the page; left_out: others with figures, which are not. These are one row,
    the last of every table: nobody sees it, but it can be computed, as the nation less the rows that are shown. quarters: None
    where they are not known. cluster_of: the cluster of a diagnosis group.
    """

    figures: Figures
    hospitals: Sequence[str]
    left_out: Collection[str]
    year: int
    variant: str
    cluster_of: Mapping[str, str]
    quarters: ByQuarter | None

    @cached_property
    def period(self) -> Period:
        """The years of the HSMR together, or the year where there are no others; StorageError without an HSMR."""
        ending = [period for period in self.figures.periods(HSMR, self.variant, None) if period.last == self.year]
        if not ending:
            raise StorageError(f"There is no HSMR of the nation of {self.year} ({self.variant}).", mend=_MEND)
        return ending[0]

    @cached_property
    def by_cell(self) -> Mapping[Cell, Figure]:
        """Every figure."""
        return {
            (Column(key.indicator, key.variant, key.breakdown, key.period, figure.breakdown_value), key.hospital_id): figure
            for key, figures in self.figures.by_key.items()
            for figure in figures
        }

    @property
    def hsmr_years(self) -> list[Column]:
        """The HSMR of every year of the period."""
        return [Column(HSMR, self.variant, NONE, Period(year, year)) for year in self.period.years]

    @property
    def hsmr_period(self) -> Column:
        """The HSMR of the period."""
        return Column(HSMR, self.variant, NONE, self.period)

    def smrs(self, breakdown: str) -> list[Column]:
        """The SMRs of the period by group or cluster, in the order of their numbers."""
        found = {column for column, _ in self.by_cell if column[:4] == (SMR, self.variant, breakdown, self.period)}
        return sorted(found, key=lambda column: value_order(column.value))

    def seen(self) -> Iterator[tuple[int, str | None]]:
        """Rows of a table that are shown, with their hospital; the nation's is the last."""
        yield from enumerate(self.hospitals)
        yield -1, None

    def counts(self, columns: Sequence[Column], measure: str = "observed") -> Integers:
        """Counts (r, c) of hospitals, 0 where there is no figure; StorageError where they do not add up to the nation's."""

        def count(hospital: str | None) -> list[int]:
            found = [self.by_cell.get((column, hospital)) for column in columns]
            return [0 if figure is None else int(getattr(figure, measure)) for figure in found]

        table = self._table([count(hospital) for hospital in self._each], len(columns))
        require_equal(table.sum(axis=0), count(None), "hospitals and the nation")
        return table

    def deaths_by_quarter(self, quarters: Sequence[Quarter]) -> Integers:
        """Deaths (r, c) of hospitals by quarter, 0 where nothing is known of one."""
        known = self.quarters or {}
        rows = [
            [known.get(hospital, {}).get(quarter, Deaths(0, 0.0)).observed for quarter in quarters] for hospital in self._each
        ]
        return self._table(rows, len(quarters))

    @property
    def _each(self) -> list[str]:
        return [*self.hospitals, *sorted(self.left_out)]

    def _table(self, rows: list[list[int]], columns: int) -> Integers:
        """The rows of hospitals that are shown, and of all others together."""
        every = np.array(rows, dtype=np.int64).reshape(len(rows), columns)
        shown = len(self.hospitals)
        return np.concatenate([every[:shown], every[shown:].sum(axis=0, keepdims=True)]) if self.left_out else every


def clusters_of(groups: Sequence[Column], clusters: Sequence[Column], cluster_of: Mapping[str, str]) -> list[int]:
    """The place of each group's cluster; StorageError where it has none."""
    place = {column.value: number for number, column in enumerate(clusters)}
    try:
        return [place[cluster_of[str(column.value)]] for column in groups]
    except KeyError as error:
        raise StorageError("A diagnosis group has SMRs and its cluster has none.", where="gold.indicators", mend=_MEND) from error


def require_equal(parts: object, whole: object, what: str) -> None:
    """StorageError where counts differ that should be the same: what is suppressed could be computed from such tables."""
    if not np.array_equal(np.asarray(parts), np.asarray(whole)):
        raise StorageError(f"Counts do not add up: {what}.", where="gold.indicators", mend=_MEND)

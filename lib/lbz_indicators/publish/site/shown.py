"""What of the figures may be shown to everyone (METHOD section 8): the last step before the page, which is made of nothing else.

Suppressed together: deaths by hospital and quarter, with years, and deaths by hospital and diagnosis group over the period, with
clusters, for they divide the same totals. Readmissions and long stays have tables of their own, and so have the admissions of
each indicator. A suppressed count takes its whole figure along. What is not in one of these tables is not shown at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbz_indicators.publish.disclosure import CountTable, suppress, suppress_linked
from lbz_indicators.publish.report.figures import (
    CLUSTER,
    DEFINITIVE,
    GROUP,
    NONE,
    OLO,
    PROVISIONAL,
    READMISSION,
    Figure,
    Figures,
    Key,
    Period,
    value_order,
)
from lbz_indicators.publish.site.quarters import QUARTERS, ByQuarter, Quarter
from lbz_indicators.publish.site.source import Cell, Column, Source, clusters_of, require_equal

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Shown:
    """Figures and quarters that are shown, and which figures without breakdown are there and suppressed.

    quarters: None where they are not known. groups: number of diagnosis groups of the period, shown or not.
    """

    figures: Figures
    suppressed: frozenset[Key]
    quarters: ByQuarter | None
    period: Period
    groups: int


def protect(source: Source) -> Shown:
    """What may be shown of a source."""
    cells, quarters = _mortality(source)
    cells |= _counted(source, [Column(READMISSION, PROVISIONAL, NONE, Period(source.year, source.year))])
    cells |= _counted(source, [Column(OLO, DEFINITIVE, NONE, Period(year, year)) for year in source.period.years])
    cells = {cell for cell in cells if not _gives_the_nation_away(source, cells, cell)}
    judged = {column for column, _ in source.by_cell if column.breakdown == NONE}
    there = {column.key(hospital) for column in judged for _, hospital in source.seen() if (column, hospital) in source.by_cell}
    return Shown(
        figures=_figures(source, cells),
        suppressed=frozenset(there - {column.key(hospital) for column, hospital in cells}),
        quarters=quarters,
        period=source.period,
        groups=len(source.smrs(GROUP)),
    )


def _mortality(source: Source) -> tuple[set[Cell], ByQuarter | None]:
    """HSMRs of the years and the period, SMRs of the period, and quarters, that are shown."""
    years, whole = source.hsmr_years, source.hsmr_period
    of_years = source.counts(years)
    require_equal(of_years.sum(axis=1), source.counts([whole])[:, 0], "years and period")
    if source.quarters is None:
        quarters, by_time = [], CountTable(of_years)
    else:
        quarters = [Quarter(year, number) for year in source.period.years for number in QUARTERS]
        year_of = [source.period.years.index(quarter.year) for quarter in quarters]
        by_time = CountTable(source.deaths_by_quarter(quarters), year_of)
    of_time, cells = _with_groups(source, by_time)
    # By quarter the years are clusters behind the quarters, and the period stands last in any case.
    few = suppress(source.counts(years, "admissions")).suppressed
    hidden = of_time[:, len(quarters) :] | few
    of_year, of_period = _cells(source, years, hidden[:, :-1]), _cells(source, [whole], hidden[:, -1:])
    both = of_year & of_period if years == [whole] else of_year | of_period
    return cells | both, None if source.quarters is None else _quarters(source, quarters, of_time)


def _with_groups(source: Source, by_time: CountTable) -> tuple[Booleans, set[Cell]]:
    """Which deaths by time are suppressed, and which SMRs are shown: together, for both divide a hospital's deaths."""
    groups, clusters = source.smrs(GROUP), source.smrs(CLUSTER)
    if not groups:
        return suppress(by_time.counts, by_time.clusters).suppressed, set()
    counts, cluster_of = source.counts(groups), clusters_of(groups, clusters, source.cluster_of)
    sums = [counts[:, np.array(cluster_of) == number].sum(axis=1) for number in range(len(clusters))]
    require_equal(np.column_stack(sums), source.counts(clusters), "diagnosis groups and clusters")
    require_equal(counts.sum(axis=1), source.counts([source.hsmr_period])[:, 0], "diagnosis groups and all")
    of_time, of_group = suppress_linked(by_time, CountTable(counts, cluster_of))
    return of_time.suppressed, _cells(source, [*groups, *clusters], of_group.suppressed[:, :-1])


def _counted(source: Source, columns: Sequence[Column]) -> set[Cell]:
    """The figures of a table of events by year that are shown; the sum over the years is taken to be shown too."""
    there = [column for column in columns if (column, None) in source.by_cell]
    if not there:
        return set()
    hidden = suppress(source.counts(there)).suppressed | suppress(source.counts(there, "admissions")).suppressed
    return _cells(source, there, hidden[:, :-1])


def _cells(source: Source, columns: Sequence[Column], hidden: Booleans) -> set[Cell]:
    """The figures of these columns that are there and not hidden."""
    return {
        (column, hospital)
        for row, hospital in source.seen()
        for column, is_hidden in zip(columns, hidden[row].tolist(), strict=True)
        if not is_hidden and (column, hospital) in source.by_cell
    }


def _quarters(source: Source, quarters: Sequence[Quarter], hidden: Booleans) -> ByQuarter:
    """The deaths of quarters that are shown."""
    known = source.quarters or {}
    return {
        hospital: {
            quarter: known[hospital][quarter]
            for quarter, is_hidden in zip(quarters, hidden[row].tolist())
            if not is_hidden and quarter in known.get(hospital, {})
        }
        for row, hospital in source.seen()
    }


def _gives_the_nation_away(source: Source, cells: set[Cell], cell: Cell) -> bool:
    """Whether a figure is compared with one of the nation that is suppressed."""
    column, hospital = cell
    compared = column.variant == PROVISIONAL or column.indicator == OLO
    return compared and hospital is not None and (column, None) not in cells


def _figures(source: Source, cells: set[Cell]) -> Figures:
    """The figures of these cells, without the nation's value where that is suppressed."""
    found: dict[Key, list[Figure]] = {}
    for column, hospital in sorted(cells, key=lambda cell: (cell[0].key(cell[1])[:2], str(cell[1]), value_order(cell[0].value))):
        figure = source.by_cell[column, hospital]
        kept = figure if (column, None) in cells else replace(figure, national_value=None)
        found.setdefault(column.key(hospital), []).append(kept)
    return Figures({key: tuple(figures) for key, figures in found.items()})

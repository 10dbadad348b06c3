"""Which counts of a table with totals are not shown to everyone (METHOD section 8).

Counts below 5 are suppressed (primary), and so many others (secondary) that none of them can be computed back from what is
shown. The table has hospitals in its rows and diagnosis groups in its columns, clusters of groups if there are any, and all
totals; every one of its numbers is a count that may be too small itself.

Counts are a flow (`count_flow`): from a source to each hospital, from there to its clusters and their groups, and along the
nation's groups and clusters back to the source.

The reader is taken to know which suppressed counts are primary (0 to 4) and which secondary (5 or more), though they are
marked alike. 0 is below 5: shown, it would say that nobody died, and narrow the others down.

Known limitations: a count cannot be computed, but may be bounded closely (0 or 1, say). Two tables that divide the same totals
of hospitals are judged together by `suppress_linked`; others that share counts are judged each by itself. A reader who reasons
from how cycles are chosen is not reckoned with. Published ratios beside a suppressed count would give it back: whatever is
computed from it goes with it. That all of a group died is not hidden, nor what the statutory publication, which is exempt, shows
of the same counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lbz_indicators.publish.count_flow import SMALLEST_SHOWN, Booleans, CountFlow, Integers, count_flow

__all__ = ["SMALLEST_SHOWN", "CountTable", "Suppression", "computed_back", "suppress", "suppress_linked", "with_totals"]


@dataclass(frozen=True)
class Suppression:
    """Masks over the table of `with_totals`: counts below SMALLEST_SHOWN, and those that go with them."""

    primary: Booleans
    secondary: Booleans

    @property
    def suppressed(self) -> Booleans:
        """Not shown, for whichever reason; the reader is not told which."""
        return self.primary | self.secondary


def with_totals(counts: ArrayLike, clusters: Sequence[int] | None = None) -> Integers:
    """The table (r + 1, c + m + 1) of counts (r, c): groups, then clusters 0..m-1, then all; the nation in the last row.

    `clusters` (c,): the cluster of each group; None for a table without clusters (m = 0).
    """
    groups = np.asarray(counts, dtype=np.int64)
    cluster_of = np.asarray([] if clusters is None else clusters, dtype=np.int64)
    by_cluster = [groups[:, cluster_of == k].sum(axis=1) for k in range(cluster_of.max(initial=-1) + 1)]
    hospitals = np.column_stack([groups, *by_cluster, groups.sum(axis=1)])
    return np.concatenate([hospitals, hospitals.sum(axis=0, keepdims=True)])


def suppress(counts: ArrayLike, clusters: Sequence[int] | None = None) -> Suppression:
    """Primary and secondary suppression of the table that `with_totals` makes of counts (r, c): see `CountFlow.hidden`."""
    table = with_totals(counts, clusters)
    primary = table < SMALLEST_SHOWN
    suppressed = _flow(table, clusters).hidden(primary.ravel()).reshape(table.shape)
    return Suppression(primary, suppressed & ~primary)


@dataclass(frozen=True)
class CountTable:
    """Counts (r, c) of hospitals and groups, with the cluster of each group if there are any."""

    counts: ArrayLike
    clusters: Sequence[int] | None = None


def suppress_linked(first: CountTable, second: CountTable) -> tuple[Suppression, Suppression]:
    """Suppression in two tables of the same hospitals that divide the same totals: deaths by quarter, say, and by group.

    Each by itself would not do: a total that is suppressed in both is one count, and what one table says of it the reader uses
    in the other. ValueError where a hospital's total differs. Both results have the shape of `with_totals`.
    """
    tables = [with_totals(table.counts, table.clusters) for table in (first, second)]
    if not np.array_equal(tables[0][:, -1], tables[1][:, -1]):
        raise ValueError("two tables of other totals are not linked")
    counts = np.concatenate([tables[0].ravel(), tables[1][:, :-1].ravel()])
    tail, head = _linked_places(tables[0].shape, first.clusters, tables[1].shape, second.clusters)
    suppressed = count_flow(counts, tail, head).hidden(counts < SMALLEST_SHOWN)
    of_first = suppressed[: tables[0].size].reshape(tables[0].shape)
    # The totals are those of the first table.
    of_second = np.column_stack([suppressed[tables[0].size :].reshape(len(tables[1]), -1), of_first[:, -1]])
    primary = [table < SMALLEST_SHOWN for table in tables]
    return Suppression(primary[0], of_first & ~primary[0]), Suppression(primary[1], of_second & ~primary[1])


def computed_back(counts: ArrayLike, suppressed: Booleans, clusters: Sequence[int] | None = None) -> Booleans:
    """Which suppressed counts of the table of `with_totals` the reader can compute exactly: none after `suppress`.

    For tables that were suppressed otherwise, and as a last look at what is about to be published.
    """
    table = with_totals(counts, clusters)
    found = np.zeros(table.size, dtype=bool)
    found[_flow(table, clusters).determined(suppressed.ravel())] = True
    return found.reshape(table.shape)


def _flow(table: Integers, clusters: Sequence[int] | None) -> CountFlow:
    tail, head = _places(table.shape, clusters)
    return count_flow(table.ravel(), tail.ravel(), head.ravel())


def _places(shape: tuple[int, ...], clusters: Sequence[int] | None) -> tuple[Integers, Integers]:
    """Tails and heads of all counts, in the shape (r + 1, c + m + 1) of the table.

    Places: 0 the source, then one for all groups of each row, one for each cluster of each row, and one for each group.
    """
    rows = np.arange(shape[0])[:, None]
    c = shape[1] - 1 if clusters is None else len(clusters)
    m = shape[1] - 1 - c
    whole = 1 + rows
    cluster = 1 + shape[0] + rows * m + np.arange(m)
    group = np.broadcast_to(1 + shape[0] * (1 + m) + np.arange(c), (shape[0], c))
    above = cluster[:, clusters] if m else np.broadcast_to(whole, group.shape)
    tail = np.concatenate([above, np.broadcast_to(whole, cluster.shape), np.zeros_like(whole)], axis=1)
    head = np.concatenate([group, cluster, whole], axis=1)
    # The nation's counts flow back.
    tail[-1], head[-1] = head[-1].copy(), tail[-1].copy()
    return tail, head


def _linked_places(
    first: tuple[int, ...], first_clusters: Sequence[int] | None, second: tuple[int, ...], second_clusters: Sequence[int] | None
) -> tuple[Integers, Integers]:
    """Tails and heads of the counts of a table, and of those of another but its totals, which are the first one's.

    The second table flows backwards. A total leads from the hospital's groups there to its groups here, the nation's the
    other way, and no source is needed.
    """
    tail, head = _places(first, first_clusters)
    # Backwards, and behind the places of the first table.
    after = int(max(tail.max(), head.max())) + 1
    head_there, tail_there = (places + after for places in _places(second, second_clusters))
    whole_there = after + 1 + np.arange(second[0])
    tail[:-1, -1], head[-1, -1] = whole_there[:-1], whole_there[-1]
    return np.concatenate([tail.ravel(), tail_there[:, :-1].ravel()]), np.concatenate([head.ravel(), head_there[:, :-1].ravel()])

"""Which counts of a table with totals are not shown to everyone (METHOD section 8).

Counts below 5 are suppressed (primary), and so many others (secondary) that none of them can be computed back from what is
shown. The table has hospitals in its rows and diagnosis groups in its columns, clusters of groups if there are any, and all
totals; every one of its numbers is a count that may be too small itself.

Counts are a flow: from a source to each hospital, from there to its clusters and their groups, and along the nation's groups
and clusters back to the source. What flows into a place flows out of it, which is all that the totals say. So a suppressed
count can be another one exactly where it lies on a cycle of suppressed counts, of which those along the cycle can rise by 1 and
those against it can fall by 1. Source: Gusfield, SIAM Journal on Computing 1988; 17:552-71.

The reader is taken to know which suppressed counts are primary (0 to 4) and which secondary (5 or more), though they are
marked alike. 0 is below 5: shown, it would say that nobody died, and narrow the others down.

Known limitations: a count cannot be computed, but may be bounded closely (0 or 1, say). Tables that share counts (one year and
three years, by sex and by group) are judged each by itself, and a reader who reasons from how cycles are chosen is not reckoned
with. Published ratios beside a suppressed count would give it back: whatever is computed from it goes with it. That all of a
group died is not hidden, nor what the statutory publication, which is exempt, shows of the same counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SMALLEST_SHOWN = 5
_NO_COST = 1e-6
"""Of going along a count that is suppressed already: less than any count, more than nothing."""


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
    """Primary and secondary suppression of the table that `with_totals` makes of counts (r, c).

    For each count that could be computed back, the cycle that hides it and has the smallest sum of counts not suppressed yet is
    suppressed. One cycle after the other, so a few counts more may go than the fewest possible.
    """
    table = with_totals(counts, clusters)
    primary = table < SMALLEST_SHOWN
    flow = _flow(table, *_places(table.shape, clusters))
    suppressed = primary.ravel().copy()
    hidden: set[int] = set()
    # Counts that lie on a cycle stay on it whatever else is suppressed, so one look at each is enough.
    for count in flow.determined(suppressed).tolist():
        if count not in hidden:
            cycle = flow.cheapest_cycle(count, suppressed)
            suppressed[cycle] = True
            hidden |= set(cycle)
    return Suppression(primary, suppressed.reshape(table.shape) & ~primary)


def computed_back(counts: ArrayLike, suppressed: Booleans, clusters: Sequence[int] | None = None) -> Booleans:
    """Which suppressed counts of the table of `with_totals` the reader can compute exactly: none after `suppress`.

    For tables that were suppressed otherwise, and as a last look at what is about to be published.
    """
    table = with_totals(counts, clusters)
    found = np.zeros(table.size, dtype=bool)
    found[_flow(table, *_places(table.shape, clusters)).determined(suppressed.ravel())] = True
    return found.reshape(table.shape)


@dataclass(frozen=True)
class _Flow:
    """The counts (n,) of a table as a flow between places.

    `tail`, `head` (n,): from and to which place a count flows; two places share one count at most. `start`, `end`, `count` (m,):
    the steps by which counts can change, from tail to head where one can rise, from head to tail where it can fall.
    """

    counts: Integers
    tail: Integers
    head: Integers
    start: Integers
    end: Integers
    count: Integers

    def determined(self, suppressed: Booleans) -> Integers:
        """The suppressed counts that can have one value only.

        A cycle stays within a strongly connected part. Within it every count lies on a cycle, unless nothing else joins what lies
        on its two sides: then the only way back is the one it came by.
        """
        among = suppressed[self.count]
        graph = self._graph(among, np.ones(int(among.sum())))
        part = connected_components(graph, directed=True, connection="strong")[1]
        inside = np.flatnonzero(suppressed & (part[self.tail] == part[self.head]))
        hidden = np.zeros_like(suppressed)
        hidden[inside] = ~_is_bridge(self.tail[inside], self.head[inside])
        return np.flatnonzero(suppressed & ~hidden)

    def cheapest_cycle(self, count: int, suppressed: Booleans) -> list[int]:
        """The counts of the cycle through a count with the smallest sum of what is not suppressed yet."""
        others = self.count != count
        graph = self._graph(others, np.where(suppressed[self.count], _NO_COST, self.counts[self.count])[others])
        ways = []
        for step in np.flatnonzero(~others):
            distance, before = dijkstra(graph, indices=self.end[step], return_predecessors=True)
            ways.append((float(distance[self.start[step]]), step, before))
        cost, step, before = min(ways, key=lambda way: way[0])
        if cost == np.inf:
            raise ValueError("no other counts of the table can hide a small one")
        cycle, place = [count], int(self.start[step])
        while place != self.end[step]:
            cycle.append(self._count_between[int(before[place]), place])
            place = int(before[place])
        return cycle

    @cached_property
    def _count_between(self) -> dict[tuple[int, int], int]:
        return dict(zip(zip(self.start.tolist(), self.end.tolist()), self.count.tolist()))

    def _graph(self, among: Booleans, costs: NDArray[np.float64]) -> csr_matrix:
        size = int(max(self.tail.max(), self.head.max())) + 1
        return csr_matrix((costs, (self.start[among], self.end[among])), shape=(size, size))


def _flow(table: Integers, tail: Integers, head: Integers) -> _Flow:
    tail, head = tail.ravel(), head.ravel()
    # A small count stays from 0 to 4, any other at 5 or more.
    rising = np.flatnonzero(table != SMALLEST_SHOWN - 1)
    falling = np.flatnonzero((table != 0) & (table != SMALLEST_SHOWN))
    return _Flow(
        table.ravel(),
        tail,
        head,
        start=np.concatenate([tail[rising], head[falling]]),
        end=np.concatenate([head[rising], tail[falling]]),
        count=np.concatenate([rising, falling]),
    )


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


def _is_bridge(tail: Integers, head: Integers) -> Booleans:
    """Which edges (n,) of an undirected graph alone join what lies on their two sides (Tarjan 1974).

    Depth first, each place numbered when it is met; `low` is the lowest number met by going on from a place, and an edge leads to
    nowhere else where `low` beyond it is above the number before it.
    """
    edges: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge, (a, b) in enumerate(zip(tail.tolist(), head.tolist())):
        edges[a].append((b, edge))
        edges[b].append((a, edge))
    bridge = np.zeros(len(tail), dtype=bool)
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    for root in list(edges):
        if root in number:
            continue
        number[root] = low[root] = len(number)
        path = [(root, -1, iter(edges[root]))]
        while path:
            place, came_by, ahead = path[-1]
            for following, edge in ahead:
                if edge == came_by:
                    continue
                if following in number:
                    low[place] = min(low[place], number[following])
                    continue
                number[following] = low[following] = len(number)
                path.append((following, edge, iter(edges[following])))
                break
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    low[before] = min(low[before], low[place])
                    bridge[came_by] = low[place] > number[before]
    return bridge

"""Counts with totals as a flow between places: which suppressed ones can be computed back, and what hides them.

What flows into a place flows out of it, which is all that totals say. So a suppressed count can be another one exactly where it
lies on a cycle of suppressed counts, of which those along the cycle can rise by 1 and those against it can fall by 1.
Source: Gusfield, SIAM Journal on Computing 1988; 17:552-71.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SMALLEST_SHOWN = 5
_NO_COST = 1e-6
"""Of going along a count that is suppressed already: less than any count, more than nothing."""


@dataclass(frozen=True)
class CountFlow:
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

    def hidden(self, primary: Booleans) -> Booleans:
        """`primary` and as many others that none of them can be computed back.

        For each count that could be, the cycle that hides it and has the smallest sum of counts not suppressed yet is suppressed.
        One cycle after the other, so a few counts more may go than the fewest possible.
        """
        suppressed = primary.copy()
        done: set[int] = set()
        # Counts that lie on a cycle stay on it whatever else is suppressed, so one look at each is enough.
        for count in self.determined(suppressed).tolist():
            if count not in done:
                cycle = self.cheapest_cycle(count, suppressed)
                suppressed[cycle] = True
                done |= set(cycle)
        return suppressed

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


def count_flow(counts: Integers, tail: Integers, head: Integers) -> CountFlow:
    """The flow of counts (n,) from and to these places."""
    # A small count stays from 0 to 4, any other at 5 or more.
    rising = np.flatnonzero(counts != SMALLEST_SHOWN - 1)
    falling = np.flatnonzero((counts != 0) & (counts != SMALLEST_SHOWN))
    return CountFlow(
        counts,
        tail,
        head,
        start=np.concatenate([tail[rising], head[falling]]),
        end=np.concatenate([head[rising], tail[falling]]),
        count=np.concatenate([rising, falling]),
    )


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

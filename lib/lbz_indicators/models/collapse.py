"""Collapsing of classes that are too small, per covariate of one diagnosis group (METHOD section 4.2).

A class is deficient with fewer than `minimum_admissions` admissions, or (setting) without events or without
survivors. Classes without admissions do not exist; they are scored like a neighbour.
Known limitation: merging classes without events moves expected numbers of small hospitals; on the real sample by up
to 7% against a fit that keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lbz_indicators.models.classes import Count
from lbz_indicators.population.covariates import Covariate


@dataclass(frozen=True)
class Deficiency:
    """When a class is too small to have a coefficient of its own."""

    minimum_admissions: int
    zero_events: bool

    def holds(self, count: Count) -> bool:
        if count.admissions < self.minimum_admissions:
            return True
        return self.zero_events and (count.events == 0 or count.events == count.admissions)


@dataclass
class MergedClass:
    """Classes that share one coefficient. `position` orders it; a special class alone stands last."""

    position: int
    classes: list[int]
    count: Count
    special: bool = False

    def absorb(self, other: MergedClass) -> None:
        """Takes another's classes; the own position stays."""
        self.classes = sorted([*self.classes, *other.classes])
        self.count = Count(self.count.admissions + other.count.admissions, self.count.events + other.count.events)


def collapse(covariate: Covariate, counts: Sequence[Count], deficiency: Deficiency) -> list[MergedClass]:
    """The merged classes of a covariate in order, every original class in exactly one of them.

    `counts` has one element per class of the covariate, in order. One merged class: the covariate is dropped.
    Raises ValueError where no class has admissions.
    """
    existing = [
        MergedClass(code, [code], count, code == covariate.special) for code, count in enumerate(counts) if count.admissions
    ]
    if not existing:
        raise ValueError(f"no admissions in any class of {covariate.name}")
    merged = _join_special(covariate, existing, deficiency)
    merged = _merge_deficient(merged, deficiency)
    _place_unseen(covariate, counts, merged)
    return sorted(merged, key=lambda item: item.position)


def _join_special(covariate: Covariate, existing: list[MergedClass], deficiency: Deficiency) -> list[MergedClass]:
    """Step 1: a deficient unknown or other joins its target, which keeps its position."""
    special = next((item for item in existing if item.special), None)
    ordinary = [item for item in existing if not item.special]
    if special is None or not ordinary or not deficiency.holds(special.count):
        return existing
    _target_of_special(covariate, ordinary).absorb(special)
    return ordinary


def _target_of_special(covariate: Covariate, ordinary: Sequence[MergedClass]) -> MergedClass:
    """The class nearest to the covariate's target, or the one with most admissions; ties to the lower."""
    if covariate.joins is None:
        return min(ordinary, key=lambda item: (-item.count.admissions, item.position))
    target = covariate.joins
    return min(ordinary, key=lambda item: (abs(item.position - target), item.position))


def _merge_deficient(merged: list[MergedClass], deficiency: Deficiency) -> list[MergedClass]:
    """Step 2: the smallest deficient class merges with its smaller neighbour until none is left, or one class is."""
    special = [item for item in merged if item.special]
    ordinary = sorted((item for item in merged if not item.special), key=lambda item: item.position)
    while len(ordinary) > 1:
        deficient = [item for item in ordinary if deficiency.holds(item.count)]
        if not deficient:
            break
        smallest = min(deficient, key=lambda item: (item.count.admissions, item.position))
        place = ordinary.index(smallest)
        neighbours = [ordinary[i] for i in (place - 1, place + 1) if 0 <= i < len(ordinary)]
        neighbour = min(neighbours, key=lambda item: (item.count.admissions, item.position))
        neighbour.absorb(smallest)
        neighbour.position = min(neighbour.position, smallest.position)
        ordinary.remove(smallest)
    if special and len(ordinary) == 1 and deficiency.holds(ordinary[0].count):
        special[0].absorb(ordinary[0])
        return special
    return [*ordinary, *special]


def _place_unseen(covariate: Covariate, counts: Sequence[Count], merged: list[MergedClass]) -> None:
    """Classes without admissions: unknown and other as in step 1, any other like the nearest class, ties to the lower."""
    seen = {code: MergedClass(code, [code], count) for code, count in enumerate(counts) if count.admissions}
    ordinary = [item for code, item in seen.items() if code != covariate.special]
    for code, count in enumerate(counts):
        if count.admissions:
            continue
        if not ordinary:
            like = covariate.special
        elif code == covariate.special:
            like = _target_of_special(covariate, ordinary).position
        else:
            like = min(ordinary, key=lambda item: (abs(item.position - code), item.position)).position
        home = next(item for item in merged if like in item.classes)
        home.classes = sorted([*home.classes, code])

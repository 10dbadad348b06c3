"""Why two standardised ratios differ: crude mortality, case mix, model and population (METHOD section 5).

With ratio = O / E, and E_A(B) the expected number of the rows of B under the model of A, ln(ratio_B / ratio_A) is exactly

    crude        ln[(O/n)_B / (O/n)_A]
    case mix   - ln[(E_A(B)/n_B) / (E_A(A)/n_A)]
    model      - ln[E_B(B) / E_A(B)]
    population   what rows that only one of the figures holds do to it

Where two figures are over other admissions (this year and last), the first two are taken over all their rows. Where they are
over the same period, they are taken over the rows that both hold (B' and A'), and the rest is population:

    population   ln[(O/E_A)_B / (O/E_A)_B'] - ln[(O/E_A)_A / (O/E_A)_A']

Rows of B that the model of A cannot score (a new diagnosis group) have no E_A(B): the terms above leave them out, and they are
part of the population: ln[(O/E_B)_B / (O/E_B)_B*], B* being the rows of B with an E_A.

Known limitation: the terms depend on which figure is called A; exchanged, they are those of another path between the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """Of some rows: admissions, observed events, and expected events under one named model."""

    admissions: int
    observed: int
    expected: float

    @property
    def is_positive(self) -> bool:
        """Whether logarithms of its rates exist."""
        return self.admissions > 0 and self.observed > 0 and self.expected > 0


@dataclass(frozen=True)
class Pair:
    """Two figures' rows under the model of A: as figure A has them, and as figure B has them."""

    a: Sums
    b: Sums


@dataclass(frozen=True)
class Figures:
    """Two figures, A under its model and B under its own; and B*, the rows of B that the model of A scores, under both models.

    `in_both`: for figures over the same period, the rows that both hold, under the model of A.
    """

    a: Sums
    b: Sums
    scored_by_a: Sums
    scored_by_b: Sums
    in_both: Pair | None = None

    @property
    def compared(self) -> Pair:
        """The rows over which crude mortality and case mix are taken."""
        return self.in_both or Pair(self.a, self.scored_by_a)


@dataclass(frozen=True)
class Difference:
    """Terms of ln(ratio_B / ratio_A)."""

    crude: float
    case_mix: float
    model: float
    population: float

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return self.crude + self.case_mix + self.model + self.population


def difference(figures: Figures) -> Difference | None:
    """The terms, or None where an O or E is 0 and logarithms do not exist: then the differences of O and E are to be shown."""
    compared = figures.compared
    if not all(one.is_positive for one in (figures.a, figures.b, figures.scored_by_a, figures.scored_by_b)):
        return None
    if not (compared.a.is_positive and compared.b.is_positive):
        return None
    crude = _rate(compared.b.observed, compared.b) - _rate(compared.a.observed, compared.a)
    case_mix = _rate(compared.a.expected, compared.a) - _rate(compared.b.expected, compared.b)
    model = math.log(figures.scored_by_a.expected) - math.log(figures.scored_by_b.expected)
    # In pairs that are exactly 0 where the rows are the same.
    population = _ratio(figures.b) - _ratio(figures.scored_by_b)
    population += (_ratio(figures.scored_by_a) - _ratio(compared.b)) - (_ratio(figures.a) - _ratio(compared.a))
    return Difference(crude, case_mix, model, population)


def _rate(events: float, sums: Sums) -> float:
    return math.log(events / sums.admissions)


def _ratio(sums: Sums) -> float:
    return math.log(sums.observed / sums.expected)

"""Why two standardised ratios differ: crude mortality, case mix, model and population (METHOD section 5).

With ratio = O / E, and E_A(B) the expected number of the rows of B under the model of A, ln(ratio_B / ratio_A) is exactly

    crude        ln[(O/n)_B / (O/n)_A]
    case mix   - ln[(E_A(B)/n_B) / (E_A(A)/n_A)]
    model      - ln[E_B(B) / E_A(B)]

where two figures are over other admissions (this year and last). Where they are over the same period, the first two are
taken over the rows that both hold, and the rows that only one of them holds give a fourth term:

    population   ln[(O/E_A)_B / (O/E_A)_B'] - ln[(O/E_A)_A / (O/E_A)_A']      ' = the rows of both

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
class Rows:
    """Two sets of rows under the model of A: those of figure A and those of figure B."""

    a: Sums
    b: Sums


@dataclass(frozen=True)
class Difference:
    """Terms of ln(ratio_B / ratio_A); `population` is None where the figures are over other periods."""

    crude: float
    case_mix: float
    model: float
    population: float | None

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return self.crude + self.case_mix + self.model + (self.population or 0.0)


def difference(under_a: Rows, expected_b: float, in_both: Rows | None = None) -> Difference | None:
    """The terms, or None where an O or E is 0 and logarithms do not exist: then the differences of O and E are to be shown.

    `under_a`: all rows of both figures under the model of A. `expected_b`: E_B(B). `in_both`: for figures over the same
    period the rows that both hold, as A has them and as B has them, under the model of A.
    """
    compared = under_a if in_both is None else in_both
    sums = (under_a.a, under_a.b, compared.a, compared.b)
    if not all(one.is_positive for one in sums) or not expected_b > 0:
        return None
    crude = _rate(compared.b.observed, compared.b) - _rate(compared.a.observed, compared.a)
    case_mix = _rate(compared.a.expected, compared.a) - _rate(compared.b.expected, compared.b)
    model = math.log(under_a.b.expected) - math.log(expected_b)
    if in_both is None:
        return Difference(crude, case_mix, model, None)
    population = (_ratio(under_a.b) - _ratio(in_both.b)) - (_ratio(under_a.a) - _ratio(in_both.a))
    return Difference(crude, case_mix, model, population)


def _rate(events: float, sums: Sums) -> float:
    return math.log(events / sums.admissions)


def _ratio(sums: Sums) -> float:
    return math.log(sums.observed / sums.expected)

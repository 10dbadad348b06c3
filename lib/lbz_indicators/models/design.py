"""The design of a diagnosis group's model: which classes share a term, which terms have a column.

Column order: intercept, age, sex, ses, severity, urgency, comorbidity 1..17, source, year, month. The reference of
a covariate is the merged class with most admissions (ties: the lowest); of a comorbidity always its absence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lbz_indicators.models.classes import EITHER, Count, GroupCounts, Slot
from lbz_indicators.models.collapse import Deficiency, collapse
from lbz_indicators.population.comorbidity import CONDITIONS, MERGED_PAIRS
from lbz_indicators.population.covariates import BEFORE_COMORBIDITY, COMORBIDITY, Covariate, ordered_covariates

INTERCEPT = "intercept"


@dataclass(frozen=True)
class Term:
    """One coefficient, or the reference of a covariate: the original classes that share it."""

    id: str
    covariate: str
    classes: tuple[int, ...]
    count: Count
    is_reference: bool = False
    is_aliased: bool = False

    @property
    def has_column(self) -> bool:
        return not self.is_reference and not self.is_aliased


class Design(Protocol):
    """What an engine needs to know of a model: its name, its columns, the rows of its design, how rare the event is."""

    @property
    def group(self) -> str: ...

    @property
    def columns(self) -> Sequence[object]: ...

    @property
    def rows(self) -> int: ...

    @property
    def event_share(self) -> float: ...

    @property
    def batch(self) -> int: ...


@dataclass(frozen=True)
class GroupDesign:
    """The terms of one diagnosis group in column order, with what was counted."""

    counts: GroupCounts
    terms: tuple[Term, ...]
    joined_pairs: tuple[bool, ...]

    @property
    def group(self) -> str:
        return self.counts.group

    @property
    def rows(self) -> int:
        """Admissions of the fit."""
        return self.counts.total.admissions

    @property
    def event_share(self) -> float:
        """Share of the admissions with the event."""
        return self.counts.total.events / max(self.counts.total.admissions, 1)

    @property
    def batch(self) -> int:
        """All groups are fitted together."""
        return 0

    @property
    def columns(self) -> tuple[Term, ...]:
        """Terms with a column of the design matrix, the intercept first."""
        return tuple(term for term in self.terms if term.has_column)

    def term_of(self, covariate: str) -> dict[int, Term]:
        """Term by original class of a covariate; a comorbidity that was dropped has none."""
        return {code: term for term in self.terms if term.covariate == covariate for code in term.classes}

    def column_of(self, covariate: str, classes: Sequence[int]) -> list[int]:
        """Column of each class, -1 where it has none (reference, aliased, dropped)."""
        place = {term.id: column for column, term in enumerate(self.columns)}
        terms = self.term_of(covariate)
        return [place.get(terms[code].id, -1) if code in terms else -1 for code in classes]

    def without(self, aliased: Sequence[str]) -> GroupDesign:
        """The design with these terms marked as aliased."""
        return replace(self, terms=tuple(replace(t, is_aliased=t.is_aliased or t.id in aliased) for t in self.terms))


def design_group(counts: GroupCounts, model_years: Sequence[int], deficiency: Deficiency) -> GroupDesign:
    """Collapses every covariate of a group and lays its terms out in column order."""
    ordered = {c.name: c for c in ordered_covariates(model_years)}
    before = [_covariate_terms(ordered[c.name], counts, deficiency) for c in BEFORE_COMORBIDITY]
    names_before = {c.name for c in BEFORE_COMORBIDITY}
    after = [_covariate_terms(c, counts, deficiency) for name, c in ordered.items() if name not in names_before]
    conditions, joined = _comorbidity_terms(counts, deficiency)
    intercept = Term(INTERCEPT, INTERCEPT, (0,), counts.total)
    terms = [intercept, *(t for terms in before for t in terms), *conditions, *(t for terms in after for t in terms)]
    return GroupDesign(counts, tuple(terms), joined)


def _covariate_terms(covariate: Covariate, counts: GroupCounts, deficiency: Deficiency) -> list[Term]:
    by_class = [counts.by_slot[Slot(covariate.name, code)] for code in range(len(covariate.labels))]
    merged = collapse(covariate, by_class, deficiency)
    reference = min(merged, key=lambda item: (-item.count.admissions, item.position))
    return [
        Term(f"{covariate.name}:{item.position}", covariate.name, tuple(item.classes), item.count, item is reference)
        for item in merged
    ]


def _comorbidity_terms(counts: GroupCounts, deficiency: Deficiency) -> tuple[list[Term], tuple[bool, ...]]:
    """Step 4: a deficient second condition of a pair joins the first as 'either'; then deficient conditions drop."""

    def deficient(yes: Count) -> bool:
        no = Count(counts.total.admissions - yes.admissions, counts.total.events - yes.events)
        return deficiency.holds(yes) or deficiency.holds(no)

    yes = {condition: counts.by_slot[Slot(COMORBIDITY, condition)] for condition in range(1, CONDITIONS + 1)}
    classes: dict[int, tuple[int, ...]] = {condition: (condition,) for condition in yes}
    joined = []
    for first, second in MERGED_PAIRS:
        joins = yes[second].admissions > 0 and deficient(yes[second])
        joined.append(joins)
        if joins:
            yes[first] = counts.by_slot[Slot(EITHER, first)]
            classes[first] = (first, second)
            del yes[second]
    terms = [
        Term(f"{COMORBIDITY}:{condition}", COMORBIDITY, classes[condition], count)
        for condition, count in sorted(yes.items())
        if count.admissions and not deficient(count)
    ]
    return terms, tuple(joined)

"""A fitted model version as rows of the gold.model tables: a model is a table, never a pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lbz_indicators.models.certify import SEPARATED, Certified
from lbz_indicators.models.classes import Count, Slot
from lbz_indicators.models.design import INTERCEPT, GroupDesign, Term
from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.population.covariates import COMORBIDITY, ordered_covariates
from lbz_indicators.stats import logistic

NO_EVENTS, ALL_EVENTS, NO_ADMISSIONS = "no_events", "all_events", "no_admissions"


@dataclass(frozen=True)
class FittedGroup:
    """One diagnosis group of a model version. `result` is None where no coefficients were estimated."""

    design: GroupDesign
    status: str
    result: Certified | None = None
    iterations: int | None = None
    engine_difference: float | None = None


def trivial_status(design: GroupDesign) -> str | None:
    """no_events or all_events where there is nothing to estimate, else None."""
    total = design.counts.total
    if total.events == 0:
        return NO_EVENTS
    return ALL_EVENTS if total.events == total.admissions else None


def fit_row(version: str, group: FittedGroup, c_statistic: float | None) -> tuple[Any, ...]:
    """A row of gold.model_fit."""
    total, result = group.design.counts.total, group.result
    return (
        version,
        group.design.group,
        total.admissions,
        total.events,
        group.design.counts.hospitals,
        group.status,
        len(group.design.columns) if result else 0,
        [term.id for term in group.design.terms if term.is_aliased],
        group.iterations,
        result.steps if result else 0,
        result.decrement if result else None,
        result.moments.deviance if result else None,
        c_statistic,
        group.engine_difference,
    )


def absent_row(version: str, group: str) -> tuple[Any, ...]:
    """gold.model_fit of a group of the settings that has no admissions."""
    return (version, group, 0, 0, 0, NO_ADMISSIONS, 0, [], None, 0, None, None, None, None)


def coefficient_rows(
    version: str, group: FittedGroup, model_years: Sequence[int], conditions: Mapping[int, str]
) -> list[tuple[Any, ...]]:
    """Rows of gold.model_coefficients: every original class with the coefficient of the term it ended in."""
    if group.result is None:
        return []
    estimates, errors = _estimates(group)
    design = group.design
    rows = [_row(version, design, design.terms[0], 0, INTERCEPT, design.counts.total, estimates, errors)]
    for covariate in ordered_covariates(model_years):
        terms = design.term_of(covariate.name)
        for code, label in enumerate(covariate.labels):
            count = design.counts.by_slot[Slot(covariate.name, code)]
            rows.append(_row(version, design, terms[code], code, label, count, estimates, errors))
    terms = design.term_of(COMORBIDITY)
    for condition in range(1, CONDITIONS + 1):
        count = design.counts.by_slot[Slot(COMORBIDITY, condition)]
        dropped = Term(f"{COMORBIDITY}:{condition}", COMORBIDITY, (condition,), count)
        term = terms.get(condition, dropped)
        rows.append(_row(version, design, term, condition, conditions[condition], count, estimates, errors))
    return rows


def _estimates(group: FittedGroup) -> tuple[dict[str, float], dict[str, float]]:
    """(estimate, standard error) by term id of the columns; no standard errors for a separated group."""
    assert group.result is not None
    ids = [term.id for term in group.design.columns]
    estimates = dict(zip(ids, group.result.coefficients.tolist(), strict=True))
    if group.status == SEPARATED:
        return estimates, {}
    errors = np.sqrt(np.diag(logistic.covariance(group.result.moments.information)))
    return estimates, dict(zip(ids, errors.tolist(), strict=True))


def _row(
    version: str,
    design: GroupDesign,
    term: Term,
    code: int,
    label: str,
    count: Count,
    estimates: Mapping[str, float],
    errors: Mapping[str, float],
) -> tuple[Any, ...]:
    return (
        version,
        design.group,
        term.covariate,
        code,
        label,
        term.id,
        estimates.get(term.id, 0.0),
        errors.get(term.id),
        term.is_reference,
        term.is_aliased,
        count.admissions,
        count.events,
    )


def covariate_rows(version: str, group: FittedGroup) -> list[tuple[Any, ...]]:
    """Rows of gold.model_covariates: Wald tests per covariate, comorbidity together and condition by condition."""
    if group.result is None or group.status == SEPARATED:
        return []
    columns = group.design.columns
    cov = logistic.covariance(group.result.moments.information)
    tested: dict[str, list[int]] = {}
    for place, term in enumerate(columns):
        if term.covariate == INTERCEPT:
            continue
        tested.setdefault(term.covariate, []).append(place)
        if term.covariate == COMORBIDITY:
            tested[f"{COMORBIDITY}_{term.classes[0]}"] = [place]
    rows = []
    for name, places in tested.items():
        statistic, df, p = logistic.wald_test(group.result.coefficients[places], cov[np.ix_(places, places)])
        rows.append((version, group.design.group, name, statistic, df, p))
    return rows


def information_row(version: str, group: FittedGroup) -> list[tuple[Any, ...]]:
    """The row of gold.model_information, none where nothing was estimated."""
    if group.result is None:
        return []
    terms = [term.id for term in group.design.columns]
    return [(version, group.design.group, terms, group.result.moments.information.ravel().tolist())]

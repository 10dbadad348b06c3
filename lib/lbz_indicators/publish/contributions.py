"""What each covariate contributes to the risk of one admission, on the scale of log odds (METHOD section 4.4).

The intercept and the contributions of an admission add up to its linear predictor, whose inverse logit is its expected value:
that is checked for every admission. A contribution is against the reference class, the one with most admissions in the
nation: 0 does not mean little risk, but the risk of that class.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lbz_indicators.errors import ModelError
from lbz_indicators.models.certify import FITTED, SEPARATED
from lbz_indicators.models.design import INTERCEPT
from lbz_indicators.population.comorbidity import CONDITIONS, bit
from lbz_indicators.population.covariates import BEFORE_COMORBIDITY, COMORBIDITY, YEAR, ordered_covariates

_ORDERED = [covariate.name for covariate in ordered_covariates(())]
CONTRIBUTORS = (*_ORDERED[: len(BEFORE_COMORBIDITY)], COMORBIDITY, *_ORDERED[len(BEFORE_COMORBIDITY) :])
"""The nine covariates, in the order of the design."""
TOLERANCE = 1e-9
"""Largest difference between an expected value and that of its contributions, for the order of adding."""


@dataclass(frozen=True)
class GroupRisk:
    """The coefficients of one diagnosis group: by covariate and class, and of comorbidity by condition with its term."""

    intercept: float
    estimates: Mapping[tuple[str, int], float]
    terms: Mapping[int, str]


def group_risks(coefficients: Iterable[Mapping[str, Any]], fits: Iterable[Mapping[str, Any]]) -> dict[str, GroupRisk]:
    """By diagnosis group, of those with a fit; from the rows of gold.model_coefficients and gold.model_fit of one version."""
    fitted = {fit["diagnosis_group"] for fit in fits if fit["status"] in (FITTED, SEPARATED)}
    estimates: defaultdict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    terms: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for row in coefficients:
        group = row["diagnosis_group"]
        estimates[group][row["covariate"], row["class"]] = row["estimate"]
        if row["covariate"] == COMORBIDITY:
            terms[group][row["class"]] = row["term_id"]
    return {group: GroupRisk(estimates[group].get((INTERCEPT, 0), 0.0), estimates[group], terms[group]) for group in fitted}


def contributions(risk: GroupRisk, classes: Mapping[str, Any], model_years: Sequence[int]) -> dict[str, float]:
    """Log odds by covariate, in the order of CONTRIBUTORS, of an admission with the class codes of silver.covariates.

    A year outside the model's has the last model year's. A merged pair of conditions is one term, counted once.
    """
    found = {}
    for name in CONTRIBUTORS:
        if name == COMORBIDITY:
            found[name] = _of_conditions(risk, classes[COMORBIDITY])
        else:
            code = _year_class(classes[YEAR], model_years) if name == YEAR else classes[name]
            found[name] = risk.estimates.get((name, code), 0.0)
    return found


def require_expected(risk: GroupRisk, found: Mapping[str, float], expected: float, group: str) -> None:
    """ModelError where the contributions of an admission do not give its expected value: coefficients of another model."""
    predictor = risk.intercept + sum(found.values())
    if abs(_inverse_logit(predictor) - expected) > TOLERANCE:
        raise ModelError(
            "The contributions of an admission do not add up to its expected value.",
            where=f"diagnosis group {group}",
            mend="take the coefficients of the model version that gold.expected names.",
        )


def conditions_of(mask: int) -> list[int]:
    """The conditions 1..17 of a comorbidity mask."""
    return [condition for condition in range(1, CONDITIONS + 1) if mask & bit(condition)]


def _of_conditions(risk: GroupRisk, mask: int) -> float:
    present = [condition for condition in conditions_of(mask) if condition in risk.terms]
    by_term = {risk.terms[condition]: risk.estimates[COMORBIDITY, condition] for condition in present}
    return sum(by_term.values(), 0.0)


def _year_class(year: int, model_years: Sequence[int]) -> int:
    first, last = model_years[0], model_years[-1]
    return year - first if first <= year <= last else last - first


def _inverse_logit(predictor: float) -> float:
    # Written so that no exponential is too large.
    if predictor >= 0:
        return 1.0 / (1.0 + math.exp(-predictor))
    odds = math.exp(predictor)
    return odds / (1.0 + odds)

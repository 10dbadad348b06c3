"""From an engine's coefficients to certified ones: Newton steps, separation, ridge (METHOD section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import ModelSettings
from lbz_indicators.models.design import GroupDesign
from lbz_indicators.models.information import Moments, moments
from lbz_indicators.progress import Progress
from lbz_indicators.stats import logistic
from lbz_indicators.stats.moments import DEVIANCE_SCALE, on_grid

Floats = NDArray[np.float64]
FITTED, SEPARATED, NOT_CONVERGED = "fitted", "separated", "not_converged"

START_DECIMALS = 6
"""Engines agree far beyond this; rounding to it gives every run the same start."""

UNSETTLED_STEPS = 6
"""Steps after which a fit that has not settled is looked at for separation."""

EXTREME_PREDICTOR = 20.0
"""|Linear predictor| beyond which a fit is looked at for separation: p within 2e-9 of 0 or 1."""


@dataclass
class Certified:
    """Coefficients of one group with the sums at exactly these coefficients."""

    coefficients: Floats
    moments: Moments
    decrement: float
    status: str
    steps: int


@dataclass
class _State:
    """A group on its way: the last accepted coefficients and sums, and the ones being tried."""

    trial: Floats
    accepted: Floats | None = None
    moments: Moments | None = None
    decrement: float = np.inf
    steps: int = 0
    share: float = 1.0
    step: Floats = field(default_factory=lambda: np.zeros(0))


def certify(
    rows: DataFrame,
    designs: Mapping[str, GroupDesign],
    starts: Mapping[str, Floats],
    settings: ModelSettings,
    progress: Progress,
) -> dict[str, Certified]:
    """Takes every group to its maximum, and says with which decrement.

    `rows` has diagnosis_group, label, columns. Each pass evaluates all groups that have not settled; usually there
    are two: at the rounded start, and at the coefficients that are stored.
    """
    states = {group: _State(on_grid(np.round(beta, START_DECIMALS))) for group, beta in starts.items()}
    done: dict[str, Certified] = {}
    passes = 0
    while states:
        passes += 1
        found = moments(rows, {group: state.trial for group, state in states.items()})
        for group, state in list(states.items()):
            _judge_trial(state, found[group], designs[group].counts.total.admissions)
            if state.decrement < settings.newton_decrement or state.steps >= settings.maximum_newton_steps:
                done[group] = _settled(state, settings)
                del states[group]
        suspects = [g for g, state in states.items() if state.steps >= UNSETTLED_STEPS and state.steps % UNSETTLED_STEPS == 0]
        suspects += [g for g, result in done.items() if result.status == FITTED and _is_extreme(result)]
        for group in _separated(rows, designs, suspects):
            states.pop(group, None)
            done[group] = _ridge(rows, designs[group], settings)
        progress.say(f"information pass {passes}: {len(done)} of {len(starts)} diagnosis groups certified")
    return done


def _judge_trial(state: _State, found: Moments, admissions: int) -> None:
    """Accepts the coefficients tried, or halves the step where the deviance went up by more than its rounding."""
    rounding = 2 * admissions / DEVIANCE_SCALE
    if state.moments is not None and not found.deviance <= state.moments.deviance + rounding:
        assert state.accepted is not None
        state.share /= 2
        state.trial = on_grid(state.accepted + state.share * state.step)
        state.steps += 1
        return
    state.accepted, state.moments, state.share = state.trial, found, 1.0
    state.step, state.decrement = logistic.newton_step(found.information, found.score)
    state.trial = on_grid(state.accepted + state.step)
    state.steps += 1


def _settled(state: _State, settings: ModelSettings) -> Certified:
    assert state.accepted is not None and state.moments is not None
    status = FITTED if state.decrement < settings.newton_decrement else NOT_CONVERGED
    return Certified(state.accepted, state.moments, state.decrement, status, state.steps - 1)


def _is_extreme(result: Certified) -> bool:
    return result.moments.largest_predictor > EXTREME_PREDICTOR


def _separated(rows: DataFrame, designs: Mapping[str, GroupDesign], suspects: list[str]) -> list[str]:
    return [group for group in suspects if logistic.is_separated(_patterns(rows, designs[group]))]


def _ridge(rows: DataFrame, design: GroupDesign, settings: ModelSettings) -> Certified:
    """A separated group: no maximum exists, so a ridge on all columns but the intercept makes one."""
    beta = on_grid(
        logistic.fit_ridge(
            _patterns(rows, design), settings.separated_ridge, settings.maximum_newton_steps, settings.newton_decrement
        )
    )
    at = moments(rows, {design.group: beta})[design.group]
    penalty = np.r_[0.0, np.full(len(beta) - 1, settings.separated_ridge)]
    _, decrement = logistic.newton_step(at.information + np.diag(penalty), at.score - penalty * beta)
    # Where p is this near 0 and 1, the whole-number sums cannot show a decrement below some 1e-13.
    status = SEPARATED if decrement < settings.separated_tolerance else NOT_CONVERGED
    return Certified(beta, at, decrement, status, 0)


def _patterns(rows: DataFrame, design: GroupDesign) -> logistic.Patterns:
    """Distinct rows of one group's design with their admissions and events, collected: rare, and one group only."""
    of_group = rows.where(F.col("diagnosis_group") == design.group)
    counted = (
        of_group.groupBy("columns").agg(F.count("*").alias("n"), F.sum("label").alias("events")).orderBy("columns").collect()
    )
    x = np.zeros((len(counted), len(design.columns)))
    for place, row in enumerate(counted):
        x[place, row["columns"]] = 1.0
    return logistic.Patterns(x, np.array([row["n"] for row in counted], float), np.array([row["events"] for row in counted]))

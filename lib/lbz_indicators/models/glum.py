"""The second, independent engine: `glum`, one diagnosis group at a time inside `applyInPandas`.

glum stops early (about 1e-4 on coefficients), so each fit is finished by Newton steps of its own on the group's rows,
in plain floating point: nothing but the design is shared with the official engine.
Limit: a group's sparse design must fit into one executor's memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import glum
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse
from scipy.special import expit

from lbz_indicators.models.design import GroupDesign
from lbz_indicators.models.engine import EngineFit, null_start
from lbz_indicators.stats.logistic import newton_step

GRADIENT_TOLERANCE = 1e-8
NEWTON_STEPS = 20
_SCHEMA = "diagnosis_group string, coefficients array<double>, iterations int"


def fit_groups(rows: DataFrame, designs: Sequence[GroupDesign]) -> dict[str, EngineFit]:
    """Fits every group. `rows` has diagnosis_group, label, columns; one row per admission.

    A group on which glum fails comes with the null model and iterations None.
    """
    widths = {design.group: len(design.columns) for design in designs}

    def fit(part: pd.DataFrame) -> pd.DataFrame:
        group = part["diagnosis_group"].iloc[0]
        coefficients, iterations = fit_group(part["columns"].to_numpy(), part["label"].to_numpy(), widths[group])
        return pd.DataFrame({"diagnosis_group": [group], "coefficients": [coefficients], "iterations": [iterations]})

    wanted = rows.where(F.col("diagnosis_group").isin(*widths)).select("diagnosis_group", "label", "columns")
    fitted = wanted.groupBy("diagnosis_group").applyInPandas(fit, _SCHEMA).collect()
    fits = {row[0]: EngineFit(np.array(row[1]), row[2]) for row in fitted if row[2] >= 0}
    return {design.group: fits.get(design.group, null_start(design)) for design in designs}


def fit_ridge_groups(rows: DataFrame, designs: Sequence[GroupDesign], ridge: float) -> dict[str, NDArray[np.float64]]:
    """Coefficients of separated groups with the same ridge as the official fit: penalty ridge/2 x sum b^2.

    The whole cohort of a group enters as rows, glum minimises the mean loss, so its alpha is ridge / rows.
    """
    widths = {design.group: len(design.columns) for design in designs}

    def fit(part: pd.DataFrame) -> pd.DataFrame:
        group = part["diagnosis_group"].iloc[0]
        x, y = _sparse_design(part["columns"].to_numpy(), widths[group]), part["label"].to_numpy()
        model = glum.GeneralizedLinearRegressor(
            family="binomial", alpha=ridge / len(y), l1_ratio=0, fit_intercept=True, gradient_tol=1e-14, max_iter=500
        )
        model.fit(sparse.csc_matrix(x[:, 1:]), y)
        penalty = np.r_[0.0, np.full(widths[group] - 1, ridge)]
        beta = _finish(x, y, np.r_[model.intercept_, model.coef_], penalty)
        return pd.DataFrame({"diagnosis_group": [group], "coefficients": [beta.tolist()], "iterations": [int(model.n_iter_)]})

    wanted = rows.where(F.col("diagnosis_group").isin(*widths)).select("diagnosis_group", "label", "columns")
    fitted = wanted.groupBy("diagnosis_group").applyInPandas(fit, _SCHEMA).collect()
    return {row[0]: np.array(row[1]) for row in fitted}


def _sparse_design(columns: NDArray[np.object_], width: int) -> sparse.csr_matrix:
    lengths = np.array([len(row) for row in columns])
    pointers = np.r_[0, np.cumsum(lengths)]
    return sparse.csr_matrix((np.ones(pointers[-1]), np.concatenate(columns), pointers), shape=(len(columns), width))


def fit_group(columns: NDArray[np.object_], y: NDArray[np.float64], width: int) -> tuple[list[float], int]:
    """(coefficients (width,), iterations) of one group; iterations -1 where glum failed.

    `columns` (n,) holds each row's column numbers, the intercept's 0 among them.
    """
    x = _sparse_design(columns, width)
    model = glum.GeneralizedLinearRegressor(
        family="binomial", alpha=0, fit_intercept=True, gradient_tol=GRADIENT_TOLERANCE, max_iter=200
    )
    try:
        model.fit(sparse.csc_matrix(x[:, 1:]), y)
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return [0.0] * width, -1
    beta = _finish(x, y, np.r_[model.intercept_, model.coef_])
    return beta.tolist(), int(model.n_iter_)


def _finish(
    x: sparse.csr_matrix, y: NDArray[np.float64], beta: NDArray[np.float64], penalty: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Newton steps until they are smaller than rounding, or no longer shrink."""
    last = np.inf
    penalty = np.broadcast_to(penalty, beta.shape)
    for _ in range(NEWTON_STEPS):
        eta = x @ beta
        p = expit(eta)
        information = (x.T @ sparse.diags_array(p * expit(-eta)) @ x).toarray() + np.diag(penalty)
        step, decrement = newton_step(information, x.T @ (y - p) - penalty * beta)
        if decrement >= last:
            break
        beta, last = beta + step, decrement
    return beta

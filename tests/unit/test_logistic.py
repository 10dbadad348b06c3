"""The numerical kernel of the models against hand work, statsmodels, SciPy and R (METHOD section 4.3)."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from lbz_indicators.stats import logistic, moments
from lbz_indicators.stats.logistic import Patterns
from lbz_indicators.stats.moments import DEVIANCE_SCALE, MAXIMUM_ROWS, WEIGHT_SCALE

Floats = NDArray[np.float64]


def _cohort(rows: int = 6000, seed: int = 1) -> tuple[Floats, Floats]:
    """A 0/1 design with intercept, a factor of three, one of five and two yes/no terms; deaths from known coefficients."""
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 3, rows), random.choice(5, rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    flags = random.random((rows, 2)) < [0.3, 0.08]
    x = np.column_stack([np.ones(rows), first[:, None] == [1, 2], second[:, None] == [1, 2, 3, 4], flags]).astype(float)
    beta = np.array([-3.0, 0.4, 1.2, 0.3, 0.8, 1.1, 1.9, -0.5, 1.4])
    return x, (random.random(rows) < expit(x @ beta)).astype(float)


def _moments(x: Floats, y: Floats, beta: Floats) -> tuple[Floats, Floats, float]:
    information, score, deviance, _ = moments.scaled_moments(x, y, beta)
    return information / WEIGHT_SCALE, moments.score(score), deviance / DEVIANCE_SCALE


def _maximum(x: Floats, y: Floats) -> tuple[Floats, Floats, float]:
    """(coefficients, information, decrement) by Newton steps from the null model."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.mean() / (1 - y.mean()))
    for _ in range(25):
        information, score, _ = _moments(x, y, beta)
        step, decrement = logistic.newton_step(information, score)
        if decrement < 1e-16:
            break
        beta = beta + step
    return beta, information, decrement


def test_moments_by_hand() -> None:
    """Risks 1/2, 3/4, 3/4 (coefficients 0 and ln 3), deaths 0, 1, 0.

    Weights p(1-p) 1/4, 3/16, 3/16; residuals -1/2, 1/4, -3/4; likelihood 1/2 x 3/4 x 1/4 = 3/32.
    """
    x, y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]), np.array([0.0, 1.0, 0.0])
    information, score, deviance, largest = moments.scaled_moments(x, y, np.array([0.0, np.log(3)]))
    np.testing.assert_allclose(information / WEIGHT_SCALE, [[0.625, 0.375], [0.375, 0.375]], atol=1e-11)
    np.testing.assert_allclose(moments.score(score), [-1.0, -0.5], atol=1e-15)
    assert deviance / DEVIANCE_SCALE == pytest.approx(-2 * np.log(3 / 32), abs=1e-7)
    assert largest == pytest.approx(np.log(3))


def test_moments_of_extreme_risks_stay_finite() -> None:
    """A survivor at predictor 800 costs 2 x 800; one who died costs nothing."""
    x, beta = np.ones((2, 1)), np.array([800.0])
    information, score, deviance, largest = moments.scaled_moments(x, np.array([1.0, 0.0]), beta)
    assert (information.tolist(), moments.score(score).tolist()) == ([[0]], [-1.0])
    assert (deviance / DEVIANCE_SCALE, largest) == (1600.0, 800.0)


def test_the_score_of_many_alike_admissions_keeps_its_digits() -> None:
    """A million survivors of one pattern round the same way: their score is that many times one probability, exactly."""
    x, y = np.ones((MAXIMUM_ROWS, 1)), np.zeros(MAXIMUM_ROWS)
    beta = moments.on_grid(np.array([-7.3]))
    _, score, _, _ = moments.scaled_moments(x, y, beta)
    wanted = -64 * MAXIMUM_ROWS * Fraction(float(expit(beta[0])))
    assert abs(Fraction(float(moments.score(64 * score)[0])) - wanted) < Fraction(1, 10**12)


def test_cross_products_by_hand() -> None:
    x = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    assert moments.cross_products(x).tolist() == [[3, 2, 2], [2, 2, 1], [2, 1, 2]]


def test_sums_do_not_depend_on_the_order_or_the_splitting_of_rows() -> None:
    """Bitwise, at coefficients that are no short decimals; plain sums of doubles differ here, as the last line shows."""
    x, y = _cohort(MAXIMUM_ROWS)
    beta = np.array([-3.1, 1 / 3, 1.17, 0.31, 0.79, 1.13, np.sqrt(3.5), -0.5, 1.4])
    whole = moments.scaled_moments(x, y, beta)
    for seed in range(5):
        random = np.random.default_rng(seed)
        order = random.permutation(len(y))
        cuts = np.sort(random.integers(0, len(y), 7 * seed))
        parts = [moments.scaled_moments(x[rows], y[rows], beta) for rows in np.split(order, cuts)]
        for place in range(3):
            assert np.array_equal(whole[place], sum(part[place] for part in parts))
        assert whole[3] == max(part[3] for part in parts)
    risks = expit(x @ beta)
    assert len({np.add.reduce(np.random.default_rng(seed).permutation(risks)) for seed in range(5)}) > 1


def test_newton_reaches_the_maximum_of_statsmodels() -> None:
    """Truth: statsmodels GLM (IRLS) and Logit (Newton) on the same rows."""
    x, y = _cohort()
    beta, information, decrement = _maximum(x, y)
    glm = sm.GLM(y, x, family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
    logit = sm.Logit(y, x).fit(method="newton", tol=1e-14, disp=False)
    assert decrement < 1e-16
    np.testing.assert_allclose(beta, glm.params, rtol=0, atol=1e-9)
    np.testing.assert_allclose(beta, logit.params, rtol=0, atol=1e-9)
    errors = np.sqrt(np.diag(logistic.covariance(information)))
    np.testing.assert_allclose(errors, glm.bse, rtol=0, atol=1e-7)
    np.testing.assert_allclose(logistic.covariance(information), logit.cov_params(), rtol=0, atol=1e-7)
    assert _moments(x, y, beta)[2] == pytest.approx(-2 * logit.llf, abs=1e-5)


def test_newton_gives_the_log_odds_ratio_of_a_two_by_two_table() -> None:
    """By hand: 30 of 100 and 10 of 100 died. ln(10/90); ln(30 x 90 / (70 x 10)); SE^2 = 1/30 + 1/70 + 1/10 + 1/90."""
    x = np.column_stack([np.ones(200), np.repeat([1.0, 0.0], 100)])
    y = np.r_[np.repeat([1.0, 0.0], [30, 70]), np.repeat([1.0, 0.0], [10, 90])]
    beta, information, _ = _maximum(x, y)
    np.testing.assert_allclose(beta, [np.log(1 / 9), np.log(27 / 7)], atol=1e-10)
    assert logistic.covariance(information)[1, 1] == pytest.approx(1 / 30 + 1 / 70 + 1 / 10 + 1 / 90, rel=1e-9)


def test_newton_step_by_hand() -> None:
    """[[2, 1], [1, 3]]^-1 = [[3, -1], [-1, 2]] / 5; with score (5, 10): step (1, 3), decrement 35."""
    step, decrement = logistic.newton_step(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([5.0, 10.0]))
    np.testing.assert_allclose(step, [1.0, 3.0])
    assert decrement == pytest.approx(35.0)
    np.testing.assert_allclose(logistic.covariance(np.array([[2.0, 1.0], [1.0, 3.0]])), np.array([[3, -1], [-1, 2]]) / 5)


def test_newton_step_on_a_singular_information_is_no_step() -> None:
    step, decrement = logistic.newton_step(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([1.0, 2.0]))
    assert (step.tolist(), decrement) == ([0.0, 0.0], np.inf)


def test_wald_test_is_that_of_statsmodels() -> None:
    x, y = _cohort()
    glm = sm.GLM(y, x, family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
    for places in ([1, 2], [3, 4, 5, 6], [7]):
        theirs = glm.wald_test(np.eye(x.shape[1])[places], use_f=False, scalar=True)
        statistic, freedom, p = logistic.wald_test(glm.params[places], glm.cov_params()[np.ix_(places, places)])
        assert freedom == len(places)
        assert statistic == pytest.approx(float(theirs.statistic), rel=1e-9)
        assert p == pytest.approx(float(theirs.pvalue), rel=1e-6, abs=1e-300)


def test_wald_test_of_one_estimate_by_hand() -> None:
    """(1.96 / 1)^2 = 3.8416 with one degree of freedom: p 0.05 of every table."""
    statistic, freedom, p = logistic.wald_test(np.array([0.98]), np.array([[0.25]]))
    assert (statistic, freedom) == (pytest.approx(3.8416), 1)
    assert p == pytest.approx(0.05, abs=1e-5)


ONE, SEX = [1] * 12, [0, 1] * 6
A, B, C = [1] * 4 + [0] * 8, [0] * 4 + [1] * 4 + [0] * 4, [0] * 8 + [1] * 4
U = [1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("columns", "aliased"),
    [
        ([ONE, SEX, U, SEX], [3]),  # a duplicate: the later one goes
        ([ONE, SEX, [1 - v for v in SEX], U], [2]),  # complementary columns
        ([ONE, A, B, C, U], [3]),  # all classes of a factor beside the intercept
        ([ONE, A, B, [a + b for a, b in zip(A, B, strict=True)], U, SEX], [3]),  # the sum of two classes
        ([ONE, A, [0] * 12, U], [2]),  # nobody in it
        ([ONE, A, SEX, A, U, [1 - v for v in U]], [3, 5]),  # two at once; what follows an aliased column is judged without it
        ([ONE, SEX, [1, *SEX[1:]]], []),  # a duplicate but for one row
        ([ONE, ONE, SEX], [1]),  # everybody in it
    ],
)
def test_aliased_columns_are_those_of_r(columns: list[list[int]], aliased: list[int]) -> None:
    """Truth: R 4.2.2, `q <- qr(x, tol = 1e-7); q$pivot[-seq_len(q$rank)] - 1`."""
    assert logistic.aliased_columns(np.array(columns, dtype=np.int64) @ np.array(columns, dtype=np.int64).T) == aliased


def test_aliased_columns_are_those_that_add_no_rank() -> None:
    """Truth: numpy's matrix_rank (SVD) of the leading columns, on random sparse designs full of dependencies."""
    random = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        rows, columns = random.integers(4, 12), random.integers(3, 10)
        x = (random.random((rows, columns)) < 0.4).astype(float)
        x[:, 0] = 1.0
        ranks = [0, *(int(np.linalg.matrix_rank(x[:, : k + 1])) for k in range(columns))]
        expected = [k for k in range(columns) if ranks[k + 1] == ranks[k]]
        assert logistic.aliased_columns(moments.cross_products(x)) == expected
        found += len(expected)
    assert found > 40


@pytest.mark.parametrize(("admissions", "aliased"), [(10**6, []), (10**12, []), (10**15, [1])])
def test_near_alias_is_judged_exactly(admissions: int, aliased: list[int]) -> None:
    """All but one of n admissions have a term. By hand: the intercept leaves (n - 1) / n of its squared length n - 1.

    So it leaves 1/sqrt(n) of its length: 1e-3 and 1e-6 are above the tolerance of 1e-7, 3.2e-8 is below. In floating
    point n - 1 - (n - 1)^2 / n is all rounding at 10^12 and beyond.
    """
    gram = np.array([[admissions, admissions - 1], [admissions - 1, admissions - 1]], dtype=np.int64)
    assert logistic.aliased_columns(gram) == aliased


def test_alias_of_a_near_alias_is_judged_exactly() -> None:
    """A third term for the one admission that the second lacks is their difference: aliased, the second is not.

    In floating point the second's remainder at 10^12 admissions is known to four digits, and the third seems to add 1e-4.
    """
    n = 10**12
    gram = np.array([[n, n - 1, 1], [n - 1, n - 1, 0], [1, 0, 1]], dtype=np.int64)
    assert logistic.aliased_columns(gram) == [2]


FOUR = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
SURVIVED, DIED, MIXED = 0.0, 10.0, 4.0


@pytest.mark.parametrize(
    ("events", "separated"),
    [
        ((SURVIVED, DIED, SURVIVED, DIED), True),  # complete: the first term decides
        ((MIXED, DIED, MIXED, DIED), True),  # quasi: everybody with the first term died
        ((SURVIVED, MIXED, MIXED, DIED), True),  # quasi, by a combination only: every class has both
        ((DIED, MIXED, MIXED, SURVIVED), True),  # the same the other way round
        ((SURVIVED, MIXED, MIXED, SURVIVED), False),  # both ends alike: no combination
        ((MIXED, MIXED, MIXED, MIXED), False),  # overlap everywhere
        ((SURVIVED, DIED, DIED, SURVIVED), False),  # exclusive or: no mixed pattern, and yet overlap
        ((MIXED, MIXED, MIXED, DIED), False),  # three mixed patterns pin the coefficients
    ],
)
def test_separation_by_hand(events: tuple[float, ...], separated: bool) -> None:
    """Patterns neither, first, second, both of two terms; by hand: a direction b with x b >= 0 for deaths, <= 0 for survivors."""
    assert logistic.is_separated(Patterns(FOUR, np.full(4, 10.0), np.array(events))) is separated


def test_separation_is_found_wherever_a_search_of_all_directions_finds_it() -> None:
    """All 81 ways of four patterns, and 120 of eight, against a plain search.

    Edges of the cone of separating directions are solutions of x b = 0 for k - 1 patterns; for these designs their
    coordinates are whole numbers of at most 2 in size, so that the search is complete.
    """
    eight = np.array([[1.0, *flags] for flags in itertools.product([0.0, 1.0], repeat=3)])
    random = np.random.default_rng(5)
    plans = [(FOUR, events) for events in itertools.product([SURVIVED, DIED, MIXED], repeat=4)]
    plans += [(eight, tuple(random.choice([SURVIVED, DIED, MIXED], 8, p=[0.4, 0.2, 0.4]))) for _ in range(120)]
    found = 0
    for x, events in plans:
        directions = np.array(list(itertools.product([-2, -1, 0, 1, 2], repeat=x.shape[1])), dtype=float)
        signed = np.vstack([x[np.array(events) > 0], -x[np.array(events) < 10]])
        products = signed @ directions.T
        expected = bool(((products >= 0).all(axis=0) & (products > 0).any(axis=0)).any())
        assert logistic.is_separated(Patterns(x, np.full(len(x), 10.0), np.array(events))) is expected, (x, events)
        found += expected
    assert 40 < found < 160


def _penalised_maximum(patterns: Patterns, ridge: float) -> Floats:
    """The same maximum by SciPy's trust region with exact derivatives."""
    penalty = np.r_[0.0, np.full(patterns.x.shape[1] - 1, ridge)]
    survivors = patterns.admissions - patterns.events

    def loss(beta: Floats) -> float:
        eta = patterns.x @ beta
        likelihood = patterns.events @ np.log(expit(eta)) + survivors @ np.log(expit(-eta))
        return float(-likelihood + (penalty * beta**2).sum() / 2)

    def gradient(beta: Floats) -> Floats:
        result: Floats = patterns.x.T @ (patterns.admissions * expit(patterns.x @ beta) - patterns.events) + penalty * beta
        return result

    def hessian(beta: Floats) -> Floats:
        p = expit(patterns.x @ beta)
        result: Floats = (patterns.x.T * (patterns.admissions * p * (1 - p))) @ patterns.x + np.diag(penalty)
        return result

    best = minimize(loss, np.zeros(len(penalty)), jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-12})
    result: Floats = best.x
    return result


@pytest.mark.parametrize("ridge", [1e-3, 0.5, 20.0])
def test_ridge_is_the_maximum_scipy_finds(ridge: float) -> None:
    patterns = Patterns(FOUR, np.array([100.0, 80.0, 60.0, 40.0]), np.array([5.0, 12.0, 20.0, 30.0]))
    ours = logistic.fit_ridge(patterns, ridge, 100, 1e-24)
    np.testing.assert_allclose(ours, _penalised_maximum(patterns, ridge), rtol=0, atol=1e-9)


def test_ridge_of_a_separated_group_gives_the_risks_of_scipy() -> None:
    """Everybody with both terms died, nobody with neither; METHOD 4.3: ridge 1e-8, compared on probabilities (1e-9)."""
    patterns = Patterns(FOUR, np.array([100.0, 80.0, 60.0, 40.0]), np.array([0.0, 12.0, 20.0, 40.0]))
    assert logistic.is_separated(patterns)
    ours = logistic.fit_ridge(patterns, 1e-8, 100, 1e-16)
    theirs = _penalised_maximum(patterns, 1e-8)
    np.testing.assert_allclose(expit(FOUR @ ours), expit(FOUR @ theirs), rtol=0, atol=1e-9)
    assert (FOUR @ ours)[0] < -15 and (FOUR @ ours)[3] > 15


def test_ridge_leaves_the_intercept_alone() -> None:
    """However strong the ridge: expected = observed deaths (75 of 280), and all risks alike in the limit."""
    patterns = Patterns(FOUR, np.array([100.0, 80.0, 60.0, 40.0]), np.array([5.0, 20.0, 20.0, 30.0]))
    risks = expit(FOUR @ logistic.fit_ridge(patterns, 1e6, 100, 1e-16))
    assert patterns.admissions @ risks == pytest.approx(75.0, abs=1e-6)
    np.testing.assert_allclose(risks, 75 / 280, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_aliased_columns_of_nested_factors_are_those_that_add_no_rank(seed: int) -> None:
    """Diagnoses and the procedures of some of them, as in the models of the stay: many columns depend on earlier ones."""
    random = np.random.default_rng(seed)
    diagnosis = random.integers(0, 30, 2_000)
    procedure = np.where(
        random.random(2_000) < 0.7, diagnosis * 2 + random.integers(0, 2, 2_000), 60 + random.integers(0, 8, 2_000)
    )
    x = np.column_stack([np.ones(2_000), *(diagnosis == d for d in range(1, 30)), *(procedure == p for p in range(68))]).astype(
        float
    )
    x = np.column_stack([x, x[:, 40] + x[:, 41], random.integers(0, 2, 2_000)])
    wanted, rank = [], 0
    for column in range(x.shape[1]):
        now = np.linalg.matrix_rank(x[:, : column + 1])
        wanted += [column] if now == rank else []
        rank = now
    assert len(wanted) >= 2
    assert logistic.aliased_columns((x.T @ x).astype(np.int64)) == wanted

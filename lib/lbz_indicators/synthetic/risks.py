"""The true models: log odds of death and of readmission as METHOD section 4 writes them, per diagnosis group.

log odds = intercept + age + sex + ses + severity + urgency + comorbidity (17 terms) + source + discharge year + month of
admission, all classes those of `population.covariates`. Coefficients are drawn around common values; the intercepts, and
for death the severity classes too, are then set so that on a fixed sample of each group's patients the mean
probability is the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F
from scipy.special import expit, logit

from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.population.covariates import ADMISSION_MONTH, AGE, COMORBIDITY, SES, SEVERITY, SEX, SOURCE, URGENCY, YEAR
from lbz_indicators.synthetic.draws import Floats, Integers, generator, numbers, pick, rounded

ROUND = 6
"""Decimals of a coefficient: the truth holds exactly the numbers that the admissions were drawn with."""
COVARIATES = (AGE.name, SEX.name, SES.name, SEVERITY.name, URGENCY.name, SOURCE.name, YEAR, ADMISSION_MONTH.name)
"""Covariates with one class per admission; comorbidity comes apart."""
YOUNG, OLDEST_LOG_ODDS = 4, 3.0
"""Age class 15-19 has coefficient 0, 95+ about +3."""
AGE_DEATH = np.array([0.9, 0.1, -0.1, -0.1, *np.linspace(0, OLDEST_LOG_ODDS, len(AGE.labels) - YOUNG)])
AGE_RETURN = np.array([0.2, 0.1, -0.1, -0.1, *np.linspace(0, 0.5, len(AGE.labels) - YOUNG)])
SES_DEATH = np.array([0.14, 0.06, 0.0, -0.06, -0.13, 0.05])
SOURCE_DEATH = np.array([0.0, 0.4, 0.35])
MONTH_DEATH = np.array([0.06, 0.02, -0.03, -0.04, -0.01, 0.03])
CONDITION_DEATH = np.array([0.35, 0.75, 0.35, 0.40, 0.35, 0.30, 0.15, 0.30, 0.60, 0.10, 0.20, 0.50, 0.50, 0.50, 0.20, 1.00, 1.00])
YEAR_TREND = -0.02
BITS_TOGETHER = 6
CALIBRATION_STEPS = 60


@dataclass(frozen=True)
class Sample:
    """Patients of every group to calibrate on: class codes, shape (groups, rows); conditions (groups, rows, 17)."""

    classes: dict[str, Integers]
    conditions: NDArray[np.bool_]


@dataclass
class Risk:
    """One true model. `classes[covariate]` has shape (groups, classes), `comorbidity` (groups, 17), `intercept` (groups,)."""

    indicator: str
    classes: dict[str, Floats]
    comorbidity: Floats
    intercept: Floats = field(default_factory=lambda: np.zeros(0))

    def terms(self, sample: Sample) -> Floats:
        """Log odds without the intercept, shape (groups, rows)."""
        groups = np.arange(len(self.comorbidity))[:, None]
        total: Floats = np.einsum("grc,gc->gr", sample.conditions.astype(float), self.comorbidity)
        for name, codes in sample.classes.items():
            total = total + self.classes[name][groups, codes]
        return total

    def log_odds(self, group: Column) -> Column:
        """The same as a Column over rows with the class codes under the covariates' names and the mask `comorbidity`."""
        total = F.get(numbers(self.intercept), group)
        for name in COVARIATES:
            total = total + pick(numbers(self.classes[name]), (group, 0), (F.col(name), self.classes[name].shape[1]))
        return total + self._comorbidity_sum(group, F.col(COMORBIDITY))

    def unrecorded(self, group: Column, usual: Column) -> Column:
        """What is to be added to the log odds where the record names other conditions than it usually would."""
        recorded = F.col(COMORBIDITY)
        difference = self._comorbidity_sum(group, usual) - self._comorbidity_sum(group, recorded)
        return F.when(usual == recorded, 0.0).otherwise(difference)

    def _comorbidity_sum(self, group: Column, mask: Column) -> Column:
        """Three look-ups in sums made beforehand, of the conditions 1-6, 7-12 and 13-17, in place of 17."""
        total = F.lit(0.0)
        for start in range(0, CONDITIONS, BITS_TOGETHER):
            part = self.comorbidity[:, start : start + BITS_TOGETHER]
            masks = np.arange(2 ** part.shape[1])
            sums = part @ (masks[None, :] >> np.arange(part.shape[1])[:, None] & 1)
            place = F.shiftright(mask, start).bitwiseAND(int(masks[-1]))
            total = total + pick(numbers(sums), (group, 0), (place, len(masks)))
        return F.when(mask == 0, 0.0).otherwise(total)


def draw_mortality(seed: int, groups: int, years: Sequence[int]) -> Risk:
    """Coefficients of death before calibration: common values, each group's its own by a factor and some noise."""
    random = generator(seed, "mortality coefficients")
    return Risk(
        "mortality",
        {
            AGE.name: _around(random, AGE_DEATH, groups, spread=0.12),
            SEX.name: _around(random, np.array([0.0, -0.10]), groups, noise=0.03),
            SES.name: _around(random, SES_DEATH, groups, noise=0.02),
            SEVERITY.name: np.zeros((groups, len(SEVERITY.labels))),
            URGENCY.name: _around(random, np.array([0.0, 0.7]), groups, spread=0.2),
            SOURCE.name: _around(random, SOURCE_DEATH, groups, spread=0.2),
            YEAR: _around(random, YEAR_TREND * np.arange(len(years), dtype=np.float64), groups, noise=0.02),
            ADMISSION_MONTH.name: _around(random, MONTH_DEATH, groups, noise=0.02),
        },
        _around(random, CONDITION_DEATH, groups, spread=0.2),
    )


def draw_readmission(seed: int, groups: int, years: Sequence[int]) -> Risk:
    """Coefficients of readmission before calibration: the same signs, smaller."""
    random = generator(seed, "readmission coefficients")
    return Risk(
        "readmission",
        {
            AGE.name: _around(random, AGE_RETURN, groups, spread=0.2),
            SEX.name: _around(random, np.array([0.0, -0.08]), groups, noise=0.02),
            SES.name: _around(random, 0.5 * SES_DEATH, groups, noise=0.02),
            SEVERITY.name: _around(random, np.array([0, 0.03, 0.06, 0.1, 0.12, 0.14, 0.16, 0.18, 0.05]), groups, spread=0.2),
            URGENCY.name: _around(random, np.array([0.0, 0.25]), groups, spread=0.2),
            SOURCE.name: _around(random, np.array([0.0, -0.1, 0.1]), groups, spread=0.2),
            YEAR: _around(random, -0.01 * np.arange(len(years), dtype=np.float64), groups, noise=0.01),
            ADMISSION_MONTH.name: _around(random, np.zeros(6), groups, noise=0.02),
        },
        _around(random, 0.4 * CONDITION_DEATH, groups, spread=0.2),
    )


def _around(random: np.random.RandomState, common: Floats, groups: int, spread: float = 0.0, noise: float = 0.0) -> Floats:
    """`common`, shape (classes,), per group: times 1 + spread z, plus noise z per class but the first."""
    factor = 1 + spread * random.standard_normal((groups, 1))
    own = noise * random.standard_normal((groups, len(common)))
    own[:, 0] = 0
    return rounded(common[None, :] * factor + own, ROUND)


def calibrate_severity(risk: Risk, sample: Sample, share: Floats, target: Floats) -> None:
    """Sets intercepts and severity coefficients so that in every group and severity class the mean is `target`.

    `share` and `target` have shape (groups, 9); the most frequent class is the reference, a class without codes gets 0.
    """
    rest = risk.terms(sample) - risk.classes[SEVERITY.name][np.arange(len(share))[:, None], sample.classes[SEVERITY.name]]
    level = np.stack([_level(rest, target[:, place]) for place in range(target.shape[1])], axis=1)
    reference = level[np.arange(len(share)), share.argmax(axis=1)]
    risk.intercept = rounded(reference, ROUND)
    risk.classes[SEVERITY.name] = rounded(np.where(share > 0, level - reference[:, None], 0), ROUND)


def calibrate_intercept(risk: Risk, sample: Sample, target: Floats) -> None:
    """Sets intercepts so that every group's mean is `target`, shape (groups,)."""
    risk.intercept = rounded(_level(risk.terms(sample), target), ROUND)


def _level(rest: Floats, target: Floats) -> Floats:
    """a with mean over rows of expit(a + rest) = target, per group, by bisection; a rough guess where target is 0."""
    low = logit(np.clip(target, 1e-7, 0.999)) - rest.max(axis=1) - 1
    high = logit(np.clip(target, 1e-7, 0.999)) - rest.min(axis=1) + 1
    for _ in range(CALIBRATION_STEPS):
        middle = (low + high) / 2
        above = expit(middle[:, None] + rest).mean(axis=1) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    found: Floats = (low + high) / 2
    return found

"""Who comes for what: the share of every diagnosis group among the patients of an age class and sex."""

from __future__ import annotations

import numpy as np

from lbz_indicators.synthetic.draws import Floats
from lbz_indicators.synthetic.profiles import AGE_LOWEST, AGE_MIDDLE, AGE_SHARES, AGES, Profiles

ROUNDS = 60
FEMALE_SHARE = 0.53
SEXES = 2


def age_sex_shares() -> Floats:
    """Share of admissions by age class and sex (0 male, 1 female), shape (21, 2), total 1.

    Women of child-bearing age come about twice as often, old men somewhat more often.
    """
    female = np.full(AGES, FEMALE_SHARE - 0.05)
    female[5:10] = [0.68, 0.78, 0.80, 0.72, 0.60]
    female[-4:] = [0.52, 0.57, 0.63, 0.70]
    ages = AGE_SHARES / AGE_SHARES.sum()
    return np.stack([ages * (1 - female), ages * female], axis=1)


def group_shares(profiles: Profiles) -> Floats:
    """Joint share of (group, age class, sex), shape (groups, 21, 2), total 1, without COVID-19.

    A kernel of each group's ages and sexes, fitted in turn to the groups' weights and to the ages and sexes of all
    admissions (iterative proportional fitting), so that both totals hold.
    """
    apart = (AGE_MIDDLE[None, :] - profiles.age[:, None]) / profiles.age_spread[:, None]
    kernel = np.exp(-0.5 * apart**2)
    highest = np.append(AGE_LOWEST[1:] - 1, 110)
    inside = (AGE_LOWEST[None, :] <= profiles.age_highest[:, None]) & (highest[None, :] >= profiles.age_lowest[:, None])
    sexes = np.stack([1 - profiles.female, profiles.female], axis=1)
    joint = np.where(inside, kernel, 0)[:, :, None] * sexes[:, None, :]
    weight = profiles.weight / profiles.weight.sum()
    margin = age_sex_shares()
    for _ in range(ROUNDS):
        joint *= (weight / np.maximum(joint.sum(axis=(1, 2)), 1e-300))[:, None, None]
        joint *= (margin / np.maximum(joint.sum(axis=0), 1e-300))[None]
    shares: Floats = joint / joint.sum()
    return shares

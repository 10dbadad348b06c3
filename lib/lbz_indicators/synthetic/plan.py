"""The whole plan of a nation: everything that is fixed before the first patient, from the settings alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lbz_indicators.config import ReferenceSettings, Settings
from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.population.covariates import ADMISSION_MONTH, AGE, SES, SEVERITY, SEX, SOURCE, URGENCY, YEAR
from lbz_indicators.references import References, load_references
from lbz_indicators.synthetic.codes import CodeBook, make_codes
from lbz_indicators.synthetic.comorbidities import CODING_DEPTH, SecondaryCodes, make_secondary_codes, prevalence
from lbz_indicators.synthetic.draws import Floats, Integers, generator
from lbz_indicators.synthetic.mix import SEXES, group_shares
from lbz_indicators.synthetic.nation import Nation, make_nation
from lbz_indicators.synthetic.profiles import AGES, Calendar, Profiles, load_calendar, load_profiles
from lbz_indicators.synthetic.risks import (
    Risk,
    Sample,
    calibrate_intercept,
    calibrate_severity,
    draw_mortality,
    draw_readmission,
)

CRUDE_MORTALITY = 0.0164
"""Of the included admissions but COVID-19; returns, hospitals' effects and planted events add to it: the nation reaches 1.9%."""
READMITTED = 0.1015
"""Calibrated on; hospitals' effects and sicker returns add the rest to 10.3%."""
INCLUDED_SHARE = 0.86
"""Of all records with the default share of day admissions; only to judge which codes are rare."""
SAMPLE_ROWS = 1500
INSTITUTION_OLD, INSTITUTION_YOUNG, FROM_HOSPITAL = 0.09, 0.004, 0.012
OLD_CLASS = 16
"""Age class 75-79: from here on patients may come from an institution with the larger share."""


@dataclass(frozen=True)
class Plan:
    """Settings, lists, tables and true models of a nation."""

    settings: Settings
    references: References
    years: tuple[int, ...]
    profiles: Profiles
    calendar: Calendar
    nation: Nation
    shares: Floats
    codes: CodeBook
    secondary: SecondaryCodes
    prevalence: Floats
    mortality: Risk
    readmission: Risk

    @property
    def seed(self) -> int:
        return self.settings.synthetic.seed

    @property
    def delivered_years(self) -> tuple[int, ...]:
        return self.calendar.years


def make_plan(settings: Settings) -> Plan:
    """The plan. Diagnosis groups and conditions are those of the shipped lists, whatever lists a run uses."""
    synthetic, years = settings.synthetic, settings.years
    references = load_references(ReferenceSettings())
    profiles = load_profiles()
    calendar = load_calendar((*range(years[0] - synthetic.history_years, years[0]), *years))
    nation = make_nation(synthetic, profiles, years, calendar.years)
    shares = group_shares(profiles)
    weight = shares.sum(axis=(1, 2))
    target = profiles.mortality * CRUDE_MORTALITY / float((weight * profiles.mortality).sum())
    target[profiles.covid] = profiles.mortality[profiles.covid]
    history = INCLUDED_SHARE * synthetic.admissions_per_year * max(synthetic.history_years, 1)
    codes = make_codes(synthetic.seed, references, profiles, settings.population, target, history)
    sample = _sample(synthetic.seed, profiles, calendar, nation, shares, codes)
    mortality = draw_mortality(synthetic.seed, len(profiles.groups), calendar.years)
    calibrate_severity(mortality, sample, codes.class_share, codes.class_mortality)
    readmission = draw_readmission(synthetic.seed, len(profiles.groups), calendar.years)
    returning = profiles.readmission * READMITTED / float((weight * profiles.readmission).sum())
    calibrate_intercept(readmission, sample, returning)
    secondary = make_secondary_codes(codes.codes, references)
    return Plan(
        settings, references, years, profiles, calendar, nation, shares, codes, secondary, prevalence(), mortality, readmission
    )  # fmt: skip


def _sample(seed: int, profiles: Profiles, calendar: Calendar, nation: Nation, shares: Floats, codes: CodeBook) -> Sample:
    """SAMPLE_ROWS patients of every group, as the admissions will be made, close enough to calibrate on."""
    random = generator(seed, "calibration sample")
    groups, size = len(profiles.groups), SAMPLE_ROWS
    joint = shares.reshape(groups, AGES * SEXES).copy()
    joint[profiles.covid] = joint[profiles.groups.index("63")]
    age_sex = _draw(random, joint, size)
    ages = age_sex // SEXES
    people = nation.postcodes.inhabitants.astype(float)
    ses = np.bincount(nation.postcodes.ses, weights=people, minlength=len(SES.labels)).astype(np.float64)
    institution = np.where(ages >= OLD_CLASS, INSTITUTION_OLD, INSTITUTION_YOUNG)
    u = random.random_sample((groups, size))
    source = np.where(u < FROM_HOSPITAL, 2, np.where(u < FROM_HOSPITAL + institution, 1, 0))
    months = _draw(random, calendar.volume[None, :].repeat(groups, axis=0), size)
    chance = CODING_DEPTH * prevalence().T[ages]
    return Sample(
        {
            AGE.name: ages,
            SEX.name: age_sex % SEXES,
            SES.name: _draw(random, ses[None, :].repeat(groups, axis=0), size),
            SEVERITY.name: _draw(random, np.maximum(codes.class_share, 1e-12), size),
            URGENCY.name: (random.random_sample((groups, size)) < profiles.acute[:, None]).astype(np.int64),
            SOURCE.name: source,
            YEAR: months // 12,
            ADMISSION_MONTH.name: months % 12 // 2,
        },
        random.random_sample((groups, size, CONDITIONS)) < chance,
    )


def _draw(random: np.random.RandomState, weights: Floats, size: int) -> Integers:
    """Categories by the weights of every group, shape (groups, size)."""
    cumulated = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    u = random.random_sample((len(weights), size))
    return np.stack([np.searchsorted(row, draw) for row, draw in zip(cumulated, u, strict=True)]).astype(np.int64)

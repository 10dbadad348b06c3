"""Whether a hospital gets a report, and whether it must publish (METHOD section 8).

A hospital-year's report is made only when every criterion holds; where some do not, all of them are told. A criterion that
cannot be judged (no dates of delivery, no admission to take a share of) keeps nobody from a report, and is shown as such: the
criteria on counts catch a hospital without admissions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from lbz_indicators.config import EligibilitySettings

_DEVIATION_DECIMALS = 9
"""A deviation is a sum of quotients: what lies closer to the limit than this is on it."""


class Reason(str, Enum):
    """Why there is no report, in the order of METHOD section 8."""

    NO_AUTHORISATION = "no_authorisation"
    """No written authorisation of CBS [rule]."""
    SPECIFIC_POPULATION = "specific_population"
    """Patients unlike any other hospital's [rule]."""
    NO_LBZ_DATA = "no_lbz_data"
    """No valid admission discharged in the year [rule]."""
    LATE_DELIVERY = "late_delivery"
    """Delivered after the deadline; the day itself is in time [rule]. Not judged where either day is unknown."""
    INCOMPLETE_REGISTRATION = "incomplete_registration"
    """Too few complete months [ours]."""
    FEW_ACUTE = "few_acute"
    """A share of acute admissions on the limit or below it [report]."""
    VAGUE_DIAGNOSES = "vague_diagnoses"
    """A share of vague or unknown main diagnoses above the limit [field]."""
    FEW_SECONDARY_DIAGNOSES = "few_secondary_diagnoses"
    """Too few secondary diagnoses per admission [field]."""
    FEW_DEATHS = "few_deaths"
    """Too few deaths among the included admissions [field]."""
    DEVIANT_CASE_MIX = "deviant_case_mix"
    """Expected deaths spread over diagnosis groups unlike the nation's [ours]."""


@dataclass(frozen=True)
class HospitalYear:
    """What is judged of one reporting hospital and year of discharge. Counts are of included admissions unless said."""

    hospital_id: str
    year: int
    authorised: bool
    specific_population: bool
    delivered_on: dt.date | None
    """The delivery of the year, of several members of the hospital the one furthest behind its deadline. None: unknown."""
    deadline: dt.date | None
    complete_months: int
    valid_admissions: int
    """Before exclusions, all care types."""
    clinical_deaths: int
    """Among valid clinical admissions (K) before exclusions, without rehabilitation: for the exemption."""
    admissions: int
    acute: int
    deaths: int
    secondary_diagnoses: int
    """Distinct codes of an admission other than its main diagnosis, complications counted."""
    diagnosed_admissions: int
    """Included admissions, and those excluded for nothing but an unknown diagnosis group."""
    vague_diagnoses: int
    """Of the diagnosed admissions: vague main diagnosis, or one without a group."""
    case_mix_deviation: float | None
    """0..1. None: nothing expected, or no model."""


@dataclass(frozen=True)
class Criterion:
    """A criterion of a hospital-year. `met`: None where it cannot be judged. `reason`: what it is called where it is not met.

    Values are counts, percent, days behind the deadline (late_delivery), 1 and 0 for yes and no.
    """

    name: str
    value: float | None
    limit: float
    met: bool | None
    reason: Reason


@dataclass(frozen=True)
class Eligibility:
    """The criteria of every year of a period that ends with the reporting year."""

    hospital_id: str
    criteria: Mapping[int, tuple[Criterion, ...]]

    @property
    def reporting_year(self) -> int:
        return max(self.criteria)

    @property
    def eligible(self) -> bool:
        """Whether the reporting year has a report."""
        return not any(criterion.met is False for criterion in self.criteria[self.reporting_year])

    @property
    def period_eligible(self) -> bool:
        """Whether figures over the whole period can be in it: every year meets every criterion."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[tuple[int, Criterion], ...]:
        """Every criterion that is not met with its year, the latest year first."""
        years = sorted(self.criteria, reverse=True)
        return tuple((year, criterion) for year in years for criterion in self.criteria[year] if criterion.met is False)


def judge_year(of: HospitalYear, limits: EligibilitySettings) -> tuple[Criterion, ...]:
    """Every criterion of a hospital-year, met or not, in the order of `Reason`. Shares are compared exactly."""
    late = None if of.delivered_on is None or of.deadline is None else (of.delivered_on - of.deadline).days
    acute = _percent(of.acute, of.admissions)
    vague = _percent(of.vague_diagnoses, of.diagnosed_admissions)
    coded = _share(of.secondary_diagnoses, of.admissions)
    deviation = None if of.case_mix_deviation is None else Fraction(str(round(of.case_mix_deviation, _DEVIATION_DECIMALS)))
    return (
        _at_least("cbs_authorisation", int(of.authorised), 1, Reason.NO_AUTHORISATION),
        _at_most("specific_population", int(of.specific_population), 0, Reason.SPECIFIC_POPULATION),
        _at_least("valid_admissions", of.valid_admissions, 1, Reason.NO_LBZ_DATA),
        _at_most("days_after_deadline", late, 0, Reason.LATE_DELIVERY),
        _at_least("complete_months", of.complete_months, limits.minimum_complete_months, Reason.INCOMPLETE_REGISTRATION),
        _above("acute_percent", acute, limits.acute_above_percent, Reason.FEW_ACUTE),
        _at_most("vague_percent", vague, limits.maximum_vague_percent, Reason.VAGUE_DIAGNOSES),
        _at_least("secondary_per_admission", coded, limits.minimum_secondary_diagnoses, Reason.FEW_SECONDARY_DIAGNOSES),
        _at_least("deaths", of.deaths, limits.minimum_deaths, Reason.FEW_DEATHS),
        _at_most("case_mix_deviation", deviation, limits.maximum_case_mix_deviation, Reason.DEVIANT_CASE_MIX),
    )


def judge_period(years: Sequence[HospitalYear], limits: EligibilitySettings) -> Eligibility:
    """The criteria of one hospital over consecutive years, the reporting year last in time.

    ValueError where the years are of several hospitals, given twice or with a gap: a year without data is a row of zeros.
    """
    numbers = sorted(year.year for year in years)
    if not years or numbers != list(range(numbers[0], numbers[0] + len(numbers))) or len({y.hospital_id for y in years}) > 1:
        raise ValueError(f"no period of one hospital: {[(year.hospital_id, year.year) for year in years]}")
    return Eligibility(
        years[0].hospital_id, {year.year: judge_year(year, limits) for year in sorted(years, key=lambda y: y.year)}
    )


class Duty(str, Enum):
    """Whether the figures of a year must be published by 31 December of the next one [rule]."""

    MUST = "must"
    EXEMPT = "exempt"
    """Fewer than 60 deaths among valid clinical admissions, before exclusions."""
    UNKNOWN = "unknown"
    """Nothing was delivered of the year: no data are not few deaths."""


def publication_duty(of: HospitalYear, limits: EligibilitySettings) -> Duty:
    """The duty rests on deaths alone: a hospital that gets no report for other reasons still has it."""
    if of.valid_admissions == 0:
        return Duty.UNKNOWN
    return Duty.EXEMPT if of.clinical_deaths < limits.exempt_below_deaths else Duty.MUST


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _percent(part: int, whole: int) -> Fraction | None:
    return Fraction(100 * part, whole) if whole else None


def _exact(limit: float) -> Fraction:
    """The limit as it is written: 0.1 is a tenth."""
    return Fraction(str(limit))


def _at_least(name: str, value: Fraction | int | None, limit: float, reason: Reason) -> Criterion:
    return _criterion(name, value, limit, None if value is None else value >= _exact(limit), reason)


def _at_most(name: str, value: Fraction | int | None, limit: float, reason: Reason) -> Criterion:
    return _criterion(name, value, limit, None if value is None else value <= _exact(limit), reason)


def _above(name: str, value: Fraction | int | None, limit: float, reason: Reason) -> Criterion:
    return _criterion(name, value, limit, None if value is None else value > _exact(limit), reason)


def _criterion(name: str, value: Fraction | int | None, limit: float, met: bool | None, reason: Reason) -> Criterion:
    return Criterion(name, None if value is None else float(value), float(limit), met, reason)

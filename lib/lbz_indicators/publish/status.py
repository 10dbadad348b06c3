"""How one hospital stands on a day: eligible, report made, mandate, and what is due (the command `status`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lbz_indicators.config import EligibilitySettings
from lbz_indicators.publish.deadlines import Due, HospitalState, Milestone, Standing, due_on
from lbz_indicators.publish.eligibility import Duty, Eligibility, HospitalYear, judge_period, publication_duty
from lbz_indicators.publish.eligibility_sentences import duty_sentence, reason_sentence
from lbz_indicators.publish.milestones import Mandate, Reached, done_by, mandate_of


@dataclass(frozen=True)
class HospitalStatus:
    """A hospital in the year after its reporting year. `report_made_on`: None where there is no report yet.

    `reasons`: why there is no report, or no figure over the whole period, as lines for a letter.
    """

    hospital_id: str
    eligibility: Eligibility
    reasons: tuple[str, ...]
    duty: Duty
    duty_line: str
    report_made_on: dt.date | None
    mandate: Mandate
    milestones: tuple[Due, ...]

    @property
    def due(self) -> tuple[Due, ...]:
        """What is still to be done, the most urgent first."""
        return tuple(one for one in self.milestones if one.standing in (Standing.DUE, Standing.OVERDUE))


def hospital_status(
    years: Sequence[HospitalYear],
    limits: EligibilitySettings,
    reached: Sequence[Reached],
    report_made_on: dt.date | None,
    on: dt.date,
    language: str,
) -> HospitalStatus:
    """The status at the end of the day `on`, from the hospital's years of the period, the table of milestones and the day on
    which its first package of the reporting year was handed over (gold.packages). A row report_ready in the table is not
    needed; where both are there, the package counts.

    ValueError where the years are no period of one hospital (judge_period).
    """
    eligibility = judge_period(years, limits)
    by_year = {year.year: year for year in years}
    reporting = by_year[eligibility.reporting_year]
    done = dict(done_by(reached, reporting.hospital_id, reporting.year, on))
    if report_made_on is not None:
        done[Milestone.REPORT_READY] = report_made_on
    made = done.get(Milestone.REPORT_READY)
    duty = publication_duty(reporting, limits)
    return HospitalStatus(
        reporting.hospital_id,
        eligibility,
        tuple(reason_sentence(criterion, by_year[year], language) for year, criterion in eligibility.reasons),
        duty,
        duty_sentence(reporting, limits, language),
        made if made is not None and made <= on else None,
        mandate_of(reached, reporting.hospital_id, reporting.year, on),
        due_on(on, reporting.year + 1, HospitalState(eligibility.eligible, duty, done)),
    )

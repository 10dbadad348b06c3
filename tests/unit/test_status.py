"""How a hospital stands on a day (METHOD section 8), worked by hand from its years, its milestones and its package."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from lbz_indicators.config import load_settings
from lbz_indicators.publish.deadlines import Milestone
from lbz_indicators.publish.eligibility import Duty, HospitalYear
from lbz_indicators.publish.milestones import Mandate, read_milestones
from lbz_indicators.publish.status import HospitalStatus, hospital_status

LIMITS = load_settings().eligibility
YEAR = HospitalYear("H01", 2022, True, False, None, None, 12, 900, 70, 800, 400, 65, 900, 810, 5, 0.1)
YEARS = [replace(YEAR, year=2020, deaths=59), replace(YEAR, year=2021), YEAR]
REACHED = read_milestones(
    "hospital_id,year,milestone,done_on,withdrawn_on\nH01,2022,provisional_to_igj,2023-05-30,\nH01,2022,mandate,2023-10-20,\n"
    "H02,2022,publication,2023-10-20,\n",
    "milestones.csv",
)


def _status(on: dt.date, years: list[HospitalYear] = YEARS, report: dt.date | None = dt.date(2023, 9, 29)) -> HospitalStatus:
    return hospital_status(years, LIMITS, REACHED, report, on, "en")


def test_a_hospital_in_november() -> None:
    found = _status(dt.date(2023, 11, 20))
    assert found.eligibility.eligible and not found.eligibility.period_eligible and found.duty is Duty.MUST
    assert found.reasons == ("Deaths among the included admissions of 2020: 59; needed: 60 or more.",)
    assert found.report_made_on == dt.date(2023, 9, 29) and found.mandate == Mandate(dt.date(2023, 10, 20))
    assert [(one.milestone, one.days_left) for one in found.due] == [(Milestone.PRINTED_COPY, -36), (Milestone.PUBLICATION, 41)]
    assert found.duty_line.startswith("The hospital must publish the HSMR of 2022")


def test_before_the_report_is_made() -> None:
    found = _status(dt.date(2023, 9, 28))
    assert found.report_made_on is None and found.mandate == Mandate()
    assert [one.milestone for one in found.due] == [
        Milestone.REPORT_READY, Milestone.PRINTED_COPY, Milestone.MANDATE, Milestone.PUBLICATION
    ]  # fmt: skip


def test_no_report_and_exempt() -> None:
    found = _status(dt.date(2023, 6, 1), [replace(YEAR, authorised=False, clinical_deaths=12)], None)
    assert not found.eligibility.eligible and found.duty is Duty.EXEMPT and found.due == ()
    assert found.reasons == ("The hospital has not authorised CBS in writing.",)

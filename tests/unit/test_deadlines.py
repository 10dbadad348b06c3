"""What is due of a hospital on a day: METHOD section 8, on the last day of each milestone, the day before and the day after."""

from __future__ import annotations

import datetime as dt

import pytest

from lbz_indicators.errors import DeliveryError
from lbz_indicators.publish.deadlines import HospitalState, Milestone, Standing, due_on, last_day
from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.milestones import Mandate, done_by, mandate_of, read_milestones

NOTHING_DONE = HospitalState(True, Duty.MUST, {})
LAST = {
    Milestone.PROVISIONAL_TO_IGJ: dt.date(2023, 5, 31),  # before 1 June
    Milestone.REPORT_READY: dt.date(2023, 10, 1),
    Milestone.PRINTED_COPY: dt.date(2023, 10, 15),
    Milestone.MANDATE: dt.date(2023, 11, 14),  # before 15 November
    Milestone.PUBLICATION: dt.date(2023, 12, 31),
}
DAY = dt.timedelta(days=1)


def _standing(milestone: Milestone, on: dt.date, state: HospitalState = NOTHING_DONE) -> Standing:
    (due,) = [due for due in due_on(on, 2023, state) if due.milestone is milestone]
    return due.standing


def test_the_last_days_of_a_year_in_order() -> None:
    assert {milestone: last_day(milestone, 2023) for milestone in Milestone} == LAST
    assert list(LAST.values()) == sorted(LAST.values()) and list(LAST) == list(Milestone)


@pytest.mark.parametrize("milestone", Milestone)
def test_due_until_the_last_day_and_overdue_after_it(milestone: Milestone) -> None:
    last = LAST[milestone]
    assert _standing(milestone, last - DAY) is _standing(milestone, last) is Standing.DUE
    assert _standing(milestone, last + DAY) is Standing.OVERDUE
    left = {due.milestone: due.days_left for due in due_on(last + DAY, 2023, NOTHING_DONE)}
    assert left[milestone] == -1


@pytest.mark.parametrize("milestone", Milestone)
def test_done_in_time_late_or_not_yet(milestone: Milestone) -> None:
    last = LAST[milestone]
    in_time = HospitalState(True, Duty.MUST, {milestone: last})
    late = HospitalState(True, Duty.MUST, {milestone: last + DAY})
    assert _standing(milestone, last, in_time) is Standing.DONE
    assert _standing(milestone, last + DAY, late) is Standing.DONE_LATE
    assert _standing(milestone, last, late) is Standing.DUE, "what is done tomorrow is not done"
    assert _standing(milestone, last - DAY, in_time) is Standing.DUE


@pytest.mark.parametrize(
    ("eligible", "duty", "asked"),
    [
        (True, Duty.MUST, "igj report printed mandate publication"),
        (True, Duty.EXEMPT, "igj report printed"),
        (False, Duty.MUST, "publication"),
        (False, Duty.EXEMPT, ""),
        (False, Duty.UNKNOWN, "publication"),
    ],
)
def test_what_is_asked_of_whom(eligible: bool, duty: Duty, asked: str) -> None:
    names = dict(zip(Milestone, ("igj", "report", "printed", "mandate", "publication")))
    state = HospitalState(eligible, duty, {})
    found = [names[due.milestone] for due in due_on(dt.date(2023, 1, 1), 2023, state) if due.standing is not Standing.NOT_ASKED]
    assert found == asked.split()


def test_what_was_done_though_nobody_asked_is_shown() -> None:
    state = HospitalState(False, Duty.EXEMPT, {Milestone.PUBLICATION: dt.date(2023, 12, 1)})
    assert _standing(Milestone.PUBLICATION, dt.date(2023, 12, 31), state) is Standing.DONE


def test_sentences() -> None:
    state = HospitalState(True, Duty.MUST, {Milestone.REPORT_READY: dt.date(2023, 10, 2)})
    due = {one.milestone: one for one in due_on(dt.date(2023, 11, 15), 2023, state)}
    assert due[Milestone.REPORT_READY].sentence_nl == "Rapport over 2022 gereed: gedaan op 2 oktober 2023, na 1 oktober 2023."
    assert due[Milestone.MANDATE].sentence_en == (
        "Mandate to DHD for the figures of 2022: not done, the last day was 14 November 2023. The hospital sends the figures to "
        "the NZa itself, by 31 December 2023."
    )
    assert due[Milestone.PUBLICATION].sentence_nl == (
        "Sterftecijfers van 2022 gepubliceerd en naar de NZa gestuurd: uiterlijk 31 december 2023."
    )
    assert all("{" not in one.sentence_nl + one.sentence_en for one in due.values())


HEADER = "hospital_id,year,milestone,done_on,withdrawn_on\n"


def test_the_table_of_milestones() -> None:
    rows = read_milestones(
        HEADER + "H01,2022,mandate,2023-11-01,2023-11-10\nH01,2022,report_ready,2023-09-29,\nH02,2022,mandate,2023-11-14,\n"
        "H01,2021,mandate,2022-11-01,\n",
        "milestones.csv",
        {"H01", "H02"},
    )
    before, given = dt.date(2023, 10, 31), dt.date(2023, 11, 1)
    withdrawn = dt.date(2023, 11, 10)
    assert mandate_of(rows, "H01", 2022, before) == Mandate() and not Mandate().stands
    assert mandate_of(rows, "H01", 2022, given) == mandate_of(rows, "H01", 2022, withdrawn - DAY) == Mandate(given)
    assert mandate_of(rows, "H01", 2022, given).stands
    assert mandate_of(rows, "H01", 2022, withdrawn) == Mandate(given, withdrawn)
    assert not mandate_of(rows, "H01", 2022, withdrawn).stands
    assert done_by(rows, "H01", 2022, given) == {Milestone.MANDATE: given, Milestone.REPORT_READY: dt.date(2023, 9, 29)}
    assert done_by(rows, "H01", 2022, withdrawn) == {Milestone.REPORT_READY: dt.date(2023, 9, 29)}
    assert done_by(rows, "H02", 2021, withdrawn) == {} and mandate_of(rows, "h01", 2022, given) == Mandate()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("H09,2022,mandate,2023-11-01,", "hospital_id"),
        (",2022,mandate,2023-11-01,", "hospital_id: empty"),
        ("H01,22,mandate,2023-11-01,", "year"),
        ("H01,٢٠٢٢,mandate,2023-11-01,", "year"),
        ("H01,2022,Mandate,2023-11-01,", "milestone"),
        ("H01,2022,mandate,2023-02-30,", "done_on"),
        ("H01,2022,mandate,,", "done_on"),
        ("H01,2022,mandate,2023-11-01,2023-10-31", "before done_on"),
        ("H01,2022,report_ready,2023-11-01,2023-11-02", "only a mandate"),
        ("H01,2022,mandate,2023-11-01", "4 fields"),
        ("H01,2022,mandate,2023-11-01,\nH01,2022,mandate,2023-11-02,", "2 times"),
    ],
)
def test_a_fault_refuses_the_table(line: str, fault: str) -> None:
    with pytest.raises(DeliveryError, match=fault) as error:
        read_milestones(f"{HEADER}{line}\n", "milestones.csv", {"H01"})
    assert "H09" not in str(error.value), "no value is told"


def test_another_header_refuses_the_table() -> None:
    with pytest.raises(DeliveryError, match="line 1"):
        read_milestones("hospital_id,year\nH01,2022\n", "milestones.csv")

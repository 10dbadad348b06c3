"""Stays, index stays and readmissions of METHOD 6.1 to 6.3 a second time, in plain Python, one patient after the other.

Nothing of the program is used here: a patient's admissions are put in order and walked through, and every question about
a stay (who began before it ended, who came back) is asked of each other stay of the patient in turn.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

COVID_EXCLUDED_YEARS = (2020, 2021, 2022)
DAYS = {
    "any": "days_to_return",
    "same": "days_to_return_same",
    "any_urgent": "days_to_urgent_return",
    "same_urgent": "days_to_urgent_return_same",
}
"""The column of each kind of return: to any hospital or the same, urgent ones only or all."""
NULLABLE = (*DAYS.values(), "no_index_reason", *(f"readmitted_{name}" for name in DAYS))
JUDGED = (
    "stay_hospital_id", "stay_admission_id", "stay_number", "begins", "ends", "died", "merged_overlap",
    "overlaps_earlier_stay", "transferred_out", "destination_disagrees", *NULLABLE,
)  # fmt: skip


@dataclass(frozen=True)
class Admission:
    """One valid admission, in the columns that METHOD 6 asks for."""

    hospital_id: str
    admission_id: str
    reporting_hospital_id: str
    patient_id: str | None
    admission_date: dt.date
    discharge_date: dt.date
    care_type: str
    urgency: str
    discharge_destination: str | None
    died: bool
    exclusion_reason: str | None
    covid_main_diagnosis: bool
    discharge_year: int
    diagnosis_group: str | None

    @property
    def order(self) -> tuple[dt.date, dt.date, str, str]:
        """METHOD's order; an admission_id is unique within a hospital only, so the hospital settles what is left."""
        return self.admission_date, self.discharge_date, self.admission_id, self.hospital_id


class Stay:
    """Admissions of one patient in one hospital that belong together; it grows while they are read in order."""

    def __init__(self, first: Admission) -> None:
        self.first = first
        self.hospital = first.reporting_hospital_id
        self.begins = first.admission_date
        self.admissions: list[Admission] = []
        self.add(first)

    def add(self, admission: Admission) -> None:
        self.admissions.append(admission)
        self.ends = max(one.discharge_date for one in self.admissions)

    def takes(self, admission: Admission) -> bool:
        """Whether the patient's next admission belongs to this stay."""
        return admission.reporting_hospital_id == self.hospital and admission.admission_date <= self.ends

    @property
    def died(self) -> bool:
        return any(admission.died for admission in self.admissions)

    @property
    def linkable(self) -> bool:
        return self.first.patient_id is not None

    @property
    def merged_overlap(self) -> bool:
        """An admission began strictly before an earlier one of the stay had ended."""
        found = False
        for place, later in enumerate(self.admissions):
            found = found or any(earlier.discharge_date > later.admission_date for earlier in self.admissions[:place])
        return found

    @property
    def ended_with_destination_hospital(self) -> bool:
        """By the admission with the latest discharge; of several the last in order."""
        last_one_out = [admission for admission in self.admissions if admission.discharge_date == self.ends][-1]
        return last_one_out.discharge_destination == "hospital"


def stays_of(
    admissions: pd.DataFrame,
    *,
    delivered_until: dt.date,
    settle_days: int,
    window_days: int,
    transfers_linked: bool,
    left_out_groups: Sequence[str] = (),
) -> pd.DataFrame:
    """The stay of every clinical admission, one row each, indexed by (hospital_id, admission_id).

    `admissions` has the columns of Admission, one row per valid admission. `transferred_out` is a fact of the dates and
    hospitals; `transfers_linked` says whether it keeps a stay from being an index stay. `no_index_reason` is None for an
    index stay, and only those have the `readmitted_*` columns.
    """
    last_end_followed = delivered_until - dt.timedelta(days=settle_days + window_days)
    rows: list[dict[str, Any]] = []
    for one_patient in _patients(admissions):
        stays = _merged(one_patient)
        for number, stay in enumerate(stays, start=1):
            earlier, later = stays[: number - 1], stays[number:]
            transferred_out = _is_transfer(stay, later)
            days = {name: _days_to_first(stay, later, meets) for name, meets in _returns_of(stay).items()}
            reason = _no_index_reason(stay, transferred_out and transfers_linked, last_end_followed, left_out_groups)
            judged = {
                "stay_hospital_id": stay.first.hospital_id,
                "stay_admission_id": stay.first.admission_id,
                "stay_number": number,
                "begins": stay.begins,
                "ends": stay.ends,
                "died": stay.died,
                "merged_overlap": stay.merged_overlap,
                "overlaps_earlier_stay": any(other.ends > stay.begins for other in earlier),
                "transferred_out": transferred_out,
                "destination_disagrees": stay.linkable
                and not stay.died
                and stay.ended_with_destination_hospital != transferred_out,
                **{DAYS[name]: pd.NA if found is None else found for name, found in days.items()},
                "no_index_reason": reason,
                **{f"readmitted_{name}": _within(found, window_days, reason) for name, found in days.items()},
            }
            rows += [{"hospital_id": a.hospital_id, "admission_id": a.admission_id, **judged} for a in stay.admissions]
    columns = ["hospital_id", "admission_id", *JUDGED]
    table = pd.DataFrame.from_records(rows, columns=columns).astype({name: object for name in NULLABLE})
    return table.set_index(["hospital_id", "admission_id"])


def _patients(admissions: pd.DataFrame) -> Iterable[list[Admission]]:
    """The clinical admissions of each patient, in order. Without a pseudonym every admission is a patient of its own."""
    names = list(Admission.__dataclass_fields__)
    known: defaultdict[str, list[Admission]] = defaultdict(list)
    alone: list[list[Admission]] = []
    for values in admissions[names].itertuples(index=False, name=None):
        present: list[Any] = [None if pd.isna(value) else value for value in values]
        admission = Admission(*present)
        if admission.care_type != "K":
            continue
        if admission.patient_id is None:
            alone.append([admission])
        else:
            known[admission.patient_id].append(admission)
    return [*(sorted(found, key=lambda admission: admission.order) for found in known.values()), *alone]


def _merged(in_order: Sequence[Admission]) -> list[Stay]:
    """Stays in order. Only the stay of the immediately preceding admission, the last one so far, can grow."""
    stays: list[Stay] = []
    for admission in in_order:
        if stays and stays[-1].takes(admission):
            stays[-1].add(admission)
        else:
            stays.append(Stay(admission))
    return stays


def _is_transfer(stay: Stay, later: Sequence[Stay]) -> bool:
    """The next stay is in another hospital and begins no later than the day after."""
    if not later:
        return False
    following = later[0]
    return following.hospital != stay.hospital and (following.begins - stay.ends).days <= 1


def _returns_of(stay: Stay) -> dict[str, Callable[[Stay], bool]]:
    """What may count as a return under each setting."""
    return {
        "any": lambda other: True,
        "same": lambda other: other.hospital == stay.hospital,
        "any_urgent": lambda other: other.first.urgency == "acute",
        "same_urgent": lambda other: other.hospital == stay.hospital and other.first.urgency == "acute",
    }


def _days_to_first(stay: Stay, later: Sequence[Stay], meets: Callable[[Stay], bool]) -> int | None:
    """Days from the end of the stay to the first later stay that begins on that day or after, however late."""
    for other in later:
        days = (other.begins - stay.ends).days
        if days >= 0 and meets(other):
            return days
    return None


def _no_index_reason(stay: Stay, sent_on: bool, last_end_followed: dt.date, left_out_groups: Sequence[str]) -> str | None:
    """The first reason that applies; None for an index stay."""
    if stay.first.exclusion_reason is not None:
        return stay.first.exclusion_reason
    if stay.first.covid_main_diagnosis and stay.first.discharge_year in COVID_EXCLUDED_YEARS:
        return "covid_main_diagnosis"
    if stay.first.diagnosis_group in left_out_groups:
        return "group_left_out"
    if not stay.linkable:
        return "not_linkable"
    if stay.died:
        return "died"
    if sent_on:
        return "transferred_out"
    return "follow_up_incomplete" if stay.ends > last_end_followed else None


def _within(days: int | None, window_days: int, no_index_reason: str | None) -> bool | None:
    """Whether an index stay was followed by a return in time; None for any other stay."""
    return None if no_index_reason is not None else days is not None and days <= window_days

"""Planted events: what is wrong in which hospital, from when. The truth names them; a good programme finds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """What a hospital does differently. `size` of an event is in the unit named here."""

    DEATHS = "excess_deaths"
    """More deaths in every group; log odds."""
    DEATHS_IN_GROUP = "excess_deaths_in_one_group"
    """More deaths in one diagnosis group; log odds."""
    DEATHS_FROM_MONTH = "excess_deaths_from_one_month_on"
    """More deaths in every group among those discharged from a day on; log odds."""
    READMISSIONS = "excess_readmissions"
    """More readmissions; log odds."""
    LONG_STAYS = "long_stays"
    """Longer stays; log of the nights, in place of the hospital's own effect."""
    SHORT_STAYS = "short_stays"
    """Shorter stays; the same."""
    CODES_DEEPER = "comorbidities_coded_ever_deeper"
    """The share of conditions that the record names rises from a half to this share, year by year."""
    CODES_HARDLY = "comorbidities_hardly_coded"
    """Share of conditions that the record names."""
    FLAGS_NO_COMPLICATION = "no_complication_flagged"
    """Share of complications that are flagged as such."""
    PALLIATIVE = "palliative_patients"
    """Share of admissions of patients over 60 with Z51.5, who come to die: log odds 1.5 more, not a hospital effect."""
    INCOMPLETE_MONTHS = "incomplete_months"
    """The last two months of a year are not complete."""
    YEAR_NOT_VALIDATED = "year_not_validated"
    """One month of a year is not validated."""
    LATE_DELIVERY = "late_delivery"
    """Days that a year's delivery is late."""
    NOT_AUTHORISED = "not_authorised"
    """No written authorisation of CBS."""
    MERGED = "merged"
    """Share of the patients whose admissions come under the number of a hospital that has merged into this one, up to the
    last day."""


EFFECTS = {Kind.DEATHS, Kind.DEATHS_IN_GROUP, Kind.DEATHS_FROM_MONTH, Kind.READMISSIONS, Kind.LONG_STAYS, Kind.SHORT_STAYS}
"""Events that are effects of a hospital on its patients; the others are about records."""
MERGED_HOSPITAL = "H901"
"""The number that the hospital which has merged delivered under."""
GROUP_WITH_EXCESS = "54"
"""Heart failure: frequent and deadly enough to be found."""


@dataclass(frozen=True)
class Event:
    """One planted event; `first_day` and `last_day` are days of discharge."""

    kind: Kind
    hospital: str
    first_day: dt.date
    last_day: dt.date
    size: float
    diagnosis_group: str | None = None


def plant_events(hospitals: Sequence[str], years: Sequence[int], first_delivered: int, effects: bool) -> tuple[Event, ...]:
    """One event of every kind, each in a general hospital of its own; where there are fewer hospitals they share.

    What is planted begins with the years of the run, but for the merger: its other number is there from the first delivered
    year on. Without `effects` the kinds that change what happens to patients are left out.
    """
    start, end = dt.date(years[0], 1, 1), dt.date(years[-1], 12, 31)
    middle = years[max(0, len(years) - 2)]
    planned: list[tuple[Kind, float, dt.date, dt.date, str | None]] = [
        (Kind.DEATHS, 0.35, start, end, None),
        (Kind.DEATHS_IN_GROUP, 0.8, start, end, GROUP_WITH_EXCESS),
        (Kind.DEATHS_FROM_MONTH, 0.6, dt.date(middle, 7, 1), end, None),
        (Kind.CODES_DEEPER, 0.98, start, end, None),
        (Kind.CODES_HARDLY, 0.08, start, end, None),
        (Kind.FLAGS_NO_COMPLICATION, 0.0, start, end, None),
        (Kind.PALLIATIVE, 0.03, start, end, None),
        (Kind.INCOMPLETE_MONTHS, 0.0, dt.date(middle, 11, 1), dt.date(middle, 12, 31), None),
        (Kind.YEAR_NOT_VALIDATED, 0.0, dt.date(years[0], 1, 1), dt.date(years[0], 12, 31), None),
        (Kind.LATE_DELIVERY, 45.0, dt.date(years[-1], 1, 1), end, None),
        (Kind.LONG_STAYS, 0.28, start, end, None),
        (Kind.SHORT_STAYS, -0.75, start, end, None),
        (Kind.READMISSIONS, 0.4, start, end, None),
        (Kind.NOT_AUTHORISED, 0.0, start, end, None),
        (Kind.MERGED, 0.4, dt.date(first_delivered, 1, 1), dt.date(middle, 12, 31), None),
    ]
    kept = [plan for plan in planned if effects or plan[0] not in EFFECTS]
    return tuple(
        Event(kind, hospitals[place % len(hospitals)], first, last, size, group)
        for place, (kind, size, first, last, group) in enumerate(kept)
    )

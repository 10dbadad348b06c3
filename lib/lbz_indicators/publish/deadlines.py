"""The days of a year of publication (METHOD section 8), and what is due of a hospital on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.wording import day as written_day


class Milestone(str, Enum):
    """What a year of publication u asks for; figures are those of u-1."""

    PROVISIONAL_TO_IGJ = "provisional_to_igj"
    """Provisional HSMR to the IGJ before 1 June."""
    REPORT_READY = "report_ready"
    """The report is ready on 1 October."""
    PRINTED_COPY = "printed_copy"
    """A printed copy by 15 October."""
    MANDATE = "mandate"
    """Mandate to DHD, to publish and send the figures for the hospital, before 15 November."""
    PUBLICATION = "publication"
    """HSMR and SMRs published, the report sent to the NZa, by 31 December."""


_LAST_DAYS = {
    Milestone.PROVISIONAL_TO_IGJ: (5, 31),
    Milestone.REPORT_READY: (10, 1),
    Milestone.PRINTED_COPY: (10, 15),
    Milestone.MANDATE: (11, 14),
    Milestone.PUBLICATION: (12, 31),
}
"""Month and day that are still in time: before 1 June is 31 May, by 15 October is the 15th."""


def last_day(milestone: Milestone, publication_year: int) -> dt.date:
    """The last day on which a milestone is in time."""
    return dt.date(publication_year, *_LAST_DAYS[milestone])


class Standing(str, Enum):
    """How a milestone stands on a day."""

    DONE = "done"
    DONE_LATE = "done_late"
    DUE = "due"
    OVERDUE = "overdue"
    NOT_ASKED = "not_asked"
    """Nothing of this is asked of the hospital."""


@dataclass(frozen=True)
class HospitalState:
    """What is known of a hospital in a year of publication. `done`: the day on which each milestone was reached."""

    eligible: bool
    duty: Duty
    done: Mapping[Milestone, dt.date]


@dataclass(frozen=True)
class Due:
    """One milestone on a day. `days_left`: until its last day, 0 on it, negative after it."""

    milestone: Milestone
    last_day: dt.date
    days_left: int
    standing: Standing
    sentence_nl: str
    sentence_en: str


_WHAT = {
    "nl": {
        Milestone.PROVISIONAL_TO_IGJ: "Voorlopige HSMR van {year} naar de IGJ",
        Milestone.REPORT_READY: "Rapport over {year} gereed",
        Milestone.PRINTED_COPY: "Gedrukt rapport over {year} verstuurd",
        Milestone.MANDATE: "Machtiging aan DHD voor de cijfers van {year}",
        Milestone.PUBLICATION: "Sterftecijfers van {year} gepubliceerd en naar de NZa gestuurd",
    },
    "en": {
        Milestone.PROVISIONAL_TO_IGJ: "Provisional HSMR of {year} to the IGJ",
        Milestone.REPORT_READY: "Report on {year} ready",
        Milestone.PRINTED_COPY: "Printed report on {year} sent",
        Milestone.MANDATE: "Mandate to DHD for the figures of {year}",
        Milestone.PUBLICATION: "Mortality figures of {year} published and sent to the NZa",
    },
}
_HOW = {
    "nl": {
        Standing.DONE: "gedaan op {done}.",
        Standing.DONE_LATE: "gedaan op {done}, na {last}.",
        Standing.DUE: "uiterlijk {last}.",
        Standing.OVERDUE: "niet gedaan, uiterste dag was {last}.",
        Standing.NOT_ASKED: "hoeft niet.",
    },
    "en": {
        Standing.DONE: "done on {done}.",
        Standing.DONE_LATE: "done on {done}, after {last}.",
        Standing.DUE: "by {last}.",
        Standing.OVERDUE: "not done, the last day was {last}.",
        Standing.NOT_ASKED: "not asked for.",
    },
}
_SEND_YOURSELF = {
    "nl": " Het ziekenhuis stuurt de cijfers zelf naar de NZa, uiterlijk {publish}.",
    "en": " The hospital sends the figures to the NZa itself, by {publish}.",
}


def due_on(day: dt.date, publication_year: int, state: HospitalState) -> tuple[Due, ...]:
    """Every milestone of the year as it stands at the end of `day`, in the order of their last days.

    What was done after `day` counts as not done yet.
    """
    return tuple(_due(milestone, day, publication_year, state) for milestone in Milestone)


def _due(milestone: Milestone, day: dt.date, publication_year: int, state: HospitalState) -> Due:
    last = last_day(milestone, publication_year)
    done = state.done.get(milestone)
    standing = _standing(done if done is not None and done <= day else None, last, day, _is_asked(milestone, state))
    sentences = {language: _sentence(milestone, standing, done, publication_year, language) for language in _WHAT}
    return Due(milestone, last, (last - day).days, standing, sentences["nl"], sentences["en"])


def _is_asked(milestone: Milestone, state: HospitalState) -> bool:
    """Publication rests on the duty alone; a mandate needs the duty and figures to send; the others need figures."""
    if milestone is Milestone.PUBLICATION:
        return state.duty is not Duty.EXEMPT
    if milestone is Milestone.MANDATE:
        return state.eligible and state.duty is not Duty.EXEMPT
    return state.eligible


def _standing(done: dt.date | None, last: dt.date, day: dt.date, asked: bool) -> Standing:
    if done is not None:
        return Standing.DONE if done <= last else Standing.DONE_LATE
    if not asked:
        return Standing.NOT_ASKED
    return Standing.DUE if day <= last else Standing.OVERDUE


def _sentence(milestone: Milestone, standing: Standing, done: dt.date | None, publication_year: int, language: str) -> str:
    words = {
        "year": publication_year - 1,
        "done": written_day(done, language) if done else "",
        "last": written_day(last_day(milestone, publication_year), language),
        "publish": written_day(last_day(Milestone.PUBLICATION, publication_year), language),
    }
    more = _SEND_YOURSELF[language] if milestone is Milestone.MANDATE and standing is Standing.OVERDUE else ""
    return f"{_WHAT[language][milestone]}: {_HOW[language][standing]}{more}".format(**words)

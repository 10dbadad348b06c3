"""What hospitals have done in a year of publication: the site's own table, for what the program cannot see.

CSV (UTF-8, header): hospital_id, year (reporting year), milestone (deadlines.Milestone), done_on, withdrawn_on (a mandate
that was taken back, from that day on; else empty). Strict: one fault refuses the table, for a misread mandate would send
figures that nobody may send.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from lbz_indicators.publish.deadlines import Milestone
from lbz_indicators.publish.strict_rows import is_day, require_no_faults, strict_rows

COLUMNS = ("hospital_id", "year", "milestone", "done_on", "withdrawn_on")
_MILESTONES = tuple(milestone.value for milestone in Milestone)
_FIRST_YEAR, _LAST_YEAR = 1990, 2100


@dataclass(frozen=True)
class Reached:
    """A row of the table: a milestone of a hospital and reporting year, reached on a day."""

    hospital_id: str
    year: int
    milestone: Milestone
    done_on: dt.date
    withdrawn_on: dt.date | None
    line: int = field(compare=False)

    def stands(self, on: dt.date) -> bool:
        """Whether it was reached by that day, and not withdrawn by then."""
        return self.done_on <= on and (self.withdrawn_on is None or on < self.withdrawn_on)


@dataclass(frozen=True)
class Mandate:
    """The mandate to DHD on a day: since when it stands, or since when it is withdrawn; neither: not given."""

    given_on: dt.date | None = None
    withdrawn_on: dt.date | None = None

    @property
    def stands(self) -> bool:
        return self.given_on is not None and self.withdrawn_on is None


def read_milestones(text: str, where: str, hospitals: Collection[str] | None = None) -> tuple[Reached, ...]:
    """The rows of the table; with `hospitals`, each must be of one of these.

    Raises DeliveryError naming the line and column of every fault, and no value, in one message.
    """
    faults: list[str] = []
    reached: list[Reached] = []
    for line, row in strict_rows(text, COLUMNS, faults):
        wrong = _faults_of(row, hospitals)
        faults += [f"line {line}, {what}" for what in wrong]
        if not wrong:
            until = dt.date.fromisoformat(row["withdrawn_on"]) if row["withdrawn_on"] else None
            done = dt.date.fromisoformat(row["done_on"])
            reached.append(Reached(row["hospital_id"], int(row["year"]), Milestone(row["milestone"]), done, until, line))
    times = Counter((row.hospital_id, row.year, row.milestone) for row in reached)
    faults += [
        f"line {row.line}: a milestone of this hospital and year that stands there {times[key]} times"
        for row in reached
        if times[key := (row.hospital_id, row.year, row.milestone)] > 1
    ]
    require_no_faults(
        faults,
        "The table of milestones",
        where,
        "correct these lines and deliver the table again; docs/eligibility.md says what it holds.",
    )
    return tuple(reached)


def done_by(rows: Sequence[Reached], hospital_id: str, year: int, on: dt.date) -> Mapping[Milestone, dt.date]:
    """The milestones of a hospital and reporting year that stand on a day, with the day on which each was reached."""
    return {row.milestone: row.done_on for row in rows if (row.hospital_id, row.year) == (hospital_id, year) and row.stands(on)}


def mandate_of(rows: Sequence[Reached], hospital_id: str, year: int, on: dt.date) -> Mandate:
    """The mandate of a hospital for the figures of a reporting year, as it is on a day."""
    for row in rows:
        if (row.hospital_id, row.year, row.milestone) == (hospital_id, year, Milestone.MANDATE) and row.done_on <= on:
            withdrawn = row.withdrawn_on if row.withdrawn_on is not None and row.withdrawn_on <= on else None
            return Mandate(row.done_on, withdrawn)
    return Mandate()


def _faults_of(row: Mapping[str, str], hospitals: Collection[str] | None) -> list[str]:
    """Column and fault of one row."""
    faults = []
    if not row["hospital_id"] or (hospitals is not None and row["hospital_id"] not in hospitals):
        faults.append("hospital_id: no hospital that is known" if row["hospital_id"] else "hospital_id: empty")
    year = row["year"]
    if not (year.isascii() and year.isdigit() and len(year) == 4 and _FIRST_YEAR <= int(year) <= _LAST_YEAR):
        faults.append("year: no year such as 2022")
    if row["milestone"] not in _MILESTONES:
        faults.append(f"milestone: none of {', '.join(_MILESTONES)}")
    done, withdrawn = row["done_on"], row["withdrawn_on"]
    days = [is_day(done), not withdrawn or is_day(withdrawn)]
    faults += [f"{name}: no day such as 2022-10-01" for name, good in zip(("done_on", "withdrawn_on"), days) if not good]
    if withdrawn and row["milestone"] != Milestone.MANDATE:
        faults.append("withdrawn_on: only a mandate can be withdrawn")
    elif withdrawn and all(days) and withdrawn < done:
        faults.append("withdrawn_on: before done_on")
    return faults

"""Who may have a hospital's package of a product on a day: the delivered table of authorised people.

CSV (UTF-8, header), a row per person, hospital, product and period: hospital_id, product, name, email, role, valid_from,
valid_until (both days included; valid_until empty: until further notice). Strict: one fault refuses the whole table, because a
misread row could send a package to the wrong person.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby

from lbz_indicators.errors import DeliveryError

COLUMNS = ("hospital_id", "product", "name", "email", "role", "valid_from", "valid_until")
PRODUCTS = ("hsmr", "readmissions", "olo")
_EMAIL = re.compile(
    r"(?=.{6,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST = 200
_FAULTS_TOLD = 20


@dataclass(frozen=True)
class Person:
    """One row of the table. `valid_until` is the last day; None: until further notice."""

    hospital_id: str
    product: str
    name: str
    email: str
    role: str
    valid_from: dt.date
    valid_until: dt.date | None
    line: int = field(compare=False)

    def is_valid(self, on: dt.date) -> bool:
        """Whether the day lies in the period, its first and last day included."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)

    @property
    def mailbox(self) -> str:
        """The address in one spelling: two rows of it are one person."""
        return self.email.lower()


@dataclass(frozen=True)
class Authorisation:
    """Who may have a package; where it is nobody, why."""

    people: tuple[Person, ...]
    reason: str | None


def authorised_for(people: Sequence[Person], hospital_id: str, product: str, on: dt.date) -> Authorisation:
    """Who is authorised for exactly this hospital and product on this day, in the order of their addresses."""
    of_hospital = [person for person in people if person.hospital_id == hospital_id]
    listed = [person for person in of_hospital if person.product == product]
    valid = sorted((person for person in listed if person.is_valid(on)), key=lambda person: person.mailbox)
    if valid:
        return Authorisation(tuple(valid), None)
    if not of_hospital:
        return Authorisation((), "nobody is listed for this hospital")
    if not listed:
        return Authorisation((), f"nobody is listed for {product} of this hospital")
    ended = sorted(person.valid_until for person in listed if person.valid_until and person.valid_until < on)
    begins = sorted(person.valid_from for person in listed if person.valid_from > on)
    parts = [f"ended on {day}" for day in ended[-1:]] + [f"begins on {day}" for day in begins[:1]]
    listed_for = f"nobody is authorised for {product} of this hospital"
    return Authorisation((), f"on {on} {listed_for}: an authorisation {' and one '.join(parts)}")


def read_people(text: str, where: str, hospitals: Collection[str] | None = None) -> tuple[Person, ...]:
    """The rows of the table; with `hospitals`, each must be of one of these.

    Raises DeliveryError naming the line and column of every fault, and no value, in one message.
    """
    faults: list[str] = []
    people: list[Person] = []
    for line, row in _rows(text, faults):
        wrong = _faults_of(row, hospitals)
        faults += [f"line {line}, {what}" for what in wrong]
        if not wrong:
            people.append(_person(row, line))
    faults += _overlaps(people)
    if faults:
        more = f"; and {len(faults) - _FAULTS_TOLD} more" if len(faults) > _FAULTS_TOLD else ""
        raise DeliveryError(
            f"The table of authorised people cannot be used: {'; '.join(faults[:_FAULTS_TOLD])}{more}.",
            where=where,
            mend="correct these lines and deliver the table again; docs/publication.md says what it holds. Nobody got a package.",
        )
    return tuple(people)


def _person(row: dict[str, str], line: int) -> Person:
    until = dt.date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
    return Person(
        row["hospital_id"],
        row["product"],
        row["name"],
        row["email"],
        row["role"],
        dt.date.fromisoformat(row["valid_from"]),
        until,
        line,
    )


def _rows(text: str, faults: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every row with the right number of fields."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(COLUMNS):
            faults.append(f"line 1: the columns must be {','.join(COLUMNS)}")
            return
        for fields in reader:
            if len(fields) == len(header):
                yield reader.line_num, dict(zip(header, fields, strict=True))
            elif fields:
                faults.append(f"line {reader.line_num}: {len(fields)} fields, not {len(header)}")
    except csv.Error:
        faults.append(f"line {reader.line_num}: no valid CSV")


def _faults_of(row: dict[str, str], hospitals: Collection[str] | None) -> list[str]:
    """Column and fault of one row."""
    until = row["valid_until"]
    faults = []
    if not row["hospital_id"] or (hospitals is not None and row["hospital_id"] not in hospitals):
        faults.append("hospital_id: no hospital that is known" if row["hospital_id"] else "hospital_id: empty")
    if row["product"] not in PRODUCTS:
        faults.append(f"product: none of {', '.join(PRODUCTS)}")
    for name in ("name", "role"):
        value = row[name]
        if not value.strip() or not value.isprintable() or len(value) > _LONGEST or "=?" in value:
            faults.append(f"{name}: empty, longer than {_LONGEST} characters, or with a character that is not visible")
    if not _EMAIL.fullmatch(row["email"]) or len(row["email"].partition("@")[0]) > 64:
        faults.append("email: no address such as name@hospital.nl")
    days = [_is_day(row["valid_from"]), not until or _is_day(until)]
    faults += [f"{name}: no day such as 2022-10-01" for name, good in zip(("valid_from", "valid_until"), days) if not good]
    if all(days) and until and until < row["valid_from"]:
        faults.append("valid_until: before valid_from")
    return faults


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and text.isascii() and dt.date.fromisoformat(text) is not None
    except ValueError:
        return False


def _overlaps(people: Sequence[Person]) -> list[str]:
    """A person twice on one day for one hospital and product: which role holds would be left to chance."""

    def key(person: Person) -> tuple[str, str, str]:
        return person.hospital_id, person.product, person.mailbox

    return [
        f"lines {min(a.line, b.line)} and {max(a.line, b.line)}: the same person, hospital and product, on the same days"
        for _, rows in groupby(sorted(people, key=key), key)
        for a, b in combinations(rows, 2)
        if a.is_valid(b.valid_from) or b.is_valid(a.valid_from)
    ]

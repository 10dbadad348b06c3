"""What a hospital is given: files of one product and year, named by their content, and what is recorded of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from lbz_indicators.publish.authorised import PRODUCTS, Person

MEMBER = re.compile(r"(report|figures|admissions|nza|read-me)\.(pdf|html|xlsx|csv|txt)")
"""Names of files inside: seen without the password, so they say what kind of file it is and nothing else."""
_SHOWN = 16


@dataclass(frozen=True)
class Package:
    """The files of one hospital, product and reporting year, by name (MEMBER). The bytes hold records of patients.

    `publication_id`: the publication whose figures they show; None where it was not frozen.
    """

    hospital_id: str
    product: str
    year: int
    members: Mapping[str, bytes]
    publication_id: str | None = None

    def __post_init__(self) -> None:
        wrong = [name for name in self.members if not MEMBER.fullmatch(name)]
        if wrong or not self.members or self.product not in PRODUCTS:
            raise ValueError(f"no package: product {self.product!r}, files {sorted(self.members)!r}")

    def __repr__(self) -> str:
        return f"Package({self.hospital_id!r}, {self.product!r}, {self.year!r}, files {sorted(self.members)!r})"

    @cached_property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of every file's plain bytes, by name."""
        return {name: hashlib.sha256(self.members[name]).hexdigest() for name in sorted(self.members)}

    @cached_property
    def package_id(self) -> str:
        """SHA-256 of whose, of what, of when, and of the files' hashes: the same content is the same package."""
        identity = [self.hospital_id, self.product, self.year, sorted(self.sha256.items())]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    @property
    def file_name(self) -> str:
        """Of the ZIP in the hospital's folder: hsmr-2022-0a1b2c3d4e5f6071.zip."""
        return f"{self.product}-{self.year}-{self.package_id[:_SHOWN]}.zip"


@dataclass(frozen=True)
class PackageRecord:
    """What was handed over, for whom, when, of which content, by which run: a row of gold.packages, in its order."""

    package_id: str
    hospital_id: str
    product: str
    year: int
    publication_id: str | None
    file_name: str
    sha256: Mapping[str, str]
    people: tuple[Person, ...]
    authorised_on: dt.date
    handed_over_at: dt.datetime
    run_id: str

    @property
    def row(self) -> tuple[object, ...]:
        """Plain values for the table; of the people their address and role."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        people = [(person.email, person.role) for person in self.people]
        return tuple((values | {"sha256": dict(self.sha256), "people": people}).values())


@dataclass(frozen=True)
class MessageRecord:
    """One message that was handed over: to whom, about which package, when, by which way: a row of gold.package_messages."""

    message_id: str
    package_id: str
    hospital_id: str
    product: str
    year: int
    email: str
    role: str
    sent_at: dt.datetime
    sent_through: str
    run_id: str

    @property
    def row(self) -> tuple[object, ...]:
        """Plain values for the table, in its order."""
        return tuple(getattr(self, each.name) for each in fields(self))

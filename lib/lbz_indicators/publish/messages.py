"""The message to a person who may have a package: what lies ready and where, without patients, figures or password."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from lbz_indicators.publish.authorised import Person
from lbz_indicators.publish.names import hospital_folder, printable
from lbz_indicators.publish.package import Package

PRODUCT_NAMES = {
    "nl": {"hsmr": "HSMR en SMR's", "readmissions": "heropnamen", "olo": "onverwacht lange opnameduur"},
    "en": {"hsmr": "HSMR and SMRs", "readmissions": "readmissions", "olo": "unexpectedly long stay"},
}
_SUBJECTS = {"nl": "Pakket klaar: {product} {year}, {folder}", "en": "Package ready: {product} {year}, {folder}"}
_BODIES = {
    "nl": """Geachte {name},

Voor ziekenhuis {hospital} ligt een pakket klaar: {product}, verslagjaar {year}.

Bestand: {folder}/{file}
{collect}
Het bestand is versleuteld (AES-256) en gaat open met 7-Zip. Het wachtwoord staat niet in dit bericht; u krijgt het langs een
andere weg. Het geldt voor alle pakketten van dit ziekenhuis over {year}.

U krijgt dit bericht omdat u als {role} voor dit ziekenhuis en dit product gemachtigd bent. Klopt dat niet, meld dat dan aan
de afzender en verwijder dit bericht.

Dit bericht is automatisch gemaakt.
""",
    "en": """Dear {name},

A package lies ready for hospital {hospital}: {product}, reporting year {year}.

File: {folder}/{file}
{collect}
The file is encrypted (AES-256) and opens with 7-Zip. The password is not in this message; you get it by another way. It holds
for all packages of this hospital of {year}.

You get this message because you are authorised for this hospital and product as {role}. If that is wrong, please tell the
sender and delete this message.

This message was made automatically.
""",
}
_COLLECT = {"nl": "Ophalen: {place}\n", "en": "Collect it at: {place}\n"}
_NO_DOMAIN = "lbz-indicators.invalid"


@dataclass(frozen=True)
class Letterhead:
    """What all messages have in common: language (nl, en), sender (None: a draft without one), where packages are collected."""

    language: str
    sender: str | None
    collect_at: str | None


def message_key(package: Package, person: Person) -> str:
    """Names the message about this content to this person, in 32 hexadecimal digits: the same again is the same message."""
    return hashlib.sha256(f"{package.package_id} {person.mailbox}".encode()).hexdigest()[:32]


def message_to(person: Person, package: Package, head: Letterhead, written_at: dt.datetime) -> EmailMessage:
    """The message, `written_at` in UTC. Its Message-ID is made of its key, so that mail programs know one that came twice.

    No header can be injected: what is delivered stands in headers as the name and address, which the table of people holds only
    without control characters, and as the folder's name.
    """
    words = {
        "name": printable(person.name),
        "role": printable(person.role),
        "hospital": printable(package.hospital_id),
        "product": PRODUCT_NAMES[head.language][package.product],
        "year": package.year,
        "folder": hospital_folder(package.hospital_id),
        "file": package.file_name,
        "collect": _COLLECT[head.language].format(place=printable(head.collect_at)) if head.collect_at else "",
    }
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = _SUBJECTS[head.language].format(**words)
    if head.sender:
        message["From"] = Address(addr_spec=head.sender)
    message["To"] = Address(display_name=person.name, addr_spec=person.email)
    message["Date"] = format_datetime(written_at.replace(tzinfo=dt.timezone.utc))
    domain = head.sender.partition("@")[2] if head.sender else _NO_DOMAIN
    message["Message-ID"] = f"<{message_key(package, person)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_BODIES[head.language].format(**words), charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = head.language
    return message

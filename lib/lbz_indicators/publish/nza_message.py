"""The e-mail to the NZa, ready to send: a hospital's mortality figures or its exemption, and whether DHD may send them for it.

No figure of a single patient is in it; small counts are, for what goes to the regulator is exempt from suppression [rule].
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.messages import Letterhead
from lbz_indicators.publish.milestones import Mandate
from lbz_indicators.publish.names import hospital_folder, printable
from lbz_indicators.publish.wording import day, number

ATTACHMENT = re.compile(r"(report|nza)\.(pdf|html|xlsx|csv)")
_TYPES = {
    "pdf": ("application", "pdf"),
    "html": ("text", "html"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("text", "csv"),
}
_SUBJECTS = {"nl": "Sterftecijfers {year} van {hospital}", "en": "Mortality figures {year} of {hospital}"}
_BODIES = {
    "nl": """Geachte heer, mevrouw,

{what}

{mandate}

Bijlagen: {files}. Het bestand legt zijn kolommen zelf uit.
""",
    "en": """Dear Sir or Madam,

{what}

{mandate}

Attached: {files}. The file explains its own columns.
""",
}
_FIGURES = {
    "nl": """Bijgaand de sterftecijfers van {hospital} over {year}: het rapport, en een bestand met de HSMR van {year} en de
SMR's van {period}.

HSMR {year}: {value} (95%-betrouwbaarheidsinterval {lower} tot {upper}).""",
    "en": """Please find attached the mortality figures of {hospital} on {year}: the report, and a file with the HSMR of {year}
and the SMRs of {period}.

HSMR {year}: {value} (95% confidence interval {lower} to {upper}).""",
}
_EXEMPTION = {
    "nl": """{hospital} hoeft de sterftecijfers van {year} niet te publiceren. Sterfgevallen onder de klinische opnamen van
{year}: {deaths}.""",
    "en": """{hospital} need not publish the mortality figures of {year}. Deaths among the clinical admissions of {year}:
{deaths}.""",
}
_MANDATES = {
    "nl": {
        "stands": "Het ziekenhuis heeft DHD op {given} gemachtigd om deze gegevens namens het ziekenhuis te sturen.",
        "withdrawn": "De machtiging aan DHD van {given} is op {withdrawn} ingetrokken; het ziekenhuis stuurt deze gegevens zelf.",
        "none": "Het ziekenhuis heeft DHD niet gemachtigd en stuurt deze gegevens zelf.",
    },
    "en": {
        "stands": "The hospital authorised DHD on {given} to send these data on its behalf.",
        "withdrawn": "The mandate to DHD of {given} was withdrawn on {withdrawn}; the hospital sends these data itself.",
        "none": "The hospital has given no mandate to DHD, and sends these data itself.",
    },
}
_NO_DOMAIN = "lbz-indicators.invalid"


@dataclass(frozen=True)
class NzaLetter:
    """What the e-mail says. `hsmr`: value, lower and upper limit of the year, and `smr_first_year`; None where exempt.

    `attachments` by name (ATTACHMENT): the file nza, and where there are figures the report.
    """

    hospital_id: str
    hospital_name: str
    year: int
    duty: Duty
    clinical_deaths: int
    hsmr: tuple[float, float, float] | None
    smr_first_year: int | None
    mandate: Mandate
    attachments: Mapping[str, bytes]

    def __post_init__(self) -> None:
        stems = {name.partition(".")[0] for name in self.attachments}
        exempt = self.duty is Duty.EXEMPT
        complete = "nza" in stems and (exempt or "report" in stems)
        figures = self.hsmr is not None and self.smr_first_year is not None
        wrong = [name for name in self.attachments if not ATTACHMENT.fullmatch(name)]
        if wrong or not complete or exempt == figures or self.duty is Duty.UNKNOWN:
            raise ValueError(f"no letter to the NZa: {self.duty}, attachments {sorted(self.attachments)!r}")


def nza_message(letter: NzaLetter, to: str, head: Letterhead, written_at: dt.datetime) -> EmailMessage:
    """The message, `written_at` in UTC; the same letter gives the same bytes.

    Where the mandate stands it comes from the letterhead's sender. Else it is a draft for the hospital: no sender, and marked
    so that mail programs open it for sending (X-Unsent). No header can be injected: names stand in them without characters
    that are not seen.
    """
    sender = head.sender if letter.mandate.stands else None
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = _SUBJECTS[head.language].format(year=letter.year, hospital=_in_header(letter.hospital_name))
    if sender:
        message["From"] = Address(addr_spec=sender)
    else:
        message["X-Unsent"] = "1"
    message["To"] = Address(addr_spec=to)
    message["Date"] = format_datetime(written_at.replace(tzinfo=dt.timezone.utc))
    key = letter_key(letter, to)
    message["Message-ID"] = f"<{key}@{sender.partition('@')[2] if sender else _NO_DOMAIN}>"
    message.set_content(_body(letter, head.language), charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = head.language
    for name in sorted(letter.attachments):
        maintype, subtype = _TYPES[name.partition(".")[2]]
        params = {"charset": "utf-8"} if maintype == "text" else {}
        content, filename = letter.attachments[name], _file_name(letter, name)
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename, params=params)
    message.set_boundary(f"=_{key}")
    return message


def letter_key(letter: NzaLetter, to: str) -> str:
    """Names the letter in 32 hexadecimal digits: the same content to the same address is the same letter."""
    files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(letter.attachments.items())}
    mandate = [str(letter.mandate.given_on), str(letter.mandate.withdrawn_on)]
    identity = [letter.hospital_id, letter.year, letter.duty.value, mandate, files, to.lower()]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _file_name(letter: NzaLetter, name: str) -> str:
    """hospital-h01-2022-nza.xlsx: visible ASCII, whatever the hospital's id is."""
    return f"{hospital_folder(letter.hospital_id)}-{letter.year}-{name}"


def _body(letter: NzaLetter, language: str) -> str:
    words: dict[str, object] = {"hospital": printable(letter.hospital_name), "year": letter.year}
    words["deaths"] = number(letter.clinical_deaths, language)
    text = _EXEMPTION[language]
    if letter.hsmr is not None:
        text = _FIGURES[language]
        words |= {name: number(value, language, 1) for name, value in zip(("value", "lower", "upper"), letter.hsmr)}
        words["period"] = letter.year if letter.smr_first_year == letter.year else f"{letter.smr_first_year}-{letter.year}"
    files = ", ".join(_file_name(letter, name) for name in sorted(letter.attachments))
    return _BODIES[language].format(what=text.format(**words), mandate=_mandate(letter.mandate, language), files=files)


def _mandate(mandate: Mandate, language: str) -> str:
    state = "stands" if mandate.stands else "withdrawn" if mandate.given_on else "none"
    return _MANDATES[language][state].format(
        given=day(mandate.given_on, language) if mandate.given_on else "",
        withdrawn=day(mandate.withdrawn_on, language) if mandate.withdrawn_on else "",
    )


def _in_header(text: str) -> str:
    """Text of a header; what a mail program would decode as an encoded word is broken up."""
    return printable(text).replace("=?", "= ?")

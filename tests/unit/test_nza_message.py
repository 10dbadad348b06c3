"""The e-mail to the NZa: what it says, what is attached, what the mandate's state is, and no header but ours."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.messages import Letterhead
from lbz_indicators.publish.milestones import Mandate
from lbz_indicators.publish.nza_message import NzaLetter, letter_key, nza_message

MOMENT = dt.datetime(2023, 12, 1, 8, 30)
HEAD = Letterhead("nl", "dhd@example.nl", None)
TO = "sterftecijfers@example.org"
GIVEN, WITHDRAWN = dt.date(2023, 11, 3), dt.date(2023, 11, 20)
FILES = {"report.pdf": b"%PDF-1.7 \x00\xff", "nza.xlsx": b"PK\x03\x04", "nza.csv": "naam\r\nÉén\r\n".encode()}
LETTER = NzaLetter("H01", "Ziekenhuis Één", 2022, Duty.MUST, 412, (98.25, 91.04, 105.96), 2020, Mandate(GIVEN), FILES)
HEADERS = {"subject", "from", "to", "date", "message-id", "mime-version", "content-type"}


def _read(letter: NzaLetter = LETTER, head: Letterhead = HEAD) -> EmailMessage:
    """As the receiver's program reads it: Python's own parser over the bytes that are sent."""
    return message_from_bytes(bytes(nza_message(letter, TO, head, MOMENT)).replace(b"\r\n", b"\n"), policy=policy.default)  # type: ignore[return-value]


def _text(letter: NzaLetter = LETTER, head: Letterhead = HEAD) -> str:
    body = _read(letter, head).get_body()
    assert body is not None and body["Content-Language"] == head.language
    return str(body.get_content()).replace("\n", " ")


def test_an_e_mail_by_mandate() -> None:
    message = _read()
    assert {name.lower() for name in message} == HEADERS and len(message.items()) == len(HEADERS) and not message.defects
    assert message["Subject"] == "Sterftecijfers 2022 van Ziekenhuis Één"
    assert (message["From"], message["To"]) == ("dhd@example.nl", TO)
    assert message["Message-ID"] == f"<{letter_key(LETTER, TO)}@example.nl>"
    text = _text()
    assert "HSMR 2022: 98,2 (95%-betrouwbaarheidsinterval 91,0 tot 106,0)." in text and "SMR's van 2020-2022." in text
    assert "heeft DHD op 3 november 2023 gemachtigd om deze gegevens namens het ziekenhuis te sturen." in text
    assert "hospital-h01-2022-nza.csv, hospital-h01-2022-nza.xlsx, hospital-h01-2022-report.pdf" in text and "{" not in text


def test_the_attachments_arrive_byte_by_byte() -> None:
    found = {part.get_filename(): part for part in _read().iter_attachments()}
    assert {name: part.get_payload(decode=True) for name, part in found.items()} == {
        f"hospital-h01-2022-{name}": content for name, content in FILES.items()
    }
    types = {str(name).rpartition(".")[2]: part.get_content_type() for name, part in found.items()}
    assert types["pdf"] == "application/pdf" and types["csv"] == "text/csv" and types["xlsx"].endswith("spreadsheetml.sheet")
    assert found["hospital-h01-2022-nza.csv"].get_content().split() == ["naam", "Één"]


@pytest.mark.parametrize(
    ("mandate", "dutch", "english"),
    [
        (
            Mandate(),
            "Het ziekenhuis heeft DHD niet gemachtigd en stuurt deze gegevens zelf.",
            "The hospital has given no mandate to DHD",
        ),
        (
            Mandate(GIVEN, WITHDRAWN),
            "De machtiging aan DHD van 3 november 2023 is op 20 november 2023 ingetrokken; het ziekenhuis stuurt deze gegevens zelf.",
            "The mandate to DHD of 3 November 2023 was withdrawn on 20 November 2023; the hospital sends these data itself.",
        ),
    ],
)
def test_without_a_mandate_it_is_a_draft_of_the_hospital(mandate: Mandate, dutch: str, english: str) -> None:
    letter = replace(LETTER, mandate=mandate)
    message = _read(letter)
    assert message["From"] is None and message["X-Unsent"] == "1" and "example.nl" not in message["Message-ID"]
    assert dutch in _text(letter) and english in _text(letter, replace(HEAD, language="en"))


def test_an_exempt_hospital_in_english() -> None:
    letter = replace(
        LETTER, duty=Duty.EXEMPT, clinical_deaths=59, hsmr=None, smr_first_year=None, attachments={"nza.xlsx": b"PK"}
    )
    head = replace(HEAD, language="en")
    assert _read(letter, head)["Subject"] == "Mortality figures 2022 of Ziekenhuis Één"
    text = _text(letter, head)
    assert (
        "Ziekenhuis Één need not publish the mortality figures of 2022." in text and "of 2022: 59." in text and "HSMR" not in text
    )


def test_smrs_of_one_year() -> None:
    assert "SMR's van 2022." in _text(replace(LETTER, smr_first_year=2022))


@pytest.mark.parametrize(
    "changed",
    [
        {"attachments": {"nza.csv": b""}},  # no report
        {"attachments": {"report.pdf": b""}},  # no figures
        {"attachments": {**FILES, "admissions.xlsx": b""}},  # patients go to no regulator
        {"attachments": {**FILES, "../nza.csv": b""}},
        {"hsmr": None},
        {"smr_first_year": None},
        {"duty": Duty.EXEMPT},
        {"duty": Duty.UNKNOWN},
    ],
)
def test_no_letter(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no letter to the NZa"):
        replace(LETTER, **changed)


def test_the_same_letter_is_the_same_message() -> None:
    assert bytes(nza_message(LETTER, TO, HEAD, MOMENT)) == bytes(nza_message(LETTER, TO, HEAD, MOMENT))
    others = [
        replace(LETTER, mandate=Mandate()),
        replace(LETTER, attachments={**FILES, "nza.csv": b"corrected"}),
        replace(LETTER, hospital_id="H02"),
    ]
    assert len({letter_key(letter, TO) for letter in [LETTER, *others]} | {letter_key(LETTER, "other@example.org")}) == 5


@given(st.text(st.characters(exclude_categories=()), max_size=60), st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_name_makes_a_header_or_an_attachment(hospital_id: str, name: str) -> None:
    hostile = f"{name}\r\nBcc: x@evil.nl\r\n\r\n{{year}}"
    letter = replace(LETTER, hospital_id=hospital_id + "/../x\r\n", hospital_name=hostile)
    message = _read(letter)
    assert {one.lower() for one in message} == HEADERS and len(message.items()) == len(HEADERS)
    assert [address.addr_spec for address in message["To"].addresses] == [TO]
    names = [str(part.get_filename()) for part in message.iter_attachments()]
    assert len(names) == 3 and all(one.startswith("hospital-") and "/" not in one and one.isascii() for one in names)


def test_an_encoded_word_in_a_name_is_not_decoded() -> None:
    message = _read(replace(LETTER, hospital_name="=?utf-8?q?Ander_ziekenhuis?="))
    assert "Ander ziekenhuis" not in message["Subject"]


@pytest.mark.parametrize("to", ["a@h01.nl\nBcc: x@evil.nl", "a@h01.nl, x@evil.nl"])
def test_the_address_is_one(to: str) -> None:
    with pytest.raises(ValueError):
        nza_message(LETTER, to, HEAD, MOMENT)

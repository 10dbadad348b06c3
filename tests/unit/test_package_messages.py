"""The message about a package: Dutch or English, addressed to one person, and no header but ours, whatever is delivered."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.publish.authorised import PRODUCTS, Person
from lbz_indicators.publish.messages import PRODUCT_NAMES, Letterhead, message_key, message_to
from lbz_indicators.publish.package import Package

HEADERS = {
    "subject", "from", "to", "date", "message-id", "auto-submitted", "content-language", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip
MOMENT = dt.datetime(2023, 10, 1, 8, 30)
HEAD = Letterhead("nl", "lbz@example.nl", "https://afhalen.example.nl")
PATIENT = b"PATIENT-4711"


def _person(name: str = "Anna de Vries", email: str = "anna@h01.nl", role: str = "bestuur") -> Person:
    return Person("H01", "hsmr", name, email, role, dt.date(2022, 1, 1), None, 2)


def _package(hospital_id: str = "H01", content: bytes = PATIENT) -> Package:
    return Package(hospital_id, "hsmr", 2022, {"admissions.csv": content})


def _read(message: EmailMessage) -> EmailMessage:
    """As the receiver's program reads it: Python's own parser over the bytes that are sent."""
    return message_from_bytes(bytes(message).replace(b"\r\n", b"\n"), policy=policy.default)  # type: ignore[return-value]


def test_a_message_in_dutch() -> None:
    package = _package()
    message = _read(message_to(_person(), package, HEAD, MOMENT))
    assert {name.lower() for name in message} == HEADERS and len(message.items()) == len(HEADERS)
    assert message["Subject"] == "Pakket klaar: HSMR en SMR's 2022, hospital-h01"
    assert message["To"] == "Anna de Vries <anna@h01.nl>" and message["From"] == "lbz@example.nl"
    assert message["Date"].datetime == MOMENT.replace(tzinfo=dt.timezone.utc)
    text = message.get_content()
    assert text.startswith(
        "Geachte Anna de Vries,\n\nVoor ziekenhuis H01 ligt een pakket klaar: HSMR en SMR's, verslagjaar 2022.\n"
    )
    assert f"Bestand: hospital-h01/{package.file_name}\nOphalen: https://afhalen.example.nl\n" in text
    assert "als bestuur" in text and "7-Zip" in text and PATIENT.decode() not in text


def test_a_message_in_english_without_a_place_to_collect_and_a_sender() -> None:
    message = _read(message_to(_person(), _package(), Letterhead("en", None, None), MOMENT))
    assert message["Subject"] == "Package ready: HSMR and SMRs 2022, hospital-h01" and message["From"] is None
    text = message.get_content()
    assert text.startswith("Dear Anna de Vries,\n\nA package lies ready for hospital H01: HSMR and SMRs, reporting year 2022.\n")
    assert "Collect" not in text and "{" not in text


def test_every_product_has_a_name_in_every_language() -> None:
    assert all(set(names) == set(PRODUCTS) for names in PRODUCT_NAMES.values()) and set(PRODUCT_NAMES) == {"nl", "en"}


def test_names_beyond_ascii_arrive() -> None:
    message = _read(message_to(_person("Ünal Çelik-李", role="hoofd kwaliteit é"), _package("Zkh é"), HEAD, MOMENT))
    (address,) = message["To"].addresses
    assert (address.display_name, address.addr_spec) == ("Ünal Çelik-李", "anna@h01.nl")
    assert "hoofd kwaliteit é" in message.get_content() and "ziekenhuis Zkh é" in message.get_content()
    assert bytes(message_to(_person("李"), _package("é"), HEAD, MOMENT)).isascii(), "no mail server needs 8 bits"


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_hospital_id_makes_a_header(hospital_id: str) -> None:
    message = _read(message_to(_person(), _package(hospital_id + "\r\nBcc: x@evil.nl\r\n\r\n"), HEAD, MOMENT))
    assert {name.lower() for name in message} == HEADERS and len(message.items()) == len(HEADERS)
    assert [address.addr_spec for address in message["To"].addresses] == ["anna@h01.nl"]
    assert message["Subject"].startswith("Pakket klaar: HSMR en SMR's 2022, hospital-") and not message.defects
    assert "Bcc: x@evil.nl" in message.get_content() and "\nBcc" not in message.get_content().replace("\r", "\n"), (
        "one line of text"
    )


@given(
    st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(' "\\<>(),;:@[]'), min_size=1, max_size=60).filter(
        str.strip
    )
)
def test_no_name_makes_an_address(name: str) -> None:
    """Quotes, angle brackets, commas: the table lets them pass, and the message still goes to one."""
    if "=?" in name:
        return  # refused by the table
    message = _read(message_to(_person(name), _package(), HEAD, MOMENT))
    assert [address.addr_spec for address in message["To"].addresses] == ["anna@h01.nl"]
    assert len(message.items()) == len(HEADERS)


@pytest.mark.parametrize(
    "person",
    [
        _person("Anna\nBcc: x@evil.nl"),
        _person("Anna\rX: y"),
        _person(email="a@h01.nl\nBcc: x@evil.nl"),
        _person(email="a@h01.nl, x@evil.nl"),
    ],
)
def test_a_person_that_never_came_through_the_table_makes_no_header_either(person: Person) -> None:
    with pytest.raises(ValueError):
        message_to(person, _package(), HEAD, MOMENT)


def test_the_same_content_to_the_same_person_is_the_same_message() -> None:
    base = message_key(_package(), _person())
    assert message_key(_package(), _person("Anna", "ANNA@h01.nl", "other role")) == base
    others = {
        message_key(_package("H02"), _person()),
        message_key(_package(content=b"corrected"), _person()),
        message_key(_package(), _person(email="ben@h01.nl")),
    }
    assert len(others | {base}) == 4
    assert message_to(_person(), _package(), HEAD, MOMENT)["Message-ID"] == f"<{base}@example.nl>"

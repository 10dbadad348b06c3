"""Who may have a package: the table is judged as a whole, and the days are counted to the last one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.errors import DeliveryError
from lbz_indicators.publish.authorised import COLUMNS, Person, authorised_for, read_people

HEADER = ",".join(COLUMNS)
ANNA = "H01,hsmr,Anna de Vries,anna@h01.nl,board,2022-01-01,2022-12-31"
BEN = 'H01,hsmr,"Vries, Ben de",ben@h01.nl,quality officer,2022-06-01,'
OLO = "H01,olo,Anna de Vries,anna@h01.nl,board,2022-01-01,"
CARA = "h01,hsmr,Cara,cara@other.nl,board,2000-01-01,"


def _read(*lines: str) -> tuple[Person, ...]:
    return read_people("\n".join([HEADER, *lines]) + "\n", "people.csv")


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("hospital", "product", "on", "who"),
    [
        ("H01", "hsmr", "2021-12-31", []),
        ("H01", "hsmr", "2022-01-01", ["Anna de Vries"]),
        ("H01", "hsmr", "2022-05-31", ["Anna de Vries"]),
        ("H01", "hsmr", "2022-06-01", ["Anna de Vries", "Vries, Ben de"]),
        ("H01", "hsmr", "2022-12-31", ["Anna de Vries", "Vries, Ben de"]),
        ("H01", "hsmr", "2023-01-01", ["Vries, Ben de"]),
        ("H01", "hsmr", "2099-01-01", ["Vries, Ben de"]),
        ("H01", "olo", "2022-06-01", ["Anna de Vries"]),
        ("H01", "readmissions", "2022-06-01", []),
        ("h01", "hsmr", "2022-06-01", ["Cara"]),
        ("H01 ", "hsmr", "2022-06-01", []),
        ("H0", "hsmr", "2022-06-01", []),
        ("H02", "hsmr", "2022-06-01", []),
        ("", "hsmr", "2022-06-01", []),
    ],
)
def test_who_may_have_what_when(hospital: str, product: str, on: str, who: list[str]) -> None:
    found = authorised_for(_read(ANNA, BEN, OLO, CARA), hospital, product, _day(on))
    assert [person.name for person in found.people] == who
    assert (found.reason is None) == bool(who)


@pytest.mark.parametrize(
    ("hospital", "product", "on", "reason"),
    [
        ("H02", "hsmr", "2022-06-01", "nobody is listed for this hospital"),
        ("H01", "readmissions", "2022-06-01", "nobody is listed for readmissions of this hospital"),
        (
            "H01",
            "hsmr",
            "2021-12-31",
            "on 2021-12-31 nobody is authorised for hsmr of this hospital: an authorisation begins on 2022-01-01",
        ),
        (
            "H01",
            "hsmr",
            "2023-01-01",
            "on 2023-01-01 nobody is authorised for hsmr of this hospital: an authorisation ended on 2022-12-31",
        ),
    ],
)
def test_why_nobody_may(hospital: str, product: str, on: str, reason: str) -> None:
    assert authorised_for(_read(ANNA), hospital, product, _day(on)).reason == reason


@given(st.dates(), st.dates(), st.dates() | st.none())
def test_a_period_has_both_its_ends(on: dt.date, first: dt.date, last: dt.date | None) -> None:
    """Truth: the days counted one by one (ordinals)."""
    person = Person("H", "hsmr", "n", "a@b.nl", "r", first, last, 2)
    end = dt.date.max.toordinal() if last is None else last.toordinal()
    assert person.is_valid(on) == (on.toordinal() in range(first.toordinal(), end + 1))


def test_a_table_is_read_as_it_stands() -> None:
    """A mark at its beginning, another order of columns, Windows' line ends, empty lines, a comma in quotes."""
    text = '\ufeffvalid_until,valid_from,role,email,name,product,hospital_id\r\n,2022-06-01,board,Ben@H01.nl,"Vries, Ben",hsmr,H01\r\n\r\n'
    (person,) = read_people(text, "people.csv", hospitals={"H01"})
    assert person == Person("H01", "hsmr", "Vries, Ben", "Ben@H01.nl", "board", _day("2022-06-01"), None, 2)
    assert (person.line, person.mailbox) == (2, "ben@h01.nl")
    assert read_people(HEADER, "people.csv") == ()


def _changed(column: str, value: str) -> str:
    fields = ANNA.split(",")
    fields[COLUMNS.index(column)] = value
    return ",".join(fields)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hospital_id", ""), ("product", ""), ("product", "HSMR"), ("product", "../hsmr"), ("name", ""), ("name", "  "),
        ("name", '"Anna\nBcc: x@evil.nl"'), ("name", "Anna\x00"), ("name", "A\u202eB"), ("name", "A\u2028B"), ("name", "x" * 201),
        ("name", "=?utf-8?q?=0ABcc:?="), ("role", ""), ("role", "\tboard"),
        ("email", ""), ("email", "anna"), ("email", "anna@h01"), ("email", "anna@@h01.nl"), ("email", "an na@h01.nl"), ("email", "anna@h01.nl "),
        ("email", '"anna@h01.nl\nBcc: x@evil.nl"'), ("email", "anna@h01.nl>"), ("email", '"anna@h01.nl,x@evil.nl"'), ("email", "ánna@h01.nl"),
        ("email", "anna@h01..nl"), ("email", ".anna@h01.nl"), ("email", "anna@-h01.nl"), ("email", "x" * 65 + "@h01.nl"), ("email", '"anna@h01.nl\n"'),
        ("email", "a@" + "x." * 130 + "nl"),
        ("valid_from", ""), ("valid_from", "01-01-2022"), ("valid_from", "2022-13-01"), ("valid_from", "2022-02-29"), ("valid_from", "20220101"),
        ("valid_from", "2022-W01-1"), ("valid_from", "٢٠٢٢-01-01"), ("valid_until", "2022"), ("valid_until", "2021-12-31"), ("valid_until", "9999-99-99"),
    ],
)  # fmt: skip
def test_every_value_that_is_none_is_named_by_line_and_column(column: str, value: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        _read(OLO, _changed(column, value))
    assert caught.value.exit_status == 3 and f", {column}: " in caught.value.what and caught.value.where == "people.csv"
    assert value.strip('" ') in ("", "HSMR", "2022") or value.strip('"') not in str(caught.value), "no value is quoted"


def test_all_faults_stand_in_one_message() -> None:
    lines = [
        _changed("email", "x"),
        _changed("product", "x"),
        "H01,hsmr",
        BEN,
        BEN.replace("ben@", "BEN@"),
        _changed("hospital_id", "H9"),
    ]
    with pytest.raises(DeliveryError) as caught:
        read_people("\n".join([HEADER, *lines]), "people.csv", hospitals={"H01"})
    for fault in (
        "line 2, email: no address", "line 3, product: none of hsmr, readmissions, olo", "line 4: 2 fields, not 7",
        "lines 5 and 6: the same person, hospital and product, on the same days", "line 7, hospital_id: no hospital that is known",
    ):  # fmt: skip
        assert fault in caught.value.what
    with pytest.raises(DeliveryError, match="and 10 more"):
        _read(*["H01,hsmr"] * 30)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hospital_id,product\n",
        HEADER.replace("email", "mail"),
        f"{HEADER},extra\n",
        f"{HEADER},email\n",
        f'{HEADER}\n"H01',
        ANNA,
        f'{HEADER}\n"H01"x,1,2,3,4,5,6',
    ],
)
def test_what_is_no_such_table_is_refused(text: str) -> None:
    with pytest.raises(DeliveryError, match="The table of authorised people cannot be used"):
        read_people(text, "people.csv")


@pytest.mark.parametrize(
    ("a", "b", "fault"),
    [
        (("2022-01-01", "2022-06-30"), ("2022-07-01", ""), False),
        (("2022-01-01", "2022-06-30"), ("2022-06-30", ""), True),
        (("2022-01-01", ""), ("2023-01-01", "2023-12-31"), True),
        (("2023-01-01", "2023-12-31"), ("2022-01-01", ""), True),
        (("2022-07-01", ""), ("2022-01-01", "2022-06-30"), False),
        (("2022-01-01", "2022-01-01"), ("2022-01-01", "2022-01-01"), True),
    ],
)
def test_a_person_stands_there_once_on_a_day(a: tuple[str, str], b: tuple[str, str], fault: bool) -> None:
    lines = [f"H01,hsmr,Anna,{mail},board,{first},{last}" for mail, (first, last) in (("anna@h01.nl", a), ("Anna@h01.NL", b))]
    if fault:
        with pytest.raises(DeliveryError, match="lines 2 and 3"):
            _read(*lines)
    else:
        assert len(_read(*lines)) == 2

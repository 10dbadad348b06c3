"""Names made of hospital ids: whatever is delivered, two ids never share a folder, and no name leads out of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.publish.names import LONGEST, hospital_folder, printable, safe_code, variable_code
from lbz_indicators.publish.passwords import variable_name

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)
"""Every code point, halves of surrogate pairs too."""
NASTY = ["", ".", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "C:", "CON", "nul", "a\0b", "a\nb", "-rf", "~", "$HOME", "`id`", "a b ",
         "a.", '"', "O'Brien", "北京医院", "İ", "ı", "ß", "SS", "\u202egnp", "é", "e\u0301", "K", "\u212a", "x" * 10_000]  # fmt: skip


def _decoded(code: str) -> str:
    """The id that a code is of, by its description alone: + changes between capitals and small letters, =xx is a byte of UTF-8."""
    content = bytearray()
    small = False
    place = 0
    while place < len(code):
        character = code[place]
        if character == "=":
            content.append(int(code[place + 1 : place + 3], 16))
            place += 2
        elif character == "+":
            small = not small
        else:
            content += (character if small else character.upper()).encode()
        place += 1
    return content.decode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("hospital_id", "folder"),
    [
        ("H01", "hospital-h01"),
        ("h01", "hospital-+h01"),
        ("ZH-ROTTERDAM_2", "hospital-zh-rotterdam_2"),
        ("AmcAms", "hospital-a+mc+a+ms"),
        ("../../x", "hospital-=2e=2e=2f=2e=2e=2f+x"),
        ("", "hospital-"),
        ("CON", "hospital-con"),
        ("a b", "hospital-+a=20b"),
        ("é", "hospital-=c3=a9"),
    ],
)
def test_names_by_hand(hospital_id: str, folder: str) -> None:
    assert hospital_folder(hospital_id) == folder


@given(ANYTHING)
def test_a_code_tells_its_id(hospital_id: str) -> None:
    """What can be decoded cannot be the same for two."""
    code = safe_code(hospital_id)
    if "~" not in code:
        assert _decoded(code) == hospital_id


@given(ANYTHING)
def test_a_name_is_one_harmless_part_of_a_path(hospital_id: str) -> None:
    name = hospital_folder(hospital_id)
    assert re.fullmatch(r"hospital-[a-z0-9_=+~-]{0,93}", name)
    assert name == name.casefold() and ".." not in name


@given(ANYTHING, ANYTHING)
def test_two_ids_have_two_names(a: str, b: str) -> None:
    assert a == b or (safe_code(a) != safe_code(b) and variable_code(a) != variable_code(b))


def test_ids_that_file_systems_confuse_have_two_names() -> None:
    """Capitals, composed and decomposed accents, signs that case-folding maps to the same, long ids with the same beginning."""
    ids = [
        *NASTY,
        "H01",
        "h01",
        "con",
        "É",
        "x" * 9_999,
        "x" * 9_999 + "y",
        "X" * 9_999,
        "x" * LONGEST,
        "/" * 20,
        "/" * 21,
        "H-01",
        "H_2D01",
        "h=2f",
        "h/",
    ]
    for code in (safe_code, variable_code):
        assert len({code(hospital_id) for hospital_id in ids}) == len(ids)


def test_a_code_cut_short_is_never_that_of_another_id() -> None:
    """An id that is spelled like the code of a long one has another code; only what is long has a ~ in it."""
    long = safe_code("x" * 10_000)
    assert len(long) == 93 and "~" in long and safe_code(long) != long
    assert all("~" not in safe_code(text) for text in ("~", "a~b", "=7e", "x" * (LONGEST - 1)))


@given(ANYTHING)
def test_names_of_variables(hospital_id: str) -> None:
    """Truth: the portable names of POSIX. Read back by hand: _ and two digits are a byte."""
    name = variable_name(hospital_id, 2022)
    assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", name)
    coded = name.removeprefix("LBZ_PASSWORD_2022_")
    plain = re.sub(rb"_([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), coded.encode())
    assert plain.decode("utf-8", "surrogatepass") == hospital_id


def test_a_variable_by_hand() -> None:
    assert variable_name("H01", 2022) == "LBZ_PASSWORD_2022_H01"
    assert variable_name("h-1", 2022) == "LBZ_PASSWORD_2022__68_2D1"


@given(ANYTHING)
def test_printable_is_one_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and len(shown) == len(text) and len(shown.splitlines()) <= 1

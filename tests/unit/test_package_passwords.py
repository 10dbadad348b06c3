"""Passwords: where they come from, that they are strong, apart from the packages, and shown to nobody."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import pickle
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.config import PublicationSettings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.io.passwords import PasswordSource
from lbz_indicators.io.private import private_folder
from lbz_indicators.publish.passwords import Password, new_password, read_store, require_usable

SECRET = "S3cret-of-the-store-01"
OTHER = "S3cret-of-the-environ"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "packages")


def _store(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    path = tmp_path / "store.yml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def _source(packages: Path, environment: dict[str, str] | None = None, **settings: Any) -> PasswordSource:
    return PasswordSource(PublicationSettings(**settings), packages, environment or {})


def test_a_password_shows_itself_to_nobody() -> None:
    password = Password(SECRET)
    shown = [
        repr(password),
        str(password),
        f"{password}",
        logging.Formatter().format(logging.LogRecord("x", 20, "x", 1, "%s %r", (password, password), None)),
        repr([password]),
        repr({"a": password}),
    ]
    assert not any(SECRET in text for text in shown) and password.reveal() == SECRET
    assert not hasattr(password, "__dict__") and json.dumps(password, default=str) == '"Password(not shown)"'
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor stored"):
            store(password)


def test_a_new_password_cannot_be_guessed() -> None:
    """Truth: counting. 28 letters of 31 are 138 bits; of 2,000 passwords every letter stands in every place, none comes twice."""
    made = [new_password().reveal() for _ in range(2000)]
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){6}[a-hjkmnp-z2-9]{4}", text) for text in made) and len(set(made)) == 2000
    letters = [text.replace("-", "") for text in made]
    assert all(len({text[place] for text in letters}) == 31 for place in range(28))
    assert 28 * math.log2(31) > 128


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "x" * 15,
        "x" * 100,
        " " + "x" * 20,
        "x" * 20 + "\n",
        "wachtwoord-met-é-erin",
        "tab\tin-the-middle-of",
        "nul\0-in-the-middle",
    ],
)
def test_what_another_program_would_not_open_or_can_be_guessed_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        require_usable(Password(text), "here")
    assert len(text) < 2 or text not in str(caught.value)
    assert require_usable(Password("x" * 16), "here") and require_usable(Password(" with spaces inside it ".strip()), "here")


def test_the_environment_comes_first_then_the_store_then_a_file(packages: Path, tmp_path: Path) -> None:
    store = _store(tmp_path, f"H01: {{2022: {SECRET}, 2021: {SECRET}-of-2021}}")
    settings = {"secret_store": store, "password_folder": str(tmp_path / "passwords")}
    source = _source(packages, {"LBZ_PASSWORD_2022_H01": OTHER}, **settings)
    assert source.of("H01", 2022).reveal() == OTHER
    assert source.of("H01", 2021).reveal() == f"{SECRET}-of-2021"
    assert not list((tmp_path / "passwords").iterdir())
    assert _source(packages, {}, **settings).of("H01", 2022).reveal() == SECRET
    made = source.of("H01", 2020).reveal()
    assert made not in (SECRET, OTHER) and [path.name for path in (tmp_path / "passwords").iterdir()] == ["hospital-h01-2020.txt"]


def test_a_password_is_made_once_per_hospital_and_year(packages: Path, tmp_path: Path) -> None:
    """Another object, as after a restart, finds the same; no two hospitals or years have one."""
    settings = {"password_folder": str(tmp_path / "passwords")}
    keys = [("H01", 2022), ("H01", 2021), ("h01", 2022), ("../../x", 2022), ("x" * 5000, 2022)]
    first = {key: _source(packages, **settings).of(*key).reveal() for key in keys}
    assert {key: _source(packages, **settings).of(*key).reveal() for key in keys} == first and len(set(first.values())) == len(
        keys
    )
    files = list((tmp_path / "passwords").rglob("*"))
    assert len(files) == len(keys) and {os.lstat(path).st_mode & 0o7777 for path in files} == {0o600}
    assert os.lstat(tmp_path / "passwords").st_mode & 0o7777 == 0o700
    assert {path.read_text() for path in files} == {f"{text}\n" for text in first.values()}


@pytest.mark.parametrize("place", ["packages", "packages/passwords", ".", "link", "packages/../packages/x"])
def test_passwords_lie_apart_from_the_packages(packages: Path, tmp_path: Path, place: str) -> None:
    """In the folder, below it, above it, over a link: refused, and nothing is made there."""
    tmp_path.chmod(0o700)
    (tmp_path / "link").symlink_to(packages)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SettingsError, match=r"(Passwords would lie with|Packages would lie in)") as caught:
        _source(packages, password_folder=str(tmp_path / place))
    assert "publication.password_folder" in str(caught.value) and sorted(tmp_path.rglob("*")) == before


def test_a_store_lies_apart_from_the_packages(packages: Path) -> None:
    store = _store(packages, f"H01: {{2022: {SECRET}}}")
    with pytest.raises(SettingsError, match="Passwords would lie with") as caught:
        _source(packages, secret_store=store)
    assert "publication.secret_store" in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_store_that_others_can_read_is_refused(packages: Path, tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match=r"The secret store can be read by others") as caught:
        _source(packages, secret_store=_store(tmp_path, f"H01: {{2022: {SECRET}}}", mode))
    assert "chmod 0600" in str(caught.value) and SECRET not in str(caught.value)


def test_a_generated_file_that_others_can_read_or_that_was_emptied_is_refused(packages: Path, tmp_path: Path) -> None:
    source = _source(packages, password_folder=str(tmp_path / "passwords"))
    source.of("H01", 2022)
    path = tmp_path / "passwords" / "hospital-h01-2022.txt"
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="can be read by others"):
        source.of("H01", 2022)
    path.chmod(0o600)
    path.write_bytes(b"")
    with pytest.raises(SettingsError, match="A password of packages cannot be used") as caught:
        source.of("H01", 2022)
    assert str(path) in str(caught.value) and path.read_bytes() == b"", "never made anew: the packages of before would not open"


def test_without_any_password_one_message_says_what_to_do(packages: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _source(packages).of("H-01", 2022)
    for word in ("'H-01', 2022", "LBZ_PASSWORD_2022_H_2D01", "publication.secret_store", "publication.password_folder"):
        assert word in str(caught.value)
    with pytest.raises(SettingsError, match=r"2 password\(s\) are missing or cannot be used") as caught:
        _source(packages, {"LBZ_PASSWORD_2022_H02": "weak", "LBZ_PASSWORD_2022_H03": OTHER}).require(
            [("H01", 2022), ("H02", 2022), ("H03", 2022)]
        )
    assert "'H01', 2022" in str(caught.value) and "LBZ_PASSWORD_2022_H02" in str(caught.value) and "weak" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"H01": {{"2022": "{SECRET}"}}}}', {("H01", 2022): SECRET}),
        (f"H01:\n  2022: {SECRET}\n  2021: '{OTHER}'\n", {("H01", 2022): SECRET, ("H01", 2021): OTHER}),
        ("0123:\n  2022: 1234567890123456\n", {("0123", 2022): "1234567890123456"}),
        (f"123: {{2022: {SECRET}}}\n0x7b: {{2022: {OTHER}}}\n", {("123", 2022): SECRET, ("0x7b", 2022): OTHER}),
        (f"no: {{2022: {SECRET}}}\n1.50: {{2022: {OTHER}}}\n", {("no", 2022): SECRET, ("1.50", 2022): OTHER}),
        (f"北京: {{2022: {SECRET}}}\n", {("北京", 2022): SECRET}),
        ("", {}),
        ("{}", {}),
    ],
)
def test_a_store_is_read_as_text(text: str, expected: dict[tuple[str, int], str]) -> None:
    """No id or password becomes a number or a truth value on its way."""
    assert {key: password.reveal() for key, password in read_store(text, "store.yml").items()} == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"H01: {SECRET}", ["line 1"]),
        (f"- {SECRET}", ["line 1"]),
        (f"H01:\n  2022: {SECRET}\n  2022: {OTHER}\n", ["line 3"]),
        (f"H01: {{2022: {SECRET}}}\nH01: {{2021: {OTHER}}}\n", ["line 2"]),
        (
            f"H01:\n  {SECRET}: 2022\n  2021: short\nH02:\n  2020: [{SECRET}]\n  20x0: {SECRET}\n",
            ["line 2", "line 3", "line 5", "line 6"],
        ),
        (f"H01: {{2022: {SECRET}", ["line"]),
        (f"H01:\n\t2022: {SECRET}", ["line 2"]),
        (f"H01: {{2022: *{SECRET}}}", ["line 1"]),
        (f"H01: {{2022: {SECRET}\x07}}", ["no valid JSON or YAML"]),
        (f"? [{SECRET}]\n: {{2022: {SECRET}}}", ["line 1"]),
        (f"H01: {{2022: {SECRET}}}\n---\nH02: {{2022: {OTHER}}}\n", ["line 2"]),
        (f"'': {{2022: {SECRET}}}", ["line 1"]),
    ],
)
def test_every_fault_of_a_store_is_named_by_its_line_and_nothing_else(text: str, lines: list[str]) -> None:
    """What YAML says of a fault quotes the line; neither the message nor the stack trace may."""
    with pytest.raises(SettingsError) as caught:
        read_store(text, "store.yml")
    told = "".join(traceback.format_exception(caught.value))
    assert all(line in str(caught.value) for line in [*lines, "store.yml"]), str(caught.value)
    assert SECRET not in told and OTHER not in told and caught.value.__context__ is None


@given(st.text(max_size=60))
def test_no_store_is_quoted(junk: str) -> None:
    """Whatever the file is: read, or one message without its passwords."""
    try:
        found = read_store(f"H01: {{2022: {SECRET}}}\n{junk}", "store.yml")
    except SettingsError as error:
        assert SECRET not in "".join(traceback.format_exception(error))
    else:
        assert found["H01", 2022].reveal().startswith(SECRET)


def test_a_store_that_is_no_utf_8_is_not_quoted(packages: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.yml"
    path.write_bytes(b"H01: {2022: " + SECRET.encode() + b"\xff}")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not UTF-8") as caught:
        _source(packages, secret_store=str(path))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_folder_that_cannot_be_made_is_one_message(packages: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.DEBUG), pytest.raises((StorageError, SettingsError)):
        _source(packages, password_folder=str(tmp_path / "file" / "passwords"))

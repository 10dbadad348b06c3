"""Pseudonyms come from a file, and never get into a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbz_indicators.cli import main
from lbz_indicators.errors import SettingsError
from lbz_indicators.steps.erasure import read_pseudonyms


def test_a_line_each_blank_ones_left_out(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"\xef\xbb\xbfP2\r\n\r\n  P1 \nP2\n")
    assert read_pseudonyms(str(file)) == ["P1", "P2"]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"\n \n", "holds none"), (b"\xff\xfe\x00", "cannot be read")]
)
def test_a_file_without_pseudonyms_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "file.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        read_pseudonyms(str(file))


def test_a_note_that_holds_a_pseudonym_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("PATIENT-4711\n")
    arguments = ["erase", "--pseudonym-file", str(file), "--note", "as PATIENT-4711 asked", "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as done:
        main(arguments)
    said = capsys.readouterr()
    assert done.value.code == 2 and "holds one of the pseudonyms" in said.err and "4711" not in said.err + said.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [[], ["--run", "r", "--publication", "p"]])
def test_reproduce_needs_a_run_or_a_publication(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["reproduce", *arguments])
    assert done.value.code == 2 and "It is not said what to reproduce" in capsys.readouterr().err


def test_a_month_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["revisions", "--month", "2019-13", "--output", str(tmp_path)])
    assert done.value.code == 2 and "'2019-13' is no month" in capsys.readouterr().err

"""A file for everyone is there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lbz_indicators.cli import main
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.io.whole import require_file_place, write_whole


def test_a_file_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    for text in ("één\n", "twee\r\n"):
        write_whole(str(path), text)
        assert path.read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["page.html"]


def test_what_fails_leaves_the_former_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("former")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="cannot be written"):
        write_whole(str(path), "new")
    assert path.read_text() == "former" and os.listdir(tmp_path) == ["page.html"]


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent" / "page.html"):
        with pytest.raises(SettingsError):
            require_file_place(str(path))
    require_file_place(str(tmp_path / "page.html"))


def test_the_command_says_it_before_spark_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["site", "--output", str(tmp_path), "--tables", str(tmp_path), "--years", "2019-2022"])
    assert ended.value.code == 2 and "is a folder" in capsys.readouterr().err

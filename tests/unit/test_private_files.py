"""Files and folders of one owner: modes as the system has them, whole or not at all, nothing outside the folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from lbz_indicators.errors import LbzError, SettingsError, StorageError
from lbz_indicators.io.private import (
    create_private,
    folder_in,
    lies_within,
    private_folder,
    read_private,
    read_unless_open,
    write_private,
)


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    """With which everything that is made without care is open to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "a" / "b")


def _mode(path: Path) -> int:
    return os.lstat(path).st_mode & 0o7777


def test_all_is_its_owner_s_alone_whatever_the_umask(folder: Path) -> None:
    write_private(folder, "x", lambda file: file.write(b"1"))
    assert create_private(folder_in(folder, "c"), "y", b"2")
    assert [_mode(path) for path in (folder.parent, folder, folder / "c")] == [0o700] * 3
    assert [_mode(path) for path in (folder / "x", folder / "c" / "y")] == [0o600] * 2
    assert (folder / "x").read_bytes() == b"1" and (folder / "c" / "y").read_bytes() == b"2"


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o704, 0o755, 0o777])
def test_a_folder_that_others_can_enter_is_refused_and_left_as_it_is(tmp_path: Path, mode: int) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(mode)
    with pytest.raises(SettingsError, match=rf"can be entered by others \(mode {mode:04o}\).*\n.*\n.*chmod 0700"):
        private_folder(open_folder)
    with pytest.raises(SettingsError):
        write_private(open_folder, "x", lambda file: file.write(b"1"))
    assert _mode(open_folder) == mode and not list(open_folder.iterdir())


def test_a_failure_leaves_what_was_there(folder: Path) -> None:
    write_private(folder, "x", lambda file: file.write(b"whole"))

    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="A file cannot be written"):
        write_private(folder, "x", fail)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"x": b"whole"}


def test_a_killed_writer_leaves_the_last_file_and_its_rest_goes_with_the_next(folder: Path) -> None:
    write_private(folder, "x", lambda file: file.write(b"whole"))
    program = f"""
import os, pathlib
from lbz_indicators.io.private import write_private
def end(file):
    file.write(b"half"); file.flush(); os._exit(9)
write_private(pathlib.Path({str(folder)!r}), "x", end)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    left = [path for path in folder.iterdir() if path.name != "x"]
    assert (folder / "x").read_bytes() == b"whole" and len(left) == 1 and _mode(left[0]) == 0o600
    write_private(folder, "z", lambda file: file.write(b"new"))
    assert sorted(path.name for path in folder.iterdir()) == ["x", "z"]


def test_a_file_is_made_once(folder: Path) -> None:
    """Eight at the same time: one makes it, and what it wrote stays."""
    made: list[int] = []
    start = threading.Barrier(8)

    def make(number: int) -> None:
        start.wait()
        if create_private(folder, "x", b"%d" % number):
            made.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and (folder / "x").read_bytes() == b"%d" % made[0]
    assert [path.name for path in folder.iterdir()] == ["x"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", "a\0b"])
def test_a_name_is_one_part(folder: Path, name: str) -> None:
    for make in (lambda: folder_in(folder, name), lambda: write_private(folder, name, lambda file: file.write(b"1"))):
        with pytest.raises(ValueError, match="no name of a file"):
            make()
    assert not list(folder.iterdir()) and not (folder.parent / "x").exists()


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    """Somebody put links to a folder and a file outside where ours should be."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "file").write_bytes(b"theirs")
    (folder / "hospital-h01").symlink_to(outside)
    (folder / "x").symlink_to(outside / "file")
    with pytest.raises(StorageError):
        folder_in(folder, "hospital-h01")
    with pytest.raises(StorageError):
        write_private(folder / "hospital-h01", "y", lambda file: file.write(b"ours"))
    write_private(folder, "x", lambda file: file.write(b"ours"))
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": b"theirs"}
    assert not (folder / "x").is_symlink() and (folder / "x").read_bytes() == b"ours"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o620, 0o644, 0o666])
def test_a_secret_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"a secret")
    path.chmod(mode)
    with pytest.raises(SettingsError, match=rf"The store can be read by others \(mode {mode:04o}\)") as caught:
        read_private(path, "The store")
    assert "a secret" not in str(caught.value)
    for good in (0o600, 0o400):
        path.chmod(good)
        assert read_private(path, "The store") == b"a secret"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"a secret")
    path.chmod(0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(SettingsError, match="belongs to another user"):
        read_private(path, "The store")


def test_what_is_no_file_or_not_there_is_one_message(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "absent", tmp_path / "pipe"):
        with pytest.raises(LbzError, match=r"The store (is no file|cannot be read)"):
            read_private(path, "The store")


def test_a_table_that_everybody_can_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"x")
    path.chmod(0o664)
    assert read_unless_open(path, "The table") == b"x"
    path.chmod(0o666)
    with pytest.raises(SettingsError, match="The table can be changed by everybody"):
        read_unless_open(path, "The table")


def test_what_lies_within_what(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    within = [
        ("a", "a"),
        ("a/b", "a"),
        ("a/b/not/yet", "a"),
        ("link/b", "a"),
        ("a/b", "link"),
        ("a/../a/b", "a"),
        ("a/b/../b", "a/b"),
    ]
    apart = [("a", "a/b"), ("ab", "a"), ("a/c", "a/b"), ("link/../c", "a")]
    assert [lies_within(tmp_path / inner, tmp_path / outer) for inner, outer in within] == [True] * len(within)
    assert [lies_within(tmp_path / inner, tmp_path / outer) for inner, outer in apart] == [False] * len(apart)

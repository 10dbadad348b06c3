"""Files and folders that only their owner can read: 0600 in 0700, written as a whole or not at all.

A name below a folder is one part of a path, and no link is followed there: nothing is written outside the folder, whatever
the name is made of. A folder or secret that others can reach is refused, not mended, for they may have read it already.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lbz_indicators.errors import SettingsError
from lbz_indicators.failures import storage_errors

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PART = ".part"
"""Ends the name of a file that is being written."""
_MEND = "give a folder of this user with free space; what was there before is as it was."


def private_folder(folder: str | Path) -> Path:
    """The folder, made with those above it where they are not there; SettingsError where it is not this user's alone.

    Links in the path that was given are followed: it is the site's own choice.
    """
    place = Path(os.path.realpath(folder))
    missing = [part for part in (place, *place.parents) if not part.exists()]
    with storage_errors("A folder cannot be made.", str(place), _MEND):
        for part in reversed(missing):
            part.mkdir(mode=0o700, exist_ok=True)
        with _opened(place):
            return place


def folder_in(folder: Path, name: str) -> Path:
    """The folder of this name, made where it is not there."""
    _require_one_part(name)
    with storage_errors("A folder cannot be made.", str(folder / name), _MEND), _opened(folder) as above:
        with suppress(FileExistsError):
            os.mkdir(name, mode=0o700, dir_fd=above)
        with _opened(folder / name):
            return folder / name


def write_private(folder: Path, name: str, write: Callable[[IO[bytes]], object]) -> Path:
    """Writes a file in the place of one of that name; it is there only when it is complete and on the disk.

    What a killed run left of a file is removed first: the lease sees to it that no other run is writing.
    """
    with storage_errors("A file cannot be written.", str(folder / name), _MEND), _opened(folder) as place:
        for left in os.listdir(place):
            if left.endswith(_PART):
                os.unlink(left, dir_fd=place)
        with _written(place, name, write) as part:
            os.replace(part, name, src_dir_fd=place, dst_dir_fd=place)
    return folder / name


def create_private(folder: Path, name: str, content: bytes) -> bool:
    """Writes a file that is not there yet; False, and nothing written, where it is. Of two at once one succeeds."""
    with (
        storage_errors("A file cannot be written.", str(folder / name), _MEND),
        _opened(folder) as place,
        _written(place, name, lambda file: file.write(content)) as part,
        suppress(FileExistsError),
    ):
        os.link(part, name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
        return True
    return False


def read_private(path: Path, what: str) -> bytes:
    """The content of a secret file; SettingsError where others can read or change it, or it is not this user's."""
    with storage_errors(f"{what} cannot be read.", str(path), "see that it is there and is this user's.", SettingsError):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                raise SettingsError(f"{what} is no file.", where=str(path), mend="name a file.")
            _require_own(state, f"{what} can be read by others", str(path), "0600")
            return file.read()


def read_unless_open(path: Path, what: str) -> bytes:
    """The content of a file that decides who gets what; SettingsError where just anybody may change it."""
    reading = storage_errors(f"{what} cannot be read.", str(path), "see that it is there and can be read.", SettingsError)
    with reading, open(path, "rb") as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
            raise SettingsError(
                f"{what} can be changed by everybody.", where=str(path), mend=f"look through it, then chmod o-w {path}."
            )
        return file.read()


def lies_within(inner: str | Path, outer: str | Path) -> bool:
    """Whether a place is a folder or lies somewhere below it, links and spellings of one folder taken into account."""
    above = Path(os.path.realpath(outer))
    place = Path(os.path.realpath(inner))
    return any(part == above or _are_same(part, above) for part in (place, *place.parents))


def _are_same(a: Path, b: Path) -> bool:
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A handle of a folder that is no link and this user's alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _require_own(os.fstat(handle), "A folder can be entered by others", str(folder), "0700")
        yield handle
    finally:
        os.close(handle)


def _require_own(state: os.stat_result, what: str, where: str, mode: str) -> None:
    if state.st_uid != os.geteuid():
        raise SettingsError(f"{what}: it belongs to another user.", where=where, mend="run as its owner, or name another.")
    if state.st_mode & _OTHERS:
        raise SettingsError(
            f"{what} (mode {stat.S_IMODE(state.st_mode):04o}).", where=where, mend=f"see who read it, then chmod {mode} {where}."
        )


def _require_one_part(name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"no name of a file: {name!r}")


@contextmanager
def _written(place: int, name: str, write: Callable[[IO[bytes]], object]) -> Iterator[str]:
    """The name of a complete file beside the one that is meant; it is gone afterwards, unless it was given another name."""
    _require_one_part(name)
    part = f".{secrets.token_hex(16)}{_PART}"
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=place)
    try:
        with os.fdopen(handle, "w+b") as file:
            os.fchmod(handle, 0o600)
            write(file)
            file.flush()
            os.fsync(handle)
        yield part
        os.fsync(place)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=place)

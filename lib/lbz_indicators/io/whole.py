"""A file for everyone that is there as a whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from lbz_indicators.errors import SettingsError
from lbz_indicators.failures import storage_errors

_MEND = "name a file in a folder that is there, of this user and with free space; a file that was there is as it was."


def require_file_place(path: str) -> None:
    """SettingsError where a file cannot be written there: said before hours of work, not after."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.path.isdir(folder):
        what = "is a folder" if os.path.isdir(path) else "lies in a folder that is not there"
        raise SettingsError(f"The file {path} {what}.", where="--output", mend="name a file in a folder that is there.")


def write_whole(path: str, text: str) -> None:
    """Writes a text as UTF-8 in the place of what was there, which stays until the new file is complete and on the disk.

    StorageError where it cannot be written. What a killed run left has a name of its own, `.NAME.RANDOM.part`.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.part")
    with storage_errors(f"The file {path} cannot be written.", folder, _MEND):
        try:
            with open(part, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)

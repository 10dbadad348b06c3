"""Where passwords come from: the environment, else the secret store, else a file made once per hospital and year."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from lbz_indicators.config import PublicationSettings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io.private import create_private, lies_within, private_folder, read_private
from lbz_indicators.publish.names import hospital_folder
from lbz_indicators.publish.passwords import Password, Passwords, new_password, read_store, require_usable, variable_name

_STORE, _GENERATED = "publication.secret_store", "publication.password_folder"
_TOLD = 20


class PasswordSource:
    """The passwords of a run. `packages` is the folder of the packages, from which secrets lie apart.

    Raises SettingsError where the secret store cannot be used, or a place of secrets is none.
    """

    def __init__(self, settings: PublicationSettings, packages: Path, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._stored: Passwords = {}
        self._folder: Path | None = None
        if settings.secret_store:
            _require_outside(settings.secret_store, packages, _STORE)
            self._stored = _read_store(Path(settings.secret_store))
        if settings.password_folder:
            require_apart(settings.password_folder, packages)
            self._folder = private_folder(settings.password_folder)
            require_apart(self._folder, packages)

    def of(self, hospital_id: str, year: int) -> Password:
        """The password of a hospital's packages of a year; SettingsError where there is none and none can be made."""
        variable = variable_name(hospital_id, year)
        if variable in self._environment:
            return require_usable(Password(self._environment[variable]), f"environment variable {variable}")
        if (hospital_id, year) in self._stored:
            return self._stored[hospital_id, year]
        if self._folder is None:
            raise SettingsError(
                "There is no password for a package.",
                where=f"hospital {hospital_id!r}, {year}",
                mend=f"give {variable}, or an entry in {_STORE}; or name a folder for generated ones in {_GENERATED}.",
            )
        return _generated(self._folder, hospital_id, year)

    def require(self, wanted: Iterable[tuple[str, int]]) -> None:
        """SettingsError naming every hospital and year without a password that can be used, before anything is written."""
        faults: list[SettingsError] = []
        for hospital_id, year in wanted:
            try:
                self.of(hospital_id, year)
            except SettingsError as error:
                faults.append(error)
        if faults:
            lines = [f"{fault.what} {fault.where}: {fault.mend}" for fault in faults[:_TOLD]]
            more = [f"and {len(faults) - _TOLD} more"] * (len(faults) > _TOLD)
            raise SettingsError(f"{len(faults)} password(s) are missing or cannot be used:\n  " + "\n  ".join(lines + more))


def require_apart(secrets: str | Path, packages: Path) -> None:
    """SettingsError where the folder of passwords is that of the packages, in it, or above it."""
    _require_outside(secrets, packages, _GENERATED)
    if lies_within(packages, secrets):
        raise SettingsError(
            "Packages would lie in the folder of their passwords.",
            where=f"{packages} in {secrets}",
            mend=f"give another folder in {_GENERATED}, best on another disk or share.",
        )


def _require_outside(secret: str | Path, packages: Path, setting: str) -> None:
    if lies_within(secret, packages):
        raise SettingsError(
            "Passwords would lie with the packages that they open.",
            where=f"{secret} in {packages}",
            mend=f"give another place in {setting}, best on another disk or share.",
        )


def _read_store(path: Path) -> Passwords:
    content = read_private(path, "The secret store")
    text = _utf8(content)
    if text is None:
        raise SettingsError("The secret store is not UTF-8.", where=str(path), mend="write it as UTF-8.")
    return read_store(text, str(path))


def _generated(folder: Path, hospital_id: str, year: int) -> Password:
    """The password in the file of this hospital and year; made where it is not there, and never again after that."""
    path = folder / f"{hospital_folder(hospital_id)}-{year}.txt"
    if not path.exists():
        create_private(folder, path.name, f"{new_password().reveal()}\n".encode())
    text = _utf8(read_private(path, "The file of a generated password"))
    return require_usable(Password((text or "").removesuffix("\n")), str(path))


def _utf8(content: bytes) -> str | None:
    """The text; None where it is none. Python's own message would quote the bytes."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None

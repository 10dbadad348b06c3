"""Packages on disk: one encrypted ZIP per hospital, product, year and content, in a folder of the hospital's own."""

from __future__ import annotations

from pathlib import Path

from lbz_indicators.failures import storage_errors
from lbz_indicators.io.private import folder_in, private_folder, write_private
from lbz_indicators.publish.archive import is_archive_of, write_archive
from lbz_indicators.publish.names import hospital_folder
from lbz_indicators.publish.package import Package
from lbz_indicators.publish.passwords import Password


class PackageFolder:
    """The folder of all packages. One that is there already, whole and with the password, is left as it is."""

    def __init__(self, folder: str | Path) -> None:
        self.root = private_folder(folder)

    def path(self, package: Package) -> Path:
        """Where a package lies, or would lie."""
        return self.root / hospital_folder(package.hospital_id) / package.file_name

    def write(self, package: Package, password: Password) -> bool:
        """Whether it had to be written: it was not there, was damaged, or has another password by now."""
        path = self.path(package)
        folder_in(self.root, path.parent.name)
        if self.holds(package, password):
            return False
        write_private(path.parent, path.name, lambda file: write_archive(file, package.members, password))
        return True

    def holds(self, package: Package, password: Password) -> bool:
        """Whether the package is there, opens with the password, and holds these very files."""
        path = self.path(package)
        if path.is_symlink() or not path.is_file():
            return False
        with storage_errors("A package cannot be read.", str(path), "see to the folder's permissions."), path.open("rb") as file:
            return is_archive_of(file, package.sha256, password)

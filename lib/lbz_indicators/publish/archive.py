"""Files in one encrypted ZIP: AES-256 in the form of WinZip (AE-2), which 7-Zip and WinZip open.

Who has no password sees how many files there are, their names and sizes; no checksum of the contents (AE-2), no time.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from typing import IO

import pyzipper

from lbz_indicators.publish.passwords import Password

_AE_2 = 2
_KEY_BITS = 256
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment a ZIP can name: when a file was made is nobody's business, and the same content has the same head."""
_OWNER_ONLY = 0o100600 << 16
_BLOCK = 1 << 20
_BROKEN = (RuntimeError, pyzipper.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError)
"""What reading raises for a wrong password, and for bytes that are no such archive."""


def write_archive(target: IO[bytes], members: Mapping[str, bytes], password: Password) -> None:
    """Writes the members, by name, in the order of their names. Their plain bytes never lie on a disk."""
    with pyzipper.AESZipFile(target, "w", compression=pyzipper.ZIP_DEFLATED) as archive:
        archive.setpassword(password.reveal().encode("ascii"))
        archive.setencryption(pyzipper.WZ_AES, nbits=_KEY_BITS, force_wz_aes_version=_AE_2)
        for name in sorted(members):
            head = archive.zipinfo_cls(name, date_time=_EARLIEST)
            head.compress_type = pyzipper.ZIP_DEFLATED
            head.external_attr = _OWNER_ONLY
            archive.writestr(head, members[name])


def is_archive_of(source: IO[bytes], hashes: Mapping[str, str], password: Password) -> bool:
    """Whether an archive opens with this password, every file of it encrypted, and holds just these (SHA-256 by name)."""
    try:
        with pyzipper.AESZipFile(source) as archive:
            archive.setpassword(password.reveal().encode("ascii"))
            heads = archive.infolist()
            encrypted = all(head.wz_aes_strength == _KEY_BITS // 64 - 1 for head in heads)
            return encrypted and [(head.filename, _sha256(archive, head)) for head in heads] == sorted(hashes.items())
    except _BROKEN:
        return False


def _sha256(archive: pyzipper.AESZipFile, head: pyzipper.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(head) as member:
        while block := member.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

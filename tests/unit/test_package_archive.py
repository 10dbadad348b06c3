"""The encrypted ZIP. Truth: 7-Zip opens it, with the password alone; Python's zipfile and a wrong password do not."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pyzipper
import seven_zip

from lbz_indicators.io.packages import PackageFolder
from lbz_indicators.publish.archive import is_archive_of, write_archive
from lbz_indicators.publish.package import Package
from lbz_indicators.publish.passwords import LONGEST, Password, new_password

SECRET = "correct horse, battery 'staple' $1"
PASSWORD = Password(SECRET)
PATIENT = b"PATIENT-4711"
MEMBERS = {
    "report.pdf": b"%PDF-1.7 " + bytes(range(256)) * 300,
    "admissions.csv": b"admission_id;patient\n" + PATIENT * 1000,
    "nza.csv": b"",
}
HASHES = {name: sha256(content).hexdigest() for name, content in MEMBERS.items()}


def _bytes(members: dict[str, bytes] = MEMBERS, password: Password = PASSWORD) -> bytes:
    target = io.BytesIO()
    write_archive(target, members, password)
    return target.getvalue()


def _package(hospital_id: str = "H01", **members: bytes) -> Package:
    return Package(hospital_id, "hsmr", 2022, members or MEMBERS)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    path.write_bytes(_bytes())
    return path


def test_seven_zip_opens_it(archive: Path, tmp_path: Path) -> None:
    assert seven_zip.extract(archive, SECRET, tmp_path / "out") == MEMBERS


@pytest.mark.parametrize("wrong", ["", "x", SECRET[:-1], SECRET.upper(), SECRET + " "])
def test_seven_zip_does_not_open_it_with_another_password(archive: Path, tmp_path: Path, wrong: str) -> None:
    assert seven_zip.extract(archive, wrong, tmp_path / "out") is None
    assert not any(PATIENT in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_seven_zip_sees_aes_256_and_nothing_of_the_content(archive: Path) -> None:
    """Sizes and kinds of files are seen; no checksum, by which a guessed content could be confirmed, and no time."""
    seen = seven_zip.entries(archive)
    assert [entry["Path"] for entry in seen] == sorted(MEMBERS)
    for entry in seen:
        assert entry["Encrypted"] == "+" and entry["Method"].startswith("AES-256") and entry["CRC"] == ""
        assert entry["Modified"].startswith("1980-01-01 00:00:00")
    assert PATIENT not in archive.read_bytes() and b"%PDF" not in archive.read_bytes()


def test_python_s_zipfile_does_not_open_it(archive: Path) -> None:
    for password in (None, SECRET.encode()):
        with zipfile.ZipFile(archive) as plain, pytest.raises((RuntimeError, NotImplementedError)):
            plain.read("report.pdf", pwd=password)


def test_every_generated_password_opens_its_own(tmp_path: Path) -> None:
    password = new_password()
    path = tmp_path / "a.zip"
    path.write_bytes(_bytes(password=password))
    assert seven_zip.extract(path, password.reveal(), tmp_path / "out") == MEMBERS


@pytest.mark.parametrize("character", ["x", "~", "%", '"'])
def test_the_longest_password_that_is_allowed_is_the_longest_that_seven_zip_takes(tmp_path: Path, character: str) -> None:
    opened = []
    for length in (LONGEST, LONGEST + 1):
        path = tmp_path / f"{length}.zip"
        path.write_bytes(_bytes(password=Password(character * length)))
        opened.append(seven_zip.extract(path, character * length, tmp_path / str(length)))
    assert opened == [MEMBERS, None]


def test_the_same_is_encrypted_otherwise_each_time() -> None:
    """With the same key stream twice, the two contents could be computed from each other."""
    assert _bytes() != _bytes()


def _plain() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(MEMBERS):
            archive.writestr(name, MEMBERS[name])
    return target.getvalue()


def _weaker() -> bytes:
    target = io.BytesIO()
    with pyzipper.AESZipFile(target, "w", encryption=pyzipper.WZ_AES, encryption_kwargs={"nbits": 128}) as archive:
        archive.setpassword(SECRET.encode())
        for name in sorted(MEMBERS):
            archive.writestr(name, MEMBERS[name])
    return target.getvalue()


def _flipped() -> bytes:
    content = bytearray(_bytes())
    content[200] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        lambda: _bytes(password=Password("another password of 16")),
        lambda: _bytes({**MEMBERS, "nza.csv": b"1"}),
        lambda: _bytes({name: MEMBERS[name] for name in ("report.pdf", "nza.csv")}),
        lambda: _bytes({**MEMBERS, "figures.xlsx": b"1"}),
        lambda: _bytes()[:-30],
        lambda: b"",
        lambda: b"PK\x03\x04 nonsense",
        _plain,
        _weaker,
        _flipped,
    ],
    ids=["password", "content", "fewer", "more", "truncated", "empty", "nonsense", "plain", "128 bits", "a bit flipped"],
)
def test_what_is_another_archive_is_known(content: Callable[[], bytes]) -> None:
    assert is_archive_of(io.BytesIO(_bytes()), HASHES, PASSWORD)
    assert not is_archive_of(io.BytesIO(content()), HASHES, PASSWORD)


def test_a_package_is_written_once_and_mended(tmp_path: Path) -> None:
    """Not there, there, damaged, another password, other content: written, kept, written, written, beside it."""
    folder, package = PackageFolder(tmp_path / "packages"), _package()
    path = folder.path(package)
    assert folder.write(package, PASSWORD)
    first = path.read_bytes()
    assert not folder.write(package, PASSWORD) and path.read_bytes() == first
    path.write_bytes(first[:-10])
    assert folder.write(package, PASSWORD) and folder.holds(package, PASSWORD)
    other = new_password()
    assert folder.write(package, other) and folder.holds(package, other) and not folder.holds(package, PASSWORD)
    corrected = _package(**{"report.pdf": b"corrected"})
    assert folder.write(corrected, other) and folder.path(corrected).parent == path.parent
    assert seven_zip.extract(folder.path(corrected), other.reveal(), tmp_path / "out") == corrected.members


@pytest.mark.parametrize(
    "hospital_id", ["../../x", "/tmp/x", "..", "", ".", "a\0b", "H01/../H02", "x" * 5000, "北京", "CON", "a\nb"]
)
def test_nothing_is_written_outside_the_hospital_s_folder(tmp_path: Path, hospital_id: str) -> None:
    root = tmp_path / "deep" / "packages"
    folder = PackageFolder(root)
    folder.write(_package(hospital_id), PASSWORD)
    places = sorted(path.relative_to(tmp_path).parts for path in tmp_path.rglob("*"))
    assert places[:2] == [("deep",), ("deep", "packages")] and len(places) == 4
    assert places[3][:3] == places[2] and places[2][2].startswith("hospital-") and places[3][3].startswith("hsmr-2022-")
    for path in [root, *root.rglob("*")]:
        assert os.lstat(path).st_mode & 0o7777 == (0o700 if path.is_dir() else 0o600)


def test_a_package_is_named_by_all_of_its_content() -> None:
    base = _package()
    other: list[Package] = [
        _package("H02"), Package("H01", "olo", 2022, MEMBERS), Package("H01", "hsmr", 2021, MEMBERS),
        Package("H01", "hsmr", 2022, {**MEMBERS, "nza.csv": b"1"}), Package("H01", "hsmr", 2022, {"nza.csv": b""}),
    ]  # fmt: skip
    assert len({package.package_id for package in [base, *other]}) == 6
    assert _package(**dict(reversed(MEMBERS.items()))).package_id == base.package_id
    assert base.sha256 == dict(sorted(HASHES.items()))
    assert base.file_name == f"hsmr-2022-{base.package_id[:16]}.zip"


@pytest.mark.parametrize("changed", [
    {"members": {"report-of-hospital-H01.pdf": b""}}, {"members": {"../report.pdf": b""}}, {"members": {}}, {"product": "../hsmr"},
    {"members": {"report.exe": b""}}, {"members": {"report.pdf\n": b""}},
])  # fmt: skip
def test_names_inside_and_products_are_of_a_closed_list(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no package"):
        Package(**{"hospital_id": "H01", "product": "hsmr", "year": 2022, "members": MEMBERS, **changed})


def test_a_package_does_not_print_its_content() -> None:
    assert "PATIENT" not in repr(_package()) and "report.pdf" in repr(_package())

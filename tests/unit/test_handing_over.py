"""A package from end to end: nobody who is not authorised gets one, who may is told once, and no secret is left anywhere."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import seven_zip
from mail_server import serving
from pyspark.sql.types import _make_type_verifier

from lbz_indicators import logs, tables
from lbz_indicators.config import PublicationSettings, load_settings
from lbz_indicators.errors import DeliveryError, LbzError, SettingsError, StorageError
from lbz_indicators.publish.authorised import COLUMNS
from lbz_indicators.publish.package import Package
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps.handing_over import Desk, HandedOver, require_told

ON = dt.date(2023, 10, 1)
PATIENT = "PATIENT-4711"
SECRET = "the-password-of-H02-given"
PEOPLE = (
    "H01,hsmr,Anna,anna@h01.nl,bestuur,2023-01-01,2023-12-31",
    "H01,hsmr,Ben,ben@h01.nl,kwaliteit,2023-10-01,",
    "H01,hsmr,Cara,cara@h01.nl,bestuur,2022-01-01,2023-09-30",
    "H01,olo,Dirk,dirk@h01.nl,bestuur,2022-01-01,",
    "H02,hsmr,Eva,eva@h02.nl,bestuur,2023-10-02,",
    "h01,hsmr,Fons,fons@small.nl,bestuur,2022-01-01,",
    "../../x,hsmr,Gea,gea@x.nl,bestuur,2022-01-01,",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text("\n".join([",".join(COLUMNS), *PEOPLE]) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    """Everything that is said, at every level, by anybody, in the files of a run."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.open_logs(str(tmp_path / "_logs"))
    root.setLevel(logging.DEBUG)
    yield tmp_path / "_logs"
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def _settings(site: Path, **given: Any) -> PublicationSettings:
    places = {"folder": site / "packages", "password_folder": site / "passwords", "authorised": site / "people.csv"}
    return PublicationSettings(**{name: str(path) for name, path in places.items()} | given)


def _package(hospital_id: str = "H01", product: str = "hsmr", content: str = PATIENT) -> Package:
    return Package(hospital_id, product, 2022, {"report.pdf": b"%PDF", "admissions.csv": content.encode()})


def _hand_over(site: Path, *packages: Package, on: dt.date = ON, run_id: str = "r1", **given: Any) -> list[HandedOver]:
    environment = given.pop("environment", {})
    with Desk(_settings(site, **given), run_id, environment=environment) as desk:
        return [desk.hand_over(package, on) for package in packages]


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_who_may_gets_it_and_is_told(site: Path) -> None:
    package = _package()
    (done,) = _hand_over(site, package)
    assert done.record is not None and (done.written, done.told_now, done.reason, done.untold) == (True, 2, None, ())
    assert [person.email for person in done.record.people] == ["anna@h01.nl", "ben@h01.nl"]
    assert (done.record.package_id, dict(done.record.sha256)) == (package.package_id, package.sha256)
    assert (done.record.run_id, done.record.authorised_on, done.record.file_name) == ("r1", ON, package.file_name)
    assert [(m.email, m.role, m.sent_through, m.run_id) for m in done.messages] == [
        ("anna@h01.nl", "bestuur", "outbox", "r1"), ("ben@h01.nl", "kwaliteit", "outbox", "r1"),
    ]  # fmt: skip
    path = site / "packages" / "hospital-h01" / package.file_name
    password = (site / "passwords" / "hospital-h01-2022.txt").read_text().strip()
    assert seven_zip.extract(path, password, site / "out") == package.members
    assert len(_files(site / "packages" / "_outbox")) == len(_files(site / "packages" / "_messages")) == 2


@pytest.mark.parametrize(
    ("hospital_id", "product", "on", "reason"),
    [
        ("H02", "hsmr", "2023-10-01", "begins on 2023-10-02"),
        ("H03", "hsmr", "2023-10-01", "nobody is listed for this hospital"),
        ("H01", "readmissions", "2023-10-01", "nobody is listed for readmissions"),
        ("H01 ", "hsmr", "2023-10-01", "nobody is listed for this hospital"),
        ("H01", "hsmr", "2021-12-31", "begins on 2022-01-01"),
        ("", "hsmr", "2023-10-01", "nobody is listed for this hospital"),
    ],
)
def test_nobody_authorised_no_package(site: Path, hospital_id: str, product: str, on: str, reason: str) -> None:
    """Not a file, not a folder, not a password."""
    (done,) = _hand_over(site, _package(hospital_id, product), on=dt.date.fromisoformat(on))
    assert done.record is None and reason in str(done.reason) and not done.messages
    assert _files(site / "packages") == [] and _files(site / "passwords") == []
    assert sorted(path.name for path in (site / "packages").iterdir()) == ["_messages", "_outbox"]


def test_each_is_told_of_what_is_theirs_alone(site: Path) -> None:
    """Truth: the table above, read by hand. H01 and h01 are two hospitals."""
    with serving() as server:
        packages = [_package("H01"), _package("H01", "olo"), _package("H02"), _package("h01"), _package("../../x")]
        done = _hand_over(
            site, *packages, smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none", sender="lbz@example.nl"
        )
    told = {(to, message["Subject"].split(", ")[1]) for (to,), message in server.messages}
    assert told == {
        ("anna@h01.nl", "hospital-h01"), ("ben@h01.nl", "hospital-h01"), ("dirk@h01.nl", "hospital-h01"),
        ("fons@small.nl", "hospital-+h01"), ("gea@x.nl", "hospital-=2e=2e=2f=2e=2e=2f+x"),
    }  # fmt: skip
    assert len(server.messages) == 5 and [result.record is None for result in done] == [False, False, True, False, False]
    hospitals = {path.split("/")[0] for path in _files(site / "packages") if path.endswith(".zip")}
    assert hospitals == {folder for _, folder in told}


def test_the_same_content_is_neither_written_nor_told_twice(site: Path) -> None:
    (first,) = _hand_over(site, _package())
    path = site / "packages" / "hospital-h01" / _package().file_name
    content = path.read_bytes()
    (again,) = _hand_over(site, _package(), run_id="r2")
    assert (again.written, again.told_now) == (False, 0) and again.messages == first.messages and path.read_bytes() == content
    assert again.record is not None and again.record.run_id == "r2"
    with serving() as server:
        smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "sender": "lbz@example.nl"}
        (third,) = _hand_over(site, _package(), **smtp)
        assert third.told_now == 0 and not server.messages, "another way does not tell again either"
        (corrected,) = _hand_over(site, _package(content="corrected"), **smtp)
    assert corrected.told_now == 2 and len(server.messages) == 2 and len(_files(path.parent)) == 2


def test_who_is_authorised_later_is_told_then(site: Path) -> None:
    _hand_over(site, _package(), on=dt.date(2023, 9, 30))
    (later,) = _hand_over(site, _package(), run_id="r2")
    assert [(m.email, m.run_id) for m in later.messages] == [("anna@h01.nl", "r1"), ("ben@h01.nl", "r2")]
    assert later.told_now == 1 and not later.written


def test_a_failure_in_the_middle_is_one_message_and_the_rest_is_told_by_a_rerun(site: Path) -> None:
    with serving() as server:
        smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "sender": "lbz@example.nl"}
        server.refused["anna@h01.nl"] = "550 anna@h01.nl: no such user"
        done = _hand_over(site, _package(), _package("h01"), **smtp)
        assert [result.told_now for result in done] == [1, 1] and [m.email for m in done[0].messages] == ["ben@h01.nl"]
        with pytest.raises(SettingsError) as caught:
            require_told(done)
        assert "1 of 3 messages could not be handed over: line 2: the mail server refused the recipient (550)." in str(
            caught.value
        )
        assert "anna" not in str(caught.value) and caught.value.exit_status == 2
        server.refused.clear()
        again = _hand_over(site, _package(), _package("h01"), **smtp)
        require_told(again)
    assert [result.told_now for result in again] == [1, 0]
    assert sorted(to for (to,), _ in server.messages) == ["anna@h01.nl", "ben@h01.nl", "fons@small.nl"]


def test_a_mail_server_that_is_not_there_leaves_the_packages(site: Path) -> None:
    with serving() as server:
        port = server.port
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "sender": "lbz@example.nl"}
    done = _hand_over(site, _package(), _package("h01"), **smtp)
    assert [result.record is not None and result.written for result in done] == [True, True]
    with pytest.raises(SettingsError, match=r"3 of 3 messages could not be handed over: line 2: .*cannot be reached"):
        require_told(done)
    assert _files(site / "packages" / "_messages") == []


def test_a_damaged_record_of_a_message_is_not_taken_for_none(site: Path) -> None:
    _hand_over(site, _package())
    record = next((site / "packages" / "_messages").iterdir())
    record.write_text("{")
    with pytest.raises(StorageError, match="The record of a message is damaged"):
        _hand_over(site, _package())


def test_passwords_that_are_missing_are_told_before_anything_is_written(site: Path) -> None:
    """Of packages that somebody may have, and no others."""
    with Desk(_settings(site, password_folder=None), "r1", environment={}) as desk:
        wanted = [("H01", "hsmr", 2022), ("H02", "hsmr", 2022), ("h01", "hsmr", 2022)]
        with pytest.raises(SettingsError, match=r"2 password\(s\) are missing") as caught:
            desk.require_passwords(wanted, ON)
    assert "'H02'" not in str(caught.value) and "LBZ_PASSWORD_2022_H01" in str(caught.value)
    assert not _files(site / "packages")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folder": None}, "It is not said where packages lie"),
        ({"authorised": None}, "It is not said who may have packages"),
        ({"authorised": "absent.csv"}, "The table of authorised people cannot be read"),
        ({"secret_store": "absent.yml"}, "The secret store cannot be read"),
    ],
)
def test_what_is_missing_is_told_when_the_desk_is_opened(site: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Desk(_settings(site, **given), "r1", environment={})


def test_a_table_of_people_that_cannot_be_used_hands_nothing_over(site: Path) -> None:
    with pytest.raises(DeliveryError, match="line 2, hospital_id: no hospital that is known"):
        Desk(_settings(site), "r1", hospitals={"H02", "h01", "../../x"})
    (site / "people.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(DeliveryError, match="not UTF-8"):
        Desk(_settings(site), "r1")
    (site / "people.csv").chmod(0o666)
    with pytest.raises(SettingsError, match="can be changed by everybody"):
        Desk(_settings(site), "r1")
    assert not (site / "packages").exists()


def test_no_password_and_no_patient_is_left_in_any_log_message_or_record(
    site: Path, logged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Everything happens: made and given passwords, a weak one, refused mail, a full disk, an unexpected failure with its trace."""
    given = {"LBZ_PASSWORD_2022_H02": SECRET, "LBZ_SMTP_USER": "u", "LBZ_SMTP_PASSWORD": "the-mail-password"}
    log = logging.getLogger("lbz_indicators")
    done = _hand_over(site, _package(), _package("H02"), on=dt.date(2023, 10, 2), environment=given)
    with serving() as server:
        server.refused["fons@small.nl"] = "550 no"
        smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "sender": "lbz@example.nl"}
        done += _hand_over(site, _package("h01"), environment=given, **smtp)
    failing: list[dict[str, Any]] = [
        {"environment": {"LBZ_PASSWORD_2022_H01": f"{SECRET}é"}},
        {"environment": {"LBZ_PASSWORD_2022_H01": f"{SECRET}\n"}},
        {"secret_store": str(site / "store.yml")},
    ]
    (site / "store.yml").write_text(f"H01: {{2022: {SECRET}")
    (site / "store.yml").chmod(0o600)
    for case in failing:
        try:
            _hand_over(site, _package(), **case)
        except LbzError as error:
            log.error("%s", error, exc_info=True)
        else:
            raise AssertionError(f"{case} did not fail")
    with Desk(_settings(site), "r1", environment=given) as desk:
        try:
            raise RuntimeError(f"{desk!r} {vars(desk)!r} {vars(desk._passwords.of('H02', 2022).__class__)!r} {_package()!r}")
        except RuntimeError:
            log.error("unexpected", exc_info=True)
    with pytest.raises(SettingsError) as caught:
        require_told(done)
    passwords = [path.read_text().strip() for path in (site / "passwords").iterdir()] + [SECRET, "the-mail-password", PATIENT]
    assert len(passwords) == 5 and len((logged / logs.LOG).read_text().splitlines()) > 8
    places = [logged, site / "packages"]
    shown = [path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()]
    streams = capfd.readouterr()
    shown += [
        streams.out.encode(),
        streams.err.encode(),
        str(caught.value).encode(),
        repr([asdict(result) for result in done]).encode(),
    ]
    for secret in passwords:
        assert not [text[:80] for text in shown if secret.encode() in text], secret
    log_text = (logged / logs.LOG).read_text()
    assert "@h01.nl" not in log_text and "@small.nl" not in log_text


def test_all_that_is_written_is_its_owner_s_alone(site: Path) -> None:
    before = os.umask(0)
    try:
        _hand_over(site, _package(), _package("../../x"), _package("h01", content="x"))
    finally:
        os.umask(before)
    found = [path for place in ("packages", "passwords") for path in [site / place, *(site / place).rglob("*")]]
    assert len(found) > 15
    for path in found:
        assert os.lstat(path).st_mode & 0o7777 == (0o700 if path.is_dir() else 0o600), path
    assert sorted(path.name for path in site.iterdir()) == ["packages", "passwords", "people.csv"]


def test_records_are_rows_of_their_tables(site: Path) -> None:
    """Truth: Spark's own check of values against a schema, which needs no session."""
    package = Package("H01", "hsmr", 2022, {"report.pdf": b"%PDF"}, publication_id="2022-0a1b")
    (done,) = _hand_over(site, package)
    assert done.record is not None
    rows = {tables.GOLD_PACKAGES: done.record, tables.GOLD_PACKAGE_MESSAGES: done.messages[0]}
    for table, record in rows.items():
        assert [each.name for each in fields(record)] == SCHEMAS[table].names
        _make_type_verifier(SCHEMAS[table].struct)(record.row)
        missing = [c.name for c, value in zip(SCHEMAS[table].columns, record.row) if c.required and value in (None, "", [], {})]
        assert not missing
    assert ("anna@h01.nl", "bestuur") in done.record.row[7] and done.record.row[4] == "2022-0a1b"  # type: ignore[operator]
    assert done.record.package_id == Package("H01", "hsmr", 2022, {"report.pdf": b"%PDF"}).package_id


def test_settings_of_publication_are_settings_like_others(tmp_path: Path) -> None:
    settings = load_settings(None, ["publication.folder=/srv/packages", "publication.language=en", "publication.smtp_port=25"])
    assert (settings.publication.folder, settings.publication.language, settings.publication.smtp_port) == (
        "/srv/packages",
        "en",
        25,
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(None, ["publication.password=x", "publication.language=de", "publication.smtp_host=a b"])
    for path in ("publication.password: no such setting", "publication.language:", "publication.smtp_host:"):
        assert path in str(caught.value)

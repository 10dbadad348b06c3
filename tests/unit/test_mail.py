"""Handing messages over. Truth: a real SMTP server on loopback, and the files of an outbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import mail_server
import pytest
from mail_server import PASSWORD, USER, Received, serving

from lbz_indicators.config import PublicationSettings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io.mail import Smtp, carrier
from lbz_indicators.io.private import private_folder

LOGIN = {"LBZ_SMTP_USER": USER, "LBZ_SMTP_PASSWORD": PASSWORD}


def _message(to: str = "anna@h01.nl") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"], message["From"], message["To"] = "é", "lbz@example.nl", to
    message.set_content("Zie é.\n.\nEinde", cte="quoted-printable")
    return message


def _smtp(tmp_path: Path, port: int, environment: dict[str, str] | None = None, **settings: Any) -> Smtp:
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "sender": "lbz@example.nl", "smtp_timeout_seconds": 5, **settings}
    made = carrier(PublicationSettings(**given), private_folder(tmp_path / "packages"), environment or {})
    assert isinstance(made, Smtp)
    return made


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[tuple[Received, Smtp]]:
    with serving() as server:
        smtp = _smtp(tmp_path, server.port, smtp_security="none")
        yield server, smtp
        smtp.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return mail_server.certificate(tmp_path_factory.mktemp("certificate"))


def test_a_message_arrives_as_it_was_sent(plain: tuple[Received, Smtp]) -> None:
    server, smtp = plain
    assert smtp.send(_message(), "k1") is None and smtp.send(_message("ben@h01.nl"), "k2") is None
    assert [to for to, _ in server.messages] == [["anna@h01.nl"], ["ben@h01.nl"]]
    assert server.messages[0][1]["Subject"] == "é" and server.messages[0][1].get_content().splitlines() == [
        "Zie é.",
        ".",
        "Einde",
    ]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_it_is_encrypted_and_logged_in(tmp_path: Path, pair: tuple[Path, Path], kind: str) -> None:
    with serving(pair, kind, login=True) as server:
        smtp = _smtp(tmp_path, server.port, LOGIN, smtp_security=kind, smtp_ca=str(pair[0]))
        assert smtp.send(_message(), "k") is None
        smtp.close()
    assert server.encrypted == [True] and server.logins == [True]


def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """Not the system's certificates, not those of another: no login, no message."""
    (tmp_path / "other").mkdir()
    for trusted in (None, str(mail_server.certificate(tmp_path / "other")[0])):
        with serving(pair, "starttls", login=True) as server:
            fault = _smtp(tmp_path, server.port, LOGIN, smtp_ca=trusted).send(_message(), "k")
        assert fault is not None and "is not accepted (CERTIFICATE_VERIFY_FAILED)" in fault and not server.messages


def test_a_certificate_of_another_host_is_not_accepted(tmp_path: Path) -> None:
    other = mail_server.certificate(tmp_path, "10.1.2.3")
    with serving(other, "starttls") as server:
        fault = _smtp(tmp_path, server.port, smtp_ca=str(other[0])).send(_message(), "k")
    assert fault is not None and "is not accepted" in fault and not server.messages


def test_a_server_without_encryption_gets_nothing_where_it_is_asked_for(tmp_path: Path) -> None:
    with serving() as server:
        fault = _smtp(tmp_path, server.port).send(_message(), "k")
    assert (
        fault is not None and "does not do what publication.smtp_* asks (SMTPNotSupportedError)" in fault and not server.messages
    )


def test_wrong_credentials_are_told_without_them(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    wrong = {"LBZ_SMTP_USER": USER, "LBZ_SMTP_PASSWORD": "wrong-password-0815"}
    with serving(pair, login=True) as server:
        fault = _smtp(tmp_path, server.port, wrong, smtp_ca=str(pair[0])).send(_message(), "k")
    assert fault is not None and "refused the credentials (535)" in fault and "0815" not in fault and USER not in fault.split()


def test_one_refused_person_keeps_nobody_else_from_the_message(plain: tuple[Received, Smtp]) -> None:
    server, smtp = plain
    server.refused["ben@h01.nl"] = "550 ben@h01.nl is unknown"
    faults = [smtp.send(_message(to), to) for to in ("anna@h01.nl", "ben@h01.nl", "cara@h01.nl")]
    assert faults == [None, "the mail server refused the recipient (550)", None]
    assert [to for to, _ in server.messages] == [["anna@h01.nl"], ["cara@h01.nl"]]


def test_a_refused_message_and_a_closing_server(plain: tuple[Received, Smtp]) -> None:
    """After 421 the server has gone: the next message is sent over a new connection."""
    server, smtp = plain
    for answer in ("552 too large", "421 closing"):
        server.refuse_all = answer
        assert smtp.send(_message(), "k") == f"the mail server refused the message ({answer[:3]})"
        server.refuse_all = None
        assert smtp.send(_message(), "k") is None
    assert len(server.messages) == 2


def test_a_connection_that_is_lost_loses_one_message(tmp_path: Path) -> None:
    """The server is started again in between."""
    with serving() as server:
        smtp = _smtp(tmp_path, server.port, smtp_security="none")
        assert smtp.send(_message(), "k") is None
        lost = smtp._server
        assert lost is not None and lost.sock is not None
        lost.sock.shutdown(2)
        assert smtp.send(_message(), "k") == "the connection to the mail server was lost (SMTPServerDisconnected)"
        assert smtp.send(_message(), "k") is None
        smtp.close()
        smtp.close()
    assert len(server.messages) == 2


def test_a_server_that_is_not_there_is_asked_once(tmp_path: Path) -> None:
    with serving() as server:
        port = server.port
    smtp = _smtp(tmp_path, port, smtp_security="none")
    assert smtp.send(_message(), "k") == f"the mail server 127.0.0.1:{port} cannot be reached (Connection refused)"
    with serving() as other:
        smtp._settings = smtp._settings.model_copy(update={"smtp_port": other.port})
        assert smtp.send(_message(), "k") == f"the mail server 127.0.0.1:{port} cannot be reached (Connection refused)"
    assert not other.messages


def test_settings_that_cannot_be_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Credentials would go to the mail server unencrypted"):
        _smtp(tmp_path, 25, LOGIN, smtp_security="none")
    with pytest.raises(SettingsError, match="One half of the mail server's credentials is missing"):
        _smtp(tmp_path, 25, {"LBZ_SMTP_USER": USER})
    for path in (tmp_path / "absent.pem", tmp_path):
        with pytest.raises(SettingsError, match="certificates that vouch for the mail server cannot be read"):
            _smtp(tmp_path, 25, smtp_ca=str(path))
    for wrong in (
        {"smtp_host": "h", "outbox": "x", "sender": "a@b.nl"},
        {"smtp_host": "h"},
        {"sender": "a@b.nl\nBcc: x@evil.nl"},
    ):
        with pytest.raises(ValueError):
            PublicationSettings(**wrong)


def test_an_outbox_holds_one_file_per_message(tmp_path: Path) -> None:
    box = carrier(PublicationSettings(), private_folder(tmp_path / "packages"))
    assert (
        box.send(_message(), "k1") is None
        and box.send(_message("ben@h01.nl"), "k2") is None
        and box.send(_message(), "k1") is None
    )
    files = sorted((tmp_path / "packages" / "_outbox").iterdir())
    assert [path.name for path in files] == ["k1.eml", "k2.eml"] and {os.lstat(path).st_mode & 0o7777 for path in files} == {
        0o600
    }
    assert message_from_bytes(files[1].read_bytes(), policy=policy.SMTP)["To"] == "ben@h01.nl"
    other = carrier(PublicationSettings(outbox=str(tmp_path / "out")), private_folder(tmp_path / "packages"))
    assert other.send(_message(), "k3") is None and (tmp_path / "out" / "k3.eml").exists()

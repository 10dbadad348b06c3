"""A real SMTP server on loopback, in a thread: what it received, and what it refuses."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "lbz", "the-mail-server-s-password"


@dataclass
class Received:
    """Messages in the order in which they came, and who was logged in. `refused`: addresses with the answer they get."""

    messages: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    refuse_all: str | None = None
    port: int = 0

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse_all:
            return self.refuse_all
        content = bytes(envelope.content or b"")
        self.raw.append(content)
        self.messages.append((list(envelope.rcpt_tos), message_from_bytes(content, policy=policy.SMTP)))  # type: ignore[arg-type]
        self.logins.append(bool(session.authenticated))
        self.encrypted.append(
            session.ssl is not None or isinstance(server.transport.get_extra_info("sslcontext"), ssl.SSLContext)
        )
        return "250 OK"


class _Encrypted(Controller):
    """Encrypted from the first byte (port 465)."""

    def __init__(self, *arguments: Any, context: ssl.SSLContext, **named: Any) -> None:
        super().__init__(*arguments, ssl_context=context, **named)


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """(certificate, key) that the real openssl makes for a server of this address, and which vouches for itself."""
    if shutil.which("openssl") is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "openssl is missing (Debian: openssl)"
        pytest.skip("openssl is not installed")
    crt, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}", "-keyout", str(key), "-out", str(crt)]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    return crt, key


@contextmanager
def serving(pair: tuple[Path, Path] | None = None, encrypted: str = "starttls", login: bool = False) -> Iterator[Received]:
    """The server while it runs; with a certificate it encrypts (starttls or tls), and asks for a login where it shall."""
    received = Received(port=_free_port())
    arguments: dict[str, Any] = {"hostname": "127.0.0.1", "port": received.port}
    context = None
    if pair is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    if context is not None and encrypted == "starttls":
        arguments |= {"tls_context": context, "require_starttls": True}
    if login:
        arguments |= {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": encrypted == "starttls"}
    whole = context is not None and encrypted == "tls"
    controller = _Encrypted(received, context=context, **arguments) if whole and context else Controller(received, **arguments)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

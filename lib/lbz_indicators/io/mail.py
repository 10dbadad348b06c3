"""Handing messages over: to an SMTP server, or as .eml files to an outbox that people or another program send from."""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from lbz_indicators.config import PublicationSettings
from lbz_indicators.errors import SettingsError, StorageError
from lbz_indicators.io.private import private_folder, write_private
from lbz_indicators.publish.passwords import Password

log = logging.getLogger(__name__)

USER, PASSWORD = "LBZ_SMTP_USER", "LBZ_SMTP_PASSWORD"
OUTBOX = "_outbox"
_CLOSING = 421
"""With which a server ends the connection."""


class Carrier(Protocol):
    """A way for messages. `name` is smtp or outbox."""

    name: str

    def send(self, message: EmailMessage, key: str) -> str | None:
        """Why it was not handed over, without an address; None where it was."""

    def close(self) -> None:
        """Ends the connection, where there is one."""


def carrier(settings: PublicationSettings, packages: Path, environment: Mapping[str, str] | None = None) -> Carrier:
    """The way that the settings name; SettingsError where it cannot be one. No connection is made yet."""
    if settings.smtp_host is None:
        return Outbox(private_folder(settings.outbox or packages / OUTBOX))
    found = os.environ if environment is None else environment
    user, password = found.get(USER), found.get(PASSWORD)
    if (user is None) != (password is None):
        raise SettingsError(
            "One half of the mail server's credentials is missing.", where=f"{USER}, {PASSWORD}", mend="give both, or none."
        )
    if user is not None and settings.smtp_security == "none":
        raise SettingsError(
            "Credentials would go to the mail server unencrypted.",
            where="publication.smtp_security: none",
            mend=f"use starttls or tls, or take {USER} and {PASSWORD} out of the environment.",
        )
    try:
        trusted = ssl.create_default_context(cafile=settings.smtp_ca)
    except OSError as error:
        raise SettingsError(
            "The certificates that vouch for the mail server cannot be read.",
            where=f"publication.smtp_ca: {settings.smtp_ca}",
            mend="name a file of PEM certificates, or leave it out for those of the system.",
        ) from error
    return Smtp(settings, trusted, None if user is None or password is None else (user, Password(password)))


class Outbox:
    """Messages as files, named by their key, so that one that is written again is the same file."""

    name = "outbox"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage, key: str) -> str | None:
        """Writes KEY.eml."""
        try:
            write_private(self.folder, f"{key}.eml", lambda file: file.write(bytes(message)))
        except StorageError as error:
            return error.what
        return None

    def close(self) -> None:
        """Nothing is open."""


class Smtp:
    """One connection for many messages, made when the first one is sent, and once more where it was lost.

    Where no connection can be made, no further one is tried. What the server answers is not told: it quotes addresses.
    """

    name = "smtp"

    def __init__(self, settings: PublicationSettings, trusted: ssl.SSLContext, credentials: tuple[str, Password] | None) -> None:
        self._settings = settings
        self._trusted = trusted
        self._credentials = credentials
        self._server: smtplib.SMTP | None = None
        self._unreachable: str | None = None

    def send(self, message: EmailMessage, key: str) -> str | None:
        """Sends one message; it is the server's when it has said so."""
        if self._server is None and self._unreachable is None:
            self._unreachable = self._connect()
        if self._server is None:
            return self._unreachable
        try:
            self._server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            return f"the mail server refused the recipient ({', '.join(map(str, codes))})"
        except smtplib.SMTPResponseException as error:
            if error.smtp_code == _CLOSING:
                self.close()
            return f"the mail server refused the message ({error.smtp_code})"
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return f"the connection to the mail server was lost ({type(error).__name__})"
        return None

    def close(self) -> None:
        """Says goodbye, if there is anybody."""
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def _connect(self) -> str | None:
        """Why there is no connection; None where there is."""
        settings = self._settings
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        server: smtplib.SMTP | None = None
        try:
            server = self._opened()
            if self._credentials is not None:
                server.login(self._credentials[0], self._credentials[1].reveal())
        except smtplib.SMTPAuthenticationError as error:
            fault = f"the mail server {where} refused the credentials ({error.smtp_code})"
        except ssl.SSLError as error:
            fault = f"the certificate or encryption of the mail server {where} is not accepted ({error.reason})"
        except smtplib.SMTPException as error:
            fault = f"the mail server {where} does not do what publication.smtp_* asks ({type(error).__name__})"
        except OSError as error:
            fault = f"the mail server {where} cannot be reached ({error.strerror or type(error).__name__})"
        else:
            self._server = server
            return None
        if server is not None:
            server.close()
        return fault

    def _opened(self) -> smtplib.SMTP:
        """A connection, encrypted as the settings say; never less than that."""
        settings = self._settings
        host, port, seconds = settings.smtp_host or "", settings.smtp_port, settings.smtp_timeout_seconds
        if settings.smtp_security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=seconds, context=self._trusted)
        server = smtplib.SMTP(host, port, timeout=seconds)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=self._trusted)
        except BaseException:
            server.close()
            raise
        return server

"""Handing packages over: only to people who are authorised on the day, encrypted, told once, and recorded.

No Spark: a step calls it with the files of each hospital and stores the records it gives.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lbz_indicators.clock import utc_now
from lbz_indicators.config import PublicationSettings
from lbz_indicators.errors import DeliveryError, SettingsError
from lbz_indicators.io.mail import Carrier, carrier
from lbz_indicators.io.notices import Notices
from lbz_indicators.io.packages import PackageFolder
from lbz_indicators.io.passwords import PasswordSource
from lbz_indicators.io.private import read_unless_open
from lbz_indicators.logs import event
from lbz_indicators.publish.authorised import Person, authorised_for, read_people
from lbz_indicators.publish.messages import Letterhead, message_key, message_to
from lbz_indicators.publish.names import hospital_folder
from lbz_indicators.publish.package import MessageRecord, Package, PackageRecord

log = logging.getLogger(__name__)

_TOLD = 20


@dataclass(frozen=True)
class HandedOver:
    """What became of one package. `record` is null and `reason` says why where nobody is authorised: nothing was written.

    `written` is false where it was there already. `messages` are all of this content to people who are authorised now, `told_now`
    of them handed over this time; `untold` has the lines of the table of people who could not be told, each with the reason.
    """

    hospital_id: str
    product: str
    record: PackageRecord | None
    reason: str | None
    written: bool = False
    messages: tuple[MessageRecord, ...] = ()
    told_now: int = 0
    untold: tuple[tuple[int, str], ...] = ()


class Desk:
    """Where packages are handed over. Everything that can be wrong with its settings is said when it is opened.

    `hospitals`: where given, the table of people may name no other one.
    """

    def __init__(
        self,
        settings: PublicationSettings,
        run_id: str,
        hospitals: Collection[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if settings.folder is None:
            raise SettingsError("It is not said where packages lie.", mend="name a folder in publication.folder.")
        self._run_id = run_id
        self._head = Letterhead(settings.language, settings.sender, settings.collect_at)
        self._people = _people(settings, hospitals)
        self._packages = PackageFolder(settings.folder)
        self._passwords = PasswordSource(settings, self._packages.root, environment)
        self._notices = Notices(self._packages.root)
        self._carrier: Carrier = carrier(settings, self._packages.root, environment)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self._carrier.close()

    def require_passwords(self, packages: Iterable[tuple[str, str, int]], on: dt.date) -> None:
        """SettingsError where a package (hospital_id, product, year) that somebody may have has no password. Ask this first."""
        self._passwords.require(
            (hospital, year) for hospital, product, year in packages if authorised_for(self._people, hospital, product, on).people
        )

    def hand_over(self, package: Package, on: dt.date) -> HandedOver:
        """Writes the package for whom is authorised `on` that day, and tells each of them who was not told of this content."""
        may = authorised_for(self._people, package.hospital_id, package.product, on)
        folder = hospital_folder(package.hospital_id)
        if may.reason is not None:
            event(log, "package_refused", f"no package in {folder}: {may.reason}", logging.WARNING, product=package.product)
            return HandedOver(package.hospital_id, package.product, None, may.reason)
        written = self._packages.write(package, self._passwords.of(package.hospital_id, package.year))
        record = PackageRecord(
            package.package_id,
            package.hospital_id,
            package.product,
            package.year,
            package.publication_id,
            package.file_name,
            package.sha256,
            may.people,
            on,
            utc_now(),
            self._run_id,
        )
        what = "written" if written else "was there already"
        event(
            log, "package_written" if written else "package_kept", f"{folder}/{package.file_name} {what}", people=len(may.people)
        )
        return self._tell(HandedOver(package.hospital_id, package.product, record, None, written), package)

    def _tell(self, done: HandedOver, package: Package) -> HandedOver:
        messages: list[MessageRecord] = []
        untold: list[tuple[int, str]] = []
        told_now = 0
        for person in done.record.people if done.record else ():
            key = message_key(package, person)
            message = self._notices.find(key)
            if message is None:
                now = utc_now()
                fault = self._carrier.send(message_to(person, package, self._head, now), key)
                if fault is not None:
                    untold.append((person.line, fault))
                    event(log, "message_failed", f"message {key} not handed over: {fault}", logging.WARNING)
                    continue
                message = self._record(key, package, person, now)
                self._notices.add(message)
                told_now += 1
                event(log, "message_sent", f"message {key} handed over", through=self._carrier.name)
            messages.append(message)
        return replace(done, messages=tuple(messages), told_now=told_now, untold=tuple(untold))

    def _record(self, key: str, package: Package, person: Person, now: dt.datetime) -> MessageRecord:
        return MessageRecord(
            key,
            package.package_id,
            package.hospital_id,
            package.product,
            package.year,
            person.email,
            person.role,
            now,
            self._carrier.name,
            self._run_id,
        )


def require_told(results: Sequence[HandedOver]) -> None:
    """SettingsError where somebody was not told: who, by line of the table, and why, in one message. After all is recorded."""
    faults = sorted({fault for result in results for fault in result.untold})
    if not faults:
        return
    told = sum(len(result.messages) for result in results)
    failed = sum(len(result.untold) for result in results)
    lines = [f"line {line}: {why}" for line, why in faults[:_TOLD]]
    more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
    raise SettingsError(
        f"{failed} of {failed + told} messages could not be handed over: {'; '.join(lines)}{more}.",
        where="lines of publication.authorised",
        mend="the packages are there; see to the mail server or these addresses and give the same command again: who was "
        "told is not told twice.",
    )


def _people(settings: PublicationSettings, hospitals: Collection[str] | None) -> tuple[Person, ...]:
    if settings.authorised is None:
        raise SettingsError(
            "It is not said who may have packages.", mend="name the table of authorised people in publication.authorised."
        )
    content = read_unless_open(Path(settings.authorised), "The table of authorised people")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeliveryError(
            "The table of authorised people is not UTF-8.", where=settings.authorised, mend="write it as UTF-8."
        ) from error
    return read_people(text, settings.authorised, hospitals)

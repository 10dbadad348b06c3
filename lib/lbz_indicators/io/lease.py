"""The lease of a run: of two runs on the same tables, one writes.

It is the one row of gold.lease, changed on conditions: of two runs that start at once Delta lets one commit. While a run
works it renews its lease; one that is renewed no more is taken over, and a run that has lost its lease stops before its
next write. What is assumed about clocks stands in docs/operations.md, "Two runs at once".
"""

from __future__ import annotations

import contextvars
import datetime as dt
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lbz_indicators import interrupts, logs
from lbz_indicators.clock import Clock
from lbz_indicators.errors import StorageError
from lbz_indicators.failures import storage_errors
from lbz_indicators.io.holder import Process, this_process
from lbz_indicators.io.lease_row import LeaseRow, at, change_row, find_row, make_row, micros, taking, text
from lbz_indicators.io.tables import Store

log = logging.getLogger(__name__)

RENEWALS = 4
"""Renewals in the time that one lease lasts."""
WATCHED = 3
"""An expired lease is watched for this part of its time, which is longer than the time between renewals."""
_LOOKS = 5
_ATTEMPTS = 5
_TICK_SECONDS = 15.0
Say = Callable[[str], None]


def find_lease(store: Store) -> LeaseRow | None:
    """The lease on the tables as it stands; None where no run has taken one yet."""
    with storage_errors("The lease on the tables could not be read.", store.place, _MEND_STORAGE):
        return find_row(store)


class Validity:
    """How old a lease is, by whichever of the machine's clocks says more: one may be set, the other stand still in sleep."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = self.moment()

    def moment(self) -> tuple[float, dt.datetime]:
        """Now, by both clocks."""
        return self._clock.steady(), self._clock.now()

    def count_from(self, moment: tuple[float, dt.datetime]) -> None:
        """A renewal has succeeded that began at that moment."""
        self._since = moment

    @property
    def age(self) -> dt.timedelta:
        """Time since the last renewal began."""
        steady, wall = self._since
        return max(dt.timedelta(seconds=self._clock.steady() - steady), self._clock.now() - wall)


class Lease:
    """One run's right to write: `held` takes it, renews it and releases it; `require` stands before every write."""

    def __init__(
        self, store: Store, run_id: str, command: str, clock: Clock | None = None, process: Process | None = None
    ) -> None:
        self._store, self._run_id, self._command = store, run_id, command
        self._clock, self._process = clock or Clock(), process or this_process()
        self._lasts = dt.timedelta(minutes=store.location.settings.lease_minutes)
        self._token = secrets.token_hex(8)
        self._validity = Validity(self._clock)
        self._renewing = threading.Lock()
        self._lost: StorageError | None = None

    @contextmanager
    def held(self, say: Say) -> Iterator[None]:
        """Takes the lease, renews it in the background and releases it at the end, also after a failure or a signal."""
        ended = threading.Event()
        # In the context of the run, so that what it logs is about the run.
        keeping = contextvars.copy_context().run
        keeper = threading.Thread(target=keeping, args=(self._keep, ended), name="lease", daemon=True)
        try:
            self.take(say)
            keeper.start()
            yield
        finally:
            # Also where taking it failed: a signal may have come after the commit.
            with interrupts.shielded():
                ended.set()
                if keeper.ident is not None:
                    keeper.join()
                self.release()

    def take(self, say: Say) -> None:
        """Takes the lease where it is free, expired, or left by a process that has ended; StorageError where a run holds it."""
        with storage_errors("The lease on the tables could not be taken.", self._store.place, _MEND_STORAGE):
            given_up: LeaseRow | None = None
            for _ in range(_ATTEMPTS):
                if self._write(given_up):
                    self._lost = None
                    former = None if given_up is None else given_up.run_id
                    logs.event(
                        log, "lease_taken", "lease taken", taken_over_from=former, minutes=self._lasts.total_seconds() / 60
                    )
                    return
                found = find_row(self._store)
                if found is None or found.released_at is not None:
                    continue
                given_up = self._require_given_up(found, say)
            raise StorageError("The lease on the tables changes hands all the time.", where=self._store.place, mend=_MEND_HELD)

    def _write(self, given_up: LeaseRow | None) -> bool:
        """Whether the row is now this run's: it was free, is new, or is still as `given_up` was left."""
        moment = self._validity.moment()
        now = moment[1]
        row = LeaseRow(self._token, self._run_id, self._command, self._process, now, now, now + self._lasts)
        free = "released_at IS NOT NULL"
        if given_up is not None:
            free += f" OR (token = {text(given_up.token)} AND unix_micros(renewed_at) = {micros(given_up.renewed_at)})"
        taken = change_row(self._store, taking(row), free)
        if taken is None:
            taken = make_row(self._store, row)
        if taken:
            self._validity.count_from(moment)
        return taken

    def _require_given_up(self, found: LeaseRow, say: Say) -> LeaseRow:
        """The lease as found, where its holder works no more; StorageError where it does, or may."""
        if found.process.has_ended():
            say(f"taking over the lease of {found}: that process has ended without releasing it")
            return found
        if self._clock.now() < found.expires_at:
            raise self._refused(found)
        watched = found.lasts / WATCHED
        say(f"the lease of {found} expired at {_utc(found.expires_at)}; watching for {_minutes(watched)} whether it is renewed")
        for _ in range(_LOOKS):
            self._clock.sleep(watched.total_seconds() / _LOOKS)
            now = find_row(self._store)
            if now is None or now.token != found.token or now.released_at is not None:
                return found
            if now.renewed_at != found.renewed_at:
                raise self._refused(now)
        say(f"taking over the lease of {found}: it was not renewed")
        return found

    def _refused(self, found: LeaseRow) -> StorageError:
        times = f"since {_utc(found.taken_at)}, renewed {_utc(found.renewed_at)}, expires {_utc(found.expires_at)}"
        logs.event(log, "lease_refused", f"lease held by {found}", logging.ERROR, holder=found.run_id)
        self._lost = StorageError(f"Another run is writing: {found}.", where=f"{self._store.place}: {times}", mend=_MEND_HELD)
        return self._lost

    def require(self) -> None:
        """Before every write: StorageError where the lease is lost. Asks the table only where the last renewal is long ago."""
        if self._lost is not None:
            raise self._lost
        if self._validity.age > self._lasts / 2:
            self.renew()

    def renew(self) -> None:
        """Writes a new time of expiry; StorageError where the lease is another's by now, and from then on at every write."""
        with self._renewing:
            moment = self._validity.moment()
            times = {"renewed_at": at(moment[1]), "expires_at": at(moment[1] + self._lasts)}
            with storage_errors("The lease on the tables could not be renewed.", self._store.place, _MEND_STORAGE):
                renewed = change_row(self._store, times, self._own)
                if not renewed:
                    self._lost = self._lost_to(find_row(self._store))
                    raise self._lost
            self._validity.count_from(moment)

    def _lost_to(self, now: LeaseRow | None) -> StorageError:
        taker = "is no longer there" if now is None else f"has been taken over by {now}"
        logs.event(log, "lease_lost", f"the lease {taker}", logging.ERROR, holder=None if now is None else now.run_id)
        return StorageError(
            f"This run stops before its next write: its lease on the tables {taker}.",
            where=f"{self._store.place}, run {self._run_id}",
            mend="run the same command again when that run has ended. A lease is lost where its machine slept or could not "
            "reach the tables for longer than storage.lease_minutes.",
        )

    @property
    def _own(self) -> str:
        return f"token = {text(self._token)} AND released_at IS NULL"

    def _keep(self, ended: threading.Event) -> None:
        """Renews at a quarter of the lease's time, until the run ends or the lease is lost; tries again after a failure."""
        due = self._lasts / RENEWALS
        while self._lost is None and not ended.wait(min(_TICK_SECONDS, due.total_seconds() / 4)):
            if self._validity.age < due:
                continue
            try:
                self.renew()
                logs.event(log, "lease_renewed", "lease renewed")
            except StorageError as error:
                log.warning("lease not renewed: %s", error.what)

    def release(self) -> None:
        """Gives the lease back. Where that fails the run's own end matters more: it expires then."""
        if self._lost is not None:
            return
        try:
            with storage_errors("The lease on the tables could not be released; it expires.", self._store.place, _MEND_STORAGE):
                released = change_row(self._store, {"released_at": at(self._clock.now())}, self._own)
        except StorageError as error:
            log.warning("%s", error.what)
        else:
            if released:
                logs.event(log, "lease_released", "lease released")


def _utc(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _minutes(span: dt.timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min" if span > dt.timedelta(minutes=2) else f"{span.total_seconds():.0f} s"


_MEND_STORAGE = "check permissions and free space of the tables' folder, then run the same command again."
_MEND_HELD = (
    "run the same command again when that run has ended (`lbz-indicators show runs`). A lease that is no longer renewed is "
    'taken over by the next run after it has expired; docs/operations.md, "Two runs at once".'
)

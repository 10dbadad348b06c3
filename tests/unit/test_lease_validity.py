"""The lease without its table: how old it is, when it is asked for, and whether its process has ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from clocks import SetClock

from lbz_indicators.errors import StorageError
from lbz_indicators.io import lease
from lbz_indicators.io.holder import Process, this_process
from lbz_indicators.io.lease import Lease, Validity

linux_only = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells when a process began")


@pytest.mark.parametrize(
    ("happens", "minutes"),
    [
        (lambda clock: clock.pass_time(minutes=5), 5),
        (lambda clock: (clock.pass_time(minutes=5), clock.set_by(hours=-3)), 5),
        (lambda clock: (clock.pass_time(minutes=5), clock.set_by(hours=1)), 65),
        (lambda clock: clock.suspend(minutes=30), 30),
    ],
    ids=["time passes", "clock set back", "clock set forward", "machine asleep"],
)
def test_a_lease_is_as_old_as_the_clock_says_that_says_more(happens: Any, minutes: float) -> None:
    clock = SetClock()
    validity = Validity(clock)
    happens(clock)
    assert validity.age.total_seconds() == minutes * 60


def test_it_counts_from_the_moment_before_the_renewal_was_written() -> None:
    """What counts for the others is the time in the row, which is older than the commit."""
    clock = SetClock()
    validity = Validity(clock)
    moment = validity.moment()
    clock.pass_time(minutes=2)
    validity.count_from(moment)
    assert validity.age.total_seconds() == 120


class Table:
    """Stands for the table: counts how often it is asked, and whether the row still is this run's."""

    def __init__(self) -> None:
        self.asked, self.ours = 0, True

    def change(self, *_: object) -> bool:
        self.asked += 1
        return self.ours


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    stand_in = Table()
    monkeypatch.setattr(lease, "change_row", stand_in.change)
    monkeypatch.setattr(lease, "find_row", lambda _: None)
    return stand_in


def _lease(clock: SetClock) -> Lease:
    store: Any = SimpleNamespace(location=SimpleNamespace(settings=SimpleNamespace(lease_minutes=20)), place="somewhere")
    taken = Lease(store, "r1", "run", clock)
    taken.take(lambda _: None)
    return taken


def test_a_write_asks_the_table_only_past_half_of_the_lease(table: Table) -> None:
    clock = SetClock()
    held = _lease(clock)
    taking = table.asked
    for _ in range(100):
        clock.pass_time(seconds=5)
        held.require()
    assert table.asked == taking, "100 writes within 8 minutes ask nothing"
    clock.pass_time(minutes=2)
    held.require()
    held.require()
    assert table.asked == taking + 1


@pytest.mark.parametrize("jump", [{"hours": 2}, {"days": 300}])
def test_a_clock_set_forward_makes_the_next_write_ask(table: Table, jump: dict[str, float]) -> None:
    """Another run of this machine would now take the lease for expired."""
    clock = SetClock()
    held = _lease(clock)
    clock.set_by(**jump)
    table.ours = False
    with pytest.raises(StorageError, match="stops before its next write"):
        held.require()


def test_a_lost_lease_stays_lost_without_asking(table: Table) -> None:
    clock = SetClock()
    held = _lease(clock)
    table.ours = False
    with pytest.raises(StorageError):
        held.renew()
    asked = table.asked
    table.ours = True
    with pytest.raises(StorageError, match="stops before its next write"):
        held.require()
    held.release()
    assert table.asked == asked


def test_this_process_has_not_ended() -> None:
    assert not this_process().has_ended()


@linux_only
def test_a_killed_process_has_ended_also_before_its_parent_notices() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        started = lease_holder(other.pid)
        assert not started.has_ended()
        os.kill(other.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not started.has_ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert started.has_ended(), "killed, not yet waited for"
        other.wait()
        assert started.has_ended()


def lease_holder(process_id: int) -> Process:
    """A process as it would describe itself."""
    program = "from lbz_indicators.io import holder; print(holder._birth(%d))" % process_id  # noqa: UP031
    birth = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    return Process(this_process().host, process_id, birth)


@linux_only
def test_a_number_used_again_is_another_process() -> None:
    now = this_process()
    assert now.birth is not None
    space, _, _ = now.birth.rpartition("/")
    assert dataclasses.replace(now, birth=f"{space}/1").has_ended()


@pytest.mark.parametrize("birth", [None, "another-boot/4026531836/5"])
def test_what_cannot_be_seen_from_here_is_not_taken_for_ended(birth: str | None) -> None:
    """A process of another machine, another container, or from before this boot."""
    assert not Process("elsewhere", 2**22 + 1, birth).has_ended()

"""Of two runs on the same tables one writes (ARCHITECTURE section 3, "Writes")."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from clocks import SetClock
from pyspark.sql import SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings, StorageSettings, load_settings
from lbz_indicators.errors import LbzError, ModelError, StorageError
from lbz_indicators.io import Lease, Store
from lbz_indicators.io.holder import Process, this_process
from lbz_indicators.io.lease_row import LeaseRow, find_row
from lbz_indicators.progress import SILENT
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.run import run_alone

pytestmark = pytest.mark.usefixtures("spark")
ELSEWHERE = Process("other-host", 4711, "another-boot/1/2")
RULE = ("d1", "H1", "valid", "total", 10)


def _store(spark: SparkSession, root: Path, require: Callable[[], None] = lambda: None) -> Store:
    return Store(spark, StorageSettings(root=str(root), lease_minutes=20), require)


def _now(store: Store) -> LeaseRow:
    row = find_row(store)
    assert row is not None
    return row


class Said(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


def _race(leases: list[Lease]) -> list[str]:
    """What each of them gets that take at once: taken, or the error's message."""
    results, start = ["" for _ in leases], threading.Barrier(len(leases))

    def take(place: int) -> None:
        start.wait()
        try:
            leases[place].take(lambda _: None)
            results[place] = "taken"
        except LbzError as error:
            results[place] = str(error)

    threads = [threading.Thread(target=take, args=(place,)) for place in range(len(leases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_runs_that_start_at_once_exactly_one_has_it(spark: SparkSession, tmp_path: Path) -> None:
    """First on tables that are not there yet, then on a lease that was released."""
    for chapter in ("made", "released"):
        leases = [Lease(_store(spark, tmp_path), f"{chapter}{number}", "run") for number in range(3)]
        results = _race(leases)
        assert results.count("taken") == 1, results
        winner = results.index("taken")
        refused = [text for text in results if text != "taken"]
        assert all(f"Another run is writing: run {chapter}{winner} (run) on host" in text for text in refused), results
        assert all("Mend:" in text and "expires" in text for text in refused)
        stored = spark.read.format("delta").load(f"{tmp_path}/gold/lease").collect()
        assert [row["run_id"] for row in stored] == [f"{chapter}{winner}"]
        leases[winner].release()


def test_what_a_first_take_that_broke_off_has_left_is_no_lease(spark: SparkSession, tmp_path: Path) -> None:
    log = tmp_path / "gold" / "lease" / "_delta_log"
    log.mkdir(parents=True)
    (log / ".00000000000000000000.json.1a2b.tmp").write_text('{"commitInfo":')
    (log.parent / "part-00000.snappy.parquet").write_bytes(b"PAR1")
    Lease(_store(spark, tmp_path), "first", "run").take(Said())
    found = find_row(_store(spark, tmp_path))
    assert found is not None and found.run_id == "first"


def test_an_expired_lease_is_taken_over_after_watching_and_its_run_writes_no_more(spark: SparkSession, tmp_path: Path) -> None:
    clock, other_clock, said = SetClock(), SetClock(), Said()
    first = Lease(_store(spark, tmp_path), "first", "nightly", clock, ELSEWHERE)
    first.take(said)
    store = _store(spark, tmp_path, first.require)
    store.append(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, [RULE]))
    second = Lease(_store(spark, tmp_path), "second", "run", other_clock)

    other_clock.pass_time(minutes=19)
    with pytest.raises(StorageError, match=r"run first \(nightly\) on host other-host, process 4711") as refused:
        second.take(said)
    assert refused.value.exit_status == 5
    assert "since 2026-03-29 00:30:00 UTC, renewed 2026-03-29 00:30:00 UTC, expires 2026-03-29 00:50:00 UTC" in str(refused.value)
    assert other_clock.slept == 0 and said == []

    other_clock.pass_time(minutes=2)
    second.take(said)
    assert other_clock.slept == pytest.approx(20 * 60 / 3), "watched for longer than the time between renewals"
    assert "the lease of run first (nightly) on host other-host, process 4711 expired at 2026-03-29 00:50:00 UTC" in said[0]
    assert "taking over" in said[1]
    assert (_now(store).run_id, _now(store).taken_over_from) == ("second", "first")

    clock.pass_time(minutes=30)
    for write in (store.append, store.replace):
        with pytest.raises(StorageError, match=r"stops before its next write: its lease .* taken over by run second"):
            write(tables.SILVER_QUALITY, store.frame(tables.SILVER_QUALITY, [("d2", *RULE[1:])]))
    with pytest.raises(StorageError, match="stops before its next write"):
        store.delete(tables.SILVER_QUALITY, "true")
    first.release()
    assert [tuple(row) for row in store.read(tables.SILVER_QUALITY).collect()] == [RULE]
    assert _now(store).released_at is None, "what was lost is not released for the other"


def test_a_clock_hours_ahead_does_not_take_a_lease_that_is_renewed(spark: SparkSession, tmp_path: Path) -> None:
    """As of a machine whose clock shows local time for UTC; the holder renews while it is watched."""
    clock, ahead, said = SetClock(), SetClock(), Said()
    ahead.set_by(hours=2)
    first = Lease(_store(spark, tmp_path), "first", "run", clock, ELSEWHERE)
    first.take(said)
    before = _now(_store(spark, tmp_path))

    def renew_once() -> None:
        clock.pass_time(minutes=5)
        if clock.now() - before.renewed_at <= before.lasts / 2:
            first.renew()

    ahead.while_asleep = renew_once
    with pytest.raises(StorageError, match="Another run is writing: run first"):
        Lease(_store(spark, tmp_path), "second", "run", ahead).take(said)
    now = _now(_store(spark, tmp_path))
    assert (now.run_id, now.taken_at) == ("first", before.taken_at)
    assert now.expires_at - before.expires_at == now.renewed_at - before.renewed_at > before.lasts / 5
    first.release()


def test_the_lease_of_a_process_that_has_ended_is_taken_at_once(spark: SparkSession, tmp_path: Path) -> None:
    birth = this_process().birth
    if birth is None:
        pytest.skip("only Linux tells when a process began")
    gone = Process(this_process().host, this_process().process_id, birth.rpartition("/")[0] + "/1")
    clock, said = SetClock(), Said()
    Lease(_store(spark, tmp_path), "killed", "run", clock, gone).take(said)
    Lease(_store(spark, tmp_path), "next", "run", clock).take(said)
    assert clock.slept == 0 and "has ended without releasing it" in said[0]
    assert _now(_store(spark, tmp_path)).taken_over_from == "killed"


def test_it_is_renewed_in_the_background_while_a_step_runs(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lbz_indicators.io import lease as lease_module

    monkeypatch.setattr(lease_module, "_TICK_SECONDS", 0.05)
    clock = SetClock()
    lease = Lease(_store(spark, tmp_path), "long", "run", clock)
    with lease.held(lambda _: None):
        expires = _now(_store(spark, tmp_path)).expires_at
        clock.pass_time(minutes=6)
        waiting = threading.Event()
        for _ in range(300):
            if _now(_store(spark, tmp_path)).expires_at > expires:
                break
            waiting.wait(0.1)
        assert (_now(_store(spark, tmp_path)).expires_at - expires).total_seconds() == 6 * 60
    assert _now(_store(spark, tmp_path)).released_at == clock.now()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, [f"storage.root={tmp_path / 'out'}", "period.years=2019"])


def test_it_is_released_after_a_failure_and_the_step_has_it_until_then(spark: SparkSession, settings: Settings) -> None:
    held: list[LeaseRow] = []

    def fail(store: Store, *_: object) -> Outcome:
        held.append(_now(store))
        raise ModelError("the power went out")

    with pytest.raises(ModelError):
        run_alone(spark, settings, "models promote", fail, SILENT)
    row = _now(Store(spark, settings.storage))
    assert held[0].command == "models promote" and held[0].released_at is None
    assert row.run_id == held[0].run_id and row.released_at is not None
    done = run_alone(spark, settings, "models retire", lambda *_: Outcome("done"), SILENT)
    assert done.message == "done"


@pytest.mark.long
def test_a_second_process_ends_with_status_5_and_names_the_holder(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    """A process of its own, with Spark and in another time zone, while this one holds the lease."""
    lease = Lease(Store(spark, settings.storage), "20260329T003000-abcdef", "nightly")
    arguments = ["derive", "--output", str(tmp_path / "out"), "--years", "2019", "--delivered-until", "2019-12-31"]
    program = ["-c", "from lbz_indicators.cli import main; main()", *arguments, "--set", "spark.memory=1g"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYSPARK_GATEWAY")} | {"TZ": "Pacific/Kiritimati"}
    with lease.held(lambda _: None):
        done = subprocess.run([sys.executable, *program], env=environ, capture_output=True, text=True, timeout=300, check=False)
        assert _now(Store(spark, settings.storage)).run_id == "20260329T003000-abcdef"
    assert done.returncode == 5, done.stderr
    holder = f"run 20260329T003000-abcdef (nightly) on host {this_process().host}, process {os.getpid()}"
    assert f"Another run is writing: {holder}" in done.stderr and done.stderr.count("error:") == 1
    assert "Mend:" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "gold" / "runs").exists(), "a run that never began is not recorded"

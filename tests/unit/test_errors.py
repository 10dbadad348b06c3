"""Failures: one message in three parts, and the documented exit status (README)."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from interruptible import hear_ctrl_c

from lbz_indicators import cli
from lbz_indicators.errors import DeliveryError, LbzError, ModelError, SettingsError, StorageError


@pytest.mark.parametrize(("kind", "status"), [(SettingsError, 2), (DeliveryError, 3), (ModelError, 4), (StorageError, 5)])
def test_exit_status(kind: type[LbzError], status: int) -> None:
    """Truth: README, 'Exit status'."""
    assert kind("what").exit_status == status
    assert issubclass(kind, LbzError)


def test_message_has_what_where_and_mend() -> None:
    error = DeliveryError("Two columns are missing.", where="admissions", mend="deliver them.")
    assert str(error) == "Two columns are missing.\nWhere: admissions\nMend: deliver them."
    assert str(DeliveryError("Two columns are missing.")) == "Two columns are missing."
    assert str(DeliveryError("Two columns are missing.", mend="deliver them.")) == "Two columns are missing.\nMend: deliver them."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctor", "--set", "models.engin=glum"], "models.engin: no such setting"),
        (["run", "--config", "absent.yml"], "absent.yml is not there"),
        (["run", "--year", "2019"], "--year"),
        (["publish-everything"], "publish-everything"),
    ],
)
def test_wrong_arguments_end_a_command_with_status_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    output = capsys.readouterr()
    assert ended.value.code == 2
    assert said in output.err and output.err.startswith("error: ")
    assert "Traceback" not in output.err and output.out == ""


def test_a_command_that_is_interrupted_ends_with_130_and_one_message() -> None:
    """Ctrl-C while no Spark runs."""
    program = """
import time
from lbz_indicators import cli
def work(**_):
    try:
        print("working", flush=True)
        time.sleep(60)
    finally:
        print("tidied up", flush=True)
cli.app = work
cli.main([])
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "working\n"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "tidied up\n")
    assert err.startswith("error: ended from outside") and "Traceback" not in err


def test_a_signal_while_java_works_ends_its_jobs_first_and_then_the_step() -> None:
    """SIGTERM in the midst of a call: not the call is broken off but the job it waits for, as often as one is started."""
    program = """
import threading, types
from lbz_indicators import cli, interrupts
gateway = types.ModuleType("py4j.fake")
exec("def call(job):\\n    print('working', flush=True)\\n    assert job.wait(60)", gateway.__dict__)
jobs = [threading.Event(), threading.Event()]
def work(**_):
    interrupts.end_jobs_by(lambda: next(job for job in jobs if not job.is_set()).set())
    try:
        for job in jobs:
            gateway.call(job)
        raise RuntimeError("the last job was ended")
    except RuntimeError as error:
        print(error, flush=True)
        raise interrupts.what_ended(error)
cli.app = work
cli.main([])
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "working\n"
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "working\nthe last job was ended\n")
    assert err.splitlines()[1].startswith("error: ended from outside") and "Traceback" not in err


def test_a_command_that_is_interrupted_within_typer_does_not_end_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise KeyboardInterrupt

    app = typer.Typer()
    app.command()(work)
    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 130 and "error: ended from outside" in capsys.readouterr().err


def test_help_ends_with_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["run", "--years", "abc"], "period.years"),
        (["run", "--input", "x"], "where the tables lie"),
        (["run", "--output", "x", "--years", "2019"], "what to load"),
        (["ingest", "--output", "x", "--input", "/nowhere"], "not there"),
        (["ingest", "--output", "x", "--input", ".", "--source", "lbs"], "no source 'lbs'"),
        (["run", "--set", "models.verfy=all"], "models.verfy: no such setting"),
    ],
)
def test_what_is_wrong_before_spark_starts_is_one_message(tmp_path: Path, arguments: list[str], wanted: str) -> None:
    """In a process of its own: here pytest's own log handlers would hide what Python prints for want of any."""
    command = [sys.executable, "-c", "from lbz_indicators.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in {2, 3}
    assert "Traceback" not in done.stderr and done.stderr.count("error:") == 1 and wanted in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is made before the arguments are right"

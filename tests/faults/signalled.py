"""A step as a command in a process of its own, which gets a signal in the midst of its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import prepared
from interruptible import hear_ctrl_c

COMMAND = str(Path(sys.executable).parent / "lbz-indicators")
QUICK = ("--set", "spark.master=local[2]", "--set", "spark.memory=1g", "--set", "spark.shuffle_partitions=2")
SECONDS = 600


def run_and_signal(
    step: str, delivery: Path, root: Path, said: Path, number: signal.Signals, under_way: Callable[[], bool]
) -> int:
    """Starts the step, sends the signal when it is under way, and returns how the process ended; all it says is in `said`.

    SIGKILL ends all that the command has started too. Fails where the step was done before.
    """
    command = [COMMAND, step, "--input", str(delivery), "--output", str(root), *prepared.ARGUMENTS, *QUICK]
    with said.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=stream,
            env=os.environ | prepared.QUICK_JAVA,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,
        )
    end = time.monotonic() + SECONDS
    while process.poll() is None and not under_way() and time.monotonic() < end:
        time.sleep(0.005)
    running = process.poll() is None
    if running:
        (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)
    try:
        status = process.wait(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    text = said.read_text()
    assert running and f"{step}: started" in text and f"{step}: done" not in text, text[-2000:]
    return status

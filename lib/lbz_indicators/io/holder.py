"""Which process holds a lease, and whether it is certain that it has ended."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Fields of /proc/PID/stat after the name: the state, and the start in clock ticks since boot."""
_ENDED = {"Z", "X"}


@dataclass(frozen=True)
class Process:
    """A process. `birth` tells it from any other of its number: boot, space of process numbers, start; None where unknown."""

    host: str
    process_id: int
    birth: str | None

    def has_ended(self) -> bool:
        """True only where it is certain: it was a process of this machine since its start, and it is no longer there.

        A number that a later process has got is not taken for the process, nor is a container's for another's.
        """
        space = _space()
        if self.birth is None or space is None or not self.birth.startswith(f"{space}/"):
            return False
        return _birth(self.process_id) != self.birth


def this_process() -> Process:
    """The process that runs this."""
    return Process(socket.gethostname(), os.getpid(), _birth(os.getpid()))


def _birth(process_id: int) -> str | None:
    """Boot, space of process numbers and start; None where the process has ended, or the system does not tell."""
    space = _space()
    try:
        fields = (_PROC / str(process_id) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if space is None or fields[_STATE] in _ENDED else f"{space}/{fields[_STARTED]}"


def _space() -> str | None:
    """What makes process numbers comparable: the machine's boot and the container; None where it is not Linux."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat(_PROC / 'self/ns/pid').st_ino}"
    except OSError:
        return None

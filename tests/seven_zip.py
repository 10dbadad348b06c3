"""The real 7-Zip, as another program than ours to open what ours closes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program() -> str:
    """7z or 7zz (Debian 12 calls it so); the test is skipped without it, and fails where the tools are required."""
    found = shutil.which("7z") or shutil.which("7zz")
    if found is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "7z is missing (Debian: 7zip)"
        pytest.skip("7-Zip is not installed")
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """7-Zip's answer; it never asks."""
    return subprocess.run([program(), *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def extract(archive: Path, password: str, target: Path) -> dict[str, bytes] | None:
    """What 7-Zip takes out of an archive, by name; None where it says that it cannot."""
    done = run("x", "-y", f"-p{password}", f"-o{target}", str(archive))
    if done.returncode != 0:
        return None
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def entries(archive: Path) -> list[dict[str, str]]:
    """What 7-Zip says of every file inside, to somebody without the password."""
    listed = run("l", "-slt", str(archive)).stdout.partition("----------\n")[2]
    blocks = [block for block in listed.split("\n\n") if block.strip()]
    return [dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line) for block in blocks]

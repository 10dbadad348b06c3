"""What the commands share: their options, the settings made of them, the session and its log files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lbz_indicators import interrupts, printing
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.logs import open_logs
from lbz_indicators.places import is_remote

Config = Annotated[str | None, typer.Option("--config", help="Settings file (YAML).")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="key.path=value, repeatable; wins over the file.")]
Input = Annotated[str | None, typer.Option("--input", help="Folder of the delivery.")]
Source = Annotated[str | None, typer.Option("--source", help="Source mapping: lbz, sih, or a .yml file.")]
Output = Annotated[str | None, typer.Option("--output", help="Folder of the tables.")]
DeliveredUntil = Annotated[
    str | None, typer.Option("--delivered-until", help="Last day of discharge that all hospitals have delivered: 2022-12-31.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated, unrounded.")]
Json = Annotated[bool, typer.Option("--json", help="JSON lines, unrounded.")]
Years = Annotated[str | None, typer.Option("--years", help="Years of the run, such as 2016-2019; the last is reported.")]


def settings_of(config: str | None, overrides: Sequence[str] | None, **options: str | None) -> Settings:
    """The settings of a command; options that are given win over the file."""
    return load_settings(config, overrides or [], {path.replace("__", "."): value for path, value in options.items()})


def _open_logs(settings: Settings, writes: bool) -> str:
    """Logs beside the tables, else in a temporary folder; returns the file for Java's own output.

    A command that only reads makes no folder: a mistyped --output stays absent.
    """
    root = settings.storage.root
    if root is not None and not is_remote(root) and (writes or os.path.isdir(root)):
        with contextlib.suppress(OSError):
            return open_logs(os.path.join(root, "_logs"))
    return open_logs(tempfile.mkdtemp(prefix="lbz-indicators-"))


def start(settings: Settings, writes: bool) -> Any:
    """The Spark session of a command, its log files opened."""
    details = _open_logs(settings, writes)
    from lbz_indicators.session import end_jobs, start_session

    session = start_session(settings, details)
    interrupts.end_jobs_by(lambda: end_jobs(session))
    return session


def form(csv: bool, json: bool) -> str:
    """One of the forms that printing knows."""
    return printing.CSV if csv else printing.JSON if json else printing.TABLE

"""A run that dies after a commit, and is run again until it has none left to make."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import same_tables

from lbz_indicators import tables
from lbz_indicators.io.delta_tables import DeltaTables
from lbz_indicators.io.upkeep import Upkeep

WRITES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (DeltaTables, ("create", "append", "overwrite", "empty", "delete", "merge")),
    (Upkeep, ("_merge", "set_properties", "add_columns", "compact", "purge")),
)
"""Every way in which the program commits, but vacuum, which changes no row and commits each time."""
SAYING = {*same_tables.LOGS, str(tables.GOLD_ERASURES)}
"""Tables that only say what was done. A command that broke off is found by what it has said, and says so again."""
Result = TypeVar("Result")


class Died(BaseException):
    """The process ends here."""


def commits(root: Path) -> int:
    """Commits of all tables, but of vacuum and of tables that only say what was done."""
    logs = [log for log in root.glob("*/*/_delta_log") if ".".join(log.parts[-3:-1]) not in SAYING]
    return sum(not _is_of_vacuum(path) for log in logs for path in log.glob("*.json"))


@cache
def _is_of_vacuum(commit: Path) -> bool:
    return '"operation":"VACUUM ' in commit.read_text(encoding="utf-8")


def run_dying(
    root: Path, run: Callable[[], Result], after_each: Callable[[], None] = lambda: None, *, later: bool = False
) -> tuple[Result, int]:
    """Runs until it ends by itself, dying after the first commit it makes each time; the result, and how often it died.

    `after_each`: what must hold of the tables whenever it has died. `later`: each time after one commit more, for a run that
    takes back what one that died has left.
    """
    deaths = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            last = commits(root) + (deaths if later else 0)
            for kind, names in WRITES:
                for name in names:
                    patch.setattr(kind, name, _dying(getattr(kind, name), lambda last=last: commits(root) > last))
            try:
                return run(), deaths
            except Died:
                deaths += 1
        after_each()


def _dying(write: Callable[..., Any], is_time: Callable[[], bool]) -> Callable[..., Any]:
    def write_and_die(*arguments: Any, **more: Any) -> Any:
        written = write(*arguments, **more)
        if is_time():
            raise Died
        return written

    return write_and_die

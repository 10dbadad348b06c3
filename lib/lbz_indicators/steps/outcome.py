"""What a step says when it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """Rows read, rows changed, records rejected, and one sentence for the person at the screen."""

    message: str
    rows_in: int | None = None
    rows_out: int | None = None
    rejected: int | None = None

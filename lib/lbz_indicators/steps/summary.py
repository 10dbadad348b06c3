"""What a run says at its end, to the person on duty: what each step did, what is to be done next, where the log lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lbz_indicators.steps.outcome import Outcome

DONE, FAILED = "done", "failed"
NOT_BEGUN = "not begun"
AFTER_A_FAILURE = (
    "tables      every table holds its last complete version; the figures of earlier runs can be read as before (show)",
    "next        mend what the message below names, then give the same command again: what is done is not done twice",
)


@dataclass(frozen=True)
class StepReport:
    """A step, or a whole run, as it ended; of a failed one the outcome's message says why."""

    step: str
    status: str
    seconds: float
    outcome: Outcome


def summarise(run: StepReport, wanted: Sequence[str], reports: Sequence[StepReport], log_files: Sequence[str]) -> str:
    """Lines about a whole run: the steps wanted in their order, those after a failure too."""
    lines = [f"{run.outcome.message} {run.status} after {_duration(run.seconds)}"]
    lines += [f"{report.status:<11} {report.step:<11} {_duration(report.seconds):>11}  {say_rows(report)}" for report in reports]
    lines += [f"{NOT_BEGUN:<11} {name}" for name in wanted[len(reports) :]]
    if run.status == FAILED:
        lines += AFTER_A_FAILURE
    if log_files:
        lines.append(f"log         {log_files[0]}" + "".join(f" (details: {path})" for path in log_files[1:]))
    return "\n  ".join(lines)


def say_rows(report: StepReport) -> str:
    """What a step read, changed and rejected; why it failed."""
    outcome = report.outcome
    if report.status == FAILED:
        return outcome.message
    counts = {"read": outcome.rows_in, "changed": outcome.rows_out, "rejected": outcome.rejected}
    said = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number is not None)
    return f"nothing had changed ({said})" if outcome.rows_out == 0 else said


def _duration(seconds: float) -> str:
    """12.3 s, 4 min 05 s, 1 h 02 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"

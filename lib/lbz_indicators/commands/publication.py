"""The commands of publications: `freeze`, `reproduce`, `revisions`."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lbz_indicators import printing
from lbz_indicators.commands.options import Config, Csv, Json, Output, Overrides, Years, form, settings_of, start
from lbz_indicators.errors import SettingsError

if TYPE_CHECKING:
    from lbz_indicators.steps.reproduction import Reproduction

_COLUMNS = (
    "indicator", "figures", "reproduced", "differing", "largest_difference", "worst", "hash_equal", "sha256"
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Every command of this module."""
    app.command("freeze")(freeze)
    app.command("reproduce")(reproduce)
    app.command("revisions")(revisions)


def freeze(
    note: Annotated[str, typer.Option("--note", help="Why; kept with the publication.")],
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
    years: Years = None,
) -> None:
    """Keeps the current figures and what they were computed from, so that they can be reproduced for years."""
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.freeze import freeze as make
    from lbz_indicators.steps.run import run_alone

    settings = settings_of(config, set_, storage__root=output, period__years=years)
    _ = settings.years
    require_place(settings.storage)
    progress = to_terminal()
    spark = start(settings, writes=True)
    outcome = run_alone(spark, settings, "freeze", lambda store, chosen, _, run_id: make(store, chosen, note, run_id), progress)
    print(outcome.message)


def reproduce(
    run: Annotated[str | None, typer.Option("--run", help="A run_id, as gold.indicators has it.")] = None,
    publication: Annotated[str | None, typer.Option("--publication", help="A publication, as `freeze` named it.")] = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Computes published figures again from what was frozen, and compares them by hash."""
    from lbz_indicators.io import Store, require_place
    from lbz_indicators.steps.reproduction import find_publication, reproduce_publication, reproduce_run, require_equal

    if (run is None) == (publication is None):
        raise SettingsError("It is not said what to reproduce.", mend="give --run RUN_ID, or --publication ID.")
    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    store = Store(start(settings, writes=False), settings.storage)
    found = find_publication(store, publication, run)
    made = reproduce_publication(store, found) if found else reproduce_run(store, str(run))
    store.release()
    print_reproduction(made, form(csv, json))
    require_equal(made)


def print_reproduction(made: Reproduction, shown: str) -> None:
    """A line per indicator, and what it was computed from on standard error."""
    print(f"from {made.source}", file=sys.stderr)
    rows = [
        (a.indicator, a.figures, a.reproduced, a.differing, a.largest_difference, a.worst, a.hash_equal, a.recorded_sha256)
        for a in made.indicators
    ]
    short = shown == printing.TABLE
    printing.print_rows("reproduced", _COLUMNS, [(*row[:-1], row[-1][:12]) if short else row for row in rows], shown)
    for change in made.changed:
        print(f"changed since it was frozen: {change}", file=sys.stderr)


def revisions(
    hospital: Annotated[str, typer.Option("--hospital", help="A reporting hospital, or nation.")] = "nation",
    month: Annotated[str | None, typer.Option("--month", help="One month of discharge, such as 2019-03.")] = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """How observed, expected and ratio of a month of discharge moved as data matured: first reported, every revision, last."""
    from lbz_indicators.io import Store, require_place
    from lbz_indicators.show import revisions as view

    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    first = _first_day(month)
    store = Store(start(settings, writes=False), settings.storage)
    frame = view(store, settings.indicators.mortality, hospital, first)
    rows = [tuple(row) for row in frame.collect()]
    if not rows:
        raise SettingsError(
            f"Nothing is recorded of {hospital}{f' in {month}' if month else ''} ({settings.indicators.mortality}).",
            where=store.place,
            mend="`show hsmr` lists the hospitals; `indicators` (or `run`) records the months of the reported years.",
        )
    printing.print_rows(f"months of discharge, {hospital}", frame.columns, rows, form(csv, json))


def _first_day(month: str | None) -> dt.date | None:
    try:
        return None if month is None else dt.datetime.strptime(month, "%Y-%m").date()
    except ValueError as error:
        raise SettingsError(f"{month!r} is no month.", where="--month", mend="give one such as 2019-03.") from error

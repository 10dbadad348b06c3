"""The commands of upkeep: `maintain`, `migrate`, `erase`, `rotate-pseudonyms`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lbz_indicators import printing
from lbz_indicators.commands.options import Config, Csv, Json, Output, Overrides, form, settings_of, start
from lbz_indicators.errors import SettingsError

Note = Annotated[str, typer.Option("--note", help="Why; kept with the record. Never a pseudonym.")]
_COLUMNS = ("table", "version", "changed_at", "operation", "files", "megabytes", "oldest_version")


def add_to(app: typer.Typer) -> None:
    """Every command of this module."""
    app.command("maintain")(maintain)
    app.command("migrate")(migrate)
    app.command("erase")(erase)
    app.command("rotate-pseudonyms")(rotate_pseudonyms)


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Deletes what is past its retention, puts small files together, deletes old ones; lists the tables."""
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.maintenance import Maintained
    from lbz_indicators.steps.maintenance import maintain as keep
    from lbz_indicators.steps.outcome import Outcome
    from lbz_indicators.steps.run import run_alone

    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    progress = to_terminal()
    spark = start(settings, writes=True)
    done: list[Maintained] = []

    def step(store, chosen, said, run_id) -> Outcome:  # type: ignore[no-untyped-def]
        done.append(keep(store, chosen, said, run_id, dry_run=dry_run))
        return done[0].outcome

    outcome = run_alone(spark, settings, "maintain", step, progress)
    print(outcome.message, file=sys.stderr)
    rows = [
        (str(t.table), t.version, t.changed_at, t.operation, t.files, t.bytes / 1e6, t.oldest_version) for t in done[0].tables
    ]
    printing.print_rows("tables", _COLUMNS, rows, form(csv, json))


def migrate(config: Config = None, set_: Overrides = None, output: Output = None) -> None:
    """Lifts tables that an older version of this program wrote; says which the next run makes anew."""
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.migration import migrate as lift
    from lbz_indicators.steps.run import run_alone

    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    outcome = run_alone(start(settings, writes=True), settings, "migrate", lambda store, *_: lift(store), to_terminal())
    print(outcome.message)


def erase(
    pseudonym_file: Annotated[str, typer.Option("--pseudonym-file", help="Text file, one pseudonym to a line.")],
    note: Note,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Erases patients: their admissions go from every table and frozen set; published figures stay."""
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps import erasure
    from lbz_indicators.steps.run import run_alone

    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    pseudonyms = erasure.read_pseudonyms(pseudonym_file)  # judged before Spark starts
    if any(one in note for one in pseudonyms):
        raise SettingsError("The note holds one of the pseudonyms.", where="--note", mend="name a case number instead.")
    spark = start(settings, writes=True)
    outcome = run_alone(
        spark, settings, "erase", lambda store, _, __, run_id: erasure.erase(store, pseudonyms, note, run_id), to_terminal()
    )
    print(outcome.message)


def rotate_pseudonyms(
    mapping: Annotated[str, typer.Option("--mapping", help="CSV with the columns old and new.")],
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Replaces every pseudonym by its new one, one for one; links and figures stay as they are."""
    from lbz_indicators.io import require_place
    from lbz_indicators.io.files import read_mapping
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.rotation import rotate
    from lbz_indicators.steps.run import run_alone

    settings = settings_of(config, set_, storage__root=output)
    require_place(settings.storage)
    spark = start(settings, writes=True)
    outcome = run_alone(
        spark,
        settings,
        "rotate-pseudonyms",
        lambda store, _, __, run_id: rotate(store, read_mapping(spark, mapping), mapping, run_id),
        to_terminal(),
    )
    print(outcome.message)

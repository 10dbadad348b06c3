"""The commands of model maintenance: `models list, show, compare, promote, retire, export, import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lbz_indicators import printing
from lbz_indicators.commands.options import Config, Csv, Json, Output, Overrides, Years, form, settings_of, start
from lbz_indicators.config import Settings

if TYPE_CHECKING:
    from lbz_indicators.steps import Step

app = typer.Typer(
    no_args_is_help=True, help="The registry of model versions: list, show, compare, promote, retire, export, import."
)
Name = Annotated[str, typer.Argument(help="A model version, as `models list` names it.")]
Note = Annotated[str, typer.Option("--note", help="Why; kept with the change.")]


@app.command("list")
def list_models(
    csv: Csv = False, json: Json = False, config: Config = None, set_: Overrides = None, output: Output = None
) -> None:
    """Every version, its status and why it has it."""
    settings = settings_of(config, set_, storage__root=output)
    printing.print_versions(start(settings, writes=False), settings, None, form(csv, json))


@app.command("show")
def show_model(
    version: Name, csv: Csv = False, json: Json = False, config: Config = None, set_: Overrides = None, output: Output = None
) -> None:
    """What made a version: settings, reference lists, table versions, and every change of its status."""
    settings = settings_of(config, set_, storage__root=output)
    printing.print_versions(start(settings, writes=False), settings, version, form(csv, json))


@app.command("compare")
def compare_models(
    a: Name,
    b: Name,
    part: Annotated[str, typer.Option("--part", help="One part in full: groups, coefficients, hospitals.")] = printing.SUMMARY,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
    years: Years = None,
) -> None:
    """Two versions side by side: groups, coefficients, and what B instead of A does to every hospital of the reporting year."""
    settings = settings_of(config, set_, storage__root=output, period__years=years)
    _ = settings.years
    printing.print_comparison(start(settings, writes=False), settings, a, b, part, form(csv, json))


def _maintain(name: str, step: Step, settings: Settings) -> None:
    """Runs one piece of maintenance, with its record in gold.runs, and says what it did."""
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.run import run_alone

    require_place(settings.storage)
    progress = to_terminal()
    progress.say(run_alone(start(settings, writes=True), settings, name, step, progress).message)


@app.command("promote")
def promote_model(version: Name, note: Note, config: Config = None, set_: Overrides = None, output: Output = None) -> None:
    """Makes a version the current one of its indicator and years; the former one is retired."""
    from lbz_indicators.steps.promotion import promote

    settings = settings_of(config, set_, storage__root=output)
    _maintain("models promote", lambda store, _settings, _progress, _run_id: promote(store, version, note), settings)


@app.command("retire")
def retire_model(version: Name, note: Note, config: Config = None, set_: Overrides = None, output: Output = None) -> None:
    """Retires a version; where it was current, none of its indicator and years is."""
    from lbz_indicators.steps.promotion import retire

    settings = settings_of(config, set_, storage__root=output)
    _maintain("models retire", lambda store, _settings, _progress, _run_id: retire(store, version, note), settings)


@app.command("export")
def export_files(
    version: Name,
    to: Annotated[str, typer.Option("--to", help="Folder for the files.")],
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Writes a version as CSV and JSON files, from which another organisation can score."""
    from lbz_indicators.io import Store
    from lbz_indicators.steps.exchange import export_model

    settings = settings_of(config, set_, storage__root=output)
    files = export_model(Store(start(settings, writes=False), settings.storage), version, to)
    print(f"{version}: {', '.join(files)} in {to}")


@app.command("import")
def import_files(
    folder: Annotated[str, typer.Argument(help="Folder of the files, as `models export` writes them.")],
    note: Note,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
) -> None:
    """Stores the version of a folder as a candidate; `promote` makes it current."""
    from lbz_indicators.steps.exchange import import_model, read_files

    settings = settings_of(config, set_, storage__root=output)
    delivered = read_files(folder)  # judged before Spark starts
    _maintain("models import", lambda store, _settings, _progress, run_id: import_model(store, delivered, note, run_id), settings)

"""The command line: `lbz-indicators COMMAND [--config FILE] [--set key.path=value ...]`; jobs call the same functions."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from lbz_indicators import environment, interrupts, printing
from lbz_indicators.commands import publication, registry, steps, upkeep
from lbz_indicators.commands.delivery import validate_delivery
from lbz_indicators.commands.explain import explain
from lbz_indicators.commands.nightly import nightly
from lbz_indicators.commands.options import Config, Csv, Json, Output, Overrides, Years, form, settings_of, start
from lbz_indicators.commands.site import site
from lbz_indicators.errors import LbzError
from lbz_indicators.logs import log_files

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Standardised hospital indicators."
)
log = logging.getLogger("lbz_indicators")
# Until a command opens its log file: else Python prints what is logged, a stack trace too, to the terminal.
log.addHandler(logging.NullHandler())

steps.add_to(app)
app.add_typer(registry.app, name="models")
app.command("explain")(explain)
app.command("nightly")(nightly)
publication.add_to(app)
upkeep.add_to(app)
app.command("validate-delivery")(validate_delivery)
app.command("site")(site)


@app.command()
def show(
    what: Annotated[str, typer.Argument(help="hsmr, smr, readmissions, olo, summary, exclusions, stays, quality, models, runs")],
    hospital: Annotated[str | None, typer.Option("--hospital", help="One hospital, or nation.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="`show runs`: the steps of this one.")] = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
    years: Years = None,
) -> None:
    """Prints a table of results."""
    settings = settings_of(config, set_, storage__root=output, period__years=years)
    if what == printing.RUNS:
        printing.print_runs(start(settings, writes=False), settings, run, form(csv, json))
    else:
        printing.print_view(start(settings, writes=False), settings, what, hospital, form(csv, json))


@app.command()
def generate(
    hospitals: Annotated[str | None, typer.Option("--hospitals", help="Number of hospitals.")] = None,
    admissions: Annotated[str | None, typer.Option("--admissions-per-year", help="Records of a normal year.")] = None,
    years: Annotated[str, typer.Option("--years", help="Years of the run; history years come before them.")] = "2019-2022",
    seed: Annotated[str | None, typer.Option("--seed", help="Another seed is another nation.")] = None,
    output: Annotated[str | None, typer.Option("--output", help="Folder for delivery/ and truth/.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="Of admissions and diagnoses: csv, parquet.")] = None,
    like: Annotated[bool, typer.Option("--like", help="Compare the nation with the published figures.")] = False,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """A synthetic nation: a delivery of any size, and the truth behind it."""
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.generate import generate as make_nation
    from lbz_indicators.steps.generate import output_folder

    numbers = {"hospitals": hospitals, "admissions_per_year": admissions, "seed": seed}
    options = {f"synthetic__{name}": value for name, value in numbers.items()}
    settings = settings_of(config, set_, **options, synthetic__format=format_, storage__root=output, period__years=years)
    output_folder(settings)  # said before Spark starts
    spark = start(settings, writes=True)
    make_nation(spark, settings, to_terminal())
    printing.print_generated(spark, settings, like)


@app.command()
def doctor(config: Config = None, set_: Overrides = None) -> None:
    """Java, Python, packages, jar and memory: found, needed, how to get it."""
    findings = environment.examine(settings_of(config, set_).spark.memory)
    printing.print_findings(findings)
    environment.require(findings)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command line and exits with its status; an expected failure is one message on standard error."""
    try:
        with interrupts.restored():
            ended = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        if ended == interrupts.EXIT_STATUS:  # typer makes a value to return of KeyboardInterrupt
            raise KeyboardInterrupt
        status = 0
    except LbzError as error:
        log.error("%s", error, exc_info=True)
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        status = error.exit_status
    except typer.Exit as error:
        status = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("error: ended from outside; give the same command again, it finishes the work", file=sys.stderr)
        status = interrupts.EXIT_STATUS
    except Exception as error:
        status = _unexpected(error)
    sys.stdout.flush()
    sys.exit(status)


def _unexpected(error: Exception) -> int:
    """A usage error of the command line ends with 2; anything else is a fault of this program, told without its values."""
    show_usage = getattr(error, "format_message", None)
    if show_usage is not None:
        if show_usage():  # without any argument the help has been printed
            print(f"error: {show_usage()}\nMend: lbz-indicators --help", file=sys.stderr)
        return 2
    log.error("unexpected", exc_info=True)
    where = " and ".join(log_files()) or "(none)"
    print(f"error: unexpected {type(error).__name__}; details in the log {where}", file=sys.stderr)
    return 1

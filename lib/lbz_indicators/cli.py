"""The command line: `lbz-indicators COMMAND [--config FILE] [--set key.path=value ...]`; jobs call the same functions."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from lbz_indicators import __version__, environment, printing
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.errors import LbzError
from lbz_indicators.places import is_remote

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Standardised hospital indicators."
)
log = logging.getLogger("lbz_indicators")
# Until a command opens its log file: else Python prints what is logged, a stack trace too, to the terminal.
log.addHandler(logging.NullHandler())

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


def _settings(config: str | None, overrides: Sequence[str] | None, **options: str | None) -> Settings:
    return load_settings(config, overrides or [], {path.replace("__", "."): value for path, value in options.items()})


def _log_file(settings: Settings, writes: bool) -> str:
    """The log beside the tables, else in the temporary folder; readable by its owner alone.

    A command that only reads makes no folder: a mistyped --output stays absent.
    """
    root = settings.storage.root
    local = root is not None and not is_remote(root) and (writes or os.path.isdir(root))
    try:
        folder = os.path.join(root, "_logs") if root and local else tempfile.mkdtemp(prefix="lbz-indicators-")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, "lbz-indicators.log")
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        descriptor, path = tempfile.mkstemp(prefix="lbz-indicators-", suffix=".log")
        os.close(descriptor)
    return path


def _start(settings: Settings, writes: bool) -> Any:
    """The Spark session of a command, its log file opened."""
    path = _log_file(settings, writes)
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(filename=path, level=logging.INFO, format=form, force=True)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    from lbz_indicators.session import start_session

    return start_session(settings, path)


def _run(names: Sequence[str], settings: Settings, arguments: Sequence[str]) -> None:
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.run import run_steps

    _require_arguments(names, settings)
    progress = to_terminal()
    progress.say(f"lbz-indicators {__version__}: starting Spark ({settings.spark.master}, {settings.spark.memory})")
    spark = _start(settings, writes=True)
    run_id = run_steps(spark, settings, names, progress)
    if "indicators" in names:
        printing.print_run(spark, settings, run_id, arguments)


def _require_arguments(names: Sequence[str], settings: Settings) -> None:
    """What can be said before Spark starts."""
    from lbz_indicators.ingest.sources import load_source
    from lbz_indicators.io import require_place
    from lbz_indicators.io.files import require_folder

    require_place(settings.storage)
    if not set(names) <= {"ingest", "validate", "severity"}:
        _ = settings.years
    if "ingest" in names:
        load_source(settings.delivery.source)
        require_folder(settings.delivery.input)
    if "derive" in names:
        _ = settings.delivered_until
    if "severity" in names:
        _ = settings.severity_years


def _arguments(config: str | None, overrides: Sequence[str] | None, output: str | None, years: str | None) -> list[str]:
    """The options that `show` needs to find the same figures again."""
    named = [(option, value) for option, value in (("--config", config), ("--output", output), ("--years", years)) if value]
    return [part for pair in named for part in pair] + [part for item in overrides or [] for part in ("--set", item)]


def _steps_command(names: Callable[[Settings], Sequence[str]], summary: str) -> Callable[..., None]:
    """A command that runs steps; which ones may depend on what is asked."""

    def command(
        config: Config = None,
        set_: Overrides = None,
        input_: Input = None,
        source: Source = None,
        output: Output = None,
        years: Years = None,
        delivered_until: DeliveredUntil = None,
    ) -> None:
        options = {"delivery__input": input_, "delivery__source": source, "storage__root": output, "period__years": years}
        options |= {"readmission__delivered_until": delivered_until}
        settings = _settings(config, set_, **options)
        _run(names(settings), settings, _arguments(config, set_, output, years))

    command.__doc__ = summary
    return command


def _every_step(_: Settings) -> list[str]:
    from lbz_indicators.steps import STEPS

    return list(STEPS)


def _with_loading(settings: Settings) -> list[str]:
    """The steps of `severity`: a named delivery is loaded first."""
    return ["ingest", "validate", "severity"] if settings.delivery.input else ["severity"]


_STEPS = {
    "ingest": "Step 1: a delivered folder to bronze.",
    "validate": "Step 2: bronze to valid, rejected and flagged records.",
    "derive": "Step 3: exclusions, diagnosis groups, covariates; stays and returns.",
    "fit": "Step 4: the national models.",
    "score": "Step 5: expected values of every admission.",
    "indicators": "Step 6: HSMR and SMR, readmission ratio, unexpectedly long stay.",
}
_SEVERITY = "Model maintenance: severity classes from the years before the model years; with --input, loads that delivery first."

app.command("run")(_steps_command(_every_step, "All steps: from a delivery to the tables of indicators."))
for _name, _summary in _STEPS.items():
    app.command(_name)(_steps_command(lambda _, name=_name: [name], _summary))  # type: ignore[misc]
app.command("severity")(_steps_command(_with_loading, _SEVERITY))


registry = typer.Typer(no_args_is_help=True, help="The registry of model versions: list, show, compare, promote, retire.")
app.add_typer(registry, name="models")
Name = Annotated[str, typer.Argument(help="A model version, as `models list` names it.")]
Note = Annotated[str, typer.Option("--note", help="Why; kept with the change.")]


def _form(csv: bool, json: bool) -> str:
    return printing.CSV if csv else printing.JSON if json else printing.TABLE


@registry.command("list")
def list_models(
    csv: Csv = False, json: Json = False, config: Config = None, set_: Overrides = None, output: Output = None
) -> None:
    """Every version, its status and why it has it."""
    settings = _settings(config, set_, storage__root=output)
    printing.print_versions(_start(settings, writes=False), settings, None, _form(csv, json))


@registry.command("show")
def show_model(
    version: Name, csv: Csv = False, json: Json = False, config: Config = None, set_: Overrides = None, output: Output = None
) -> None:
    """What made a version: settings, reference lists, table versions, and every change of its status."""
    settings = _settings(config, set_, storage__root=output)
    printing.print_versions(_start(settings, writes=False), settings, version, _form(csv, json))


@registry.command("compare")
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
    settings = _settings(config, set_, storage__root=output, period__years=years)
    _ = settings.years
    printing.print_comparison(_start(settings, writes=False), settings, a, b, part, _form(csv, json))


def _change(change: str, version: str, note: str, settings: Settings) -> None:
    from lbz_indicators.io import require_place
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.promotion import as_step
    from lbz_indicators.steps.run import run_alone

    require_place(settings.storage)
    progress = to_terminal()
    outcome = run_alone(_start(settings, writes=True), settings, change, as_step(change, version, note), progress)
    progress.say(outcome.message)


@registry.command("promote")
def promote_model(version: Name, note: Note, config: Config = None, set_: Overrides = None, output: Output = None) -> None:
    """Makes a version the current one of its indicator and years; the former one is retired."""
    _change("models promote", version, note, _settings(config, set_, storage__root=output))


@registry.command("retire")
def retire_model(version: Name, note: Note, config: Config = None, set_: Overrides = None, output: Output = None) -> None:
    """Retires a version; where it was current, none of its indicator and years is."""
    _change("models retire", version, note, _settings(config, set_, storage__root=output))


@app.command()
def show(
    what: Annotated[str, typer.Argument(help="hsmr, smr, readmissions, olo, summary, exclusions, stays, quality, models")],
    hospital: Annotated[str | None, typer.Option("--hospital", help="One hospital, or nation.")] = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
    years: Years = None,
) -> None:
    """Prints a table of results."""
    settings = _settings(config, set_, storage__root=output, period__years=years)
    printing.print_view(_start(settings, writes=False), settings, what, hospital, _form(csv, json))


@app.command()
def generate(
    hospitals: Annotated[str | None, typer.Option("--hospitals", help="Number of hospitals.")] = None,
    admissions: Annotated[str | None, typer.Option("--admissions-per-year", help="Records of a normal year.")] = None,
    years: Annotated[str, typer.Option("--years", help="Years of the run; history years come before them.")] = "2019-2022",
    seed: Annotated[str | None, typer.Option("--seed", help="Another seed is another nation.")] = None,
    output: Annotated[str | None, typer.Option("--output", help="Folder for delivery/ and truth/.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="Of admissions and diagnoses: csv, parquet.")] = None,
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
    settings = _settings(config, set_, **options, synthetic__format=form, storage__root=output, period__years=years)
    output_folder(settings)  # said before Spark starts
    spark = _start(settings, writes=True)
    make_nation(spark, settings, to_terminal())
    printing.print_generated(spark, settings, like)


@app.command()
def doctor(config: Config = None, set_: Overrides = None) -> None:
    """Java, Python, packages, jar and memory: found, needed, how to get it."""
    findings = environment.examine(_settings(config, set_).spark.memory)
    printing.print_findings(findings)
    environment.require(findings)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command line and exits with its status; an expected failure is one message on standard error."""
    try:
        app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        status = 0
    except LbzError as error:
        log.error("%s", error, exc_info=True)
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        status = error.exit_status
    except typer.Exit as error:
        status = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        status = 130
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
    handlers = [h.baseFilename for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]
    print(f"error: unexpected {type(error).__name__}; details in the log {', '.join(handlers) or '(none)'}", file=sys.stderr)
    return 1

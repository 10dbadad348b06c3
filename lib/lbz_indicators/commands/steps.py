"""The commands that run steps: `run`, each step by itself, `severity`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

from lbz_indicators import __version__, printing
from lbz_indicators.commands.options import Config, DeliveredUntil, Input, Output, Overrides, Source, Years, settings_of, start
from lbz_indicators.config import Settings


def add_to(app: typer.Typer) -> None:
    """Every command of this module."""
    app.command("run")(_steps_command("run", _every_step, "All steps: from a delivery to the tables of indicators."))
    for name, summary in _STEPS.items():
        app.command(name)(_steps_command(name, lambda _, name=name: [name], summary))  # type: ignore[misc]
    app.command("severity")(_steps_command("severity", _with_loading, _SEVERITY))


def _run(command: str, names: Sequence[str], settings: Settings, arguments: Sequence[str]) -> None:
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.run import run_steps

    _require_arguments(names, settings)
    progress = to_terminal()
    progress.say(f"lbz-indicators {__version__}: starting Spark ({settings.spark.master}, {settings.spark.memory})")
    spark = start(settings, writes=True)
    run_id = run_steps(spark, settings, names, progress, command)
    if "indicators" in names:
        printing.print_run(spark, settings, run_id, arguments)


def _require_arguments(names: Sequence[str], settings: Settings) -> None:
    """What can be said before Spark starts."""
    from lbz_indicators.ingest.sources import load_source
    from lbz_indicators.io import require_place
    from lbz_indicators.io.files import require_folder

    require_place(settings.storage)
    if not set(names) <= {"ingest", "validate", "severity"}:
        _ = settings.mortality_model_years
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


def _steps_command(name: str, names: Callable[[Settings], Sequence[str]], summary: str) -> Callable[..., None]:
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
        settings = settings_of(config, set_, **options)
        _run(name, names(settings), settings, _arguments(config, set_, output, years))

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

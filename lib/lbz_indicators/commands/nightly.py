"""`nightly`: what arrived since the last time, and only that."""

from __future__ import annotations

from lbz_indicators import __version__
from lbz_indicators.commands.options import Config, DeliveredUntil, Input, Output, Overrides, Source, Years, settings_of, start


def nightly(
    config: Config = None,
    set_: Overrides = None,
    input_: Input = None,
    source: Source = None,
    output: Output = None,
    years: Years = None,
    delivered_until: DeliveredUntil = None,
) -> None:
    """What arrived since the last time: corrections, new months, withdrawals; only figures that they touch are made anew.

    --input is a delivery, or a folder that holds nothing but deliveries; without it, what was loaded since is taken.
    """
    from lbz_indicators.ingest.sources import load_source
    from lbz_indicators.io import require_place
    from lbz_indicators.io.files import delivery_folders
    from lbz_indicators.progress import to_terminal
    from lbz_indicators.steps.nightly import Night, of_a_night
    from lbz_indicators.steps.run import run_steps

    options = {"delivery__input": input_, "delivery__source": source, "storage__root": output, "period__years": years}
    options |= {"readmission__delivered_until": delivered_until}
    settings = of_a_night(settings_of(config, set_, **options))
    require_place(settings.storage)
    _ = settings.mortality_model_years, settings.delivered_until
    if settings.delivery.input:
        load_source(settings.delivery.source)
        delivery_folders(settings.delivery.input)
    progress = to_terminal()
    progress.say(f"lbz-indicators {__version__}: starting Spark ({settings.spark.master}, {settings.spark.memory})")
    steps = Night().steps
    run_id = run_steps(start(settings, writes=True), settings, list(steps), progress, "nightly", steps)
    print(f"run     {run_id}")

"""`validate-delivery`: a dry run for a hospital."""

from __future__ import annotations

from typing import Annotated

import typer

from lbz_indicators import printing
from lbz_indicators.commands.options import Config, Csv, Json, Overrides, Source, form, settings_of, start


def validate_delivery(
    input_: Annotated[str, typer.Option("--input", help="Folder of the delivery.")],
    source: Source = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Dry run: everything that loading and validation would say of a delivery; nothing is loaded, no table is needed."""
    from lbz_indicators.ingest.sources import load_source
    from lbz_indicators.io.files import require_folder
    from lbz_indicators.steps.delivery_check import check_delivery

    settings = settings_of(config, set_, delivery__input=input_, delivery__source=source)
    load_source(settings.delivery.source)  # judged before Spark starts
    require_folder(settings.delivery.input)
    found = check_delivery(start(settings, writes=False), settings)
    columns = ("hospital_id", "severity", "rule", "records", "meaning")
    rows = [(one.hospital_id, one.severity, one.rule, one.records, one.sentence) for one in found]
    printing.print_rows(f"what validation says of {input_}", columns, rows, form(csv, json))

"""The command `site`: the page of the nation for everyone."""

from __future__ import annotations

from typing import Annotated

import typer

from lbz_indicators.commands.options import Config, Overrides, Years, settings_of, start


def site(
    output: Annotated[str, typer.Option("--output", help="The HTML file.")],
    tables: Annotated[str | None, typer.Option("--tables", help="Folder of the tables, else storage.root.")] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option("--leave-out", help="A hospital that counts in the nation and is not shown; repeatable.")
    ] = None,
    config: Config = None,
    set_: Overrides = None,
    years: Years = None,
) -> None:
    """One HTML page of the nation for everyone: funnel plots, course, SMRs; small numbers suppressed."""
    from lbz_indicators.io import Store, require_place
    from lbz_indicators.io.whole import require_file_place, write_whole
    from lbz_indicators.show import shown_versions
    from lbz_indicators.steps.site import MORTALITY, READMISSIONS, STAYS
    from lbz_indicators.steps.site import site as make

    settings = settings_of(config, set_, storage__root=tables, period__years=years)
    _ = settings.years
    require_place(settings.storage)
    require_file_place(output)
    store = Store(start(settings, writes=False), settings.storage)
    versions = {what: shown_versions(store, settings, what) for what in (MORTALITY, READMISSIONS, STAYS)}
    write_whole(output, make(store, settings, versions, leave_out or []))
    print(f"page  {output}")

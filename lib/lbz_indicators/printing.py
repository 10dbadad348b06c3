"""What the commands print: tables for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from lbz_indicators.config import Settings
from lbz_indicators.environment import Finding
from lbz_indicators.errors import SettingsError

MOST_ROWS = 40


def _text(name: str, value: Any) -> str:
    """A value for a table: ratios and expected numbers rounded, missing ones as a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return (
            f"{value:.2f}"
            if name == "confidence" or name.endswith("statistic")
            else f"{value:.1e}"
            if 0 < abs(value) < 1e-3
            else f"{value:.1f}"
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    width = None if sys.stdout.isatty() else 200
    table = Table(title=title, title_justify="left", header_style="bold")
    for place, name in enumerate(columns):
        number = any(isinstance(row[place], int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*[_text(name, value).replace("[", "\\[") for name, value in zip(columns, row, strict=True)])
    Console(width=width).print(table)


def print_view(spark: Any, settings: Settings, what: str, hospital: str | None, form: str) -> None:
    """One of show.VIEWS, as a table, CSV or JSON lines."""
    from lbz_indicators.io import Store
    from lbz_indicators.show import VIEWS, national_summary

    if what not in VIEWS:
        raise SettingsError(f"There is nothing called {what!r} to show.", mend=f"show one of {', '.join(VIEWS)}.")
    store = Store(spark, settings.storage)
    frame = VIEWS[what](store, settings, hospital)
    rows = [tuple(row) for row in frame.collect()]
    if not rows and hospital is not None:
        raise SettingsError(f"There are no figures of hospital {hospital!r}.", mend="`show hsmr` lists the hospitals.")
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(frame.columns)
        writer.writerows(rows)
    elif form == "json":
        for row in rows:
            print(json.dumps(dict(zip(frame.columns, row, strict=True)), default=str))
    else:
        _table(what if hospital is None else f"{what} {hospital}", frame.columns, rows)
        if what == "hsmr" and hospital is None:
            summary = national_summary(store, settings)
            _table("the hospitals together", summary.columns, [tuple(row) for row in summary.collect()])


def print_run(spark: Any, settings: Settings, run_id: str) -> None:
    """The end of a run: the largest hospitals' HSMR, the summary, and where everything lies."""
    from lbz_indicators.io import Store
    from lbz_indicators.show import hsmr, national_summary

    store = Store(spark, settings.storage)
    frame = hsmr(store, settings, None)
    rows = [tuple(row) for row in frame.collect()]
    place = frame.columns.index("admissions")
    chosen = rows
    if len(rows) > MOST_ROWS:
        least = sorted((row[place] for row in rows), reverse=True)[MOST_ROWS - 1]
        chosen = [row for row in rows if row[place] >= least][:MOST_ROWS]
    title = f"HSMR, {len(chosen)} of {len(rows)} figures, the largest" if len(chosen) < len(rows) else "HSMR"
    _table(title, frame.columns, chosen)
    summary = national_summary(store, settings)
    _table("the hospitals together", summary.columns, [tuple(row) for row in summary.collect()])
    root = settings.storage.root
    where = os.path.abspath(root) if root and "://" not in root else root or f"catalog {settings.storage.catalog}"
    print(f"run {run_id}")
    print(f"tables: {where} (bronze, silver, gold; gold/indicators holds every figure)")
    if root:
        arguments = f"--output {root} --years {settings.years[0]}-{settings.years[-1]}"
        grouping = settings.population.diagnosis_grouping
        extra = "" if grouping == "groups" else f" --set population.diagnosis_grouping={grouping}"
        print(f"more:   lbz-indicators show smr --hospital ID {arguments}{extra}")


def print_findings(findings: Sequence[Finding]) -> None:
    """What doctor found."""
    rows = [(f.name, f.found, f.needed, "good" if f.good else f.remedy) for f in findings]
    _table("doctor", ("what", "found", "needed", "verdict"), rows)

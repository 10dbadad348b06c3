"""What the commands print: tables for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import json
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lbz_indicators.config import Settings
from lbz_indicators.environment import Finding
from lbz_indicators.errors import SettingsError

MOST_ROWS, MOST_SHOWN = 40, 20
TABLE, CSV, JSON = "table", "csv", "json"
SUMMARY = "summary"
RUNS = "runs"


def _text(name: str, value: Any) -> str:
    """A value for a table: numbers rounded for reading, missing ones as a dash, control characters left out."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _number(name, value)
    if isinstance(value, int):
        return str(value) if name.endswith("year") else f"{value:,}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(mark if mark.isprintable() else "?" for mark in text)


def _number(name: str, value: float) -> str:
    if name == "confidence" or name.endswith("statistic"):
        return f"{value:.2f}"
    if name in ("logarithm", "factor"):
        return f"{value:.4f}"
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.1f}"


def _cell(value: Any) -> Any:
    """A value for CSV: text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    width = None if sys.stdout.isatty() else 200
    table = Table(title=Text(title), title_justify="left", header_style="bold")
    for place, name in enumerate(columns):
        number = any(isinstance(row[place], int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*[_text(name, value).replace("[", "\\[") for name, value in zip(columns, row, strict=True)])
    Console(width=width).print(table)


def print_view(spark: Any, settings: Settings, what: str, hospital: str | None, form: str) -> None:
    """One of show.FIGURES or show.OTHERS, as a table, CSV or JSON lines."""
    from lbz_indicators.io import Store
    from lbz_indicators.show import FIGURES, OTHERS, VERDICTS, agreement, national_summary, shown_models

    if what not in {**FIGURES, **OTHERS}:
        names = ", ".join((*FIGURES, *OTHERS, RUNS))
        raise SettingsError(f"There is nothing called {what!r} to show.", mend=f"show one of {names}.")
    store = Store(spark, settings.storage)
    models = [shown for name in _figures_in(what) for shown in shown_models(store, FIGURES[name][0](settings))]
    versions = [shown.version for shown in models]
    of_models = what in FIGURES
    frame = FIGURES[what][1](store, settings, versions, hospital) if of_models else OTHERS[what](store, settings, hospital)
    rows = [tuple(row) for row in frame.collect()]
    if not rows and hospital is not None:
        raise SettingsError(
            f"There are no figures of hospital {hospital!r}.",
            mend="`show hsmr` lists the hospitals; one that merged is counted with the hospital it reports as.",
        )
    if not rows and of_models:
        raise SettingsError(
            f"There are no {what} of these years and settings.",
            where=store.place,
            mend="give the --years, --config and --set of the run; `lbz-indicators run` with these makes them.",
        )
    for shown in models:
        if shown.version != shown.current:
            note = f"figures of model {shown.version}; the current model {shown.current} has none yet: run score and indicators"
            print(note, file=sys.stderr)
    print_rows(what if hospital is None else f"{what} {hospital}", frame.columns, rows, form)
    if form == TABLE:
        if what in VERDICTS and hospital is None:
            _print_frame("the hospitals together", national_summary(store, settings, versions, what))
        if what == "olo" and hospital is None:
            _print_frame("admissions that both estimators judge alike", agreement(store, settings, versions))


def _figures_in(what: str) -> list[str]:
    """Whose figures a view shows."""
    from lbz_indicators.show import FIGURES, VERDICTS

    return list(VERDICTS) if what == "summary" else [what] if what in FIGURES else []


def print_rows(title: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], form: str) -> None:
    """For people, or unrounded for programs."""
    if form == CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows([[_cell(value) for value in row] for row in rows])
    elif form == JSON:
        for row in rows:
            print(json.dumps(dict(zip(columns, row, strict=True)), default=str))
    else:
        _table(title, columns, rows)


def print_runs(spark: Any, settings: Settings, run_id: str | None, form: str) -> None:
    """The latest runs, or the steps of one."""
    from lbz_indicators.io import Store
    from lbz_indicators.show_runs import latest_runs, steps_of_run

    store = Store(spark, settings.storage)
    frame = latest_runs(store) if run_id is None else steps_of_run(store, run_id)
    title = "runs, the latest first (times in UTC)" if run_id is None else f"run {run_id} (times in UTC)"
    print_rows(title, frame.columns, [tuple(row) for row in frame.collect()], form)


def print_versions(spark: Any, settings: Settings, name: str | None, form: str) -> None:
    """The registry, or what made one version."""
    from lbz_indicators.io import Store
    from lbz_indicators.registry_views import describe_version, list_versions

    store = Store(spark, settings.storage)
    frame = list_versions(store) if name is None else describe_version(store, name)
    print_rows("model versions" if name is None else name, frame.columns, [tuple(row) for row in frame.collect()], form)


def print_comparison(spark: Any, settings: Settings, a: str, b: str, part: str, form: str) -> None:
    """Two versions side by side: the groups and hospitals that differ most, or one part in full."""
    from lbz_indicators.io import Store
    from lbz_indicators.registry_views import PARTS, compare

    if part not in (*PARTS, SUMMARY):
        raise SettingsError(f"There is no part {part!r} of a comparison.", mend=f"give --part {', '.join(PARTS)}.")
    if part == SUMMARY and form != TABLE:
        raise SettingsError("Which part of the comparison is not said.", mend=f"add --part {', '.join(PARTS)}.")
    compared = compare(Store(spark, settings.storage), settings, a, b)
    print(f"A  {a}\nB  {b}", file=sys.stderr)
    for name in PARTS if part == SUMMARY else [part]:
        frame = PARTS[name](compared)
        rows = [tuple(_plain(value) for value in row) for row in frame.itertuples(index=False, name=None)]
        if part == SUMMARY and name != "coefficients":
            shown = rows[:MOST_SHOWN]
            _table(f"{name}, {len(shown)} of {len(rows)} that differ most", list(frame.columns), shown)
        elif part != SUMMARY:
            print_rows(name, list(frame.columns), rows, form)


def _plain(value: Any) -> Any:
    """A value of pandas as Python has it; every kind of missing is None."""
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def _print_frame(title: str, frame: Any) -> None:
    _table(title, frame.columns, [tuple(row) for row in frame.collect()])


def print_run(spark: Any, settings: Settings, run_id: str, arguments: Sequence[str]) -> None:
    """The end of a run: the HSMR of the largest hospitals, the summary, and where everything lies."""
    from lbz_indicators.io import Store
    from lbz_indicators.show import hsmr, national_summary, shown_versions, summary

    store = Store(spark, settings.storage)
    versions = shown_versions(store, settings, "hsmr")
    frame = hsmr(store, settings, versions, None)
    rows = [tuple(row) for row in frame.collect()]
    chosen = _largest(rows, frame.columns.index("admissions"))
    title = f"HSMR, the largest {len(chosen)} of {len(rows)} figures" if len(chosen) < len(rows) else "HSMR"
    _table(title, frame.columns, chosen)
    _print_frame("the hospitals together", national_summary(store, settings, versions, "hsmr"))
    side_by_side = summary(store, settings, None)
    every = [tuple(row) for row in side_by_side.collect()]
    shown = every[:MOST_ROWS]
    part = f", {len(shown)} of {len(every)} hospitals" if len(shown) < len(every) else ""
    _table(f"{settings.reporting_year}, all indicators{part}", side_by_side.columns, shown)
    print(f"run     {run_id}")
    print(f"tables  {store.place} (bronze, silver, gold; gold/indicators holds every figure)")
    more = " ".join(shlex.quote(argument) for argument in arguments)
    print(f"more    lbz-indicators show smr --hospital ID {more}")
    print(f"        lbz-indicators show readmissions {more}")
    print(f"        lbz-indicators show olo {more}")
    print(f"        lbz-indicators show quality {more}")


def _largest(rows: Sequence[tuple[Any, ...]], admissions: int) -> Sequence[tuple[Any, ...]]:
    """At most MOST_ROWS figures in the given order, those with most admissions."""
    places = sorted(range(len(rows)), key=lambda place: -rows[place][admissions])[:MOST_ROWS]
    return [rows[place] for place in sorted(places)]


def print_generated(spark: Any, settings: Settings, like: bool) -> None:
    """Where a generated nation lies and, if asked, how like the published figures it is."""
    root = settings.storage.root
    print(f"delivery  {root}/delivery")
    print(f"truth     {root}/truth")
    if like:
        from lbz_indicators.steps.generate import compare_with_targets

        names = ("measure", "unit", "target", "reached", "lowest", "highest", "like", "source")
        rows = [tuple(getattr(found, name) for name in names) for found in compare_with_targets(spark, settings)]
        _table("like the Dutch nation (numbers of admissions scaled to its size)", names, rows)


def print_findings(findings: Sequence[Finding]) -> None:
    """What doctor found."""
    rows = [(f.name, f.found, f.needed, "good" if f.good else f.remedy) for f in findings]
    _table("doctor", ("what", "found", "needed", "verdict"), rows)

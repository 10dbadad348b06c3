"""`explain`: why two figures of a hospital or diagnosis group differ."""

from __future__ import annotations

import json as json_text
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lbz_indicators import printing
from lbz_indicators.commands.options import Config, Csv, Json, Output, Overrides, Years, form, settings_of, start
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from lbz_indicators.stats.difference import Sums
    from lbz_indicators.steps.explanation import Explanation, Side

TERMS = {"crude": "crude mortality", "case_mix": "case mix", "model": "model", "population": "population"}
Two = tuple[str, str]


def explain(
    hospital: Annotated[str, typer.Option("--hospital", help="A reporting hospital, or nation.")],
    group: Annotated[str | None, typer.Option("--group", help="One diagnosis group.")] = None,
    versions: Annotated[
        Two | None, typer.Option("--versions", help="Model versions A B; else t-1's and t's current ones.")
    ] = None,
    runs: Annotated[Two | None, typer.Option("--runs", help="The admissions as runs A B found them; else as they are.")] = None,
    periods: Annotated[
        Two | None, typer.Option("--periods", help="Years A B, such as 2018 2019; else the reporting year.")
    ] = None,
    picture: Annotated[str | None, typer.Option("--picture", help="Writes the picture to this file (SVG).")] = None,
    csv: Csv = False,
    json: Json = False,
    config: Config = None,
    set_: Overrides = None,
    output: Output = None,
    years: Years = None,
) -> None:
    """Why two figures differ, exactly: crude mortality, case mix, model, population."""
    from lbz_indicators.io import Store
    from lbz_indicators.steps.explained_sides import sides_of
    from lbz_indicators.steps.explanation import Part, explain

    settings = settings_of(config, set_, storage__root=output, period__years=years)
    _ = settings.years
    part = Part(None if hospital == "nation" else hospital, group)
    store = Store(start(settings, writes=False), settings.storage)
    found = explain(store, settings, *sides_of(store, settings, versions, runs, periods), part)
    if not found.figures.a.admissions or not found.figures.b.admissions:
        where = f"hospital {hospital}" + (f", diagnosis group {group}" if group else "")
        raise SettingsError(f"There are no admissions with an expected value: {where}.", mend="`show hsmr` lists the hospitals.")
    _print(found, form(csv, json))
    if picture:
        _write_picture(found, hospital, settings, picture)


def _print(found: Explanation, form: str) -> None:
    figures = found.figures
    sums = {"A": figures.a, "B": figures.b, "rows of B under the model of A": figures.scored_by_a}
    if figures.in_both:
        sums |= {"rows of both, as A has them": figures.in_both.a, "rows of both, as B has them": figures.in_both.b}
    sides = {"A": found.a, "B": found.b}
    if form == printing.JSON:
        print(json_text.dumps(_plain(found)))
        return
    for name, side in sides.items():
        run = f", as run {side.run_id} found the admissions" if side.run_id else ""
        print(f"{name}  {side.version.name}, discharged {_period(side.years)}{run}", file=sys.stderr)
    if form == printing.TABLE:
        rows = [(name, one.admissions, one.observed, one.expected, _ratio(one)) for name, one in sums.items()]
        printing.print_rows("the figures", ("rows", "admissions", "observed", "expected", "ratio"), rows, form)
    if found.terms is None:
        a, b = figures.a, figures.b
        print("No terms: an observed or expected number is 0.", file=sys.stderr)
        differences = [("observed", float(b.observed - a.observed)), ("expected", b.expected - a.expected)]
        printing.print_rows("B - A", ("number", "difference"), differences, form)
        return
    named = [(label, getattr(found.terms, name)) for name, label in TERMS.items()]
    lines = [(label, term, math.exp(term), 100 * math.expm1(term)) for label, term in (*named, ("B / A", found.terms.total))]
    printing.print_rows("why B differs from A", ("term", "logarithm", "factor", "percent"), lines, form)


def _plain(found: Explanation) -> dict[str, Any]:
    """Everything as one JSON object."""
    names = ("a", "b", "scored_by_a", "scored_by_b")
    sums: dict[str, Any] = {name: vars(getattr(found.figures, name)) for name in names}
    if found.figures.in_both:
        sums["in_both"] = {name: vars(getattr(found.figures.in_both, name)) for name in "ab"}
    sides = {
        name: {"model_version": side.version.name, "years": list(side.years), "run_id": side.run_id}
        for name, side in (("a", found.a), ("b", found.b))
    }
    part = {"hospital": found.part.hospital, "diagnosis_group": found.part.group}
    return {**part, "sides": sides, "sums": sums, "terms": vars(found.terms) if found.terms else None}


def _write_picture(found: Explanation, hospital: str, settings: Settings, path: str) -> None:
    from lbz_indicators.publish.difference_picture import Words, bars, difference_svg

    if found.terms is None:
        print("No picture: there are no terms.", file=sys.stderr)
        return
    a, b = (f"{_variant(side)}\n{_period(side.years)}" for side in (found.a, found.b))
    title = hospital + (f", diagnosis group {found.part.group}" if found.part.group else "")
    words = Words(title, a, b, (*TERMS.values(),), "ratio, 100 = as expected")  # type: ignore[arg-type]
    ratio = _ratio(found.figures.a)
    assert ratio is not None
    try:
        Path(path).write_text(difference_svg(bars(ratio, found.terms, words), words), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The picture {path} cannot be written: {error.strerror}.", mend="name a file in a folder that is there."
        ) from error
    print(f"picture  {path}")


def _ratio(sums: Sums) -> float | None:
    return 100 * sums.observed / sums.expected if sums.expected > 0 else None


def _variant(side: Side) -> str:
    """Whether the model is of the years it scores."""
    return "definitive" if set(side.years) <= set(side.version.family.years) else "provisional"


def _period(years: tuple[int, ...]) -> str:
    return "-".join(str(year) for year in sorted({years[0], years[-1]}))

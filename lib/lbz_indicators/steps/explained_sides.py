"""Which two figures are to be explained: model versions, runs and periods, as a command names them."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.config import Settings, parse_years
from lbz_indicators.errors import ModelError, SettingsError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.steps.current import Version, Versions
from lbz_indicators.steps.explanation import Side
from lbz_indicators.steps.model_comparison import require_comparable
from lbz_indicators.steps.predicted import Family
from lbz_indicators.steps.promotion import require_known
from lbz_indicators.steps.run_order import ORDERED_BY, place

Two = tuple[str, str]


def sides_of(store: Store, settings: Settings, versions: Two | None, runs: Two | None, periods: Two | None) -> tuple[Side, Side]:
    """Figures A and B. Without versions: where runs or periods differ, the current model of deaths for both; else that of t-1
    (provisional) and that of t (definitive)."""
    known = Versions.read(store)
    if versions:
        a, b = (require_known(known, name, store.place) for name in versions)
    elif runs or periods:
        a = b = known.require(Family(registry.MORTALITY, settings.mortality_model_years))
    else:
        a = _of_years(known, settings.earlier_model_years, store.place)
        b = _of_years(known, settings.model_years, store.place)
    require_comparable(a, b)
    spans = [_years(text) for text in periods] if periods else [(settings.reporting_year,)] * 2
    stores = [as_found_by(store, run) for run in runs] if runs else [store, store]
    named = runs or (None, None)
    return Side(a, spans[0], stores[0], named[0]), Side(b, spans[1], stores[1], named[1])


def as_found_by(store: Store, run_id: str) -> Store:
    """The tables at the versions from which a run made its figures; SettingsError where there is no such run."""
    runs = store.read(tables.GOLD_RUNS).select("run_id", "step", "status", "tables_in", *ORDERED_BY).collect()
    of_run = [row for row in runs if row["run_id"] == run_id and row["step"] == "indicators" and row["status"] == "done"]
    if not of_run:
        raise SettingsError(
            f"No run {run_id!r} has made figures.", where=f"gold.runs in {store.place}", mend="take a run_id of gold.indicators."
        )
    last = max(of_run, key=place)
    # What derive had read before it: for rows that are to be derived anew.
    before = [row for row in runs if row["step"] == "derive" and row["status"] == "done" and place(row) <= place(last)]
    derived = max(before, key=place)["tables_in"] if before else {}
    data = {**derived, **last["tables_in"]}
    return store.pinned({name: version for name, version in data.items() if name.split(".")[0] in ("bronze", "silver")})


def _of_years(known: Versions, years: tuple[int, ...], place: str) -> Version:
    if not years:
        raise ModelError("There is no year before the reporting year, and so no provisional figure.", mend="name --versions A B.")
    return known.require(Family(registry.MORTALITY, years))


def _years(text: str) -> tuple[int, ...]:
    parsed = parse_years(text)
    try:
        years = tuple(int(year) for year in parsed) if isinstance(parsed, list) else ()
    except ValueError:
        years = ()
    if not years or list(years) != sorted(set(years)):
        raise SettingsError(f"{text!r} is no period.", where="--periods", mend="give years such as 2019, or 2017-2019.")
    return years

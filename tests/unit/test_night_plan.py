"""What a night decides from what was there: months that are judged otherwise, settings that moved, tables as they were left."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_runs import Said

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.io import ABSENT
from lbz_indicators.io.files import delivery_folders
from lbz_indicators.progress import SILENT
from lbz_indicators.steps import derive, nightly, touched
from lbz_indicators.steps.last_done import Done, left_by, settings_moved
from lbz_indicators.steps.moved import MonthStates, hospitals_moved, months_moved
from lbz_indicators.steps.nightly import COMPARED_BY, Night, _is_followed
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.tables import Table

YEARS = (2018, 2019)
_ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["A", "B"]), st.sampled_from([2017, *YEARS]), st.integers(1, 12)),
    st.tuples(st.booleans(), st.booleans()),
    max_size=12,
)
Rows = dict[tuple[str, int, int], tuple[bool, bool]]


def _states(rows: Rows) -> MonthStates:
    validated: dict[tuple[str, int], bool] = {}
    for (hospital, year, _), (_, approved) in rows.items():
        validated[hospital, year] = validated.get((hospital, year), True) and approved
    return MonthStates({month: complete for month, (complete, _) in rows.items()}, validated)


def _judged(rows: Rows, hospital: str, year: int, month: int) -> tuple[bool, bool]:
    """METHOD section 2: without any month all are complete and validated; else a month without a row is incomplete, and a year is
    unvalidated if any of its rows is."""
    own = {place: states for place, states in rows.items() if place[0] == hospital}
    if not own:
        return True, True
    complete = own.get((hospital, year, month), (False, False))[0]
    return complete, all(approved for (_, y, _), (_, approved) in own.items() if y == year)


@given(_ROWS, _ROWS)
def test_every_month_judged_otherwise_is_found(before: Rows, now: Rows) -> None:
    moved = set(months_moved(_states(before), _states(now), YEARS))
    places = [(hospital, year, month) for hospital in "AB" for year in YEARS for month in range(1, 13)]
    assert {place for place in places if _judged(before, *place) != _judged(now, *place)} <= moved <= set(places)


@given(_ROWS)
def test_months_delivered_again_as_they_were_move_nothing(rows: Rows) -> None:
    assert months_moved(_states(rows), _states(dict(reversed(rows.items()))), YEARS) == []


def test_one_month_completed_moves_that_month_alone() -> None:
    before = {("A", 2018, month): (month < 12, True) for month in range(1, 13)}
    assert months_moved(_states(before), _states(before | {("A", 2018, 12): (True, True)}), YEARS) == [("A", 2018, 12)]


def test_hospitals_that_report_otherwise_or_are_gone_move_and_new_ones_do_not() -> None:
    before = [("A", "A"), ("B", "B"), ("C", "C")]
    assert hospitals_moved(before, [("A", "A"), ("B", "A"), ("D", "D")]) == ["B", "C"]


def test_settings_that_figures_depend_on() -> None:
    base = load_settings(None, ["storage.root=a", "readmission.delivered_until=2019-06-30"]).model_dump(mode="json")

    def moved(*overrides: str) -> list[str]:
        other = load_settings(None, ["storage.root=a", "readmission.delivered_until=2019-06-30", *overrides])
        return settings_moved(base, other.model_dump(mode="json"))

    unmoved = (
        "storage.root=b",
        "spark.memory=2g",
        "delivery.input=x",
        "readmission.delivered_until=2019-07-31",
        "models.refit=never",
    )
    assert moved(*unmoved) == []
    assert moved("olo.at_least=true") == ["olo.at_least False, now True"]
    assert moved("readmission.window_days=90", "period.years=2019") == [
        "period.years None, now [2019]",
        "readmission.window_days 30, now 90",
    ]


def test_a_table_was_left_by_the_last_step_that_wrote_it() -> None:
    def done(hour: int, **left: int) -> Done:
        return Done({}, "1", {}, left, dt.datetime(2026, 1, 1, hour))

    assert left_by({"derive": done(1, covariates=3, stays=1), "score": done(2, expected=7), "again": done(3, stays=2)}) == {
        "covariates": 3, "stays": 2, "expected": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("everything", "whole", "deliveries", "done"),
    [
        ("new settings", None, (), ["all"]),
        (None, "bronze.ses has not only grown since the last validation (DELETE)", (), ["all"]),
        (None, "bronze.ses has not only grown since the last validation (DELETE)", ("d1",), ["all"]),
        (None, None, ("d1", "d2"), [("d1", "d2")]),
        (None, None, (), []),
    ],
)
def test_what_is_validated(
    monkeypatch: pytest.MonkeyPatch, everything: str | None, whole: str | None, deliveries: tuple[str, ...], done: list[object]
) -> None:
    """Nothing new is no reason to pass over what was removed by hand."""
    found: list[object] = []
    answers = {"last_done": {}, "why_everything": everything, "needs_all": whole, "arrived_deliveries": deliveries}
    for name, answer in answers.items():
        monkeypatch.setattr(nightly, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(nightly.validate, "step", lambda *_: found.append("all"))
    monkeypatch.setattr(nightly, "validate_arrived", lambda *arguments: found.append(arguments[-1]))
    settings = load_settings(None, ["storage.root=a"])
    nightly.Night().steps["validate"](None, settings, SILENT, "run")  # type: ignore[arg-type]
    assert found == done


@pytest.mark.parametrize(
    ("rows", "number", "many"),
    [(1_000, 50, False), (1_000, 51, True), (100_000_000, 1_000_000, False), (100_000_000, 1_000_001, True)],
)
def test_more_than_a_share_or_a_million_is_done_as_a_whole(rows: int, number: int, many: bool) -> None:
    class Rows:
        def read(self, _: object) -> Rows:
            return self

        def count(self) -> int:
            return rows

    said = touched.too_many(Rows(), number)  # type: ignore[arg-type]
    assert said == (f"{number:,} admissions or patients are touched" if many else None)


def test_a_night_follows_what_the_steps_of_a_run_alone_write() -> None:
    """Not gold.erasures and the like: a removal that broke off, or one that was finished later, would make every night a whole run."""
    steps = {
        "silver": ("admissions", "diagnoses", "rejected_admissions", "quality", "delivered_months", "covariates", "stays"),
        "gold": ("exclusions", "index_stays", "stay_cells", "stay_coefficients", "stay_fit", "expected", "expected_nights",
                 "olo_agreement", "figure_cells", "weight_cells", "indicators", "interval_variants"),
    }  # fmt: skip
    wanted = {f"{layer}.{name}" for layer, names in steps.items() for name in names}
    assert {str(table) for table in tables.ALL if _is_followed(str(table))} == wanted


class Kept:
    """A store of which it is only asked whether Delta still has a version: not those of `gone`."""

    def __init__(self, *gone: Table) -> None:
        self._gone = gone

    def keeps(self, table: Table, version: int) -> bool:
        return version == ABSENT or table not in self._gone


def _night(**read: int) -> Night:
    night = Night()
    done = Done({}, "1", {name.replace("_", ".", 1): version for name, version in read.items()}, {}, dt.datetime(2026, 1, 1))
    night._done = dict.fromkeys(("derive", "score", "indicators"), done)
    return night


@pytest.mark.parametrize("gone", COMPARED_BY["derive"], ids=str)
def test_all_is_derived_anew_where_delta_no_longer_keeps_what_was_read_last(gone: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is delivered seldom: its last version is older than the retention, and goes with the commit of tonight."""
    said, wanted = Said(), Outcome("all of it")
    monkeypatch.setattr(derive, "step", lambda *_: wanted)
    night, settings = (
        _night(bronze_deliveries=9, bronze_hospitals=7, bronze_ses=3, bronze_hospital_months=5),
        load_settings(None, []),
    )
    assert night._derive(Kept(gone), settings, said, "run") is wanted  # type: ignore[arg-type]
    version = {"bronze.deliveries": 9, "bronze.hospitals": 7, "bronze.ses": 3, "bronze.hospital_months": 5}[str(gone)]
    assert said.lines == [f"all is derived anew: Delta no longer keeps {gone} {version}, older than storage.retention_days"]
    for step in ("score", "indicators"):  # they follow without asking again
        assert night._touched(Kept(), settings, step, said) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("step", "table"), [(step, table) for step in ("score", "indicators") for table in COMPARED_BY[step]])
def test_a_step_does_all_where_the_rows_or_models_of_last_time_are_gone(step: str, table: Table) -> None:
    said, night = Said(), _night(**{f"{one.layer}_{one.name}": 2 for one in tables.ALL})
    assert night._touched(Kept(table), load_settings(None, []), step, said) is None  # type: ignore[arg-type]
    assert said.lines == [f"all is done anew: Delta no longer keeps {table} 2, older than storage.retention_days"]


def test_a_folder_of_nothing_but_folders_holds_deliveries(tmp_path: Path) -> None:
    assert delivery_folders(str(tmp_path)) == []
    for name in ("2019-02", "2019-01"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
    assert delivery_folders(str(tmp_path / "inbox")) == [str(tmp_path / "inbox" / name) for name in ("2019-01", "2019-02")]
    (tmp_path / "one" / "admissions.parquet").mkdir(parents=True)
    assert delivery_folders(str(tmp_path / "one")) == [str(tmp_path / "one")]
    (tmp_path / "inbox" / "admissions.csv").write_text("x")
    assert delivery_folders(str(tmp_path / "inbox")) == [str(tmp_path / "inbox")]

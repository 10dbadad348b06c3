"""What a night decides from what was there: months that are judged otherwise, settings that moved, tables as they were left."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.config import load_settings
from lbz_indicators.io.files import delivery_folders
from lbz_indicators.steps.last_done import Done, left_by, settings_moved
from lbz_indicators.steps.moved import MonthStates, hospitals_moved, months_moved

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


def test_a_folder_of_nothing_but_folders_holds_deliveries(tmp_path: Path) -> None:
    assert delivery_folders(str(tmp_path)) == []
    for name in ("2019-02", "2019-01"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
    assert delivery_folders(str(tmp_path / "inbox")) == [str(tmp_path / "inbox" / name) for name in ("2019-01", "2019-02")]
    (tmp_path / "one" / "admissions.parquet").mkdir(parents=True)
    assert delivery_folders(str(tmp_path / "one")) == [str(tmp_path / "one")]
    (tmp_path / "inbox" / "admissions.csv").write_text("x")
    assert delivery_folders(str(tmp_path / "inbox")) == [str(tmp_path / "inbox")]

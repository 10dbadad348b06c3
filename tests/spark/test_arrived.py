"""What arrived in a night, judged alone, is what a validation of everything gives, row by row (METHOD section 2).

Every world is a change set of its own: hospitals, patients and deliveries that no other has. They travel together through one
night, for Spark's planning takes longer than the records do.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.ingest import arrived, diagnoses, in_force, quality, validate
from lbz_indicators.ingest.sources import is_filtered
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.steps.validate_arrived import seeds
from lbz_indicators.tables import Table

WORLDS = 40
MONTHS = ["2018-11", "2018-12", "2019-01", "2019-02", "2019-03"]
CODES = ["I500", "E119", "C349", "X99"]
LOAD_DATE = dt.date(2019, 12, 31)
ADMISSION = {
    "admission_time": "12:00", "discharge_time": None, "care_type": "K", "urgency": "acute", "origin": "home",
    "discharge_destination": "home", "died": "false", "sex": "M", "age_years": "50", "postcode4": "1011", "resident": "true",
    "specialty": "S", "main_diagnosis": "I21.0", "main_procedure": None,
}  # fmt: skip
Record = dict[str, Any]
Rows = Counter[tuple[Any, ...]]


@dataclass
class World:
    """Deliveries of a few hospitals, some of which arrive tonight. `records` by bronze table."""

    number: int
    random: Random
    records: dict[Table, list[Record]] = field(default_factory=dict)
    tonight: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    known_now: set[str] = field(default_factory=set)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def own(self, name: str) -> str:
        return f"w{self.number}:{name}"


def _world(number: int, seed: int) -> World:
    world = World(number, Random(f"{seed}/{number}"))
    random, hospitals = world.random, [world.own(f"H{n}") for n in (1, 2, 3)]
    world.known = set(hospitals[: random.choice([2, 3, 3, 3])])
    world.known_now = set(hospitals) if world.chance(0.7) else world.known
    truth = [
        _admission(world, hospital, month) for hospital in hospitals for month in MONTHS for _ in range(random.randint(1, 4))
    ]
    before, tonight = random.randint(0, 4), random.randint(1, 3)
    days = list(range(1, 2 + before + tonight))
    if world.chance(0.3):  # one that was loaded late has an earlier stamp
        late = days.pop()
        days.insert(random.randint(0, len(days)), late)
    for place, day in enumerate(days):
        name = world.own(f"d{place}")
        if place > before:
            world.tonight.append(name)
        whole = place == 0 and world.chance(0.9)
        months = [(h, m) for h in hospitals for m in MONTHS if whole or world.chance(0.2)]
        if place and world.chance(0.15):
            months = []
        truth = _changed(world, truth, months) if place else truth
        _deliver(world, name, dt.datetime(2020, 1, day), [r for r in truth if (r["hospital_id"], _month(r)) in months])
        if place and world.chance(0.6):
            _withdraw(world, name, dt.datetime(2020, 1, day), truth)
    return world


def _month(record: Record) -> str | None:
    """Where the delivering hospital files it."""
    return record["_filed"]


def _admission(world: World, hospital: str, month: str) -> Record:
    random = world.random
    last = dt.date.fromisoformat(f"{month}-01") + dt.timedelta(days=random.randint(0, 27))
    return {
        **ADMISSION,
        "hospital_id": hospital,
        "admission_id": f"a{random.randint(1, 60)}",
        "patient_id": None if world.chance(0.05) else world.own(f"p{random.randint(1, 12)}"),
        "admission_date": str(last - dt.timedelta(days=random.randint(0, 25))),
        "discharge_date": str(last),
        "age_years": "-1" if world.chance(0.05) else str(random.randint(0, 99)),
        "_filed": month,
    }


def _changed(world: World, truth: Sequence[Record], months: Sequence[tuple[str, str]]) -> list[Record]:
    """Records of these hospital-months corrected, removed, added, or moved to another month."""
    changed = []
    for record in truth:
        if (record["hospital_id"], _month(record)) not in months or world.chance(0.6):
            changed.append(record)
            continue
        fate = world.random.choice(["gone", "moved", "age", "patient", "longer"])
        if fate == "moved":
            other = _admission(world, record["hospital_id"], world.random.choice(MONTHS))
            changed.append({**record, **{k: other[k] for k in ("admission_date", "discharge_date", "_filed")}})
        elif fate == "age":
            changed.append({**record, "age_years": world.random.choice(["7", "-1"])})
        elif fate == "patient":
            changed.append({**record, "patient_id": world.own(f"p{world.random.randint(1, 12)}")})
        elif fate == "longer":
            start = dt.date.fromisoformat(record["admission_date"]) - dt.timedelta(days=20)
            changed.append({**record, "admission_date": str(start)})
    return changed + [_admission(world, h, m) for h, m in months if world.chance(0.3)]


def _dirty(world: World, record: Record) -> Record:
    kind = world.random.choice(["date", "place", "number", "line", "filter", "day"])
    dirt: dict[str, Record] = {
        "date": {"discharge_date": world.random.choice(["2019-02-30", None, "soon", f"{record['_filed']}-32"])},
        "place": {"hospital_id": None},
        "number": {"admission_id": None},
        "line": {"defect": "malformed_record"},
        "filter": {"defect": "filtered:other"},
        "day": {"admission_date": "2019-13-01"},
    }
    return {**record, **dirt[kind]}


def _deliver(world: World, delivery: str, loaded_at: dt.datetime, found: Sequence[Record]) -> None:
    rows = []
    for record in found:
        rows.append(_dirty(world, record) if world.chance(0.1) else record)
        if world.chance(0.08):
            rows.append(rows[-1])
        if world.chance(0.05):
            rows.append({**rows[-1], "age_years": "33"})
    _store(world, tables.BRONZE_ADMISSIONS, delivery, loaded_at, rows)
    hospitals = [world.own("H1"), world.own("H2"), None]
    secondary = [
        {"hospital_id": r["hospital_id"], "admission_id": r["admission_id"]}
        for r in rows
        for _ in range(world.random.randint(0, 2))
    ]
    secondary += [
        {"hospital_id": world.random.choice(hospitals), "admission_id": f"a{world.random.randint(1, 70)}"} for _ in range(4)
    ]
    for row in secondary:
        code = None if world.chance(0.03) else world.random.choice(CODES)
        row |= {"diagnosis_code": code, "is_complication": world.random.choice(["false", "true", None])}
        row |= {"defect": world.random.choice(["malformed_record", "filtered:other"])} if world.chance(0.05) else {}
    _store(world, tables.BRONZE_DIAGNOSES, delivery, loaded_at, secondary)


def _withdraw(world: World, delivery: str, loaded_at: dt.datetime, truth: Sequence[Record]) -> None:
    rows = []
    for record in world.random.choices(truth, k=world.random.randint(1, 4)):
        year, month = world.random.choice([record["_filed"], *MONTHS]).split("-")
        named = {"hospital_id": record["hospital_id"], "year": year, "month": str(int(month)), "admission_id": None}
        if world.chance(0.6):
            named["admission_id"] = record["admission_id"]
            named |= {"year": None, "month": None} if world.chance(0.5) else {}
        rows.append(named)
    _store(world, tables.BRONZE_WITHDRAWALS, delivery, loaded_at, rows)


def _store(world: World, table: Table, delivery: str, loaded_at: dt.datetime, rows: Sequence[Record]) -> None:
    stamped = {"delivery_id": delivery, "file": "f.csv", "load_date": LOAD_DATE, "loaded_at": loaded_at}
    numbered = [{"defect": None, **row, "record": number, **stamped} for number, row in enumerate(rows)]
    world.records.setdefault(table, []).extend(numbered)


@dataclass(frozen=True)
class Tables:
    """What validation makes: silver as DataFrames, kept."""

    admissions: DataFrame
    rejected: DataFrame
    diagnoses: DataFrame
    months: DataFrame
    quality: DataFrame


def _keep(frame: DataFrame) -> DataFrame:
    return frame.localCheckpoint()


RULES = load_settings().validation


def _whole(bronze: arrived.Bronze) -> Tables:
    """Everything judged, as the step validate does it."""
    months = _keep(in_force.delivered_months(bronze.admissions))
    marked = _keep(in_force.mark_in_force(bronze.admissions, months, bronze.withdrawals))
    used = ~is_filtered()
    checked = _keep(
        validate.check_admissions(marked.where(F.col("in_force") & used), bronze.hospitals, bronze.codes, RULES, _keep)
    )
    valid, rejected = validate.valid_admissions(checked), validate.rejected_admissions(checked)
    known = diagnoses.known_admissions(valid, rejected, marked.where(~F.col("in_force") & used))
    secondary = _keep(diagnoses.check_diagnoses(bronze.diagnoses, known, bronze.codes))
    counts = (
        quality.count_admission_rules(valid, rejected)
        .unionByName(quality.count_delivered(marked))
        .unionByName(quality.count_withdrawals(in_force.with_records_met(bronze.withdrawals, months, bronze.admissions, _keep)))
        .unionByName(quality.count_diagnosis_rules(secondary))
    )
    return Tables(_keep(valid), _keep(rejected), _keep(diagnoses.valid_diagnoses(secondary)), months, _keep(counts))


def _frame(spark: SparkSession, table: Table, rows: Sequence[Record]) -> DataFrame:
    names = SCHEMAS[table].names
    return _keep(spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], SCHEMAS[table].struct))


def _bronze(spark: SparkSession, worlds: Sequence[World], tonight: bool) -> arrived.Bronze:
    """With the deliveries that arrive tonight, or without."""
    late = {name for world in worlds for name in world.tonight}
    rows = {
        table: [r for world in worlds for r in world.records.get(table, []) if tonight or r["delivery_id"] not in late]
        for table in (tables.BRONZE_ADMISSIONS, tables.BRONZE_DIAGNOSES, tables.BRONZE_WITHDRAWALS)
    }
    hospitals = sorted({name for world in worlds for name in (world.known_now if tonight else world.known)})
    return arrived.Bronze(
        _frame(spark, tables.BRONZE_ADMISSIONS, rows[tables.BRONZE_ADMISSIONS]),
        _frame(spark, tables.BRONZE_DIAGNOSES, rows[tables.BRONZE_DIAGNOSES]),
        _keep(in_force.withdrawals(_frame(spark, tables.BRONZE_WITHDRAWALS, rows[tables.BRONZE_WITHDRAWALS]))),
        _keep(spark.createDataFrame([(name,) for name in hospitals], "hospital_id string")),
        _keep(spark.createDataFrame([(code,) for code in ("I210", *CODES[:3])], "code string")),
    )


def _rows(frame: DataFrame, table: Table) -> Rows:
    rows = frame.select(*SCHEMAS[table].names).collect()
    return Counter(tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows)


@dataclass(frozen=True)
class Night:
    """Per table what it holds before the night, after it, and what of it was taken to be touched."""

    before: dict[Table, Rows]
    whole: dict[Table, Rows]
    alone: dict[Table, Rows]
    old: dict[Table, Rows]
    new: dict[Table, Rows]
    tonight: set[str]


@pytest.fixture(scope="module")
def night(spark: SparkSession) -> Iterator[Night]:
    worlds = [_world(number, seed=20260) for number in range(WORLDS)]
    start = _whole(_bronze(spark, worlds, tonight=False))
    bronze = _bronze(spark, worlds, tonight=True)
    silver = arrived.Silver(start.admissions, start.rejected, start.months, start.quality)
    names = [name for world in worlds for name in world.tonight]
    came = arrived.arrival(bronze, silver, names, _keep)
    judged = arrived.judge(bronze, silver, came, seeds(silver.admissions, came), RULES, _keep)
    end = _whole(bronze)

    before, whole, alone, old, new = {}, {}, {}, {}, {}
    changes = {
        tables.SILVER_ADMISSIONS: (start.admissions, judged.admissions, end.admissions),
        tables.SILVER_REJECTED_ADMISSIONS: (start.rejected, judged.rejected, end.rejected),
        tables.SILVER_DIAGNOSES: (start.diagnoses, judged.diagnoses, end.diagnoses),
    }
    for table, (first, change, last) in changes.items():
        before[table], whole[table] = _rows(first, table), _rows(last, table)
        old[table], new[table] = _rows(change.old, table), _rows(change.new, table)
        alone[table] = before[table] - old[table] + new[table]
    months, counts = tables.SILVER_DELIVERED_MONTHS, tables.SILVER_QUALITY
    alone |= {months: _rows(start.months, months) + _rows(judged.months, months), counts: _rows(judged.quality, counts)}
    whole |= {months: _rows(end.months, months), counts: _rows(end.quality, counts)}
    yield Night(before, whole, alone, old, new, set(names))


TABLES = [
    tables.SILVER_ADMISSIONS, tables.SILVER_REJECTED_ADMISSIONS, tables.SILVER_DIAGNOSES, tables.SILVER_DELIVERED_MONTHS,
    tables.SILVER_QUALITY,
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_night_alone_is_the_whole(night: Night, table: Table) -> None:
    missing, surplus = night.whole[table] - night.alone[table], night.alone[table] - night.whole[table]
    assert not missing and not surplus, f"{list(missing)[:3]} missing, {list(surplus)[:3]} too many"
    assert max(night.whole[table].values()) == 1


@pytest.mark.parametrize("table", TABLES[:3], ids=str)
def test_what_is_taken_for_the_old_rows_are_rows_of_the_table(night: Night, table: Table) -> None:
    assert not night.old[table] - night.before[table]
    assert sum(night.old[table].values()) < sum(night.before[table].values()), "not everything is looked at"


def test_the_nights_hold_what_is_hard(night: Night) -> None:
    """Of records that were there before: superseded and no longer, flagged and no longer, and a hospital known only now."""
    columns = SCHEMAS[tables.SILVER_ADMISSIONS].names
    place = {name: columns.index(name) for name in ("hospital_id", "admission_id", "delivery_id", "flags")}

    def valid(rows: Rows) -> dict[tuple[str, ...], tuple[str, ...]]:
        return {tuple(row[place[n]] for n in ("hospital_id", "admission_id", "delivery_id")): row[place["flags"]] for row in rows}

    reasons = SCHEMAS[tables.SILVER_REJECTED_ADMISSIONS].names.index("reasons")
    earlier, later = valid(night.before[tables.SILVER_ADMISSIONS]), valid(night.whole[tables.SILVER_ADMISSIONS])
    stay = [key for key in earlier if key in later]
    flag = "patient_in_two_hospitals"
    again = [key for key in later if key not in earlier and key[2] not in night.tonight]
    known = Counter(reason for row in night.whole[tables.SILVER_REJECTED_ADMISSIONS] for reason in row[reasons])
    assert sum(flag in earlier[key] and flag not in later[key] for key in stay) >= 3
    assert sum(flag not in earlier[key] and flag in later[key] for key in stay) >= 3
    assert len(again) >= 10
    assert {"superseded_by_later_delivery", "duplicate_conflicting", "duplicate_identical", "unknown_hospital"} <= set(known)
    counted = Counter(row[2] for row in night.whole[tables.SILVER_QUALITY])
    assert counted["withdrawn_by_later_delivery"] >= WORLDS / 2 and counted["withdrawal_without_record"] >= 5

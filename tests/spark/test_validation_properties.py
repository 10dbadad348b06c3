"""What validation must do with any delivery, however dirty: 300 records a time, made by chance (METHOD section 2)."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.config import load_settings
from lbz_indicators.ingest.rules import Flag, Rejection
from lbz_indicators.ingest.validate import check_admissions, day, rejected_admissions, valid_admissions
from lbz_indicators.schemas import SCHEMAS

RECORDS = 300
LOAD_DATE = dt.date(2019, 12, 31)
NAMES = SCHEMAS[tables.BRONZE_ADMISSIONS].names
VALUES: dict[str, list[str | None]] = {
    "hospital_id": ["H1", "H2", "H3", None, "H0"],
    "admission_time": ["12:00", None, "24:00", "9:05"],
    "discharge_time": ["12:00", None, "noon"],
    "care_type": ["K", "O", "D", "k", None, "X"],
    "urgency": ["acute", "planned", None, "?"],
    "origin": ["home", "institution", None, "?"],
    "discharge_destination": ["home", "deceased", None, "?"],
    "died": ["false", "true", None, "1"],
    "sex": ["M", "F", None, "X"],
    "age_years": ["50", "0", "120", None, "-1", "121", "45.0", "400"],
    "postcode4": ["1011", None, "12"],
    "resident": ["true", "false", None, "?"],
    "specialty": ["S", None],
    "main_diagnosis": ["I21.0", "i210", "X99", None, "."],
    "main_procedure": [None, "P"],
}
DAYS = [dt.date(2019, 1, 1) + dt.timedelta(days=day) for day in range(20)]
BAD_DATES = [None, "2019-02-30", "2019/01/05", "05-01-2019", "2020-01-01"]

Record = dict[str, Any]


def _date(random: Random, earliest: dt.date) -> str | None:
    if random.random() < 0.08:
        return random.choice(BAD_DATES)
    return str(earliest + dt.timedelta(days=random.randint(-1, 6)))


def _record(random: Random, number: int) -> Record:
    """A record of one of two deliveries; the first value of each column, which is sound, is the likeliest."""
    start = random.choice(DAYS)
    drawn = {name: values[0] if random.random() < 0.7 else random.choice(values) for name, values in VALUES.items()}
    delivery = random.choice(["d1", "d2"])
    return {
        **drawn,
        "admission_id": None if random.random() < 0.05 else f"a{random.randint(1, 150)}",
        "patient_id": None if random.random() < 0.1 else f"p{random.randint(1, 60)}",
        "admission_date": str(start),
        "discharge_date": _date(random, start),
        "record": number,
        "defect": "malformed_record" if random.random() < 0.03 else None,
        "delivery_id": delivery,
        "file": "f.csv",
        "load_date": LOAD_DATE,
        "loaded_at": dt.datetime(2020, 1, int(delivery[1])),
    }


def _delivered(random: Random) -> list[Record]:
    """Records of which every fourth is a copy of another one, mostly of the same delivery."""
    records: list[Record] = []
    for number in range(RECORDS):
        copied = {**random.choice(records), "record": number} if records and random.random() < 0.25 else None
        records.append(copied or _record(random, number))
    return records


def _frame(spark: SparkSession, records: list[Record]) -> DataFrame:
    return spark.createDataFrame([tuple(r[name] for name in NAMES) for r in records], SCHEMAS[tables.BRONZE_ADMISSIONS].struct)


def _verdicts(checked: DataFrame) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    rows = checked.select("record", "reasons", "flags").collect()
    assert len(rows) == RECORDS, "one verdict per record"
    return {row[0]: (tuple(row[1]), tuple(row[2])) for row in rows}


def _nights(record: Record) -> tuple[dt.date, dt.date] | None:
    """First and last day of an overnight stay of a known patient in a known place."""
    try:
        days = dt.date.fromisoformat(record["admission_date"]), dt.date.fromisoformat(record["discharge_date"])
    except (TypeError, ValueError):
        return None
    named = record["patient_id"] is not None and record["hospital_id"] is not None
    return days if named and days[0] < days[1] else None


def _in_two_hospitals(records: list[Record]) -> set[int]:
    """Every pair compared: the first day of one lies in the nights of the other, elsewhere."""
    stays = [(r["patient_id"], r["hospital_id"], _nights(r), r["record"]) for r in records if _nights(r)]
    return {
        number
        for patient, hospital, (start, _), number in stays
        if any(p == patient and h != hospital and first <= start < last for p, h, (first, last), _ in stays)
    }


def _expected_duplicates(records: list[Record]) -> dict[int, str]:
    """Rule by rule in plain Python: per key the later delivery counts; in it copies of one record are identical, others conflict."""
    content = [name for name in NAMES if name not in ("record", "defect", "delivery_id", "file", "load_date", "loaded_at")]
    keyed = [r for r in records if r["admission_id"] is not None and r["hospital_id"] is not None]
    groups: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in keyed:
        groups[record["hospital_id"], record["admission_id"]].append(record)
    found = {}
    for group in groups.values():
        latest = max(r["delivery_id"] for r in group)
        last = [r for r in group if r["delivery_id"] == latest]
        found |= {r["record"]: Rejection.SUPERSEDED.value for r in group if r["delivery_id"] != latest}
        if len({tuple(r[name] for name in content) for r in last}) > 1:
            found |= {r["record"]: Rejection.DUPLICATE_CONFLICTING.value for r in last}
        elif len(last) > 1:
            spared = min(r["record"] for r in last)
            found |= {r["record"]: Rejection.DUPLICATE_IDENTICAL.value for r in last if r["record"] != spared}
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2020-02-29", dt.date(2020, 2, 29)), ("1000-01-01", dt.date(1000, 1, 1)), ("2019-02-29", None), ("2019-3-10", None),
        ("2019-03-10\n", None), (" 2019-03-10", None), ("2019-03-10T00:00", None), ("0999-12-31", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_written_or_not_at_all(spark: SparkSession, text: str | None, wanted: dt.date | None) -> None:
    rows = spark.createDataFrame([(text,)], "written string")
    assert rows.select(day("written")).collect()[0][0] == wanted


@given(seed=st.integers(min_value=0, max_value=2**32))
@settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_delivery(spark: SparkSession, seed: int) -> None:
    random = Random(seed)
    records = _delivered(random)
    hospitals = spark.createDataFrame([("H1",), ("H2",), ("H3",)], "hospital_id string")
    codes = spark.createDataFrame([("I210",)], "code string")
    rules = load_settings().validation

    checked = check_admissions(_frame(spark, records), hospitals, codes, rules).cache()
    verdicts = _verdicts(checked)
    rejected = {row["record"]: row["reasons"] for row in rejected_admissions(checked).collect()}
    valid = [(row["hospital_id"], row["admission_id"]) for row in valid_admissions(checked).collect()]
    checked.unpersist()

    assert len(valid) + len(rejected) == RECORDS
    assert sorted(rejected) == sorted(number for number, (reasons, _) in verdicts.items() if reasons)
    key = {r["record"]: (r["hospital_id"], r["admission_id"]) for r in records}
    assert Counter(valid) == Counter(key[number] for number in verdicts if number not in rejected)
    assert max(Counter(valid).values()) == 1, "a key is valid once"
    known = {rule.value for rule in Rejection}
    assert all(reasons and set(reasons) <= known and list(reasons) == sorted(set(reasons)) for reasons in rejected.values())
    assert {flag for _, flags in verdicts.values() for flag in flags} <= {flag.value for flag in Flag}
    repeated = {Rejection.SUPERSEDED.value, Rejection.DUPLICATE_CONFLICTING.value, Rejection.DUPLICATE_IDENTICAL.value}
    assert {n: r for n, (reasons, _) in verdicts.items() for r in reasons if r in repeated} == _expected_duplicates(records)
    flagged = {n for n, (_, flags) in verdicts.items() if Flag.TWO_HOSPITALS_AT_ONCE.value in flags}
    assert flagged == _in_two_hospitals(records)

    random.shuffle(records)
    shuffled = _frame(spark, records).repartition(5)
    assert _verdicts(check_admissions(shuffled, hospitals, codes, rules)) == verdicts

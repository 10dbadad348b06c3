"""Hashes of sets of rows, against hashlib and json in plain Python."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lbz_indicators.digests import row_text, set_digests

Row = tuple[str, str | None, str | None, float | None, list[float], dt.date]
ROWS: list[Row] = [
    ("hsmr", "H1", None, 104.5, [1.0, 0.25], dt.date(2019, 1, 1)),
    ("hsmr", None, "x", None, [], dt.date(1969, 12, 31)),
    ("olo", 'a "quoted" é', "x", -2.0000004, [3.5], dt.date(2019, 1, 1)),
    ("hsmr", "H1", None, 104.5, [1.0, 0.25], dt.date(2019, 1, 1)),  # the same row again counts twice
]
SCHEMA = "indicator string, hospital string, part string, value double, weights array<double>, day date"
NAMES = ["indicator", "hospital", "part", "value", "weights", "day"]


def _text(row: Row) -> str:
    def whole(number: float | None) -> str | None:
        return None if number is None else str(round(number * 1_000_000))

    indicator, hospital, part, value, weights, day = row
    plain = {
        "indicator": indicator,
        "hospital": hospital,
        "part": part,
        "value": whole(value),
        "weights": [whole(w) for w in weights],
    }
    return json.dumps(plain | {"day": (day - dt.date(1970, 1, 1)).days}, separators=(",", ":"), ensure_ascii=False)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(rows: list[Row]) -> str:
    hashes = sorted(_sha(_text(row)) for row in rows)
    buckets: dict[str, list[str]] = {}
    for one in hashes:
        buckets.setdefault(one[:3], []).append(one)
    return _sha("".join(sorted(_sha("".join(held)) for held in buckets.values())))


def _found(spark: SparkSession, rows: list[Row], partitions: int) -> dict[str, tuple[int, str]]:
    frame = spark.createDataFrame(rows, SCHEMA).repartition(partitions)
    digests = set_digests(frame, row_text(frame, NAMES), by=["indicator"])
    return {row["indicator"]: (row["rows"], row["sha256"]) for row in digests.collect()}


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_hash_is_that_of_plain_python_whatever_the_order(spark: SparkSession, partitions: int) -> None:
    wanted = {name: [row for row in ROWS if row[0] == name] for name in ("hsmr", "olo")}
    for rows in (ROWS, ROWS[::-1]):
        assert _found(spark, rows, partitions) == {name: (len(of), _digest(of)) for name, of in wanted.items()}


def test_every_change_but_one_below_the_unit_changes_the_hash(spark: SparkSession) -> None:
    def digest(row: Row) -> str:
        return _found(spark, [row], 1)["olo"][1]

    row: Row = ("olo", "H1", None, 1.5, [2.5], dt.date(2019, 1, 1))
    changed: list[Row] = [
        ("olo", None, "H1", *row[3:]), (*row[:3], 1.500001, *row[4:]), (*row[:3], None, *row[4:]),
        (*row[:4], [2.5, 2.5], row[5]), (*row[:5], dt.date(2019, 1, 2)),
    ]  # fmt: skip
    assert len({digest(one) for one in [row, *changed]}) == 6
    assert digest((*row[:3], 1.5000000001, *row[4:])) == digest(row)


def test_no_rows_have_a_hash_too(spark: SparkSession) -> None:
    frame = spark.createDataFrame([], SCHEMA)
    row = set_digests(frame, F.lit("")).collect()[0]
    assert (row["rows"], row["sha256"]) == (0, hashlib.sha256(b"").hexdigest())

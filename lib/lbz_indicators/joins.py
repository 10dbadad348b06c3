"""Joining DataFrames by keys of which some may be null, such as the hospital of a national figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.hashing import quote


def other(name: str) -> str:
    """What a key of the second DataFrame is called while it is joined."""
    return f"_other_{name}"


def same_keys(keys: Sequence[str]) -> Column:
    """Whether the keys equal those named by `other`; null equals null."""
    return reduce(and_, [F.col(quote(key)).eqNullSafe(F.col(quote(other(key)))) for key in keys])


def look_up(rows: DataFrame, table: DataFrame, keys: Sequence[str], how: str = "left") -> DataFrame:
    """Adds the other columns of `table`, which has each key once; null keys are equal. `how`: left or inner. Grain unchanged."""
    values = [quote(name) for name in table.columns if name not in keys]
    renamed = table.select(*[F.col(quote(key)).alias(other(key)) for key in keys], *values)
    return rows.join(renamed, on=same_keys(keys), how=how).drop(*map(other, keys))

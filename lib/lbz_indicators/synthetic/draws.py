"""Random numbers as Column expressions: a hash of seed, purpose and row, so that a row is the same wherever it is made.

Nothing here depends on tasks, partitions or order. Categories are drawn from Walker's alias tables (A. J. Walker,
Electronics Letters 1974; 10:127-8): made in NumPy, carried as array literals of the plan, one look-up or two per draw.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F
from scipy.special import ndtri

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def rounded(values: NDArray[np.floating[Any]], decimals: int) -> Floats:
    """Doubles rounded to decimals."""
    result: Floats = np.round(values, decimals).astype(np.float64)
    return result


DECIMALS = 9
"""Digits of a number that goes from NumPy into a plan: beyond what another processor's arithmetic may change."""
NORMAL_POINTS = 2048


def generator(seed: int, purpose: str) -> np.random.RandomState:
    """NumPy's frozen generator for what is made on the driver; its stream never changes between versions."""
    return np.random.RandomState([seed, zlib.crc32(purpose.encode())])


def row_key(seed: int, *keys: Column) -> Column:
    """One long that stands for a row in all its draws."""
    return F.xxhash64(F.lit(seed), *keys)


def uniform(key: Column, purpose: str) -> Column:
    """A number in (0, 1), 53 bits, of this row and this purpose."""
    bits = F.shiftrightunsigned(F.xxhash64(key, F.lit(zlib.crc32(purpose.encode()))), 11)
    return (bits + F.lit(0.5)) * F.lit(2.0**-53)


def below(share: Column | float, key: Column, purpose: str) -> Column:
    """True with this probability."""
    return uniform(key, purpose) < share


def whole(key: Column, purpose: str, count: Column | int) -> Column:
    """A whole number 0 .. count-1, all alike."""
    return F.floor(uniform(key, purpose) * count).cast("int")


def normal(key: Column, purpose: str) -> Column:
    """A standard normal number, by the inverse distribution at 2,048 points with a line between them."""
    points = ndtri((np.arange(NORMAL_POINTS) + 0.5) / NORMAL_POINTS)
    place = uniform(key, purpose) * F.lit(float(NORMAL_POINTS - 1))
    low = F.floor(place).cast("int")
    table = numbers(points)
    first = F.get(table, low)
    return first + (place - low) * (F.get(table, low + 1) - first)


def numbers(values: Floats | Sequence[float]) -> Column:
    """An array literal of doubles. Spark folds it once; rows refer to it and never carry it."""
    text = ",".join(repr(float(value)) for value in np.round(np.asarray(values, dtype=float).ravel(), DECIMALS))
    return F.split(F.lit(text), ",").cast("array<double>")


def integers(values: Integers | Sequence[int]) -> Column:
    """An array literal of whole numbers."""
    return F.split(F.lit(",".join(str(int(value)) for value in np.asarray(values).ravel())), ",").cast("array<int>")


def texts(values: Sequence[str]) -> Column:
    """An array literal of text without commas."""
    assert not any("," in value for value in values)
    return F.split(F.lit(",".join(values)), ",")


def pick(values: Column, *places: tuple[Column, int]) -> Column:
    """The value at (place, size of that dimension), ... of an array literal flattened in row-major order."""
    flat: Column = places[0][0]
    for place, size in places[1:]:
        flat = flat * F.lit(size) + place
    return F.get(values, flat.cast("int"))


def alias_table(weights: Floats) -> tuple[Floats, Integers]:
    """(probability to keep, alias) of every category, shapes (n,); weights, shape (n,), need not add up to one."""
    size = len(weights)
    total = float(weights.sum())
    assert size > 0 and total > 0 and bool((weights >= 0).all())
    scaled = weights * (size / total)
    keep, alias = np.ones(size), np.arange(size)
    small = [place for place in range(size) if scaled[place] < 1]
    large = [place for place in range(size) if scaled[place] >= 1]
    while small and large:
        low, high = small.pop(), large.pop()
        keep[low], alias[low] = scaled[low], high
        scaled[high] -= 1 - scaled[low]
        (small if scaled[high] < 1 else large).append(high)
    return np.round(keep, DECIMALS), alias


@dataclass(frozen=True)
class AliasTables:
    """Several alias tables one after the other; table t has `sizes[t]` categories from `offsets[t]` on."""

    keep: Floats
    alias: Integers
    sizes: Integers
    offsets: Integers

    @classmethod
    def of(cls, weights: Sequence[Floats]) -> AliasTables:
        """One table per array of weights; a table without weight may never be drawn from."""
        sizes = np.array([len(row) for row in weights])
        offsets = np.cumsum(sizes) - sizes
        made = [alias_table(row if row.sum() > 0 else np.ones(len(row))) for row in weights]
        alias = np.concatenate([row[1] + offset for row, offset in zip(made, offsets, strict=True)])
        return cls(np.concatenate([row[0] for row in made]), alias, sizes, offsets)

    def draw(self, table: Column, key: Column, purpose: str) -> Column:
        """Place of the drawn category in the concatenation of all tables.

        One uniform number gives the place, its fraction decides between keeping and the alias.
        """
        if len(set(self.sizes.tolist())) == 1:
            size: Column = F.lit(int(self.sizes[0]))
            offset = table * size
        else:
            size, offset = F.get(integers(self.sizes), table), F.get(integers(self.offsets), table)
        place = uniform(key, purpose) * size
        cell = (offset + F.floor(place)).cast("int")
        stays = place - F.floor(place) < F.get(numbers(self.keep), cell)
        return F.when(stays, cell).otherwise(F.get(integers(self.alias), cell))

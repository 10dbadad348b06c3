"""Packs: several diagnosis groups side by side in one block-diagonal design, and the rows of that design.

A fit of MLlib costs about a dozen Spark jobs whatever its size, so 157 single fits are mostly overhead; packs of some
400 columns need some twenty fits. Every group has its own columns, its intercept column among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.models.classes import SLICE_STARTS, class_index, combinations, has_condition, slice_of
from lbz_indicators.models.design import Design, GroupDesign
from lbz_indicators.population.comorbidity import CONDITIONS, MERGED_PAIRS, bit
from lbz_indicators.population.covariates import COMORBIDITY, ordered_covariates

D = TypeVar("D", bound=Design)
OWN, IN_PACK = "c", "p"
FEATURES_LAYOUT = "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>"


@dataclass(frozen=True)
class Placed(Generic[D]):
    """A group's place: its pack and the pack's column where its own columns begin."""

    design: D
    offset: int

    @property
    def width(self) -> int:
        return len(self.design.columns)


@dataclass(frozen=True)
class Pack(Generic[D]):
    """Groups fitted together. `number` names its part of the work files."""

    number: int
    groups: tuple[Placed[D], ...]

    @property
    def alone(self) -> bool:
        """A group by itself is fitted with MLlib's own intercept; its intercept column is left out (offset -1)."""
        return len(self.groups) == 1

    @property
    def columns(self) -> int:
        return sum(placed.width for placed in self.groups) - int(self.alone)

    @property
    def rows(self) -> int:
        return sum(placed.design.rows for placed in self.groups)

    @property
    def work(self) -> float:
        """Rough cost of a fit, for the time left."""
        return self.rows + 1000.0 * len(self.groups)


def place(number: int, designs: Sequence[D]) -> Pack[D]:
    """One pack of these groups, in this order."""
    groups, offset = [], -1 if len(designs) == 1 else 0
    for design in designs:
        groups.append(Placed(design, offset))
        offset += len(design.columns)
    return Pack(number, tuple(groups))


def pack_groups(designs: Sequence[D], maximum_columns: int, maximum_rows: int) -> list[Pack[D]]:
    """Packs of at least two groups each (one only where there is but one group), highest share of events first.

    A pack needs as many iterations as its slowest group, and the rarer the event, the more it needs: so groups with like
    shares go together. A pack closes when the next group would exceed the columns or rows; a group larger than that still
    gets company, because a pack of one has a constant column, which MLlib drops from its solver. Batches stay apart.
    """
    batches = [[d for d in designs if d.batch == batch] for batch in sorted({d.batch for d in designs})]
    bins = [members for batch in batches for members in _no_loners(_bins(batch, maximum_columns, maximum_rows))]
    return [place(number, members) for number, members in enumerate(bins)]


def _bins(designs: Sequence[D], maximum_columns: int, maximum_rows: int) -> list[list[D]]:
    order = sorted(designs, key=lambda d: (-d.event_share, d.group))
    bins: list[list[D]] = []
    for design in order:
        fitting = (b for b in bins if _fits(b, design, maximum_columns, maximum_rows))
        home = next(fitting, None)
        if home is None:
            bins.append([design])
        else:
            home.append(design)
    return bins


def _fits(members: Sequence[D], design: D, maximum_columns: int, maximum_rows: int) -> bool:
    columns = sum(len(d.columns) for d in members) + len(design.columns)
    rows = sum(d.rows for d in members) + design.rows
    return columns <= maximum_columns and rows <= maximum_rows


def _no_loners(bins: list[list[D]]) -> list[list[D]]:
    """A bin of one takes a small group from the bin with most groups, or joins the smallest bin."""
    while len(bins) > 1 and any(len(members) == 1 for members in bins):
        loner = next(members for members in bins if len(members) == 1)
        donor = max((members for members in bins if members is not loner), key=len)
        if len(donor) > 2:
            loner.append(donor.pop())
        else:
            donor.extend(loner)
            bins.remove(loner)
    return bins


def layouts(spark: SparkSession, packs: Sequence[Pack[GroupDesign]], model_years: Sequence[int]) -> DataFrame:
    """One small row per group: pack, offset, size, and the columns of every class (-1 = none) and of every slice of conditions.

    c_<covariate> and c_conditions_<start> have the group's own column numbers, p_... those of its pack.
    """
    names = [c.name for c in ordered_covariates(model_years)] + [f"conditions_{start}" for start in SLICE_STARTS]
    rows = [
        (placed.design.group, pack.number, placed.offset, pack.columns, list(placed.design.joined_pairs),
         *_column_tables(placed.design, 0, model_years), *_column_tables(placed.design, placed.offset, model_years))
        for pack in packs
        for placed in pack.groups
    ]  # fmt: skip
    kind = {name: "array<array<int>>" if name.startswith("conditions_") else "array<int>" for name in names}
    tables = ", ".join(f"{prefix}_{name} {kind[name]}" for prefix in (OWN, IN_PACK) for name in names)
    return spark.createDataFrame(rows, f"diagnosis_group string, pack int, offset int, size int, joined array<boolean>, {tables}")


def _column_tables(design: GroupDesign, offset: int, model_years: Sequence[int]) -> list[list[int] | list[list[int]]]:
    """Column of every class per covariate, then the columns of every combination per slice of conditions."""

    def moved(columns: Sequence[int]) -> list[int]:
        return [column + offset if column >= 0 else -1 for column in columns]

    classes = [moved(design.column_of(c.name, range(len(c.labels)))) for c in ordered_covariates(model_years)]
    conditions = moved(design.column_of(COMORBIDITY, range(1, CONDITIONS + 1)))
    slices = [[[column for column in held if column >= 0] for held in combinations(conditions, start)] for start in SLICE_STARTS]
    return [*classes, *slices]


def effective_mask(mask: Column, joined: Column) -> Column:
    """The comorbidity mask with the second condition of a merged pair moved to the first: one term, counted once."""
    for place_, (first, second) in enumerate(MERGED_PAIRS):
        moved = mask.bitwiseOR(F.lit(bit(first))).bitwiseAND(F.lit(~bit(second)))
        mask = F.when(joined[place_] & has_condition(mask, second), moved).otherwise(mask)
    return mask


def design_rows(cohort: DataFrame, layout: DataFrame, model_years: Sequence[int]) -> DataFrame:
    """The block-diagonal design as sparse rows, built without Python. Grain: one admission of a packed group.

    Columns: pack, diagnosis_group, label (0.0, 1.0), columns (the group's own column numbers, ascending) and
    features (the pack's column numbers in the storage layout of an MLlib sparse vector).
    """
    joined = cohort.join(F.broadcast(layout), on="diagnosis_group", how="inner")
    joined = joined.withColumn("_mask", effective_mask(F.col(COMORBIDITY), F.col("joined")))
    rows = joined.select(
        "pack",
        "diagnosis_group",
        F.col("event").cast("double").alias("label"),
        "size",
        _columns(OWN, F.lit(0), model_years).alias("columns"),
        _columns(IN_PACK, F.col("offset"), model_years).alias("indices"),
    )
    ones = F.array_repeat(F.lit(1.0), F.size("indices"))
    features = F.struct(F.lit(0).cast("tinyint").alias("type"), "size", "indices", ones.alias("values"))
    return rows.select("pack", "diagnosis_group", "label", "columns", features.cast(FEATURES_LAYOUT).alias("features"))


def _columns(tables: str, intercept: Column, model_years: Sequence[int]) -> Column:
    """Column numbers of a row, ascending, from one set of tables; a group by itself has no intercept column (-1).

    array_remove is compiled; filter and transform with a lambda are interpreted, and all they are given with them.
    """
    names = [c.name for c in ordered_covariates(model_years)]
    first_after = names.index("source")

    def column(covariate: str) -> Column:
        return F.get(F.col(f"{tables}_{covariate}"), class_index(covariate, model_years))

    slices = [F.get(F.col(f"{tables}_conditions_{start}"), slice_of(F.col("_mask"), start)) for start in SLICE_STARTS]
    before = F.array(intercept, *map(column, names[:first_after]))
    return F.array_remove(F.concat(before, *slices, F.array(*map(column, names[first_after:]))), -1)


VECTOR_SCHEMA = T.StructType(
    [
        T.StructField("diagnosis_group", T.StringType()),
        T.StructField("label", T.DoubleType()),
        T.StructField("features", VectorUDT()),
        T.StructField("pack", T.IntegerType()),
    ]
)
"""The work files read back with `features` as an MLlib vector."""

ROW_SCHEMA = T.StructType(
    [
        T.StructField("diagnosis_group", T.StringType()),
        T.StructField("label", T.DoubleType()),
        T.StructField("columns", T.ArrayType(T.IntegerType())),
        T.StructField("pack", T.IntegerType()),
    ]
)
"""The work files read back with the group's own column numbers."""

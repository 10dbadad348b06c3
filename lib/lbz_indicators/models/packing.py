"""Packs: several diagnosis groups side by side in one block-diagonal design, and the rows of that design.

A fit of MLlib costs about a dozen Spark jobs whatever its size, so 157 single fits are mostly overhead; packs of some
400 columns need some twenty fits. Every group has its own columns, its intercept column among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.models.classes import class_index, has_condition
from lbz_indicators.models.design import GroupDesign
from lbz_indicators.population.comorbidity import CONDITIONS, MERGED_PAIRS, bit
from lbz_indicators.population.covariates import COMORBIDITY, ordered_covariates

FEATURES_LAYOUT = "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>"


@dataclass(frozen=True)
class Placed:
    """A group's place: its pack and the pack's column where its own columns begin."""

    design: GroupDesign
    offset: int

    @property
    def width(self) -> int:
        return len(self.design.columns)


@dataclass(frozen=True)
class Pack:
    """Groups fitted together. `number` names its part of the work files."""

    number: int
    groups: tuple[Placed, ...]

    @property
    def alone(self) -> bool:
        """A group by itself is fitted with MLlib's own intercept; its intercept column is left out (offset -1)."""
        return len(self.groups) == 1

    @property
    def columns(self) -> int:
        return sum(placed.width for placed in self.groups) - int(self.alone)

    @property
    def admissions(self) -> int:
        return sum(placed.design.counts.total.admissions for placed in self.groups)

    @property
    def work(self) -> float:
        """Rough cost of a fit, for the time left."""
        return self.admissions + 1000.0 * len(self.groups)


def place(number: int, designs: Sequence[GroupDesign]) -> Pack:
    """One pack of these groups, in this order."""
    groups, offset = [], -1 if len(designs) == 1 else 0
    for design in designs:
        groups.append(Placed(design, offset))
        offset += len(design.columns)
    return Pack(number, tuple(groups))


def pack_groups(designs: Sequence[GroupDesign], maximum_columns: int, maximum_rows: int) -> list[Pack]:
    """Packs of at least two groups each (one only where there is but one group), highest share of events first.

    A pack needs as many iterations as its slowest group, and the rarer the event, the more it needs: so groups with like
    shares go together. A pack closes when the next group would exceed the columns or rows; a group larger than that still
    gets company, because a pack of one has a constant column, which MLlib drops from its solver.
    """
    order = sorted(designs, key=lambda d: (-d.counts.total.events / max(d.counts.total.admissions, 1), d.group))
    bins: list[list[GroupDesign]] = []
    for design in order:
        fitting = (b for b in bins if _fits(b, design, maximum_columns, maximum_rows))
        home = next(fitting, None)
        if home is None:
            bins.append([design])
        else:
            home.append(design)
    return [place(number, members) for number, members in enumerate(_no_loners(bins))]


def _fits(members: Sequence[GroupDesign], design: GroupDesign, maximum_columns: int, maximum_rows: int) -> bool:
    columns = sum(len(d.columns) for d in members) + len(design.columns)
    rows = sum(d.counts.total.admissions for d in members) + design.counts.total.admissions
    return columns <= maximum_columns and rows <= maximum_rows


def _no_loners(bins: list[list[GroupDesign]]) -> list[list[GroupDesign]]:
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


def layouts(spark: SparkSession, packs: Sequence[Pack], model_years: Sequence[int]) -> DataFrame:
    """One small row per group: pack, offset, size and, per covariate, the column of every class (-1 = none)."""
    covariates = ordered_covariates(model_years)
    rows = []
    for pack in packs:
        for placed in pack.groups:
            design = placed.design
            columns = [design.column_of(c.name, range(len(c.labels))) for c in covariates]
            conditions = design.column_of(COMORBIDITY, range(1, CONDITIONS + 1))
            rows.append((design.group, pack.number, placed.offset, pack.columns, *columns, conditions, list(design.joined_pairs)))
    names = ", ".join(f"c_{c.name} array<int>" for c in covariates)
    schema = f"diagnosis_group string, pack int, offset int, size int, {names}, c_comorbidity array<int>, joined array<boolean>"
    return spark.createDataFrame(rows, schema)


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
    covariates = [c.name for c in ordered_covariates(model_years)]
    first_after = covariates.index("source")
    joined = cohort.join(F.broadcast(layout), on="diagnosis_group", how="inner")
    joined = joined.withColumn("_mask", effective_mask(F.col(COMORBIDITY), F.col("joined")))

    def column(covariate: str) -> Column:
        return F.get(F.col(f"c_{covariate}"), class_index(covariate, model_years))

    conditions = [
        F.when(has_condition(F.col("_mask"), c), F.get("c_comorbidity", F.lit(c - 1))).otherwise(-1)
        for c in range(1, CONDITIONS + 1)
    ]
    all_columns = F.array(F.lit(0), *map(column, covariates[:first_after]), *conditions, *map(column, covariates[first_after:]))
    own = F.filter(all_columns, lambda index: index >= 0)
    rows = joined.select(
        "pack", "diagnosis_group", F.col("event").cast("double").alias("label"), own.alias("columns"), "offset", "size"
    )
    rows = rows.withColumn("indices", F.filter(F.transform("columns", lambda i: i + F.col("offset")), lambda i: i >= 0))
    ones = F.transform("indices", lambda _: F.lit(1.0))
    features = F.struct(F.lit(0).cast("tinyint").alias("type"), "size", "indices", ones.alias("values"))
    return rows.select("pack", "diagnosis_group", "label", "columns", features.cast(FEATURES_LAYOUT).alias("features"))


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

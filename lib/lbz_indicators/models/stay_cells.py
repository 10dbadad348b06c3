"""Expected length of stay by cells: the national mean, with back-off where a cell has few admissions (METHOD section 7).

A cell is a discharge year with diagnosis group, main diagnosis (three characters), main procedure or none, and age class.
Both estimators give every admission of a cell the same expected stay, so what is estimated is kept per cell. There are as
many cells as combinations of codes that occur, however many admissions there are.
Known limitation: a mean over few distinct codes is moved by single very long stays; a hospital's own stays are in its
reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators.config import LongStaySettings
from lbz_indicators.joins import look_up
from lbz_indicators.population.covariates import AGE, age_label
from lbz_indicators.schemas.gold_models import STAY_CELL

CELL = tuple(column.name for column in STAY_CELL)
AGE_CLASSES = (("0", 0), ("1-14", 3), ("15-44", 9), ("45-64", 13), ("65-74", 15), ("75-84", 17), ("85+", len(AGE.labels) - 1))
"""Label, and the last covariate class of age (of five years) in it."""

BOUND_DECIMALS = 5

_HAS_PROCEDURE = "_has_procedure"
LEVELS: dict[str, tuple[str, ...]] = {
    "diagnosis_procedure_age": ("main_diagnosis_category", "main_procedure", "age_class"),
    "diagnosis_any_procedure_age": ("main_diagnosis_category", _HAS_PROCEDURE, "age_class"),
    "diagnosis_age": ("main_diagnosis_category", "age_class"),
    "diagnosis": ("main_diagnosis_category",),
    "diagnosis_group": ("diagnosis_group",),
    "all": (),
}
"""What admissions of a year have in common at each level, in the order in which one is looked for with enough of them."""


def is_judged(settings: LongStaySettings) -> Column:
    """Whether an admission's stay is judged: clinical, in the population, discharged alive."""
    covid = F.col("covid_main_diagnosis") & F.col("discharge_year").isin(*settings.covid_excluded_years)
    return F.col("exclusion_reason").isNull() & (F.col("care_type") == "K") & ~F.col("died") & ~covid


def population(covariates: DataFrame, settings: LongStaySettings, years: Sequence[int]) -> DataFrame:
    """Admissions of these years whose stay is judged. Adds age_class. Grain unchanged."""
    return with_age_class(covariates.where(is_judged(settings) & F.col("discharge_year").isin(*years)))


def with_age_class(admissions: DataFrame) -> DataFrame:
    """Adds age_class, as cells have it. Grain unchanged."""
    return admissions.withColumn("age_class", age_label(AGE_CLASSES))


def count_cells(admissions: DataFrame) -> DataFrame:
    """Admissions and nights of every cell. Grain: CELL. Whole numbers, so their sums do not depend on partitions."""
    nights = F.col("nights").cast("bigint")
    return admissions.groupBy(*CELL).agg(
        F.count("*").alias("admissions"), F.sum(nights).alias("nights"), F.sum(nights * nights).alias("nights_squared")
    )


def with_level(cells: DataFrame, minimum_admissions: int) -> DataFrame:
    """Adds level, level_admissions and level_nights: the first level with enough admissions, else all. Grain unchanged.

    A level counts all admissions of its cell, not only those left over.
    """
    rows = cells.withColumn(_HAS_PROCEDURE, F.col("main_procedure").isNotNull())
    found = []
    for name, keys in LEVELS.items():
        alike = Window.partitionBy("discharge_year", *keys)
        rows = rows.withColumns({f"_n_{name}": F.sum("admissions").over(alike), f"_s_{name}": F.sum("nights").over(alike)})
        level = F.struct(
            F.lit(name).alias("level"),
            F.col(f"_n_{name}").alias("level_admissions"),
            F.col(f"_s_{name}").alias("level_nights"),
        )
        enough = F.col(f"_n_{name}") >= minimum_admissions if keys else F.lit(True)
        found.append(F.when(enough, level))
    chosen = rows.withColumn("_level", F.coalesce(*found))
    return chosen.select(*cells.columns, "_level.*")


def is_long(settings: LongStaySettings) -> Column:
    """Unexpectedly long by cell_mean, in whole numbers, for ties occur: nights / (level_nights / level_admissions) against
    1 + longer_than_percent / 100."""
    stay = F.col("nights").cast("bigint") * F.col("level_admissions") * 100
    bound = F.col("level_nights") * (100 + settings.longer_than_percent)
    return stay >= bound if settings.at_least else stay > bound


def is_long_by_gamma(settings: LongStaySettings) -> Column:
    """Unexpectedly long by gamma_model.

    Expected nights of a saturated model are fractions such as 4 / 3, known to nine decimals: the bound, in hundredths of a
    night, is rounded to five, so that ties are ties.
    """
    bound = F.round(F.col("gamma_nights") * float(100 + settings.longer_than_percent), BOUND_DECIMALS)
    return F.col("nights") * 100 >= bound if settings.at_least else F.col("nights") * 100 > bound


def with_expected_nights(admissions: DataFrame, cells: DataFrame, settings: LongStaySettings) -> DataFrame:
    """Adds level, expected_nights, expected_nights_gamma, long_stay, long_stay_gamma, rule. Grain unchanged.

    `cells` is gold.stay_cells of one version; every admission has its cell there.
    """
    known = cells.select(*CELL, "level", "level_admissions", "level_nights", "gamma_nights")
    return look_up(admissions, known, CELL, how="inner").withColumns(
        {
            "expected_nights": F.col("level_nights") / F.col("level_admissions"),
            "expected_nights_gamma": F.col("gamma_nights"),
            "long_stay": is_long(settings),
            "long_stay_gamma": is_long_by_gamma(settings),
            "rule": F.lit(settings.rule),
        }
    )


def count_agreement(expected: DataFrame) -> DataFrame:
    """How far both estimators flag the same admissions, from gold.expected_nights. Grain: discharge_year."""
    cell, gamma = F.col("long_stay"), F.col("long_stay_gamma")
    return expected.groupBy("discharge_year").agg(
        F.count("*").alias("admissions"),
        F.count_if(cell & gamma).alias("both"),
        F.count_if(cell & ~gamma).alias("cell_mean_only"),
        F.count_if(~cell & gamma).alias("gamma_model_only"),
        F.count_if(~cell & ~gamma).alias("neither"),
    )

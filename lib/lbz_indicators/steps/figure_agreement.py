"""Whether figures computed anew are those that were recorded, figure by figure and as a whole by their hash."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import joins
from lbz_indicators.digests import row_text, set_digests
from lbz_indicators.schemas.contract import DOUBLE
from lbz_indicators.schemas.gold import FIGURE, FIGURE_KEY_NAMES
from lbz_indicators.steps.recomputed import COMPUTED

_UNITS = {"expected": 1_000_000_000}
_FRACTIONS = [column.name for column in FIGURE if column.type == DOUBLE and column.name != "confidence"]
_KEY = list(FIGURE_KEY_NAMES)
NATION = "nation"


@dataclass(frozen=True)
class Agreement:
    """Of one indicator: how many figures were recorded, how many are the same anew, the worst of the others, and both hashes."""

    indicator: str
    figures: int
    reproduced: int
    differing: int
    largest_difference: float | None
    worst: str | None
    recorded_sha256: str
    recomputed_sha256: str

    @property
    def hash_equal(self) -> bool:
        return self.recorded_sha256 == self.recomputed_sha256


def figure_digests(figures: DataFrame) -> dict[str, str]:
    """SHA-256 by indicator of rows with the columns COMPUTED."""
    digests = set_digests(figures, row_text(figures, COMPUTED, _UNITS), by=["indicator"])
    return {row["indicator"]: row["sha256"] for row in digests.collect()}


def agreement(recorded: DataFrame, recomputed: DataFrame) -> list[Agreement]:
    """Per indicator. Both have the columns COMPUTED; `differing` counts figures that only one of them has, too."""
    hashes = figure_digests(recorded), figure_digests(recomputed)
    both = _side_by_side(recorded, recomputed)
    same = F.col("_recorded").eqNullSafe(F.col("_recomputed"))
    counted = both.groupBy("indicator").agg(
        F.count("_recorded").alias("figures"),
        F.count_if(same).alias("reproduced"),
        F.count_if(~same).alias("differing"),
        F.max(F.when(~same, F.struct(F.coalesce("_difference", F.lit(-1.0)), _label()))).alias("_worst"),
    )
    found = []
    for row in counted.orderBy("indicator").collect():
        largest, label = row["_worst"] or (None, None)
        recorded_sha, recomputed_sha = (by_indicator.get(row["indicator"], "") for by_indicator in hashes)
        largest = None if largest == -1.0 else largest
        counts = (row["figures"], row["reproduced"], row["differing"])
        found.append(Agreement(row["indicator"], *counts, largest, label, recorded_sha, recomputed_sha))
    return found


def _side_by_side(recorded: DataFrame, recomputed: DataFrame) -> DataFrame:
    """Grain: a figure that either has. Columns: the key, _recorded and _recomputed (texts, null = absent), _difference."""
    one = recorded.select(*_KEY, *_FRACTIONS, row_text(recorded, COMPUTED, _UNITS).alias("_recorded"))
    text = row_text(recomputed, COMPUTED, _UNITS).alias("_recomputed")
    two = recomputed.select(
        *[F.col(name).alias(joins.other(name)) for name in _KEY], *[F.col(n).alias(f"_new_{n}") for n in _FRACTIONS], text
    )
    joined = one.join(two, on=joins.same_keys(_KEY), how="full_outer")
    is_new = F.col("_recorded").isNull()
    key = [F.when(is_new, F.col(joins.other(name))).otherwise(F.col(name)).alias(name) for name in _KEY]
    difference = F.greatest(*[F.abs(F.col(name) - F.col(f"_new_{name}")) for name in _FRACTIONS])
    return joined.select(*key, "_recorded", "_recomputed", difference.alias("_difference"))


def _label() -> Column:
    """What a figure is of, for people."""
    years = F.concat_ws("-", F.array_distinct(F.array(F.year("period_start"), F.year("period_end"))))
    part = F.when(F.col("breakdown") != "none", F.concat_ws(" ", "breakdown", F.coalesce("breakdown_value", F.lit("unknown"))))
    return F.concat_ws(", ", F.coalesce("hospital_id", F.lit(NATION)), part, years, "definition")

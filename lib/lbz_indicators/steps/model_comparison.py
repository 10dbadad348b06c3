"""What another version of the models would do to every hospital: the same admissions under both (METHOD section 5)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.models.score import FIXED_POINT, fixed_point, with_expected
from lbz_indicators.steps.current import Version, broadcastable, read_model
from lbz_indicators.steps.predicted import predicted_events


def require_comparable(a: Version, b: Version) -> None:
    """SettingsError unless both are logistic models of the same event."""
    indicators = {a.family.indicator, b.family.indicator}
    if len(indicators) > 1 or registry.STAY in indicators:
        raise SettingsError(
            f"{a.name} and {b.name} cannot be compared: {', '.join(sorted(indicators))}.",
            mend="name two versions of mortality, or two of readmission.",
        )


def hospital_effect(store: Store, settings: Settings, a: Version, b: Version) -> DataFrame:
    """The reporting year under both versions. Grain: hospital_id, null = the nation.

    Columns: admissions (with an expected value under both), observed, expected and ratio under A and B, ratio_change (in
    points). The admissions are those of the last derive, whatever each version was fitted on.
    """
    event = next(e for e in predicted_events(settings) if e.indicator == a.family.indicator)
    rows = event.population(store, (settings.reporting_year,))
    for version, name in ((a, "_a"), (b, "_b")):
        scored = with_expected(rows, broadcastable(store, read_model(store, version)))
        rows = scored.withColumn(name, fixed_point(F.col("expected"))).drop("expected", "no_expected_reason", "unseen_classes")
    sums = rows.where("_a IS NOT NULL AND _b IS NOT NULL").groupBy("reporting_hospital_id").agg(
        F.count("*").alias("admissions"), F.count_if("event").alias("observed"), F.sum("_a").alias("_a"), F.sum("_b").alias("_b")
    )  # fmt: skip
    nation = sums.agg(*[F.sum(name).alias(name) for name in ("admissions", "observed", "_a", "_b")])
    every = sums.withColumnRenamed("reporting_hospital_id", "hospital_id").unionByName(
        nation.withColumn("hospital_id", F.lit(None).cast("string"))
    )
    expected = {f"expected_{name}": F.col(f"_{name}") / FIXED_POINT for name in "ab"}
    with_sums = every.withColumns(expected)
    ratios = {f"ratio_{name}": F.try_divide(100 * F.col("observed"), F.col(f"expected_{name}")) for name in "ab"}
    found = with_sums.withColumns(ratios).withColumn("ratio_change", F.col("ratio_b") - F.col("ratio_a"))
    return found.drop("_a", "_b").orderBy(F.col("hospital_id").isNotNull(), F.desc(F.abs("ratio_change")), "hospital_id")

"""How like the Dutch nation a generated one is: published figures, and what the truth of a delivery reaches.

Numbers of admissions are scaled to the size of the nation in 2019, so that a nation of any size can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators.population.exclusions import Exclusion
from lbz_indicators.synthetic.nation import GENERAL, SPECIALISED, UNIVERSITY
from lbz_indicators.synthetic.profiles import COVID_GROUP, read_rows
from lbz_indicators.synthetic.stays import AGE_BOUNDS

NATIONAL_RECORDS = 1_784_657
"""Clinical admissions and observations of 2019 before exclusions: 138,310 + 9,825 + 19,151 + 1,617,371."""
NZA = (Exclusion.NZA_DIED_SAME_EVENING, Exclusion.NZA_SHORT_ACUTE_OBSERVATION, Exclusion.NZA_ACUTE_SAME_DAY_HOME)
SMALLEST_GROUP, SMALLEST_CELL = 50, 50
CLINICAL = ("clinical", "clinical_same_day")


@dataclass(frozen=True)
class Comparison:
    """A published figure, the range that counts as like it, and what the nation reaches (None: it cannot be computed)."""

    measure: str
    unit: str
    target: float
    lowest: float
    highest: float
    source: str
    reached: float | None

    @property
    def like(self) -> bool:
        return self.reached is not None and self.lowest <= self.reached <= self.highest


def compare(truth: DataFrame, hospital_types: Mapping[str, str], records_per_year: float) -> list[Comparison]:
    """Every target of conf/synthetic/targets.csv with the value of this truth (truth/admissions).

    `records_per_year` are the nation's clinical admissions and observations of a normal year.
    """
    reached = {
        **_counts(truth, NATIONAL_RECORDS / records_per_year),
        **_types(hospital_types.values()),
        **_mortality(truth),
        **_acute(truth),
        **_readmission(truth),
        **_long_stays(truth),
    }
    return [
        Comparison(
            row["measure"], row["unit"], float(row["target"]), float(row["lowest"]), float(row["highest"]), row["source"],
            reached.get(row["measure"]),
        )
        for row in read_rows("targets.csv")
    ]  # fmt: skip


def _counts(truth: DataFrame, scale: float) -> dict[str, float]:
    """Admissions by year, as if the hospitals with planted months or years had delivered them whole."""
    reason = F.col("exclusion_reason")
    kinds: dict[str, Column] = {
        "included": reason.isNull(),
        "nza": reason.isin(*[rule.value for rule in NZA]),
        "not_resident": reason == Exclusion.NOT_RESIDENT.value,
        "covid": reason == Exclusion.COVID_MAIN_DIAGNOSIS.value,
        "healthy": reason == Exclusion.HEALTHY_PERSON.value,
    }
    left_out = [Exclusion.HOSPITAL_YEAR_NOT_VALIDATED.value, Exclusion.MONTH_INCOMPLETE.value]
    whole = F.count("*") / F.count_if(reason.isNull() | ~reason.isin(*left_out))
    counted = truth.groupBy("discharge_year").agg(
        whole.alias("whole"), *[F.count_if(met).alias(name) for name, met in kinds.items()]
    )
    return {f"{name}_{row['discharge_year']}": scale * row["whole"] * row[name] for row in counted.collect() for name in kinds}


def _types(types: Iterable[str]) -> dict[str, float]:
    named = list(types)
    return {f"{kind}_hospitals": 100 * named.count(kind) / len(named) for kind in (GENERAL, UNIVERSITY, SPECIALISED)}


def _mortality(truth: DataFrame) -> dict[str, float]:
    included = truth.where("exclusion_reason IS NULL")
    groups = included.groupBy("diagnosis_group").agg(F.count("*").alias("n"), F.avg(F.col("died").cast("int")).alias("share"))
    rows = groups.collect()
    shares = [row["share"] for row in rows if row["n"] >= SMALLEST_GROUP]
    total = sum(row["n"] for row in rows)
    return {
        "groups_in_use": len(rows),
        "crude_mortality": 100 * sum(row["n"] * row["share"] for row in rows) / total,
        "lowest_group_mortality": 100 * min(shares),
        "highest_group_mortality": 100 * max(shares),
    }


def _acute(truth: DataFrame) -> dict[str, float]:
    shares = truth.where("exclusion_reason IS NULL").groupBy("reporting_hospital_id").agg(F.avg("urgency").alias("share"))
    row = shares.agg(F.min("share"), F.max("share")).collect()[0]
    return {"lowest_hospital_acute": 100 * row[0], "highest_hospital_acute": 100 * row[1]}


def _readmission(truth: DataFrame) -> dict[str, float]:
    """Over the index stays of METHOD section 6: clinical, included, alive, not transferred, no COVID-19."""
    alive = truth.where("exclusion_reason IS NULL AND NOT died AND NOT transferred_out AND link != 'same_day'")
    clinical = F.col("disposition").isin(*CLINICAL) & (F.col("diagnosis_group") != COVID_GROUP)
    index = alive.where(clinical & F.col("probability_readmission").isNotNull())
    row = index.agg(F.avg(F.col("returned").cast("int")), F.avg(F.when(F.col("returned"), F.col("returned_here").cast("int"))))
    found = row.collect()[0]
    acute = truth.where("link = 'return'").agg(F.avg("urgency")).collect()[0][0]
    return {"readmitted": 100 * found[0], "readmitted_here": 100 * found[1], "readmitted_acute": 100 * acute}


def _long_stays(truth: DataFrame) -> dict[str, float]:
    """Share of stays over 1.5 times the cell's mean (METHOD section 7, its first, third and last step back), last year."""
    last = truth.agg(F.max("discharge_year")).collect()[0][0]
    age = sum((F.when(F.col("age_years") >= bound, 1).otherwise(0) for bound in AGE_BOUNDS), F.lit(0))
    clinical = F.col("disposition").isin(*CLINICAL) & (F.col("diagnosis_group") != COVID_GROUP)
    alive = truth.where("exclusion_reason IS NULL AND NOT died").where(clinical & (F.col("discharge_year") == last))
    cell = ["category", "diagnosis_group", "procedure", "_age"]
    stays = alive.withColumns({"_age": age, "los": F.greatest("nights", F.lit(1))}).select("reporting_hospital_id", *cell, "los")
    expected = F.lit(None).cast("double")
    for keys in (cell, ["category"], ["diagnosis_group"]):
        name = f"_mean_{len(keys)}_{keys[0]}"
        means = stays.groupBy(*keys).agg(F.avg("los").alias(name), F.count("*").alias("_n"))
        kept = means.where(F.col("_n") >= (1 if keys == ["diagnosis_group"] else SMALLEST_CELL)).drop("_n")
        stays = stays.join(kept, on=keys, how="left")
        expected = F.coalesce(expected, F.col(name))
    shares = stays.groupBy("reporting_hospital_id").agg(
        F.count("*").alias("n"), F.count_if(F.col("los") > 1.5 * expected).alias("long")
    )
    rows = shares.collect()
    ordered = sorted(100 * row["long"] / row["n"] for row in rows)
    return {
        "unexpectedly_long": 100 * sum(row["long"] for row in rows) / sum(row["n"] for row in rows),
        "lowest_hospital_long": ordered[0],
        "tenth_hospital_long": ordered[len(ordered) // 10],
        "ninetieth_hospital_long": ordered[-1 - len(ordered) // 10],
        "highest_hospital_long": ordered[-1],
    }

"""The score card: what was planted in a generated nation, and what the program's figures say of it.

python tests/recovery/scorecard.py --nation DIR --tables ROOT --years 2019-2022
DIR as `lbz-indicators generate` wrote it, ROOT as `lbz-indicators run` did. Three parts: planted events; all hospitals against
their true ratio (100 x sum of the true probabilities / sum of the expected ones); power, from replicates of a small nation.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import replicates
from lbz_indicators import tables
from lbz_indicators.config import Settings, load_settings
from lbz_indicators.io import Store
from lbz_indicators.session import start_session
from lbz_indicators.steps.current import current_model
from lbz_indicators.steps.predicted import mortality_family

KEY = ["hospital_id", "admission_id"]


def true_ratios(store: Store, settings: Settings, truth: DataFrame) -> pd.DataFrame:
    """Per reporting hospital over the reported years: O, E, the sum of true probabilities, the true ratio."""
    version = current_model(store, mortality_family(settings)).version
    expected = store.read(tables.GOLD_EXPECTED).where((F.col("model_version") == version) & F.col("expected").isNotNull())
    rows = expected.where(F.col("discharge_year").isin(*settings.reported_years)).select(*KEY, "observed", "expected")
    joined = rows.join(truth.select(*KEY, "reporting_hospital_id", "probability_death"), on=KEY, how="inner")
    sums = joined.groupBy(F.col("reporting_hospital_id").alias("hospital_id")).agg(
        F.sum(F.col("observed").cast("int")).alias("observed"),
        F.sum("expected").alias("expected"),
        F.sum("probability_death").alias("true_deaths"),
    )
    found = sums.toPandas()
    found["true_ratio"] = 100 * found["true_deaths"] / found["expected"]
    return found


def hospitals_against_truth(store: Store, settings: Settings, truth: DataFrame) -> pd.DataFrame:
    """HSMR over the reported years with its limits beside the true ratio."""
    years = settings.reported_years
    figures = store.read(tables.GOLD_INDICATORS).where(
        (F.col("indicator") == "hsmr") & F.col("hospital_id").isNotNull()
        & (F.year("period_start") == years[0]) & (F.year("period_end") == years[-1])
    )  # fmt: skip
    columns = ["hospital_id", "value", "lower", "upper", "significance"]
    joined = figures.select(*columns).toPandas().merge(true_ratios(store, settings, truth), on="hospital_id")
    joined["covers"] = (joined["lower"] <= joined["true_ratio"]) & (joined["true_ratio"] <= joined["upper"])
    return joined.sort_values("hospital_id")


def others_found(store: Store, settings: Settings, events: pd.DataFrame) -> pd.DataFrame:
    """Planted readmissions and stays, with the figure of the last year in which each should show."""
    figures = store.read(tables.GOLD_INDICATORS).where("hospital_id IS NOT NULL AND breakdown = 'none'").where(
        F.year("period_start") == settings.reporting_year
    ).toPandas()  # fmt: skip
    shows = {"excess_readmissions": ("readmission_ratio", settings.readmission.definition)}
    shows |= dict.fromkeys(("long_stays", "short_stays"), ("olo", settings.olo.definition(settings.olo.estimator)))
    rows = []
    for event in events[events["event"].isin(shows)].to_dict("records"):
        indicator, definition = shows[event["event"]]
        of_event = (figures["indicator"] == indicator) & (figures["definition"] == definition)
        for figure in figures[of_event & (figures["hospital_id"] == event["hospital_id"])].to_dict("records"):
            verdict = figure["comparison_significance"] if indicator == "readmission_ratio" else figure["significance"]
            rows.append(
                {
                    "planted": event["event"],
                    "hospital": event["hospital_id"],
                    "size": event["size"],
                    "figure": f"{indicator} {settings.reporting_year}",
                    "value": round(figure["value"], 1),
                    "limits": f"{figure['lower']:.1f}-{figure['upper']:.1f}",
                    "nation": round(figure["national_value"], 1),
                    "verdict against the nation": verdict,
                }
            )
    return pd.DataFrame(rows)


def effects_recovered(store: Store, settings: Settings, nation: str) -> pd.DataFrame:
    """Correlation over hospitals of every indicator's figure of the last year with the true effects of the generator."""
    effects = store.spark.read.parquet(f"{nation}/truth/hospital_effects").toPandas()
    chosen = {
        "mortality": ("hsmr", "death_in_hospital"),
        "readmission": ("readmission_ratio", settings.readmission.definition),
        "stay": ("los_ratio", settings.olo.estimator),
    }
    figures = store.read(tables.GOLD_INDICATORS).where("hospital_id IS NOT NULL AND breakdown = 'none'").where(
        F.year("period_start") == settings.reporting_year
    ).toPandas()  # fmt: skip
    rows = []
    for name, (indicator, definition) in chosen.items():
        of_kind = figures[(figures["indicator"] == indicator) & (figures["definition"] == definition)]
        both = of_kind.merge(effects[effects["indicator"] == name], on="hospital_id", suffixes=("", "_true"))
        rows.append(
            {"indicator": indicator, "hospitals": len(both), "correlation": both["value"].corr(both["effect"], "spearman")}
        )
    return pd.DataFrame(rows)


def events_found(store: Store, settings: Settings, events: pd.DataFrame) -> pd.DataFrame:
    """Per planted event the figure in which it should show, and its verdict; events about records show in none of these."""
    figures = store.read(tables.GOLD_INDICATORS).where("hospital_id IS NOT NULL AND indicator IN ('hsmr', 'smr')").where(
        F.col("breakdown").isin("none", "diagnosis_group")
    ).toPandas()  # fmt: skip
    last, first = settings.reported_years[-1], settings.reported_years[0]
    start, end = pd.to_datetime(figures["period_start"]).dt.year, pd.to_datetime(figures["period_end"]).dt.year
    rows = []
    for event in events.to_dict("records"):
        single = "one_month" in event["event"] or "deeper" in event["event"]
        period = (start == last if single else start == first) & (end == last)
        group = event["diagnosis_group"]
        what = (figures["breakdown"] == "none") if not group else figures["breakdown_value"] == group
        chosen = figures[period & what & (figures["hospital_id"] == event["hospital_id"])]
        for figure in chosen.to_dict("records"):
            rows.append(_found(event, figure))
    return pd.DataFrame(rows)


def _found(event: dict[str, Any], figure: dict[str, Any]) -> dict[str, Any]:
    name = "HSMR" if figure["breakdown"] == "none" else f"SMR of group {figure['breakdown_value']}"
    years = sorted({str(figure["period_start"])[:4], str(figure["period_end"])[:4]})
    return {
        "planted": event["event"],
        "hospital": event["hospital_id"],
        "size": event["size"],
        "figure": f"{name} {'-'.join(years)}",
        "expected": round(figure["expected"], 1),
        "value": round(figure["value"], 1),
        "limits": f"{figure['lower']:.1f}-{figure['upper']:.1f}",
        "verdict": figure["significance"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nation", required=True)
    parser.add_argument("--tables", required=True)
    parser.add_argument("--years", default="2019-2022")
    arguments = parser.parse_args()
    settings = load_settings(None, [f"storage.root='{arguments.tables}'", f"period.years='{arguments.years}'"])
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        spark: SparkSession = start_session(settings, log.name)
    store = Store(spark, settings.storage)
    truth = spark.read.parquet(f"{arguments.nation}/truth/admissions")
    events = spark.read.parquet(f"{arguments.nation}/truth/events").toPandas()
    mortal = events["event"].str.contains("deaths|coded|complication|palliative")
    found = events_found(store, settings, events[mortal])
    hospitals = hospitals_against_truth(store, settings, truth)
    others_planted = others_found(store, settings, events)
    recovered = effects_recovered(store, settings, arguments.nation)
    spark.stop()
    planted = set(events[mortal]["hospital_id"])
    others = hospitals[~hospitals["hospital_id"].isin(planted)]
    print("Planted, and found\n")
    print(found.to_string(index=False))
    print()
    print(others_planted.to_string(index=False))
    print("\nFigures of the last year against the effects that the hospitals were given (rank correlation)\n")
    print(recovered.round(2).to_string(index=False))
    print(f"\nHospitals whose 95% limits hold their true ratio: {hospitals['covers'].sum()} of {len(hospitals)}")
    print(f"Correlation of HSMR and true ratio: {hospitals['value'].corr(hospitals['true_ratio']):.3f}")
    print(f"Without planted event: {len(others)} hospitals, {(others['significance'] != 'none').sum()} judged higher or lower;")
    print(f"their true ratios lie between {others['true_ratio'].min():.1f} and {others['true_ratio'].max():.1f}\n")
    print("Power of 'higher' at 95%, by the odds of a hospital and the deaths expected of it (1,000 replicates)\n")
    rows = [vars(row) for row in replicates.power((1.1, 1.2, 1.3, 1.5, 2.0), replicates=1000, seed=5)]
    power = pd.DataFrame(rows)
    power["E"] = power["expected"].round(-1).astype(int)
    print(
        power.pivot_table(
            index="odds", columns=power.groupby("odds").cumcount().map(dict(enumerate(replicates.EXPECTED))), values="flagged"
        )
        .round(2)
        .to_string()
    )


if __name__ == "__main__":
    main()

"""Reading gold for people: which rows and columns each `show` prints. Plain queries, no figures of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.indicators import months
from lbz_indicators.indicators.figures import CLUSTER, GROUP, MAIN_DIAGNOSIS, NONE, PROVISIONAL
from lbz_indicators.indicators.length_of_stay import LOS_RATIO, OLO
from lbz_indicators.indicators.mortality import HSMR, SMR
from lbz_indicators.indicators.readmission import READMISSION_RATIO
from lbz_indicators.io import Store
from lbz_indicators.joins import look_up
from lbz_indicators.models import registry
from lbz_indicators.population.diagnosis_groups import cluster_labels, group_labels
from lbz_indicators.population.exclusions import count_exclusions
from lbz_indicators.population.stays import INDEX
from lbz_indicators.references import load_references
from lbz_indicators.steps import derivation
from lbz_indicators.steps.current import Versions, current_model
from lbz_indicators.steps.predicted import Family, mortality, mortality_family, readmission_family, stay_family
from lbz_indicators.steps.run_order import in_order

_FIGURE = ("admissions", "observed", "expected", "value", "lower", "upper", "confidence", "significance")
NATION = "nation"


def _figures(store: Store, settings: Settings, versions: Sequence[str], hospital: str | None) -> DataFrame:
    """Figures of these model versions, with the period as text and the mark of a figure that is its own reference."""
    rows = store.read(tables.GOLD_INDICATORS).where(F.col("model_version").isin(*versions))
    years = F.concat_ws("-", F.year("period_start"), F.when(F.year("period_end") > F.year("period_start"), F.year("period_end")))
    own = F.col("hospital_id").isNotNull() & (F.col("own_reference_share") >= settings.indicators.own_reference_share)
    every = F.sequence(F.year("period_start"), F.year("period_end"))
    some = F.when(
        F.size("years_included") < F.size(every), F.concat(F.lit(" (only "), F.array_join("years_included", ", "), F.lit(")"))
    )
    rows = rows.withColumn("period", F.concat(years, F.coalesce(some, F.lit("")))).withColumn(
        "own_reference", F.when(own, F.lit("own_reference"))
    )
    if hospital is None:
        return rows
    return rows.where(F.col("hospital_id").isNull() if hospital == NATION else F.col("hospital_id") == hospital)


@dataclass(frozen=True)
class ShownModel:
    """The model version whose figures are shown, and the current one."""

    version: str
    current: str


def shown_models(store: Store, families: Sequence[Family]) -> list[ShownModel]:
    """Of each family the current model; until it has figures, of those that have the one that was current last."""
    with_figures = {row[0] for row in store.read(tables.GOLD_INDICATORS).select("model_version").distinct().collect()}
    versions = Versions.read(store)
    return [choose_shown(versions, family, with_figures) for family in families]


def shown_versions(store: Store, settings: Settings, what: str) -> list[str]:
    """Names of the versions whose figures are shown. `what`: a name of FIGURES."""
    return [shown.version for shown in shown_models(store, FIGURES[what][0](settings))]


def choose_shown(versions: Versions, family: Family, with_figures: Collection[str]) -> ShownModel:
    """What shown_model shows, of the versions that have figures. Readmissions may have no model at all."""
    current = versions.current(family) if family.indicator == registry.READMISSION else versions.require(family)
    if current is None:
        return ShownModel(registry.NO_MODEL_VERSION, registry.NO_MODEL_VERSION)
    known = [(version.current_since, version) for version in versions.of(family) if version.name in with_figures]
    was_current = sorted((since, version.name) for since, version in known if since is not None)
    if current.name in with_figures or not was_current:
        return ShownModel(current.name, current.name)
    return ShownModel(was_current[-1][1], current.name)


def hsmr(store: Store, settings: Settings, versions: Sequence[str], hospital: str | None) -> DataFrame:
    """HSMR per hospital and period, the nation first; of provisional ones the verdict against the nation stands first."""
    rows = _figures(store, settings, versions, hospital).where((F.col("indicator") == HSMR) & _of_variant(settings))
    if settings.indicators.mortality == PROVISIONAL:
        return _by_hospital(rows).select("hospital_id", "period", "variant", *_COMPARED, *_FIGURE)
    return _by_hospital(rows).select("hospital_id", "period", *_FIGURE, "own_reference")


def _of_variant(settings: Settings) -> Column:
    """The HSMRs and SMRs that the settings ask for."""
    return F.col("variant") == settings.indicators.mortality


def _named(rows: DataFrame) -> DataFrame:
    return rows.withColumn("hospital_id", F.coalesce("hospital_id", F.lit(NATION)))


def _by_hospital(rows: DataFrame) -> DataFrame:
    """Named and in order, the nation first."""
    return _named(rows).orderBy(F.col("hospital_id") != NATION, "hospital_id", "period_end", F.desc("period_start"))


def smr(store: Store, settings: Settings, versions: Sequence[str], hospital: str | None) -> DataFrame:
    """SMRs of one hospital, or of the nation without one, over every breakdown but main diagnosis."""
    rows = _figures(store, settings, versions, hospital or NATION).where(
        (F.col("indicator") == SMR) & (F.col("breakdown") != MAIN_DIAGNOSIS) & _of_variant(settings)
    )
    ordered = _by_breakdown(store, settings, rows)
    compared = (*_COMPARED, *_FIGURE) if settings.indicators.mortality == PROVISIONAL else (*_FIGURE, "own_reference")
    return ordered.select("breakdown", "breakdown_value", "label", "period", *compared)


def _by_breakdown(store: Store, settings: Settings, rows: DataFrame) -> DataFrame:
    """Labelled and in order."""
    references = load_references(settings.references).diagnosis_groups.rows
    groups = group_labels(references, settings.population.diagnosis_grouping)
    clusters = cluster_labels(references)
    labels = [(GROUP, k, v) for k, v in groups.items()] + [(CLUSTER, k, v) for k, v in clusters.items()]
    named = store.spark.createDataFrame(labels, "breakdown string, breakdown_value string, label string")
    rows = rows.join(F.broadcast(named), on=["breakdown", "breakdown_value"], how="left")
    number = F.col("breakdown_value").try_cast("int")
    return rows.orderBy("breakdown", F.asc_nulls_last(number), "breakdown_value", "period_end", F.desc("period_start"))


_COMPARED = ("comparison_significance", "comparison_value", "national_value")


def readmissions(store: Store, settings: Settings, versions: Sequence[str], hospital: str | None) -> DataFrame:
    """Readmission ratio of the reporting year per hospital, the nation first; of one hospital, every breakdown.

    The verdict against the nation stands first: against a model of earlier years nearly everyone may lie below 100.
    """
    rows = _figures(store, settings, versions, hospital).where(F.col("indicator") == READMISSION_RATIO)
    rows = rows.where(F.year("period_end") == settings.reporting_year)
    figure = ("admissions", "observed", "expected", "value", "lower", "upper", "significance")
    if hospital is None:
        overall = _named(rows.where(F.col("breakdown") == NONE)).join(_shares(store, settings), on="hospital_id", how="left")
        overall = _by_hospital(overall)
        shares = ("readmitted_percent", "same_hospital_percent", "elsewhere_percent")
        return overall.select("hospital_id", "period", "definition", *_COMPARED, *figure, *shares)
    ordered = _by_breakdown(store, settings, rows.where(F.col("breakdown") != MAIN_DIAGNOSIS))
    crude = (F.col("observed") / F.col("admissions") * 100).alias("observed_percent")
    return ordered.select("breakdown", "breakdown_value", "label", *_COMPARED, *figure, crude)


def _shares(store: Store, settings: Settings) -> DataFrame:
    """Per hospital (and nation) the share of index stays readmitted, to the same hospital, and elsewhere alone; none where
    the stays were derived anew after the figures."""
    counts = store.read(tables.GOLD_INDEX_STAYS).where(
        (F.col("reason") == INDEX)
        & (F.col("discharge_year") == settings.reporting_year)
        & F.lit(_are_of_the_stays(store, settings))
    )
    sums = [F.sum(name).alias(name) for name in ("stays", "readmitted", "readmitted_any", "readmitted_same")]
    nation = counts.agg(*sums).withColumn("hospital_id", F.lit(NATION))
    every = counts.groupBy("hospital_id").agg(*sums).unionByName(nation)
    part = {
        "readmitted_percent": F.col("readmitted"),
        "same_hospital_percent": F.col("readmitted_same"),
        "elsewhere_percent": F.col("readmitted_any") - F.col("readmitted_same"),
    }
    return every.select("hospital_id", *[F.try_divide(100 * n, F.col("stays")).alias(name) for name, n in part.items()])


def _are_of_the_stays(store: Store, settings: Settings) -> bool:
    """Whether the stays that are there now are of these settings, and those that the last figures were made of."""
    if not derivation.is_of(store, settings, load_references(settings.references)):
        return False
    runs = store.read(tables.GOLD_RUNS).where("step = 'indicators' AND status = 'done'").orderBy(in_order().desc())
    last = runs.select("tables_in").limit(1).collect()
    return bool(last) and last[0][0].get(str(tables.SILVER_STAYS)) == store.version(tables.SILVER_STAYS)


def olo(store: Store, settings: Settings, versions: Sequence[str], hospital: str | None) -> DataFrame:
    """Unexpectedly long stay per hospital and year, the nation first, beside the ratio of nights; of one hospital, every
    breakdown. By the estimator of the settings."""
    key = ["hospital_id", "breakdown", "breakdown_value", "period", "period_start", "period_end"]
    rows = _figures(store, settings, versions, hospital)
    of_nights = (F.col("indicator") == LOS_RATIO) & (F.col("definition") == settings.olo.estimator)
    ratio = rows.where(of_nights).select(*key, F.col("value").alias("los_ratio"))
    both = look_up(rows.where(_of_olo(settings)), ratio, key)
    figure = (
        "admissions", F.col("observed").alias("long_stays"), F.col("value").alias("percent"), "lower", "upper",
        F.col("national_value").alias("national_percent"), "significance", "los_ratio",
    )  # fmt: skip
    if hospital is None:
        return _by_hospital(both.where(F.col("breakdown") == NONE)).select("hospital_id", "period", "definition", *figure)
    return _by_breakdown(store, settings, both).select("breakdown", "breakdown_value", "period", *figure)


def summary(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """The reporting year in one table: HSMR, readmission ratio and long stay of every hospital side by side.

    The inspectorate asks to read them together: few early deaths may be readmissions, few readmissions long stays.
    """
    year = F.year("period_start") == settings.reporting_year
    joined = None
    for what in VERDICTS:
        verdict = verdict_of(settings, what)
        versions = shown_versions(store, settings, what)
        rows = _named(_figures(store, settings, versions, hospital).where(_overall(settings, what) & year))
        part = rows.select(
            "hospital_id",
            F.col("admissions").alias(f"{what}_admissions"),
            F.col("value").alias(what),
            F.col("lower").alias(f"{what}_lower"),
            F.col("upper").alias(f"{what}_upper"),
            F.col(verdict).alias(f"{what}_verdict"),
        )
        joined = part if joined is None else joined.join(part, on="hospital_id", how="full_outer")
    assert joined is not None
    return joined.orderBy(F.col("hospital_id") != NATION, "hospital_id")


def revisions(store: Store, variant: str, hospital: str | None, month: dt.date | None) -> DataFrame:
    """How the HSMR of a hospital's months of discharge moved (without a hospital: the nation's), one row per time it did."""
    rows = store.read(tables.GOLD_MONTH_FIGURES).where(F.col("variant") == variant)
    named = F.col("hospital_id").isNull() if hospital in (None, NATION) else F.col("hospital_id") == hospital
    rows = rows.where(named if month is None else named & (F.col("discharge_month") == month))
    figure = ("admissions", "observed", "expected", "value", "change", "change_from_first")
    shown = months.revisions(rows).withColumn("discharge_month", F.date_format("discharge_month", "yyyy-MM"))
    return shown.select(
        "discharge_month", "revision", "state", "recorded_at", "delivered_until", *figure, "model_version", "run_id"
    )


def stays(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Stays per year of discharge and reason why they are no index stay of readmissions, of one hospital or of all."""
    rows = store.read(tables.GOLD_INDEX_STAYS)
    if hospital is not None and hospital != NATION:
        rows = rows.where(F.col("hospital_id") == hospital)
    names = [name for name in store.columns(tables.GOLD_INDEX_STAYS) if name not in {"hospital_id", "discharge_year", "reason"}]
    counted = rows.groupBy("discharge_year", "reason").agg(*[F.sum(name).alias(name) for name in names])
    return counted.orderBy("discharge_year", F.col("reason") != INDEX, "reason")


def exclusions(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Admissions per discharge year and reason, of one hospital or of all."""
    if hospital is None or hospital == NATION:
        rows = store.read(tables.GOLD_EXCLUSIONS)
    else:
        own = store.read(tables.SILVER_COVARIATES).where(F.col("reporting_hospital_id") == hospital)
        rows = count_exclusions(own)
    return rows.orderBy("discharge_year", "reason")


def quality(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Records per rule of validation, of one hospital or of all."""
    rows = store.read(tables.SILVER_QUALITY)
    if hospital is not None and hospital != NATION:
        rows = rows.where(F.col("hospital_id") == hospital)
    counted = rows.groupBy("severity", "rule").agg(F.sum("records").alias("records"))
    return counted.orderBy(F.col("severity") != "total", "severity", F.desc("records"), "rule")


def models(store: Store, settings: Settings, hospital: str | None) -> DataFrame:
    """Diagnosis groups of the current model: how the fit went."""
    fits = current_model(store, mortality(settings).family).fits.drop("model_version")
    return fits.orderBy(F.asc_nulls_last(F.col("diagnosis_group").try_cast("int")), "diagnosis_group")


def national_summary(store: Store, settings: Settings, versions: Sequence[str], what: str) -> DataFrame:
    """Per period the hospitals together: mean, lowest and highest value, verdicts, and the nation's own value; for ratios how
    many have O > E. `what`: hsmr, readmissions, olo."""
    rows = _figures(store, settings, versions, None).where(_overall(settings, what))
    hospital, verdict = F.col("hospital_id").isNotNull(), F.col(verdict_of(settings, what))
    above = _count(hospital & (F.col("observed") > F.col("expected")), F.col("expected")).alias("observed_above_expected")
    counted = rows.groupBy("period", "period_start", "period_end").agg(
        F.count_if(hospital).alias("hospitals"),
        *([] if what == "olo" else [above]),
        *[_count(hospital & (verdict == name), verdict).alias(name) for name in ("higher", "lower")],
        F.mean(F.when(hospital, F.col("value"))).alias("mean_value"),
        F.min(F.when(hospital, F.col("value"))).alias("lowest_value"),
        F.max(F.when(hospital, F.col("value"))).alias("highest_value"),
        F.max(F.when(~hospital, F.col("value"))).alias("national_value"),
    )
    return counted.orderBy("period_end", F.desc("period_start")).drop("period_start", "period_end")


def _count(condition: Column, judged: Column) -> Column:
    """How many meet it; null, and not 0, where none could be judged."""
    return F.when(F.count(judged) > 0, F.count_if(condition))


def agreement(store: Store, settings: Settings, versions: Sequence[str]) -> DataFrame:
    """How far both estimators of the expected stay flag the same admissions, per year."""
    rows = store.read(tables.GOLD_OLO_AGREEMENT).where(F.col("model_version").isin(*versions))
    return rows.orderBy("discharge_year").drop("model_version")


VERDICTS = {"hsmr": "significance", "readmissions": "comparison_significance", "olo": "significance"}
"""The verdict that counts: of readmissions the one against the nation."""


def verdict_of(settings: Settings, what: str) -> str:
    """The verdict that counts: against a model of earlier years, the one against the nation."""
    provisional = what == "hsmr" and settings.indicators.mortality == PROVISIONAL
    return "comparison_significance" if provisional else VERDICTS[what]


def _overall(settings: Settings, what: str) -> Column:
    """The figures without breakdown of an indicator."""
    of_year = (F.col("indicator") == READMISSION_RATIO) & (F.year("period_end") == settings.reporting_year)
    deaths = (F.col("indicator") == HSMR) & _of_variant(settings)
    chosen = {"hsmr": deaths, "readmissions": of_year, "olo": _of_olo(settings)}
    return chosen[what] & (F.col("breakdown") == NONE)


def _of_olo(settings: Settings) -> Column:
    """Unexpectedly long stay by the estimator of the settings."""
    return (F.col("indicator") == OLO) & (F.col("definition") == settings.olo.definition(settings.olo.estimator))


View = Callable[[Store, Settings, Sequence[str], str | None], DataFrame]
FIGURES: dict[str, tuple[Callable[[Settings], Sequence[Family]], View]] = {
    "hsmr": (lambda settings: [mortality_family(settings)], hsmr),
    "smr": (lambda settings: [mortality_family(settings)], smr),
    "readmissions": (lambda settings: [readmission_family(settings)], readmissions),
    "olo": (lambda settings: [stay_family(year) for year in settings.reported_years], olo),
}
"""What is shown of model versions, and of which families they are."""
OTHERS: dict[str, Callable[[Store, Settings, str | None], DataFrame]] = {
    "exclusions": exclusions,
    "stays": stays,
    "summary": summary,
    "quality": quality,
    "models": models,
}
"""What is shown whatever the model."""

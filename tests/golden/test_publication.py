"""Figures of the golden set, frozen and reproduced after everything that may happen to the tables they were made from.

The figures themselves have R and an independent program as their truth (test_nine_covariates); here they must stay what they
are, and a single changed digit of anything behind them must be found.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack

import numpy as np
import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F

from golden import Published
from lbz_indicators import show, tables
from lbz_indicators.cli import main
from lbz_indicators.errors import ModelError, ReproductionError, SettingsError, StorageError
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.freeze import freeze
from lbz_indicators.steps.predicted import mortality_family
from lbz_indicators.steps.promotion import retire
from lbz_indicators.steps.reproduction import (
    find_publication,
    reproduce_run,
    require_equal,
)
from lbz_indicators.tables import Table

pytestmark = pytest.mark.long

INDICATORS = {"hsmr", "smr", "readmission_ratio", "olo", "los_ratio"}


def test_the_same_figures_are_frozen_once(published: Published) -> None:
    assert "figures of" in published.said[0] and "are frozen, and were reproduced" in published.said[0]
    assert published.said[1].startswith(f"these figures are frozen already as {published.publication_id}")
    rows = published.store.read(tables.GOLD_PUBLICATIONS).collect()
    assert [(row["publication_id"], row["note"]) for row in rows] == [(published.publication_id, "first")]
    figures = published.store.read(tables.GOLD_PUBLISHED_FIGURES)
    assert figures.count() == rows[0]["figures"] == published.store.read(tables.GOLD_INDICATORS).count()


def test_frozen_rows_name_nobody_and_are_as_many_as_the_admissions_of_the_figures(published: Published) -> None:
    """Every admission of the population of the reported years once; no key of an admission, no pseudonym."""
    frozen = published.store.read(tables.GOLD_PUBLISHED_COVARIATES)
    assert not {"admission_id", "hospital_id", "patient_id", "admission_date", "postcode4"} & set(frozen.columns)
    population = published.store.read(tables.SILVER_COVARIATES).where("exclusion_reason IS NULL AND discharge_year > 2016")
    assert frozen.count() == population.count() == frozen.select("row_identity").distinct().count()
    sums = frozen.agg(F.count_if("died"), F.sum("nights"), F.count("readmitted")).collect()[0]
    figures = {
        (row["indicator"], row["definition"]): row
        for row in published.store.read(tables.GOLD_INDICATORS)
        .where("hospital_id IS NULL AND breakdown = 'none' AND period_end = '2019-12-31'")
        .where("indicator != 'hsmr' OR year(period_start) = 2017")
        .collect()
    }
    deaths = figures["hsmr", "death_in_hospital"]
    nights = published.store.read(tables.GOLD_INDICATORS).where(
        "hospital_id IS NULL AND breakdown = 'none' AND indicator = 'los_ratio' AND definition = 'cell_mean'"
    )
    assert sums[0] >= deaths["observed"] > 0
    assert sums[1] == nights.agg(F.sum("observed")).collect()[0][0]
    assert sums[2] >= figures["readmission_ratio", "any_30d"]["admissions"] > 0


def test_every_figure_is_reproduced(published: Published) -> None:
    made = published.reproduce()
    assert made.is_equal and {one.indicator for one in made.indicators} == INDICATORS
    assert all(one.figures == one.reproduced > 0 and one.differing == 0 for one in made.indicators)
    require_equal(made)


def test_a_run_that_was_never_frozen_is_reproduced_from_its_table_versions(published: Published) -> None:
    assert find_publication(published.store, None, published.run_id) is None  # its figures are those of an earlier run
    made = reproduce_run(published.store, published.run_id)
    assert made.is_equal and "silver.covariates" in made.source and sum(one.figures for one in made.indicators) > 1000
    with pytest.raises(SettingsError, match="No run 'nobody' has made figures"):
        reproduce_run(published.store, "nobody")


def _one_of(published: Published, table: Table, condition: str, name: str) -> str:
    """The least value of a column, for a statement on one row: Delta takes no subqueries there."""
    return str(published.store.read(table).where(condition).agg(F.min(name)).collect()[0][0])


def _one_whose_next_age_has_another_estimate(published: Published) -> str:
    """The least identity of such a death of 2018: classes that a fit merged have one estimate, and no figure would move."""
    ages = published.store.read(tables.GOLD_MODEL_COEFFICIENTS).where("model_version LIKE 'mortality%' AND covariate = 'age'")
    after = F.lead("estimate").over(Window.partitionBy("diagnosis_group").orderBy("class"))
    told_apart = ages.select("diagnosis_group", F.col("class").alias("age"), (F.col("estimate") != after).alias("is_told_apart"))
    deaths = published.store.read(tables.GOLD_PUBLISHED_COVARIATES).where("died AND discharge_year = 2018")
    rows = deaths.join(told_apart.where("is_told_apart"), on=["diagnosis_group", "age"])
    return str(rows.agg(F.min(F.hex("row_identity"))).collect()[0][0])


def test_one_changed_digit_is_found_wherever_it_is(published: Published) -> None:
    """A class of one frozen admission, a coefficient of one group, a published figure; what depends on none of them agrees."""
    row = _one_whose_next_age_has_another_estimate(published)
    of_returns = "model_version LIKE 'readmission%' AND covariate"
    group = _one_of(published, tables.GOLD_MODEL_COEFFICIENTS, f"{of_returns} = 'severity'", "diagnosis_group")
    statements = {
        tables.GOLD_PUBLISHED_COVARIATES: f"UPDATE {{}} SET age = age + 1 WHERE row_identity = X'{row}'",
        tables.GOLD_MODEL_COEFFICIENTS: "UPDATE {} SET estimate = estimate + 1e-6 "
        f"WHERE {of_returns} = 'intercept' AND diagnosis_group = '{group}'",
        tables.GOLD_PUBLISHED_FIGURES: "UPDATE {} SET value = value + 1e-5 "
        "WHERE indicator = 'olo' AND hospital_id IS NULL AND breakdown = 'none'",
    }
    with ExitStack() as changes:
        for table, statement in statements.items():
            changes.enter_context(published.changed(table, statement))
        made = published.reproduce()
    assert {one.indicator for one in made.indicators if one.hash_equal} == {"los_ratio"}
    assert [change.split(" (")[0].split("-20")[0] for change in made.changed] == [
        "coefficients of readmission", "gold.published_figures", "gold.published_covariates"
    ]  # fmt: skip
    for one in made.indicators:
        if not one.hash_equal:
            assert 0 < one.differing < one.figures and one.largest_difference and one.worst
    assert next(one.differing for one in made.indicators if one.indicator == "olo") == 6  # of each year, by both estimators
    with pytest.raises(ReproductionError, match="do not come out as they were recorded"):
        require_equal(made)


def test_figures_that_are_not_of_the_admissions_are_not_frozen(published: Published) -> None:
    """One death more than the figures say; the rows of the attempt are taken back."""
    alive = "hospital_id = 'H03' AND NOT died AND exclusion_reason IS NULL AND discharge_year = 2019"
    one = _one_of(published, tables.SILVER_COVARIATES, alive, "admission_id")
    statement = f"UPDATE {{}} SET died = true WHERE hospital_id = 'H03' AND admission_id = '{one}'"
    frozen = published.store.read(tables.GOLD_PUBLISHED_COVARIATES).count()
    with published.changed(tables.SILVER_COVARIATES, statement):
        with pytest.raises(ModelError, match="nothing was frozen"):
            freeze(published.store, published.settings, "wrong", "freeze")
        published.store.release()
    assert published.store.read(tables.GOLD_PUBLISHED_COVARIATES).count() == frozen


def test_the_months_add_up_to_the_hsmr_and_are_recorded_once(published: Published) -> None:
    """Two runs made the same figures; the second one moved no month."""
    months = published.store.read(tables.GOLD_MONTH_FIGURES).toPandas()
    months["hospital_id"] = months.hospital_id.fillna("nation")
    assert set(months.run_id) == {"golden"} and not months.duplicated(["hospital_id", "discharge_month"]).any()
    assert sorted({day.year for day in months.discharge_month}) == [2017, 2018, 2019]
    hsmr = published.store.read(tables.GOLD_INDICATORS).where("indicator = 'hsmr' AND year(period_start) = 2017")
    together = hsmr.where("year(period_end) = 2019").toPandas().assign(hospital_id=lambda rows: rows.hospital_id.fillna("nation"))
    sums = months.groupby("hospital_id")[["admissions", "observed", "expected"]].sum()
    wanted = together.set_index("hospital_id").loc[sums.index]
    assert len(sums) == len(together) > 5
    assert (sums.admissions == wanted.admissions).all() and (sums.observed == wanted.observed).all()
    np.testing.assert_allclose(sums.expected, wanted.expected, rtol=0, atol=1e-8)
    day = dt.date(2019, 3, 1)
    shown = show.revisions(published.store, "definitive", "nation", day).collect()
    assert [(row["discharge_month"], row["state"]) for row in shown] == [("2019-03", "only")]


def test_reproduced_after_corrections_retirement_compaction_and_vacuum(
    published: Published, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What vacuum has ended for time travel stays possible for what was frozen. The last test: it changes the tables for good."""
    store, spark = published.store, published.store.spark
    spark.sql(f"DELETE FROM {published.table(tables.SILVER_COVARIATES)} WHERE hospital_id = 'H03' AND discharge_year = 2019")
    spark.sql(f"DELETE FROM {published.table(tables.SILVER_STAYS)} WHERE hospital_id = 'H03'")
    retire(store, Versions.read(store).require(mortality_family(published.settings)).name, "a better one came")
    spark.sql(f"DELETE FROM {published.table(tables.GOLD_EXPECTED)}")  # as score does with those of a retired version
    spark.sql(f"DELETE FROM {published.table(tables.GOLD_STAY_CELLS)}")  # a later fit writes over them
    monkeypatch.setattr("lbz_indicators.commands.publication.start", lambda settings, writes: spark)
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        for table in (tables.SILVER_COVARIATES, tables.SILVER_STAYS, tables.GOLD_INDICATORS, tables.GOLD_PUBLISHED_COVARIATES,
                      tables.GOLD_PUBLISHED_FIGURES, tables.GOLD_MODEL_COEFFICIENTS):  # fmt: skip
            spark.sql(f"OPTIMIZE {published.table(table)}").collect()
            spark.sql(f"VACUUM {published.table(table)} RETAIN 0 HOURS").collect()
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    made = published.reproduce()
    assert made.is_equal and {one.indicator for one in made.indicators} == INDICATORS
    with pytest.raises(StorageError, match="are no longer kept, and none of its figures was frozen"):
        reproduce_run(store, published.run_id)

    arguments = ["reproduce", "--output", str(published.settings.storage.root), "--run", "golden"]
    with pytest.raises(SystemExit) as done:
        main(arguments)
    said = capsys.readouterr()
    assert done.value.code == 0 and "readmission_ratio" in said.out and published.publication_id in said.err
    with pytest.raises(SystemExit) as done:
        main(["reproduce", "--output", str(published.settings.storage.root), "--publication", "none"])
    assert done.value.code == 2 and "There is no publication 'none'" in capsys.readouterr().err

"""Expected length of stay by a model: gamma with log link, per discharge year and diagnosis group (METHOD section 7).

Terms: main diagnosis (three characters), main procedure (those with enough admissions, none, and other), age class; the
reference of each is its class with most admissions. All admissions of a cell have the same covariates, so the model is
fitted on cells: their mean nights, weighted with their admissions, have the same score equations.
Known limitation: a main diagnosis with one admission has a coefficient of its own and is never unexpected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lbz_indicators.models.engine import EngineFit
from lbz_indicators.models.packing import FEATURES_LAYOUT, Pack
from lbz_indicators.stats.gamma import GammaFit, fit_gamma

Floats = NDArray[np.float64]
INTERCEPT, DIAGNOSIS, PROCEDURE, AGE = "intercept", "main_diagnosis_category", "main_procedure", "age_class"
TERMS = (DIAGNOSIS, PROCEDURE, AGE)
NO_PROCEDURE, OTHER_PROCEDURE = "(none)", "(other)"
_OTHER_KEY = "\x00other"
"""Stands for all procedures with few admissions; no delivered code can be it."""

START_DECIMALS = 6
GAMMA_DECIMALS = 9


@dataclass(frozen=True)
class StayClass:
    """One class of a term: its code ('' = no procedure), and its admissions."""

    term: str
    code: str
    admissions: int
    is_aliased: bool = False

    @property
    def label(self) -> str:
        """As shown: none and other for the procedures without a code of their own."""
        return {"": NO_PROCEDURE, _OTHER_KEY: OTHER_PROCEDURE}.get(self.code, self.code)


@dataclass(frozen=True)
class StayDesign:
    """The classes of one discharge year and diagnosis group, reference classes among them, in column order."""

    year: int
    diagnosis_group: str
    admissions: int
    nights: int
    cells: int
    classes: tuple[StayClass, ...]

    @property
    def group(self) -> str:
        """Name of the stratum."""
        return f"{self.year}|{self.diagnosis_group}"

    @cached_property
    def references(self) -> dict[str, StayClass]:
        """The class of each term that has no column: most admissions, of equal ones the first code."""
        return {term: min((c for c in self.classes if c.term == term), key=lambda c: (-c.admissions, c.code)) for term in TERMS}

    @cached_property
    def columns(self) -> tuple[StayClass, ...]:
        """The intercept, then every class that is neither reference nor aliased."""
        references = set(self.references.values())
        intercept = StayClass(INTERCEPT, "", self.admissions)
        return (intercept, *(c for c in self.classes if c not in references and not c.is_aliased))

    @property
    def rows(self) -> int:
        return self.cells

    @property
    def event_share(self) -> float:
        """Nothing is rare here: strata are packed in the order of their names."""
        return 0.0

    @property
    def batch(self) -> int:
        """A year is packed by itself, so that its models do not depend on which other years are fitted with it."""
        return self.year

    def without(self, aliased: Sequence[int]) -> StayDesign:
        """The design with these columns marked as aliased."""
        out = {self.columns[place] for place in aliased}
        return replace(self, classes=tuple(replace(c, is_aliased=c.is_aliased or c in out) for c in self.classes))


def stay_designs(cells: DataFrame, minimum_procedure_admissions: int) -> list[StayDesign]:
    """The design of every year and group that has cells. What is collected grows with codes, not with admissions."""
    stratum = ["discharge_year", "diagnosis_group"]
    totals = cells.groupBy(*stratum).agg(F.sum("admissions"), F.sum("nights"), F.count("*")).collect()
    named = cells.withColumn(PROCEDURE, F.coalesce(PROCEDURE, F.lit("")))
    classes: defaultdict[tuple[int, str], list[StayClass]] = defaultdict(list)
    for term in TERMS:
        counted = named.groupBy(*stratum, term).agg(F.sum("admissions").alias("admissions"))
        if term == PROCEDURE:
            few = (F.col("admissions") < minimum_procedure_admissions) & (F.col(term) != "")
            grouped = counted.withColumn(term, F.when(few, F.lit(_OTHER_KEY)).otherwise(F.col(term)))
            counted = grouped.groupBy(*stratum, term).agg(F.sum("admissions").alias("admissions"))
        for row in counted.orderBy(*stratum, term).collect():
            classes[row[0], row[1]].append(StayClass(term, row[2], row["admissions"]))
    return [
        StayDesign(year, group, admissions, nights, count, tuple(classes[year, group]))
        for year, group, admissions, nights, count in sorted(tuple(row) for row in totals)
    ]


def null_start(design: StayDesign) -> EngineFit:
    """The mean stay as intercept. For a design without other columns this is the fit itself."""
    coefficients = np.zeros(len(design.columns))
    coefficients[0] = np.log(design.nights / design.admissions)
    return EngineFit(coefficients, None)


def layouts(spark: SparkSession, packs: Sequence[Pack[StayDesign]]) -> DataFrame:
    """One small row per stratum: pack, offset, size, and the column of every class (-1 = none) of every term."""
    rows = []
    for pack in packs:
        size = pack.columns
        for placed in pack.groups:
            design = placed.design
            column = {(c.term, c.code): place for place, c in enumerate(design.columns)}
            tables = [{c.code: column.get((c.term, c.code), -1) for c in design.classes if c.term == term} for term in TERMS]
            rows.append((design.year, design.diagnosis_group, design.group, pack.number, placed.offset, size, *tables))
    tables_of = ", ".join(f"_{term} map<string,int>" for term in TERMS)
    return spark.createDataFrame(
        rows, f"discharge_year int, diagnosis_group string, stratum string, pack int, offset int, size int, {tables_of}"
    )


def _of_class(term: str) -> Column:
    """What the map of a term says of a row's class."""
    if term != PROCEDURE:
        return F.try_element_at(F.col(f"_{term}"), F.col(term))
    own = F.try_element_at(F.col(f"_{term}"), F.coalesce(PROCEDURE, F.lit("")))
    return F.coalesce(own, F.try_element_at(F.col(f"_{term}"), F.lit(_OTHER_KEY)))


def design_rows(cells: DataFrame, layout: DataFrame) -> DataFrame:
    """The block-diagonal design. Grain: one cell of a packed stratum.

    Columns: pack, diagnosis_group (the stratum's name), label (mean nights), weight (admissions), nights_squared, columns
    (own numbers, ascending), features (the pack's, in the storage layout of an MLlib sparse vector).
    """
    joined = cells.join(F.broadcast(layout), on=["discharge_year", "diagnosis_group"], how="inner")
    own = [F.lit(0), *(_of_class(term) for term in TERMS)]
    placed = [F.when(column >= 0, column + F.col("offset")).otherwise(F.lit(-1)) for column in own]
    rows = joined.withColumns({"columns": F.array_remove(F.array(*own), -1), "_indices": F.array_remove(F.array(*placed), -1)})
    ones = F.array_repeat(F.lit(1.0), F.size("_indices"))
    features = F.struct(F.lit(0).cast("tinyint").alias("type"), "size", F.col("_indices").alias("indices"), ones.alias("values"))
    return rows.select(
        "pack",
        F.col("stratum").alias("diagnosis_group"),
        (F.col("nights") / F.col("admissions")).alias("label"),
        F.col("admissions").cast("double").alias("weight"),
        F.col("nights_squared").cast("double").alias("nights_squared"),
        "columns",
        features.cast(FEATURES_LAYOUT).alias("features"),
    )


_SETTLED = (
    "diagnosis_group string, coefficients array<double>, errors array<double>, steps int, decrement double, "
    "largest_score double, dispersion double"
)


def settle(rows: DataFrame, starts: Mapping[str, Floats]) -> dict[str, GammaFit]:
    """Newton steps of every stratum from an engine's coefficients to its maximum, each by one task.

    A stratum's cells are as many as its combinations of codes. They are put in one order and the start is rounded, so the
    same cells give the same coefficients whatever engine, partitions or files they came from.
    """
    begin = {group: np.round(beta, START_DECIMALS) for group, beta in starts.items()}

    def settle_one(part: pd.DataFrame) -> pd.DataFrame:
        group = str(part["diagnosis_group"].iloc[0])
        ordered = part.assign(_order=part["columns"].map(tuple)).sort_values(["_order", "label", "weight", "nights_squared"])
        done = fit_gamma(
            [np.asarray(columns) for columns in ordered["columns"]],
            ordered["label"].to_numpy(),
            ordered["weight"].to_numpy(),
            ordered["nights_squared"].to_numpy(),
            begin[group],
        )
        return pd.DataFrame(
            {
                "diagnosis_group": [group],
                "coefficients": [done.coefficients.tolist()],
                "errors": [None if done.errors is None else done.errors.tolist()],
                "steps": [done.steps],
                "decrement": [done.decrement],
                "largest_score": [done.largest_score],
                "dispersion": [done.dispersion],
            }
        )

    chosen = rows.select("diagnosis_group", "label", "weight", "nights_squared", "columns")
    found = chosen.groupBy("diagnosis_group").applyInPandas(settle_one, _SETTLED).collect()
    return {
        row["diagnosis_group"]: GammaFit(
            np.array(row["coefficients"]), row["errors"] and np.array(row["errors"]), *(row[name] for name in _SETTLED_FIGURES)
        )
        for row in found
    }


_SETTLED_FIGURES = ("steps", "decrement", "largest_score", "dispersion")


def with_gamma_nights(cells: DataFrame, spark: SparkSession, fits: Iterable[tuple[StayDesign, Floats]]) -> DataFrame:
    """Adds gamma_nights to cells from coefficients broadcast as one small row per stratum. Grain unchanged."""
    rows = []
    for design, beta in fits:
        value = {(c.term, c.code): float(b) for c, b in zip(design.columns, beta, strict=True)}
        tables = [{c.code: value.get((c.term, c.code), 0.0) for c in design.classes if c.term == term} for term in TERMS]
        rows.append((design.year, design.diagnosis_group, float(beta[0]), *tables))
    tables_of = ", ".join(f"_{term} map<string,double>" for term in TERMS)
    model = spark.createDataFrame(rows, f"discharge_year int, diagnosis_group string, _intercept double, {tables_of}")
    joined = cells.join(F.broadcast(model), on=["discharge_year", "diagnosis_group"], how="inner")
    predictor = F.col("_intercept")
    for term in TERMS:
        predictor = predictor + _of_class(term)
    # Rounded, so that a stay of exactly the bound is not judged by the last bit.
    return joined.withColumn("gamma_nights", F.round(F.exp(predictor), GAMMA_DECIMALS)).select(*cells.columns, "gamma_nights")


def coefficient_rows(version: str, design: StayDesign, fit: GammaFit) -> list[tuple[Any, ...]]:
    """Rows of gold.stay_coefficients: every class, reference and aliased ones with estimate 0."""
    place = {(c.term, c.code): number for number, c in enumerate(design.columns)}
    references = set(design.references.values())
    rows = []
    for c in (design.columns[0], *design.classes):
        number = place.get((c.term, c.code))
        rows.append(
            (
                version,
                design.year,
                design.diagnosis_group,
                c.term,
                INTERCEPT if c.term == INTERCEPT else c.label,
                0.0 if number is None else float(fit.coefficients[number]),
                None if number is None or fit.errors is None else float(fit.errors[number]),
                c in references,
                c.is_aliased,
                c.admissions,
            )
        )
    return rows


def fit_row(version: str, design: StayDesign, fit: GammaFit, iterations: int | None) -> tuple[Any, ...]:
    """A row of gold.stay_fit."""
    return (
        version,
        design.year,
        design.diagnosis_group,
        design.admissions,
        design.nights,
        len(design.columns),
        iterations,
        fit.steps,
        fit.decrement,
        fit.largest_score,
        fit.dispersion,
    )

"""Scoring in plain Python from the files of `models export`: none of the program's code."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

COVARIATES = ("age", "sex", "ses", "severity", "urgency", "source", "admission_month")


class IndependentModel:
    """The coefficients of one version by group, covariate and class."""

    def __init__(self, folder: Path) -> None:
        self.years: list[int] = json.loads((folder / "model.json").read_text())["model_years"]
        self.estimates: defaultdict[str, dict[tuple[str, int], tuple[str, float]]] = defaultdict(dict)
        with (folder / "coefficients.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                place = (row["covariate"], int(row["class"]))
                self.estimates[row["diagnosis_group"]][place] = (row["term_id"], float(row["estimate"]))
        with (folder / "fit.csv").open(newline="") as file:
            self.status = {row["diagnosis_group"]: row["status"] for row in csv.DictReader(file)}

    def expected(self, row: Mapping[str, Any]) -> float | None:
        """The probability of one row with the columns of silver.covariates; None where the group has no model."""
        status = self.status.get(row["diagnosis_group"])
        if status in (None, "no_admissions", "not_converged"):
            return None
        if status in ("no_events", "all_events"):
            return float(status == "all_events")
        known = self.estimates[row["diagnosis_group"]]
        year = row["discharge_year"] if row["discharge_year"] in self.years else self.years[-1]
        places = [("intercept", 0), ("discharge_year", self.years.index(year)), *((name, row[name]) for name in COVARIATES)]
        predictor = sum(known[place][1] for place in places)
        conditions = [condition for condition in range(1, 18) if row["comorbidity"] >> (condition - 1) & 1]
        terms = {known["comorbidity", condition] for condition in conditions}  # a merged pair is one term, added once
        return 1 / (1 + math.exp(-(predictor + sum(estimate for _, estimate in terms))))


def expected_sum(model: IndependentModel, rows: Iterable[Mapping[str, Any]]) -> float:
    """Sum over the rows that the model can score."""
    return math.fsum(value for row in rows if (value := model.expected(row)) is not None)

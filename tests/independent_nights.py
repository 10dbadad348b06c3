"""Nights and expected nights of METHOD 7 a second time, in plain Python and statsmodels, one admission after the other.

Nothing of the program is used here: every admission is written into a list for each level it belongs to, the lists are
summed, and each admission takes the first of its levels that holds enough. Whether a stay is long is said in fractions.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

AGE_CLASSES = {"0": (0, 0), "1-14": (1, 14), "15-44": (15, 44), "45-64": (45, 64), "65-74": (65, 74), "75-84": (75, 84)}
"""First and last completed year of each class; whoever is older is of the last, 85+."""
EVERYONE_FROM_HERE_ON = "85+"
KEY = ["hospital_id", "admission_id"]
JUDGED = ["nights", "level", "level_admissions", "level_nights", "long_stay"]


@dataclass(frozen=True)
class Admission:
    """One valid admission, in the columns that METHOD 7 asks for."""

    hospital_id: str
    admission_id: str
    discharge_year: int
    care_type: str
    exclusion_reason: str | None
    died: bool
    covid_main_diagnosis: bool
    diagnosis_group: str | None
    main_diagnosis_category: str
    main_procedure: str | None
    age_years: int
    admission_date: dt.date
    discharge_date: dt.date

    @property
    def nights(self) -> int:
        """A stay without a night counts as one."""
        return max(1, (self.discharge_date - self.admission_date).days)

    @property
    def age_class(self) -> str:
        for name, (first, last) in AGE_CLASSES.items():
            if first <= self.age_years <= last:
                return name
        return EVERYONE_FROM_HERE_ON

    @property
    def has_procedure(self) -> bool:
        return self.main_procedure is not None

    def judged(self, covid_years: Sequence[int], years: Sequence[int]) -> bool:
        """Clinical, in the population, discharged alive in a reported year, and not with COVID in a year that leaves it out."""
        if self.care_type != "K" or self.exclusion_reason is not None or self.died:
            return False
        if self.discharge_year not in years:
            return False
        return not (self.covid_main_diagnosis and self.discharge_year in covid_years)


LEVELS: dict[str, Callable[[Admission], tuple[Hashable, ...]]] = {
    "diagnosis_procedure_age": lambda one: (one.main_diagnosis_category, one.main_procedure, one.age_class),
    "diagnosis_any_procedure_age": lambda one: (one.main_diagnosis_category, one.has_procedure, one.age_class),
    "diagnosis_age": lambda one: (one.main_diagnosis_category, one.age_class),
    "diagnosis": lambda one: (one.main_diagnosis_category,),
    "diagnosis_group": lambda one: (one.diagnosis_group,),
    "all": lambda one: (),
}
"""What admissions of one cell have in common beside the year, from the finest level to the whole nation."""
Cell = tuple[int, str, tuple[Hashable, ...]]
"""Year, level, and what the admissions of the cell have in common."""


def expected_nights(
    admissions: pd.DataFrame,
    *,
    minimum: int,
    longer_than_percent: int,
    at_least: bool,
    covid_years: Sequence[int],
    years: Sequence[int],
) -> pd.DataFrame:
    """The nights of every judged admission, the cell it is measured by, and whether it is long: METHOD's `cell_mean`.

    `admissions` has the columns of Admission, one row per valid admission. The result has one row per judged admission,
    indexed by (hospital_id, admission_id); a level's mean is `level_nights` / `level_admissions`. No number is rounded.
    """
    judged = [one for one in _admissions(admissions) if one.judged(covid_years, years)]
    nights_of: defaultdict[Cell, list[int]] = defaultdict(list)
    for one in judged:
        for level, cell in LEVELS.items():
            nights_of[one.discharge_year, level, cell(one)].append(one.nights)
    counted = {cell: (len(nights), sum(nights)) for cell, nights in nights_of.items()}
    factor = 1 + Fraction(longer_than_percent, 100)
    rows = []
    for one in judged:
        level, number, nights = _level_of(one, counted, minimum)
        bound = factor * Fraction(nights, number)
        long_stay = one.nights >= bound if at_least else one.nights > bound
        rows.append((one.hospital_id, one.admission_id, one.nights, level, number, nights, long_stay))
    return pd.DataFrame.from_records(rows, columns=[*KEY, *JUDGED]).set_index(KEY)


def gamma_nights(admissions: pd.DataFrame, *, minimum_procedure: int) -> pd.Series:
    """The fitted mean nights of every admission of ONE diagnosis group and year: METHOD's `gamma_model`.

    `admissions` has the columns of Admission and holds judged admissions only, all of which are fitted. A procedure with
    fewer than `minimum_procedure` of them is "other"; no procedure is a class of its own. Indexed like expected_nights.
    """
    fitted = _admissions(admissions)
    often = {code for code, number in Counter(one.main_procedure for one in fitted).items() if number >= minimum_procedure}
    terms: list[list[Hashable]] = [
        [one.main_diagnosis_category for one in fitted],
        [_procedure_class(one, often) for one in fitted],
        [one.age_class for one in fitted],
    ]
    design = _spanning(np.column_stack([np.ones(len(fitted)), *(column for term in terms for column in _dummies(term))]))
    nights = np.array([one.nights for one in fitted], dtype=float)
    family = sm.families.Gamma(link=sm.families.links.Log())
    model = sm.GLM(nights, design, family=family)
    with np.errstate(divide="ignore", invalid="ignore"):  # of as many terms as admissions the scale is 0 / 0; no mean needs it
        mean = model.fit(scale=1.0, maxiter=1000, tol=1e-12, tol_criterion="params").fittedvalues
    score = design.T @ (nights / mean - 1) / len(fitted)  # nought at the maximum, however it was found
    if not np.abs(score).max() < 1e-9:
        raise ArithmeticError(f"the gamma model has not settled: its score is still {np.abs(score).max():.1e}")
    index = pd.MultiIndex.from_tuples([(one.hospital_id, one.admission_id) for one in fitted], names=KEY)
    return pd.Series(mean, index=index, name="expected_nights")


def _admissions(table: pd.DataFrame) -> list[Admission]:
    names = list(Admission.__dataclass_fields__)
    found = []
    for values in table[names].itertuples(index=False, name=None):
        present: list[Any] = [None if pd.isna(value) else value for value in values]
        found.append(Admission(*present))
    return found


def _level_of(one: Admission, counted: dict[Cell, tuple[int, int]], minimum: int) -> tuple[str, int, int]:
    """The first level with enough admissions, their number and their nights; behind the nation there is nothing."""
    for level, cell in LEVELS.items():
        number, nights = counted[one.discharge_year, level, cell(one)]
        if number >= minimum:
            break
    return level, number, nights


def _procedure_class(one: Admission, often: set[str | None]) -> tuple[str, str]:
    """The kind of class and the code, so that no code is mistaken for a kind."""
    if one.main_procedure is None:
        return "none", ""
    return ("code", one.main_procedure) if one.main_procedure in often else ("other", "")


def _dummies(term: Sequence[Hashable]) -> list[np.ndarray]:
    """A column of 0 and 1 for each class but the first."""
    classes = list(dict.fromkeys(term))
    return [np.array([value == one for value in term], dtype=float) for one in classes[1:]]


def _spanning(columns: np.ndarray) -> np.ndarray:
    """As many orthogonal columns as span the same space: no mean depends on more, and a column may repeat others."""
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, size > 1e-9 * size[0]] * np.sqrt(len(columns))

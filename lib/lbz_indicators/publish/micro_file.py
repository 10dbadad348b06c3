"""A hospital's micro file: the admissions behind its figures, with what was expected of each and why (XLSX).

One sheet per indicator. Rows come from iterators of plain mappings and go to the workbook one by one, so that a hospital of any
size takes the same memory. The file is the hospital's own and is not suppressed; it goes to authorised people only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lbz_indicators.population.covariates import AGE, COMORBIDITY, YEAR, ordered_covariates
from lbz_indicators.publish.contributions import CONTRIBUTORS, GroupRisk, conditions_of, contributions, require_expected
from lbz_indicators.publish.layout import Field, Value, Words
from lbz_indicators.publish.micro_fields import LONG_STAYS, MORTALITY, READMISSIONS
from lbz_indicators.publish.workbook import Sheet

_DUTCH = {
    "male": "man", "female": "vrouw", "planned": "gepland", "acute": "acuut", "home": "thuis", "institution": "instelling",
    "hospital": "ziekenhuis", "lowest": "laagste", "below average": "onder gemiddeld", "average": "gemiddeld",
    "above average": "boven gemiddeld", "highest": "hoogste", "unknown": "onbekend", "other": "overig", "Jan-Feb": "jan-feb",
    "Mar-Apr": "mrt-apr", "May-Jun": "mei-jun", "Jul-Aug": "jul-aug", "Sep-Oct": "sep-okt", "Nov-Dec": "nov-dec",
}  # fmt: skip
_SHEETS = {
    "mortality": Words("Sterfte", "Mortality"),
    "readmissions": Words("Heropnamen", "Readmissions"),
    "long_stays": Words("Opnameduur", "Length of stay"),
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Labels:
    """What codes are called: diagnosis groups by number, comorbidities by condition."""

    groups: Mapping[str, str]
    conditions: Mapping[int, str]
    language: str


@dataclass(frozen=True)
class RiskModel:
    """The model version that gave the expected values: coefficients by group (group_risks), and its years."""

    risks: Mapping[str, GroupRisk]
    model_years: tuple[int, ...]


def mortality_sheet(rows: Iterable[Row], model: RiskModel, labels: Labels) -> Sheet:
    """Sheet of HSMR and SMRs. `rows`: one admission of the population with the columns of silver.covariates, and beside them
    admission_date, discharge_date, main_diagnosis, flags (silver.admissions), expected, no_expected_reason, unseen_classes
    (gold.expected).

    Raises ModelError where the coefficients do not give an admission's expected value.
    """
    return Sheet(_SHEETS["mortality"], MORTALITY, _described(rows, MORTALITY, _modelled(model, labels)))


def readmissions_sheet(rows: Iterable[Row], model: RiskModel, labels: Labels) -> Sheet:
    """Sheet of the readmission ratio. `rows`: one index stay with the columns of silver.stays, and beside them main_diagnosis,
    flags of its first admission, expected, no_expected_reason, unseen_classes (gold.expected). ModelError likewise."""
    return Sheet(_SHEETS["readmissions"], READMISSIONS, _described(rows, READMISSIONS, _modelled(model, labels)))


def long_stays_sheet(rows: Iterable[Row], labels: Labels) -> Sheet:
    """Sheet of OLO. `rows`: one admission with the columns of gold.expected_nights, and beside them admission_date,
    discharge_date, main_diagnosis, flags (silver.admissions), specialty, main_procedure and age (silver.covariates)."""

    def describe(row: Row) -> Row:
        return {**row, **_common(row, labels), "age": AGE.labels[row["age"]]}

    return Sheet(_SHEETS["long_stays"], LONG_STAYS, _described(rows, LONG_STAYS, describe))


def _described(rows: Iterable[Row], fields: Sequence[Field], describe: Callable[[Row], Row]) -> Iterator[Sequence[Value]]:
    names = [field.name for field in fields]
    for row in rows:
        described = describe(row)
        yield [described[name] for name in names]


def _modelled(model: RiskModel, labels: Labels) -> Callable[[Row], Row]:
    covariates = [covariate for covariate in ordered_covariates(model.model_years) if covariate.name != YEAR]

    def describe(row: Row) -> Row:
        classes: dict[str, Value] = {one.name: _label(one.labels[row[one.name]], labels.language) for one in covariates}
        classes[COMORBIDITY] = "; ".join(labels.conditions[number] for number in conditions_of(row[COMORBIDITY])) or None
        classes[YEAR] = str(row[YEAR])
        return {**row, **_common(row, labels), **_risk(row, model), **classes}

    return describe


def _common(row: Row, labels: Labels) -> dict[str, Value]:
    group = row["diagnosis_group"]
    return {"diagnosis_group_label": labels.groups.get(group, group), "flags": ", ".join(row["flags"]) or None}


def _risk(row: Row, model: RiskModel) -> dict[str, Value]:
    """Intercept, contributions and their sum; nothing where the group has no coefficients."""
    risk = model.risks.get(row["diagnosis_group"])
    if risk is None or row["expected"] is None:
        return dict.fromkeys(("intercept", *(f"contribution_{name}" for name in CONTRIBUTORS), "log_odds"))
    found = contributions(risk, row, model.model_years)
    require_expected(risk, found, row["expected"], row["diagnosis_group"])
    by_name = {f"contribution_{name}": value for name, value in found.items()}
    return {"intercept": risk.intercept, **by_name, "log_odds": risk.intercept + sum(found.values())}


def _label(label: str, language: str) -> str:
    return _DUTCH.get(label, label) if language == "nl" else label

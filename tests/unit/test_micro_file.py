"""The micro file and what each covariate contributes, against R's coefficients and R's scores of the golden set (METHOD 4.4)."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from lbz_indicators.errors import ModelError
from lbz_indicators.publish.contributions import (
    CONTRIBUTORS,
    GroupRisk,
    conditions_of,
    contributions,
    group_risks,
    require_expected,
)
from lbz_indicators.publish.micro_fields import LONG_STAYS, MORTALITY, READMISSIONS
from lbz_indicators.publish.micro_file import Labels, RiskModel, long_stays_sheet, mortality_sheet, readmissions_sheet
from lbz_indicators.publish.workbook import write_workbook

YEARS = (2016, 2017, 2018, 2019)
PAIRS = {17: 9, 11: 10}
CLASSES = ("age", "sex", "ses", "severity", "urgency", "comorbidity", "source", "discharge_year", "admission_month")
Row = dict[str, Any]


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    content = (folder / name).read_bytes()
    text = gzip.decompress(content) if name.endswith(".gz") else content
    return list(csv.DictReader(io.StringIO(text.decode())))


@pytest.fixture(scope="module")
def truth(repository: Path) -> Path:
    return repository / "tests" / "golden" / "nine_covariates" / "expected"


@pytest.fixture(scope="module")
def risks(truth: Path) -> dict[str, GroupRisk]:
    """R's coefficients in the columns of gold.model_coefficients. A merged pair has one coefficient and one term."""
    table = _rows(truth, "coefficients.csv")
    known = {(row["diagnosis_group"], row["covariate"], int(row["class"])): float(row["estimate"]) for row in table}
    # The golden set names a year's class by the year, the table by its place among the model years.
    known = {(group, name, code - YEARS[0] if name == "discharge_year" else code): b for (group, name, code), b in known.items()}
    coefficients = []
    for (group, covariate, code), estimate in known.items():
        pair = PAIRS.get(code, code) if covariate == "comorbidity" else code
        merged = estimate != 0 and known.get((group, covariate, pair)) == estimate
        term = f"{covariate}:{pair if merged else code}"
        coefficients.append(
            {"diagnosis_group": group, "covariate": covariate, "class": code, "estimate": estimate, "term_id": term}
        )
    fits = [{"diagnosis_group": row["diagnosis_group"], "status": row["status"]} for row in _rows(truth, "fit.csv")]
    return group_risks(coefficients, fits)


@pytest.fixture(scope="module")
def scored(truth: Path) -> list[Row]:
    """Admissions of 2020 with their class codes and R's expected values."""
    classes = {(row["hospital_id"], row["admission_id"]): row for row in _rows(truth, "covariates.csv.gz")}
    found = []
    for row in _rows(truth, "frozen_score.csv.gz"):
        of = classes[row["hospital_id"], row["admission_id"]]
        found.append(
            {
                "hospital_id": row["hospital_id"],
                "admission_id": row["admission_id"],
                "diagnosis_group": row["diagnosis_group"],
                "died": row["observed"] == "1",
                "expected": float(row["expected"]) if row["expected"] else None,
                "no_expected_reason": row["reason"] or None,
                "unseen_classes": 0,
                "admission_date": dt.date(2020, 3, 1),
                "discharge_date": dt.date(2020, 3, 9),
                "specialty": None,
                "main_diagnosis": "I210",
                "flags": ["unknown_sex"] if of["sex"] == "1" else [],
                **{name: int(of[name]) for name in CLASSES},
            }
        )
    return found


def test_the_nine_covariates_in_the_order_of_the_design() -> None:
    assert CONTRIBUTORS == CLASSES


def test_contributions_add_up_to_what_r_expects(risks: dict[str, GroupRisk], scored: list[Row]) -> None:
    """3,643 admissions of a year that no model has seen; both conditions of a merged pair count once."""
    pairs = 0
    modelled = [row for row in scored if row["expected"] is not None and row["diagnosis_group"] in risks]
    for row in modelled:
        risk = risks[row["diagnosis_group"]]
        predictor = risk.intercept + sum(contributions(risk, row, YEARS).values())
        assert 1 / (1 + math.exp(-predictor)) == pytest.approx(row["expected"], abs=1e-12)
        held = conditions_of(row["comorbidity"])
        pairs += sum({one, other} <= set(held) and risk.terms[one] == risk.terms[other] for one, other in PAIRS.items())
    assert len(modelled) > 2000 and pairs > 0, "the pairs are exercised"


def test_contributions_by_hand() -> None:
    risk = GroupRisk(
        -3.0,
        {("age", 4): 0.5, ("sex", 1): -0.25, ("urgency", 1): 1.0, ("discharge_year", 3): 0.125, ("discharge_year", 0): 9.0,
         ("comorbidity", 9): 0.75, ("comorbidity", 17): 0.75, ("comorbidity", 10): 0.5, ("comorbidity", 11): 0.25},
        {9: "comorbidity:9", 17: "comorbidity:9", 10: "comorbidity:10", 11: "comorbidity:11"},
    )  # fmt: skip
    row = dict.fromkeys(CLASSES, 0) | {"age": 4, "urgency": 1, "discharge_year": 2021, "comorbidity": 1 << 8 | 1 << 16 | 1 << 9}
    found = contributions(risk, row, YEARS)
    assert found == dict.fromkeys(CLASSES, 0.0) | {"age": 0.5, "urgency": 1.0, "discharge_year": 0.125, "comorbidity": 1.25}
    assert contributions(risk, row | {"discharge_year": 2016}, YEARS)["discharge_year"] == 9.0
    assert contributions(risk, row | {"comorbidity": 1 << 9 | 1 << 10}, YEARS)["comorbidity"] == 0.75, "two terms"
    require_expected(risk, found, 1 / (1 + math.exp(-(-3.0 + 2.875))) , "100")  # fmt: skip
    with pytest.raises(ModelError, match="do not add up"):
        require_expected(risk, found, 0.47, "100")


def test_no_risk_is_too_large_to_check() -> None:
    for intercept, expected in ((-800.0, 0.0), (800.0, 1.0)):
        require_expected(GroupRisk(intercept, {}, {}), {}, expected, "100")


def test_groups_without_coefficients_have_no_risk() -> None:
    rows = [{"diagnosis_group": g, "covariate": "intercept", "class": 0, "estimate": 1.0, "term_id": "intercept"} for g in "abcd"]
    statuses = {"a": "fitted", "b": "separated", "c": "no_events", "d": "not_converged", "e": "all_events"}
    found = group_risks(rows, [{"diagnosis_group": g, "status": status} for g, status in statuses.items()])
    assert sorted(found) == ["a", "b"] and found["a"].intercept == 1.0


def _read(tmp_path: Path, sheet: Any, language: str = "en") -> list[Row]:
    """Rows of the sheet by the field's name, through openpyxl."""
    target = io.BytesIO()
    write_workbook(target, [sheet], language, [], tmp_path)
    page = load_workbook(target).worksheets[1]
    names = [field.name for field in sheet.fields]
    assert [cell.value for cell in page[1]] == [field.title.of(language) for field in sheet.fields]
    return [dict(zip(names, row, strict=True)) for row in page.iter_rows(min_row=2, values_only=True)]


LABELS = Labels({"9": "Group nine"}, {number: f"condition {number}" for number in range(1, 18)}, "en")


def test_the_sheet_of_mortality(tmp_path: Path, risks: dict[str, GroupRisk], scored: list[Row]) -> None:
    """Every admission, the sums of the figures, and the classes behind them."""
    rows = [row for row in scored if row["hospital_id"] == "H01"]
    found = _read(tmp_path, mortality_sheet(iter(rows), RiskModel(risks, YEARS), LABELS))
    assert [row["admission_id"] for row in found] == [row["admission_id"] for row in rows]
    sums: defaultdict[str, float] = defaultdict(float)
    for row, wanted in zip(found, rows, strict=True):
        assert row["died"] is wanted["died"] and row["discharge_year"] == "2020"
        assert row["flags"] == ("unknown_sex" if wanted["sex"] == 1 else None)
        if wanted["expected"] is None:
            assert row["expected"] is row["intercept"] is row["log_odds"] is None and row["no_expected_reason"] == "no_model"
            continue
        assert row["expected"] == pytest.approx(wanted["expected"], abs=1e-12)
        if wanted["diagnosis_group"] in risks:
            parts = [row["intercept"], *(row[f"contribution_{name}"] for name in CONTRIBUTORS)]
            assert sum(parts) == pytest.approx(row["log_odds"], abs=1e-12)
            assert 1 / (1 + math.exp(-row["log_odds"])) == pytest.approx(row["expected"], abs=1e-9)
        sums["expected"] += row["expected"]
    assert sums["expected"] == pytest.approx(sum(row["expected"] or 0 for row in rows), abs=1e-9)
    first = next(row for row in found if row["diagnosis_group"] == "9")
    assert first["diagnosis_group_label"] == "Group nine" and first["sex"] in ("male", "female")
    held = {row["admission_id"]: conditions_of(row["comorbidity"]) for row in rows}
    assert all(row["comorbidity"] == ("; ".join(f"condition {n}" for n in held[row["admission_id"]]) or None) for row in found)


def test_coefficients_of_another_model_are_refused(tmp_path: Path, risks: dict[str, GroupRisk], scored: list[Row]) -> None:
    row = next(row for row in scored if row["expected"] is not None and row["diagnosis_group"] in risks)
    sheet = mortality_sheet([row | {"expected": row["expected"] + 1e-6}], RiskModel(risks, YEARS), LABELS)
    with pytest.raises(ModelError, match="diagnosis group"):
        write_workbook(io.BytesIO(), [sheet], "nl", [], tmp_path)


def test_the_sheet_of_readmissions_in_dutch(tmp_path: Path, risks: dict[str, GroupRisk], scored: list[Row]) -> None:
    row = next(row for row in scored if row["expected"] is not None and row["diagnosis_group"] in risks)
    stay = row | {"begins": dt.date(2020, 1, 5), "ends": dt.date(2020, 1, 9), "readmitted": True, "source": 1, "expected": None}
    labels = Labels({}, LABELS.conditions, "nl")
    (found,) = _read(tmp_path, readmissions_sheet([stay], RiskModel(risks, YEARS), labels), "nl")
    assert found["readmitted"] is True and found["begins"] == dt.datetime(2020, 1, 5) and found["source"] == "instelling"
    assert found["intercept"] is None and found["diagnosis_group_label"] == row["diagnosis_group"]


def test_the_sheet_of_long_stays(tmp_path: Path) -> None:
    row = {
        "hospital_id": "H01", "admission_id": "=A1", "diagnosis_group": "9", "specialty": "0303", "main_diagnosis": "I210",
        "main_procedure": "+1", "age": 20, "nights": 9, "expected_nights": 4.25, "expected_nights_gamma": 4.5, "long_stay": True,
        "long_stay_gamma": False, "level": "group", "admission_date": dt.date(2020, 1, 1), "discharge_date": dt.date(2020, 1, 10),
        "flags": ["a", "b"],
    }  # fmt: skip
    (found,) = _read(tmp_path, long_stays_sheet([row], LABELS))
    assert (found["admission_id"], found["main_procedure"], found["age"], found["flags"]) == ("=A1", "+1", "95+", "a, b")
    assert (found["nights"], found["expected_nights"], found["long_stay"], found["long_stay_gamma"]) == (9, 4.25, True, False)


@pytest.mark.parametrize("fields", [MORTALITY, READMISSIONS, LONG_STAYS])
def test_columns_have_names_and_titles_of_their_own(fields: Any) -> None:
    assert len({field.name for field in fields}) == len(fields)
    for language in ("nl", "en"):
        titles = [field.title.of(language) for field in fields]
        assert len(set(titles)) == len(titles)
        assert all(field.meaning.of(language) for field in fields)
    assert "patient_id" not in {field.name for field in fields}

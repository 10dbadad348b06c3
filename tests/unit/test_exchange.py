"""Model files: what is written is read back to the last bit, and every fault in a file is named."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError
from lbz_indicators.models.exchange import DESCRIPTION, FILES, from_files, to_files
from lbz_indicators.population.covariates import ordered_covariates
from lbz_indicators.tables import Table

YEARS = [2018, 2019]
ABOUT: dict[str, Any] = {
    "model_version": "mortality-2018-2019-0a1b2c3d",
    "indicator": "mortality",
    "engine": "mllib",
    "model_years": YEARS,
    "settings": {"models": {"engine": "mllib"}, "severity": {"table": "severity-2015-2017-1a2b3c4d"}},
    "references": {"charlson": "abc"},
    "cohort_fingerprint": "def",
    "code_version": "0.1.0",
}
THIRD = 1 / 3


def _coefficients(group: str) -> list[tuple[Any, ...]]:
    classes = [("intercept", 0, "intercept")]
    classes += [(c.name, code, label) for c in ordered_covariates(YEARS) for code, label in enumerate(c.labels)]
    classes += [("comorbidity", condition, f'condition, "{condition}"') for condition in range(1, 18)]
    return [
        (group, name, code, label, f"{name}:{code}", THIRD * code, None if code == 0 else 0.1 + 0.2, code == 0, False, 50, 3)
        for name, code, label in classes
    ]


ROWS: dict[Table, list[tuple[Any, ...]]] = {
    tables.GOLD_MODEL_COEFFICIENTS: _coefficients("100"),
    tables.GOLD_MODEL_FIT: [
        ("100", 500, 30, 4, "fitted", 2, ["ses:1"], None, 2, 1e-22, 123.456, 0.71, None),
        ("101", 20, 0, 2, "no_events", 0, [], None, 0, None, None, None, None),
    ],
    tables.GOLD_MODEL_COVARIATES: [("100", "age", 5.1, 1, 0.02)],
    tables.GOLD_MODEL_CALIBRATION: [("100", 0, 50, 1, 1.5), ("100", 1, 50, 4, 3.5)],
    tables.GOLD_MODEL_INFORMATION: [("100", ["intercept:0", "age:1"], [4.0, THIRD, THIRD, 2.5])],
    tables.GOLD_SEVERITY_CLASSES: [("I210", 120, 9, 5, 3), ("Z380", None, None, None, 8)],
}


@pytest.fixture
def files() -> dict[str, str]:
    return to_files(ABOUT, ROWS)


def _with(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """The files with a change in one of them, its hash made right again."""
    changed = files[name].replace(old, new, 1)
    assert changed != files[name]
    about = json.loads(files[DESCRIPTION])
    if name != DESCRIPTION:
        about["files"][name] = hashlib.sha256(changed.encode()).hexdigest()
        return {**files, name: changed, DESCRIPTION: json.dumps(about)}
    return {**files, name: changed}


def test_what_is_written_is_read_back(files: dict[str, str]) -> None:
    about, rows = from_files(files)
    assert {name: about[name] for name in ABOUT} == ABOUT
    assert {table: sorted(map(repr, found)) for table, found in rows.items()} == {
        t: sorted(map(repr, r)) for t, r in ROWS.items()
    }


def test_the_same_model_gives_the_same_files_whatever_the_order(files: dict[str, str]) -> None:
    assert to_files(ABOUT, {table: rows[::-1] for table, rows in ROWS.items()}) == files


def test_a_file_reads_as_documented(files: dict[str, str]) -> None:
    assert files["calibration.csv"] == "diagnosis_group,decile,admissions,observed,expected\n100,0,50,1,1.5\n100,1,50,4,3.5\n"
    assert files["fit.csv"].splitlines()[1] == '100,500,30,4,fitted,2,"[""ses:1""]",,2,1e-22,123.456,0.71,'


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (DESCRIPTION, '"format": 1', '"format": 2', "not of format 1"),
        (DESCRIPTION, '"mortality-2018', "\"x' OR 1=1 --", "model_version is missing or impossible"),
        (DESCRIPTION, '"indicator": "mortality"', '"indicator": "readmission"', "indicator is missing or impossible"),
        (DESCRIPTION, "2018,", "2020,", "model_years is missing or impossible"),
        ("fit.csv", "admissions", "number", "fit.csv has not the columns"),
        ("fit.csv", ",500,", ",five hundred,", "fit.csv line 2: admissions cannot be 'five hundred'"),
        ("fit.csv", ",500,", ",,", "fit.csv line 2: admissions cannot be ''"),
        ("fit.csv", "123.456", "nan", "deviance cannot be 'nan'"),
        ("fit.csv", "101,20,0,2,", "101,20,0,2,9,", "fit.csv line 3 has 14 fields, not 13"),
        ("fit.csv", "101,20", "100,20", "fit.csv has a key twice"),
        ("coefficients.csv", "100,sex,1,", "100,sex,2,", "no coefficient of 1 classes"),
        ("coefficients.csv", "100,sex,1,", "102,sex,1,", "fit.csv lacks group 102"),
        ("information.csv", "4.0", "null", "matrix cannot be"),
    ],
)
def test_every_fault_is_named(files: dict[str, str], name: str, old: str, new: str, message: str) -> None:
    with pytest.raises(DeliveryError, match="The model files cannot be used") as caught:
        from_files(_with(files, name, old, new))
    assert message in caught.value.what


def test_a_file_that_is_not_there_or_was_changed(files: dict[str, str]) -> None:
    with pytest.raises(DeliveryError, match=r"fit\.csv is not there"):
        from_files({name: text for name, text in files.items() if name != "fit.csv"})
    with pytest.raises(DeliveryError, match=r"fit\.csv is not what model\.json says \(SHA-256\)"):
        from_files({**files, "fit.csv": files["fit.csv"].replace("0.71", "0.72")})
    assert set(files) == {DESCRIPTION, *FILES}

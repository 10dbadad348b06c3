"""A version of logistic models as files that another organisation can read, check and score with.

`model.json` says what the version is and holds the SHA-256 of every other file; the CSV files have the columns of the gold.model
tables, and of the severity classes behind the covariates, without the version: in the contract's order, UTF-8, comma, a header;
numbers in full precision, a missing value empty, true or false, a list as JSON. So the coefficients go with standard errors,
classes and significance, as yearly published.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError
from lbz_indicators.models.design import INTERCEPT
from lbz_indicators.population.comorbidity import CONDITIONS
from lbz_indicators.population.covariates import COMORBIDITY, ordered_covariates
from lbz_indicators.schemas import SCHEMAS, Column
from lbz_indicators.schemas.contract import BOOLEAN, BYTE, DOUBLE, DOUBLES, INTEGER, LONG, STRING, STRINGS
from lbz_indicators.tables import Table

FORMAT = 1
DESCRIPTION = "model.json"
FILES: dict[str, Table] = {
    "coefficients.csv": tables.GOLD_MODEL_COEFFICIENTS,
    "fit.csv": tables.GOLD_MODEL_FIT,
    "covariates.csv": tables.GOLD_MODEL_COVARIATES,
    "calibration.csv": tables.GOLD_MODEL_CALIBRATION,
    "information.csv": tables.GOLD_MODEL_INFORMATION,
    "severity.csv": tables.GOLD_SEVERITY_CLASSES,
}
DESCRIBED = (
    "model_version",
    "indicator",
    "engine",
    "model_years",
    "settings",
    "references",
    "cohort_fingerprint",
    "code_version",
)
"""What model.json says of the version; `settings` and `references` as JSON objects."""
WITH_COEFFICIENTS = ("fitted", "separated")
_NAME = re.compile(r"(mortality|readmission)-\d{4}(-\d{4})?-[0-9a-f]{8}")
Rows = Mapping[Table, Sequence[tuple[Any, ...]]]
Delivered = tuple[dict[str, Any], dict[Table, list[tuple[Any, ...]]]]
"""What model.json says, and the rows of the files by table."""


def columns_of(table: Table) -> list[Column]:
    """The columns of a file: those of its table without the version."""
    return [column for column in SCHEMAS[table].columns if column.name not in ("model_version", "severity_version")]


def version_of(table: Table, description: Mapping[str, Any]) -> tuple[str, str]:
    """(column, value) by which a table's rows belong to the described version."""
    if table == tables.GOLD_SEVERITY_CLASSES:
        return "severity_version", description["settings"]["severity"]["table"]
    return "model_version", description["model_version"]


def to_files(description: Mapping[str, Any], rows: Rows) -> dict[str, str]:
    """Content of every file by name. `rows` have the columns of columns_of, by table; put in order of the table's key."""
    texts = {name: _to_csv(table, rows[table]) for name, table in FILES.items()}
    chosen = {name: description[name] for name in DESCRIBED}
    whole = {"format": FORMAT, **chosen, "files": {name: _sha256(text) for name, text in texts.items()}}
    return {DESCRIPTION: json.dumps(whole, indent=1, sort_keys=True) + "\n", **texts}


def from_files(texts: Mapping[str, str]) -> Delivered:
    """(what model.json says, rows by table); DeliveryError naming everything that is wrong in one message."""
    missing = [name for name in (DESCRIPTION, *FILES) if name not in texts]
    if missing:
        raise _unusable([f"{name} is not there" for name in missing])
    description, problems = _described(texts[DESCRIPTION])
    if problems:
        raise _unusable(problems)
    stated = description["files"]
    problems = [f"{name} is not what {DESCRIPTION} says (SHA-256)" for name in FILES if stated.get(name) != _sha256(texts[name])]
    rows: dict[Table, list[tuple[Any, ...]]] = {}
    for name, table in FILES.items():
        found, wrong = _from_csv(name, table, texts[name])
        rows[table] = found
        problems += wrong
    problems = problems or _incomplete(rows, description["model_years"])
    if problems:
        raise _unusable(problems)
    return description, rows


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unusable(problems: Sequence[str]) -> DeliveryError:
    more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
    return DeliveryError(
        f"The model files cannot be used: {'; '.join(problems[:10])}{more}.",
        mend="take the files as `lbz-indicators models export` writes them; docs/model-files.md has their layout.",
    )


def _described(text: str) -> tuple[dict[str, Any], list[str]]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}, [f"{DESCRIPTION} is not valid JSON"]
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return {}, [f"{DESCRIPTION} is not of format {FORMAT}"]
    wanted: dict[str, Callable[[Any], bool]] = {
        "model_version": lambda v: isinstance(v, str) and _NAME.fullmatch(v) is not None,
        "indicator": lambda v: v in ("mortality", "readmission") and str(value.get("model_version", "")).startswith(f"{v}-"),
        "engine": lambda v: isinstance(v, str),
        "model_years": lambda v: isinstance(v, list) and v != [] and all(type(year) is int for year in v) and v == sorted(set(v)),
        "settings": lambda v: isinstance(v, dict) and isinstance(v.get("severity", {}).get("table"), str),
        "references": lambda v: isinstance(v, dict),
        "cohort_fingerprint": lambda v: isinstance(v, str),
        "code_version": lambda v: isinstance(v, str),
        "files": lambda v: isinstance(v, dict),
    }
    return value, [
        f"{DESCRIPTION}: {name} is missing or impossible" for name, good in wanted.items() if not good(value.get(name))
    ]


def _to_csv(table: Table, rows: Iterable[tuple[Any, ...]]) -> str:
    columns = columns_of(table)
    key = [place for place, column in enumerate(columns) if column.name in SCHEMAS[table].key]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([[_written(value) for value in row] for row in sorted(rows, key=lambda row: [row[place] for place in key])])
    return text.getvalue()


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else json.dumps(value) if isinstance(value, list) else str(value)


def _from_csv(name: str, table: Table, text: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    columns = columns_of(table)
    try:
        header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (csv.Error, ValueError):
        return [], [f"{name} is not CSV"]
    if header != [column.name for column in columns]:
        return [], [f"{name} has not the columns {', '.join(column.name for column in columns)}"]
    rows, problems = [], []
    for number, fields in enumerate(lines, start=2):
        if len(fields) != len(columns):
            problems.append(f"{name} line {number} has {len(fields)} fields, not {len(columns)}")
            continue
        row = []
        for column, field in zip(columns, fields, strict=True):
            value, good = _read(column, field)
            row.append(value)
            problems += [] if good else [f"{name} line {number}: {column.name} cannot be {field[:40]!r}"]
        rows.append(tuple(row))
    key = [place for place, column in enumerate(columns) if column.name in SCHEMAS[table].key]
    keys = [tuple(row[place] for place in key) for row in rows]
    return rows, problems + ([f"{name} has a key twice"] if len(set(keys)) < len(keys) else [])


def _read(column: Column, field: str) -> tuple[Any, bool]:
    """(value, whether it is one of the column's type)."""
    if field == "":
        return None, not column.required
    try:
        value = _READERS[column.type.simpleString()](field)
    except (ValueError, TypeError):
        return None, False
    return value, True


def _truth(field: str) -> bool:
    if field not in ("true", "false"):
        raise ValueError(field)
    return field == "true"


def _finite(field: str) -> float:
    value = float(field)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(field)
    return value


def _list_of(kind: type) -> Callable[[str], list[Any]]:
    def read(field: str) -> list[Any]:
        value = json.loads(field)
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise ValueError(field)
        return value

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    STRING.simpleString(): str,
    BOOLEAN.simpleString(): _truth,
    BYTE.simpleString(): int,
    INTEGER.simpleString(): int,
    LONG.simpleString(): int,
    DOUBLE.simpleString(): _finite,
    STRINGS.simpleString(): _list_of(str),
    DOUBLES.simpleString(): _list_of(float),
}


def _incomplete(rows: Mapping[Table, Sequence[tuple[Any, ...]]], model_years: Sequence[int]) -> list[str]:
    """Groups with a model that lack a class: scoring would silently take its coefficient for 0."""
    wanted = {(INTERCEPT, 0), *((COMORBIDITY, condition) for condition in range(1, CONDITIONS + 1))}
    wanted |= {(c.name, code) for c in ordered_covariates(model_years) for code in range(len(c.labels))}
    names = [column.name for column in columns_of(tables.GOLD_MODEL_FIT)]
    status = names.index("status")
    with_model = {row[0] for row in rows[tables.GOLD_MODEL_FIT] if row[status] in WITH_COEFFICIENTS}
    found: dict[str, set[tuple[str, int]]] = {group: set() for group in with_model}
    for group, covariate, code, *_ in rows[tables.GOLD_MODEL_COEFFICIENTS]:
        found.setdefault(group, set()).add((covariate, code))
    problems = [
        f"coefficients.csv: group {g} has no coefficient of {len(wanted - c)} classes" for g, c in found.items() if wanted - c
    ]
    problems += [f"coefficients.csv: group {g} has classes unknown here" for g, c in found.items() if c - wanted]
    return problems + [f"fit.csv lacks group {group} of coefficients.csv" for group in sorted(found.keys() - with_model)]

"""Every scenario of tests/scenarios through the program's own commands: ingest, validate, derive.

The truth is the expected.csv beside each input.csv, worked by hand from METHOD sections 2, 3 and 4.1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from scenario_files import ADMISSIONS, DEFAULT, MONTHS, RULES, SCENARIOS, Scenario, all_scenarios, write_delivery

from lbz_indicators.cli import main

# METHOD section 4.1: the classes of each covariate, in order; position = class code.
CLASSES = {
    "age": ["0", "1-4", *(f"{age}-{age + 4}" for age in range(5, 95, 5)), "95+"],
    "sex": ["male", "female"],
    "ses": ["lowest", "below average", "average", "above average", "highest", "unknown"],
    "severity": ["[0,.01)", "[.01,.02)", "[.02,.05)", "[.05,.1)", "[.1,.2)", "[.2,.3)", "[.3,.4)", "[.4,1]", "other"],
    "urgency": ["planned", "acute"],
    "source": ["home", "institution", "hospital"],
    "admission_month": ["Jan-Feb", "Mar-Apr", "May-Jun", "Jul-Aug", "Sep-Oct", "Nov-Dec"],
}
OVERLONG = 10 * 1024 * 1024
BROKEN_HOSPITAL = "broken:H1"

Result = Mapping[str, str]


@dataclass(frozen=True)
class Results:
    """What the tables say: per scenario its records, per hospital its counts of quality, and the broken lines' verdicts."""

    records: Mapping[str, list[Result]]
    quality: Mapping[str, list[tuple[str, str, int]]]
    broken: Counter[str]


def _command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def _write_broken_lines(folder: Path) -> None:
    """Four lines of a hospital of their own: sound, a field too few, a field too many, a field of 10 MB."""
    values = dict.fromkeys(ADMISSIONS, "")
    values |= {"hospital_id": BROKEN_HOSPITAL, "admission_date": "2019-03-10", "discharge_date": "2019-03-14", "care_type": "K"}
    values |= {"urgency": "planned", "died": "false", "age_years": "50", "main_diagnosis": "I21.0"}

    def line(case: str, **more: str) -> list[str]:
        return list({**values, "admission_id": case, "main_procedure": f"broken/{case}", **more}.values())

    lines = [
        line("sound"),
        [*line("field_too_few")[:-2], "broken/field_too_few"],
        [*line("field_too_many"), "surplus"],
        line("ten_megabytes", specialty="x" * OVERLONG),
    ]
    text = [",".join(fields) for fields in ([*ADMISSIONS], *lines)]
    (folder / "admissions" / "part-2.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    with (folder / "hospitals" / "part-1.csv").open("a", encoding="utf-8") as hospitals:
        hospitals.write(f"{BROKEN_HOSPITAL},broken,general,true,false,\n")


@pytest.fixture(scope="module")
def results(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("scenarios")
    scenarios = all_scenarios()
    write_delivery(folder / "first", [s for s in scenarios if not s.rows(MONTHS)])
    _write_broken_lines(folder / "first")
    write_delivery(folder / "with_months", [s for s in scenarios if s.rows(MONTHS)])
    root = folder / "tables"
    settings = {
        "spark.memory": "512m",
        "spark.shuffle_partitions": "2",
        "delivery.load_date": "2023-12-31",
        "references.diagnosis_codes": str(SCENARIOS / "reference" / "icd10_to_ccs.csv"),
        "references.diagnosis_groups": str(SCENARIOS / "reference" / "ccs_to_group.csv"),
    }
    common = ["--output", str(root), "--years", "2016-2022", "--delivered-until", "2022-12-31"]
    common += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    # No dirt in a record stops a run.
    assert _command("ingest", "--input", str(folder / "first"), *common) == 0
    assert _command("ingest", "--input", str(folder / "with_months"), *common) == 0
    assert _command("validate", *common) == 0
    assert _command("derive", *common, "--set", "models.maximum_model_years=7") == 0
    by_group, linked = _read(spark, root, "silver/covariates"), _read(spark, root, "silver/stays")
    others = ["--set", "population.diagnosis_grouping=ccs", "--set", "readmission.transfers=counted"]
    assert _command("derive", *common, *others) == 0
    by_category, counted = _read(spark, root, "silver/covariates"), _read(spark, root, "silver/stays")
    return _results(
        _read(spark, root, "silver/admissions"),
        _read(spark, root, "silver/rejected_admissions"),
        _read(spark, root, "silver/diagnoses"),
        _read(spark, root, "silver/quality"),
        by_group,
        by_category,
        linked,
        counted,
    )


def _read(spark: SparkSession, root: Path, table: str) -> list[dict[str, Any]]:
    return [row.asDict() for row in spark.read.format("delta").load(str(root / table)).collect()]


def _results(
    valid: list[dict[str, Any]],
    rejected: list[dict[str, Any]],
    diagnoses: list[dict[str, Any]],
    quality: list[dict[str, Any]],
    by_group: list[dict[str, Any]],
    by_category: list[dict[str, Any]],
    linked: list[dict[str, Any]],
    counted: list[dict[str, Any]],
) -> Results:
    derived = {(row["hospital_id"], row["admission_id"]): row for row in by_group}
    again = {(row["hospital_id"], row["admission_id"]): row for row in by_category}
    assert len(derived) == len(by_group) == len(by_category) == len(valid), "one row of covariates per valid admission"
    listed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in diagnoses:
        mark = "!" if row["is_complication"] else ""
        listed[row["hospital_id"], row["admission_id"]].append(row["diagnosis_code"] + mark)
    case = {(row["hospital_id"], row["admission_id"]): row["main_procedure"].rsplit("/", 1)[-1] for row in valid}
    stays = _stays(linked, counted, case)
    records: defaultdict[str, list[Result]] = defaultdict(list)
    broken: Counter[str] = Counter()
    for row in [*valid, *rejected]:
        key = (row["hospital_id"], row["admission_id"])
        result = {**_described(row), "secondary_diagnoses": " ".join(sorted(listed[key]))}
        if "reasons" not in row:
            result |= _covariates(derived[key])
            result |= {"ccs_category": _text(again[key]["diagnosis_group"])}
            result |= {"exclusion_four_years": again[key]["exclusion_reason"] or "included"}
            result |= stays.get(key, dict.fromkeys(STAY_COLUMNS, ""))
            assert (key in stays) == (row["care_type"] == "K"), "every clinical admission belongs to one stay"
        if row["hospital_id"] == BROKEN_HOSPITAL:
            broken[f"{row['admission_id']} {result['reasons']}".strip()] += 1
            continue
        scenario, name = row["main_procedure"].rsplit("/", 1)
        own = {column: result[column].removeprefix(f"{scenario}:") for column in _NAMES if column in result}
        records[scenario].append({**dict.fromkeys(STAY_COLUMNS, ""), **result, **own, "case": name})
    counts: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in quality:
        counts[row["hospital_id"]].append((row["rule"], row["severity"], row["records"]))
    return Results(records, counts, broken)


STAY_COLUMNS = (
    "begins", "ends", "merged_overlap", "overlaps_earlier_stay", "transferred_out", "destination_disagrees", "days_to_return",
    "days_to_return_same", "days_to_urgent_return", "days_to_urgent_return_same", "readmitted", "stay", "index",
    "index_transfers_counted", "readmitted_transfers_counted",
)  # fmt: skip


def _stays(linked: list[dict[str, Any]], counted: list[dict[str, Any]], case: Mapping[Any, str]) -> dict[Any, Result]:
    """What is said of the stay of every admission in one; twice in none."""
    again = {(row["hospital_id"], row["admission_id"]): row for row in counted}
    found: dict[Any, Result] = {}
    for row in linked:
        first = (row["hospital_id"], row["admission_id"])
        said = {name: _text(row[name]) for name in STAY_COLUMNS if name in row}
        said |= {"stay": case[first], "index": row["no_index_reason"] or "index"}
        said |= {"index_transfers_counted": again[first]["no_index_reason"] or "index"}
        said |= {"readmitted_transfers_counted": _text(again[first]["readmitted"])}
        for key in [first, *(tuple(joined) for joined in row["joined"])]:
            assert key not in found, "an admission is in one stay"
            found[key] = said
    return found


_NAMES = ("hospital_id", "patient_id", "reporting_hospital")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else " ".join(value) if isinstance(value, list) else str(value)


def _described(row: dict[str, Any]) -> dict[str, str]:
    verdict = "rejected" if row.get("reasons") else "valid"
    return {"reasons": "", "flags": "", **{name: _text(value) for name, value in row.items()}, "verdict": verdict}


def _covariates(row: dict[str, Any]) -> dict[str, str]:
    classes = {name: labels[row[name]] for name, labels in CLASSES.items()}
    return {
        "exclusion": row["exclusion_reason"] or "included",
        "time_unknown": _text(row["time_unknown"]),
        "diagnosis_group": _text(row["diagnosis_group"]),
        "discharge_year": _text(row["discharge_year"]),
        "reporting_hospital": row["reporting_hospital_id"],
        "comorbidities": " ".join(str(bit + 1) for bit in range(32) if row["comorbidity"] >> bit & 1),
        **{f"{name.removeprefix('admission_')}_class": label for name, label in classes.items()},
    }


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, results: Results) -> None:
    found = list(results.records[scenario.name])
    assert Counter(r["case"] for r in found) == Counter(r["case"] for r in scenario.rows("input")), "every record, once"
    for expected in scenario.rows("expected"):
        wanted = {name: value for name, value in expected.items() if value != DEFAULT and name != "why"}
        alike = [result for result in found if {name: result[name] for name in wanted} == wanted]
        named = [{name: result[name] for name in wanted} for result in found if result["case"] == expected["case"]]
        assert alike, f"wanted {wanted}, found {named}"
        found.remove(alike[0])
    assert not found, "records that expected.csv does not name"


@pytest.mark.parametrize(
    "scenario", [s for s in all_scenarios() if s.rows("expected_quality")], ids=lambda scenario: scenario.name
)
def test_counts_of_quality(scenario: Scenario, results: Results) -> None:
    """expected_quality.csv holds every count of the hospitals it names."""
    expected: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in scenario.rows("expected_quality"):
        expected[row["hospital_id"]].append((row["rule"], row["severity"], int(row["records"])))
    for hospital, counts in expected.items():
        assert sorted(results.quality[scenario.own(hospital)]) == sorted(counts)


def test_broken_lines_are_rejected_and_the_sound_one_beside_them_stays(results: Results) -> None:
    assert results.broken == Counter(
        ["sound", "field_too_few malformed_record", "field_too_many malformed_record", "ten_megabytes malformed_record"]
    )


def test_every_rule_has_scenarios_and_every_reason_and_flag_occurs() -> None:
    """A rule of METHOD without a scenario would go unnoticed otherwise; superseding needs deliveries over time."""
    from lbz_indicators.ingest.rules import DiagnosisRule, Flag, Rejection
    from lbz_indicators.population.exclusions import Exclusion
    from lbz_indicators.population.stays import NoIndex

    assert all(len(list((SCENARIOS / rule).glob("*/input.csv"))) > 1 for rule in RULES)
    words = {word for s in all_scenarios() for row in s.rows("expected") for value in row.values() for word in value.split()}
    words |= {row["rule"] for s in all_scenarios() for row in s.rows("expected_quality")}
    elsewhere = {Rejection.SUPERSEDED, Rejection.MALFORMED_RECORD}
    names = [*Rejection, *Flag, *Exclusion, *DiagnosisRule, *(reason for reason in NoIndex if reason != NoIndex.GROUP_LEFT_OUT)]
    assert [name.value for name in names if name not in elsewhere and name.value not in words] == []

"""What a small nation delivers in a night: the hospital-months that are otherwise than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changing_nation import Key, Nation

from deliveries import csv_text

HospitalMonth = tuple[str, int, int]


def _by_month(nation: Nation) -> dict[HospitalMonth, list[tuple[Key, dict[str, Any], tuple[str, ...]]]]:
    found: dict[HospitalMonth, list[tuple[Key, dict[str, Any], tuple[str, ...]]]] = {}
    for key, row in sorted(nation.admissions.items()):
        codes = tuple(sorted(code for *owner, code in nation.diagnoses if tuple(owner) == key))
        content = {name: value for name, value in row.items() if name != "delivery_id"}
        found.setdefault((key[0], row["discharge_date"].year, row["discharge_date"].month), []).append((key, content, codes))
    return found


def delivery_files(before: Nation | None, now: Nation, hospitals: int) -> Mapping[str, str]:
    """The files that tell of everything that is otherwise than before: whole hospital-months, and months withdrawn."""
    old, new = _by_month(before) if before else {}, _by_month(now)
    told = sorted(month for month, rows in new.items() if old.get(month) != rows)
    rows = [one for month in told for one in new[month]]
    admissions = [
        {"hospital_id": key[0], "admission_id": key[1], "admission_time": "10:00", "discharge_time": "10:00", **_text(row)}
        for key, row, _ in rows
    ]
    diagnoses = [
        {"hospital_id": key[0], "admission_id": key[1], "diagnosis_code": code, "is_complication": "false"}
        for key, _, codes in rows
        for code in codes
    ] or [{"hospital_id": rows[0][0][0], "admission_id": rows[0][0][1], "diagnosis_code": "Z99", "is_complication": "true"}]
    named = [
        {"hospital_id": f"H{region}{suffix}", "name": "One", "hospital_type": "general", "cbs_authorised": "true",
         "specific_population": "false", "reports_as": ""}
        for region in range(hospitals // 2) for suffix in "ab"
    ]  # fmt: skip
    months = [
        {"hospital_id": h, "year": str(y), "month": str(m), "complete": _true(complete), "validated": _true(validated)}
        for (h, y, m), (complete, validated) in sorted(now.months.items())
    ]
    withdrawn = [
        {"hospital_id": h, "year": str(y), "month": str(m), "admission_id": ""} for h, y, m in sorted(set(old) - set(new))
    ]
    files = {
        "admissions": admissions,
        "diagnoses": diagnoses,
        "hospitals": named,
        "hospital_months": months,
        "withdrawals": withdrawn,
    }
    return {f"{name}.csv": csv_text(content) for name, content in files.items() if content}


def _true(value: bool) -> str:
    return str(value).lower()


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    left_out = {"flags", "delivery_id", "admission_minutes", "discharge_minutes"}
    return {
        name: "" if value is None else _true(value) if isinstance(value, bool) else str(value)
        for name, value in row.items()
        if name not in left_out
    }

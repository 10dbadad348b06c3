"""The provisional HSMR for the IGJ, before 1 June: observed deaths of t against the model of t-1 (METHOD sections 5 and 8).

One row per hospital and question; the questions of a reporting year stand in a table of their own (publish.questions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lbz_indicators.errors import ModelError
from lbz_indicators.publish.layout import Field, Kind, Words
from lbz_indicators.publish.questions import FIGURES, OFFICIAL, OURS, Question
from lbz_indicators.publish.regulator import Check, Row, as_filed

SHEET = Words("Voorlopige HSMR", "Provisional HSMR")
_WHOLE = ("observed_deaths", "admissions")
NO_FIGURE = "no_provisional_hsmr"
"""Where a hospital has no figure that could answer."""

IGJ = (
    Field("reporting_year", Kind.WHOLE, Words("Verslagjaar", "Reporting year"), Words("Jaar t", "Year t"), True, 1990, 2100),
    Field(
        "hospital_id", Kind.TEXT, Words("Ziekenhuisnummer", "Hospital number"), Words("Zoals aangeleverd", "As delivered"), True
    ),
    Field(
        "hospital_name", Kind.TEXT, Words("Ziekenhuis", "Hospital"), Words("Naam zoals aangeleverd", "Name as delivered"), True
    ),
    Field(
        "question",
        Kind.TEXT,
        Words("Vraagnummer", "Question"),
        Words("Nummer uit de vragentabel van het verslagjaar", "Number from the table of questions of the reporting year"),
        True,
    ),
    Field(
        "question_text",
        Kind.TEXT,
        Words("Vraag", "Question in words"),
        Words("Tekst uit de vragentabel", "Text from the table of questions"),
        True,
    ),
    Field(
        "figure",
        Kind.TEXT,
        Words("Cijfer", "Figure"),
        Words("Wat er wordt gevraagd", "What is asked for"),
        True,
        choices=tuple(FIGURES),
    ),
    Field(
        "answer",
        Kind.DECIMAL,
        Words("Antwoord", "Answer"),
        Words(
            "Verhoudingen met 100 als gemiddelde van het model, aantallen in opnamen of sterfgevallen; niet onderdrukt",
            "Ratios with 100 as the model's mean, counts of admissions or deaths; not suppressed",
        ),
        minimum=0,
        decimals=2,
    ),
    Field(
        "no_answer_reason",
        Kind.TEXT,
        Words("Waarom geen antwoord", "Why no answer"),
        Words("no_provisional_hsmr: er is geen cijfer", "no_provisional_hsmr: there is no figure"),
        choices=(NO_FIGURE,),
    ),
    Field(
        "question_source",
        Kind.TEXT,
        Words("Herkomst vraagnummer", "Source of number"),
        Words("igj: officieel nummer; ours: nummer van onszelf", "igj: official number; ours: a number of ours"),
        True,
        choices=(OFFICIAL, OURS),
    ),
)
_NAMES = [field.name for field in IGJ]
_ORDERED = (("hsmr_lower", "hsmr", "hsmr_upper"), ("compared_hsmr_lower", "compared_hsmr", "compared_hsmr_upper"))


@dataclass(frozen=True)
class IgjHospital:
    """A hospital of the file."""

    hospital_id: str
    name: str


def igj_rows(
    hospitals: Sequence[IgjHospital],
    reporting_year: int,
    figures: Iterable[Mapping[str, Any]],
    questions: Sequence[Question],
    language: str,
) -> list[Row]:
    """Every hospital with every question of the year (questions_of), in their orders.

    `figures` has the columns of gold.indicators, of one model version; the provisional HSMR of that year alone is taken.
    ModelError where a hospital has it twice.
    """
    asked_for = [figure for figure in figures if _is_asked(figure, reporting_year)]
    by_hospital = {figure["hospital_id"]: figure for figure in asked_for}
    if len(by_hospital) < len(asked_for):
        raise ModelError(f"Provisional figures of {reporting_year} of several model versions.", where="gold.indicators")
    rows = []
    for hospital in hospitals:
        figure = by_hospital.get(hospital.hospital_id, {})
        for question in questions:
            answer = figure.get(FIGURES[question.figure])
            asked = (question.number, question.text(language), question.figure)
            reason = NO_FIGURE if answer is None else None
            said = None if answer is None else float(answer)
            rows.append(
                (
                    reporting_year,
                    hospital.hospital_id,
                    hospital.name,
                    *asked,
                    said,
                    reason,
                    OFFICIAL if question.official else OURS,
                )
            )
    return as_filed(rows, IGJ)


def _is_asked(figure: Mapping[str, Any], reporting_year: int) -> bool:
    of = (figure["indicator"], figure["variant"], figure["breakdown"])
    years = (figure["period_start"].year, figure["period_end"].year)
    return of == ("hsmr", "provisional", "none") and years == (reporting_year, reporting_year)


def igj_faults(reporting_year: int, questions: Sequence[Question]) -> Check:
    """The check of a whole file of that year: what its rows must be together (regulator.Check)."""
    asked = {question.number: question for question in questions}

    def check(rows: Sequence[Row]) -> list[str]:
        named = [(number, dict(zip(_NAMES, row, strict=True))) for number, row in enumerate(rows, start=1)]
        faults = []
        for number, row in named:
            question = asked.get(str(row["question"]))
            if row["reporting_year"] != reporting_year or question is None or question.figure != row["figure"]:
                faults.append(f"row {number}: of another year, or no question of this year")
            elif question.official != (row["question_source"] == OFFICIAL):
                faults.append(f"row {number}: question_source: a number passes for official, or the reverse")
            if (row["answer"] is None) == (row["no_answer_reason"] is None):
                faults.append(f"row {number}: answer and no_answer_reason: one of them, not both")
            elif isinstance(row["answer"], float) and row["figure"] in _WHOLE and row["answer"] % 1:
                faults.append(f"row {number}: answer: a count is a whole number")
        members = sorted(named, key=lambda item: str(item[1]["hospital_id"]))
        for _, group in groupby(members, key=lambda item: item[1]["hospital_id"]):
            faults += _faults_of_hospital(list(group), set(asked))
        return faults or ([] if rows else ["no row"])

    return check


def _faults_of_hospital(members: Sequence[tuple[int, Mapping[str, Any]]], asked: set[str]) -> list[str]:
    """What is wrong with the answers of one hospital together."""
    number = members[0][0]
    faults = []
    if (
        sorted(str(row["question"]) for _, row in members) != sorted(asked)
        or len({row["hospital_name"] for _, row in members}) > 1
    ):
        faults.append(f"row {number}: its hospital needs every question once, and one name")
    answers = {row["figure"]: row["answer"] for _, row in members}
    for names in _ORDERED:
        said = [answers[name] for name in names if answers.get(name) is not None]
        if said != sorted(said):
            faults.append(f"row {number}: {', '.join(names)}: not in this order")
    return faults

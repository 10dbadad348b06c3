"""The numbers of the IGJ's questions: a table per reporting year, shipped with numbers of ours and replaced by the site.

CSV (UTF-8, header): first_year, last_year (reporting years; last_year empty: until further notice), question, figure, text_nl,
text_en, source (igj: official; ours). Strict: one fault refuses the table, for a number at a wrong question is a wrong answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lbz_indicators.config import CONF
from lbz_indicators.errors import SettingsError
from lbz_indicators.publish.strict_rows import require_no_faults, strict_rows

COLUMNS = ("first_year", "last_year", "question", "figure", "text_nl", "text_en", "source")
FIGURES = {
    "hsmr": "value",
    "hsmr_lower": "lower",
    "hsmr_upper": "upper",
    "observed_deaths": "observed",
    "expected_deaths": "expected",
    "admissions": "admissions",
    "national_hsmr": "national_value",
    "compared_hsmr": "comparison_value",
    "compared_hsmr_lower": "comparison_lower",
    "compared_hsmr_upper": "comparison_upper",
}
"""What can be asked, and the column of gold.indicators that answers it."""
OFFICIAL, OURS = "igj", "ours"
_FIRST, _LAST = 1990, 2100
_LONGEST_NUMBER, _LONGEST_TEXT = 40, 500


@dataclass(frozen=True)
class Question:
    """One question, and the years of reporting in which it has this number."""

    first_year: int
    last_year: int
    number: str
    figure: str
    text_nl: str
    text_en: str
    official: bool
    line: int

    def text(self, language: str) -> str:
        return self.text_nl if language == "nl" else self.text_en


def load_questions(path: str | None) -> tuple[Question, ...]:
    """The site's table, or the shipped one. SettingsError where the file cannot be read, DeliveryError naming every fault."""
    try:
        content = Path(path).read_bytes() if path else CONF.joinpath("regulator", "igj_questions.csv").read_bytes()
        return read_questions(content.decode("utf-8-sig"), path or "igj_questions.csv")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "The table of the IGJ's questions cannot be read.", where=path, mend="correct publication.igj_questions."
        ) from error


def read_questions(text: str, where: str) -> tuple[Question, ...]:
    """The rows of the table. DeliveryError naming the line and column of every fault, in one message."""
    faults: list[str] = []
    found: list[Question] = []
    for line, row in strict_rows(text, COLUMNS, faults):
        wrong = _faults_of(row)
        faults += [f"line {line}, {what}" for what in wrong]
        if not wrong:
            last = int(row["last_year"]) if row["last_year"] else _LAST
            texts = (row["question"], row["figure"], row["text_nl"], row["text_en"])
            found.append(Question(int(row["first_year"]), last, *texts, row["source"] == OFFICIAL, line))
    faults += _clashes(found)
    if not faults and not found:
        faults.append("no question")
    require_no_faults(
        faults, "The table of the IGJ's questions", where, "correct these lines; docs/regulator-files.md says what it holds."
    )
    return tuple(found)


def questions_of(questions: Sequence[Question], reporting_year: int) -> tuple[Question, ...]:
    """The questions of a reporting year, in the order of the table. SettingsError where it has none."""
    found = tuple(question for question in questions if question.first_year <= reporting_year <= question.last_year)
    if not found:
        raise SettingsError(
            f"The table of the IGJ's questions has none of {reporting_year}.",
            where="publication.igj_questions",
            mend="add the numbers that the IGJ gave for that year.",
        )
    return found


def _faults_of(row: Mapping[str, str]) -> list[str]:
    """Column and fault of one row."""
    faults = []
    first, last = row["first_year"], row["last_year"]
    if not _is_year(first):
        faults.append("first_year: no year such as 2022")
    if last and (not _is_year(last) or last < first):
        faults.append("last_year: no year such as 2022, or before first_year")
    for name, longest in (("question", _LONGEST_NUMBER), ("text_nl", _LONGEST_TEXT), ("text_en", _LONGEST_TEXT)):
        value = row[name]
        if not value.strip() or not value.isprintable() or len(value) > longest:
            faults.append(f"{name}: empty, longer than {longest} characters, or with a character that is not visible")
    if row["figure"] not in FIGURES:
        faults.append(f"figure: none of {', '.join(FIGURES)}")
    if row["source"] not in (OFFICIAL, OURS):
        faults.append(f"source: neither {OFFICIAL} nor {OURS}")
    return faults


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 4 and _FIRST <= int(text) <= _LAST


def _clashes(questions: Sequence[Question]) -> list[str]:
    """A number, or a figure, that stands twice in one year."""
    return [
        f"lines {one.line} and {other.line}: the same {what} in one year"
        for place, one in enumerate(questions)
        for other in questions[place + 1 :]
        if one.first_year <= other.last_year and other.first_year <= one.last_year
        for what, same in (("question", one.number == other.number), ("figure", one.figure == other.figure))
        if same
    ]

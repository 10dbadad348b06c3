"""The report of the LBZ indicators and the factsheet: figures, the nation's and the course, as read in the PDF."""

from __future__ import annotations

import io
import re
from collections import Counter
from functools import cache
from typing import Any

import pandas as pd
import pytest
from hospital_reports import HOSTILE, LONG, compared_row, indicator_rows, labels, share_row, written
from pdf_text import plain_text_of, text_of, words_of
from pypdf import PdfReader

from lbz_indicators.publish.report.content import Hospital, IndicatorsContent
from lbz_indicators.publish.report.factsheet import MOST_PER_INDICATOR, events_beyond_nation, factsheet
from lbz_indicators.publish.report.from_gold import indicators_content
from lbz_indicators.publish.report.indicators_report import indicators_report
from lbz_indicators.publish.report.typesetting import typeset

NUMBER = r"\d{1,3}(?:[.,]\d{3})*"
ONE = rf"{NUMBER}[.,]\d"
MARK = r"(▲ \w+|▼ \w+|○ \w+ \w+|)"
RATIO = re.compile(
    rf"\s({NUMBER})\s+({NUMBER})\s+({ONE})\s+({NUMBER}|–)\s+({NUMBER})\s+({NUMBER}|–)\s+({NUMBER}–{NUMBER}|–)\s*{MARK}\s+({NUMBER}|–)\s+({NUMBER}|–)$"
)
SHARE = re.compile(rf"\s({NUMBER})\s+({NUMBER})\s+({ONE})\s+({ONE}–{ONE})\s+({ONE})\s*{MARK}\s+({ONE}|–)\s+({ONE}|–)$")
MARKS = {
    "nl": {"higher": "▲ hoger", "lower": "▼ lager", "none": ""},
    "en": {"higher": "▲ higher", "lower": "▼ lower", "none": ""},
}


def _content(rows: pd.DataFrame, language: str, name: str = "Ziekenhuis De Duinen", **other: Any) -> IndicatorsContent:
    return indicators_content(Hospital("H1", name), 2022, rows, labels(language), **other)


@cache
def _report(language: str) -> bytes:
    return typeset(indicators_report(_content(indicator_rows(diagnoses=30), language), language))


def _parts(rows: pd.DataFrame, language: str) -> Counter[tuple[str, ...]]:
    """Every row of a table by specialty or main diagnosis, as it must be written."""

    def outcome(figure: dict[str, Any], year: int) -> str:
        same = rows[(rows["period_start"].map(lambda day: day.year) == year)]
        for name in ("indicator", "breakdown", "breakdown_value"):
            same = same[same[name] == figure[name]]
        before = same.to_dict("records")[0]
        if figure["indicator"] == "olo":
            return written(before["value"], 1, language)
        return written(before["comparison_value"], 0, language)

    def cells(figure: dict[str, Any]) -> tuple[str, ...]:
        earlier = (outcome(figure, 2020), outcome(figure, 2021))
        counts = (written(figure["admissions"], 0, language), written(figure["observed"], 0, language))
        if figure["indicator"] == "olo":
            limits = "–".join(written(figure[end], 1, language) for end in ("lower", "upper"))
            values = (written(figure["value"], 1, language), limits, written(figure["national_value"], 1, language))
            return (*counts, *values, MARKS[language][figure["significance"]], *earlier)
        limits = "–".join(written(figure[f"comparison_{end}"], 0, language) for end in ("lower", "upper"))
        ratios = [written(figure[name], 0, language) for name in ("value", "national_value", "comparison_value")]
        mark = MARKS[language][figure["comparison_significance"]]
        return (*counts, written(figure["expected"], 1, language), *ratios, limits, mark, *earlier)

    last = rows[rows["period_start"].map(lambda day: day.year) == 2022]
    return Counter(cells(figure) for figure in last[last["breakdown"] != "none"].to_dict("records"))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_tables_hold_exactly_the_figures_with_the_nations_and_the_course(language: str) -> None:
    """8 specialties and 30 main diagnoses of each indicator, in the year, against the nation, and the two years before."""
    lines = text_of(_report(language)).splitlines()
    found = Counter(match.groups() for line in lines for match in (RATIO.search(line) or SHARE.search(line),) if match)
    expected = _parts(indicator_rows(diagnoses=30), language)
    assert found == expected and found.total() == 3 * 38


def test_the_course_over_the_years_stands_in_a_table_with_both_verdicts_limits() -> None:
    rows = indicator_rows(diagnoses=30)
    own = rows[(rows["breakdown"] == "none") & (rows["indicator"] == "hsmr")]
    text = text_of(_report("nl"))
    for figure in own.to_dict("records"):
        limits = [
            f"{written(figure[f'{kind}lower'], 0, 'nl')}–{written(figure[f'{kind}upper'], 0, 'nl')}"
            for kind in ("", "comparison_")
        ]
        numbers = [
            figure["period_start"].year,
            written(figure["admissions"], 0, "nl"),
            written(figure["observed"], 0, "nl"),
            written(figure["expected"], 1, "nl"),
        ]
        numbers += [written(figure["value"], 0, "nl"), limits[0], written(figure["national_value"], 0, "nl")]
        numbers += [written(figure["comparison_value"], 0, "nl"), limits[1]]
        assert re.search(r"\s+".join(re.escape(str(number)) for number in numbers), text), numbers


def test_a_hospital_with_many_diagnoses_is_told_how_many_are_shown() -> None:
    text = plain_text_of(typeset(indicators_report(_content(indicator_rows((2022,), diagnoses=200), "nl"), "nl")))
    assert re.search(r"Getoond zijn de \d+ hoofddiagnosen die afwijken of de meeste opnamen hebben, van de 200 ", text)
    assert "2021" not in text, "no course without earlier years"


def test_indicators_without_figures_have_no_chapter_and_notes_are_told() -> None:
    rows = indicator_rows(diagnoses=2)
    content = _content(rows[rows["indicator"] == "olo"], "en", notes=("Delivered late.",))
    pdf = typeset(indicators_report(content, "en"))
    titles = [entry.title for entry in PdfReader(io.BytesIO(pdf)).outline if not isinstance(entry, list)]  # type: ignore[union-attr]
    assert titles == ["In brief", "Unexpectedly long stay"]
    text = plain_text_of(pdf)
    assert "Delivered late." in text and "readmission ratio are made" not in text


def test_a_part_that_the_nation_has_no_ratio_of_is_not_judged() -> None:
    rows = pd.DataFrame(
        [
            compared_row("readmission_ratio", 40, 42.0, 98.6),
            compared_row("readmission_ratio", 0, 0.4, 0.0, breakdown="specialty", breakdown_value="0303"),
            compared_row("readmission_ratio", 0, 0.0, 98.6, breakdown="specialty", breakdown_value=None),
        ]
    )
    text = text_of(typeset(indicators_report(_content(rows, "nl"), "nl")))
    assert re.search(r"Chirurgie\s+1\.000\s+0\s+0,4\s+0\s+0\s+–\s+–\s", text) and text.count("○ niet") == 1
    assert re.search(r"Onbekend\s+1\.000\s+0\s+0,0\s+–\s+99\s+–\s+–\n", text)
    assert "er is landelijk geen ratio om mee te vergelijken" in re.sub(r"\s+", " ", text)


EDGES: dict[str, tuple[pd.DataFrame, str]] = {
    "usual": (indicator_rows(), "Ziekenhuis De Duinen"),
    "long name": (indicator_rows(diagnoses=300), LONG),
    "hostile name": (indicator_rows((2022,)), HOSTILE),
    "one indicator, nothing else": (pd.DataFrame([share_row("H1", 0, 12, 15.2)]), "A"),
    "no deaths": (pd.DataFrame([compared_row("hsmr", 0, 0.0, 90.0)]), "Kliniek"),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_factsheet_is_one_page_with_nothing_over_another(edge: str, language: str) -> None:
    rows, name = EDGES[edge]
    pdf = typeset(factsheet(_content(rows, language, name), language))
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    words = words_of(pdf)
    assert all(word.left >= 45 and word.right <= 550 and word.top >= 30 and word.bottom <= 812 for word in words)
    overlaps = [(a, b) for place, a in enumerate(words) for b in words[place + 1 :] if a.overlap(b) >= 0.25]
    assert not overlaps
    assert not re.search(r"\bNone\b|\bnan\b|\{|\}", plain_text_of(pdf).replace("{b}", ""))


@pytest.mark.parametrize("edge", EDGES)
def test_no_word_of_the_report_lies_over_another_or_in_the_margin(edge: str) -> None:
    rows, name = EDGES[edge]
    words = words_of(typeset(indicators_report(_content(rows, "nl", name), "nl")))
    assert all(word.left >= 57 and word.right <= 538 and word.top >= 30 and word.bottom <= 812 for word in words)
    for page in {word.page for word in words}:
        of_page = [word for word in words if word.page == page]
        overlaps = [(a, b) for place, a in enumerate(of_page) for b in of_page[place + 1 :] if a.overlap(b) >= 0.25]
        assert not overlaps


def test_where_to_look_names_the_parts_with_most_events_beyond_the_nation() -> None:
    """By hand, the nation at 10%: 70 long stays of 200 are 50 more, 45 of 100 are 35, 140 of 1,000 are 40, 11 of 100 are 1."""
    rows = pd.DataFrame(
        [
            share_row("H1", 300, 2000, 10.0),
            share_row("H1", 70, 200, 10.0, breakdown="specialty", breakdown_value="0303"),
            share_row("H1", 45, 100, 10.0, breakdown="specialty", breakdown_value="0305"),
            share_row("H1", 140, 1000, 10.0, breakdown="main_diagnosis", breakdown_value="I21"),
            share_row("H1", 11, 100, 10.0, breakdown="specialty", breakdown_value="0320"),
        ]
    )
    content = _content(rows, "nl")
    figures = {
        f.breakdown_value: f for kind in ("specialty", "main_diagnosis") for f in content.rows("olo", "definitive", kind, 2022)
    }
    assert [events_beyond_nation("olo", figures[value]) for value in ("0303", "0305", "I21", "0320")] == pytest.approx(
        [50, 35, 40, 1]
    )
    text = plain_text_of(typeset(factsheet(content, "nl")))
    order = [text.index(name) for name in ("Chirurgie", "I21 Acuut hartinfarct", "Orthopedie")]
    assert order == sorted(order) and "Cardiologie" not in text
    assert MOST_PER_INDICATOR >= 3 and "35,0%" in text and "▲ Hoger dan landelijk" in text
    assert "Geen specialisme of hoofddiagnose wijkt" in plain_text_of(typeset(factsheet(_content(rows[:1], "nl"), "nl")))


def test_cards_of_the_factsheet_hold_the_figures_and_the_verdict() -> None:
    rows = indicator_rows()
    text = plain_text_of(typeset(factsheet(_content(rows, "en"), "en")))
    last = rows[(rows["breakdown"] == "none") & (rows["period_start"].map(lambda day: day.year) == 2022)]
    for figure in last.to_dict("records"):
        if figure["indicator"] == "olo":
            assert f"{written(figure['value'], 1, 'en')}%" in text and "Nation 15.1%" in text
            continue
        compared = [written(figure[f"comparison_{name}"], 0, "en") for name in ("value", "lower", "upper")]
        assert f"Nation = 100: {compared[0]} ({compared[1]}–{compared[2]})" in text
        assert f"95% interval {written(figure['lower'], 0, 'en')}–{written(figure['upper'], 0, 'en')}" in text


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (compared_row("readmission_ratio", 9, 8.0, 98.0), "within 30 days, divided"),
        (compared_row("readmission_ratio", 9, 8.0, 98.0), "Readmissions to any hospital count; a transfer is no readmission."),
        (
            compared_row("readmission_ratio", 9, 8.0, 98.0, definition="same_90d_urgent_transfers"),
            "followed by an acute readmission within 90 days",
        ),
        (
            compared_row("readmission_ratio", 9, 8.0, 98.0, definition="same_90d_urgent_transfers"),
            "the same hospital alone count; a transfer counts",
        ),
        (compared_row("readmission_ratio", 9, 8.0, 98.0, definition="own_rule"), "is called own_rule in the settings"),
        (share_row("H1", 20, 100, 15.0), "lasted more than 50% longer than expected for the same"),
        (share_row("H1", 20, 100, 15.0, definition="gamma_model_from_100"), "lasted at least 100% longer than expected"),
        (share_row("H1", 20, 100, 15.0, definition="gamma_model_from_100"), "(gamma model)"),
        (share_row("H1", 20, 100, 15.0, confidence=0.998), "99.8% interval"),
        (compared_row("hsmr", 9, 8.0, 98.0, confidence=0.9), "90% limits"),
    ],
)
def test_what_is_told_is_what_the_settings_made(row: dict[str, Any], told: str) -> None:
    """Definition and confidence are columns of the figures, and the report says no other."""
    assert told in plain_text_of(typeset(indicators_report(_content(pd.DataFrame([row]), "en"), "en")))

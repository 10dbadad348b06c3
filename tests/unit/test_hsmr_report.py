"""The HSMR report as its reader gets it: what other programs read in the PDF, against the rows it was made of."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hospital_reports import HOSTILE, LONG, followed, labels, mortality_rows, references, row, written
from pdf_text import plain_text_of, text_of, words_of
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

from lbz_indicators.population.exclusions import Exclusion
from lbz_indicators.publish.report.content import Hospital, HsmrContent, ModelFacts
from lbz_indicators.publish.report.from_gold import hsmr_content
from lbz_indicators.publish.report.hsmr_report import hsmr_report
from lbz_indicators.publish.report.typesetting import legible, typeset

NUMBER = r"\d{1,3}(?:[.,]\d{3})*"
FIGURES = re.compile(rf"(?:^|\s)({NUMBER})\s+({NUMBER})\s+({NUMBER}[.,]\d|–)\s+({NUMBER}|–)\s+({NUMBER}–{NUMBER}|–)(?:\s|$)")
MARGIN = 57.0
"""Points; the margin at the sides of a report is 2.2 cm (62 points), that of the cover more."""
MODEL = ModelFacts(
    "mortality-2019-2022-1e2972c6",
    (2019, 2020, 2021, 2022),
    158,
    69,
    5902313,
    112358,
    0.8127,
    {"models": {"merge": True, "new": 1}, "severity": {"table": "a"}},
    {"charlson": "a"},
)
BEFORE = ModelFacts(
    "mortality-2018-2021-00000000",
    (2018, 2019, 2021),
    157,
    70,
    5800000,
    110000,
    None,
    {"models": {"merge": False}, "severity": {"table": "b"}},
    {"charlson": "b"},
)
CHECKS = pd.DataFrame(
    [
        {"year": 2021, "check": "few_acute", "hospital": 54.24, "nation": 51.3, "bound": 30.0, "met": True},
        {"year": 2022, "check": "vague_diagnoses", "hospital": 2.31, "nation": 0.94, "bound": 2.0, "met": False},
        {"year": 2022, "check": "few_deaths", "hospital": 231.0, "nation": None, "bound": 60.0, "met": True},
        {"year": 2022, "check": "late_delivery", "hospital": None, "nation": None, "bound": None, "met": None},
    ]
)
RECORDS = pd.DataFrame(
    [
        ("delivered", "total", 12345),
        ("valid", "total", 12300),
        ("rejected", "total", 45),
        ("missing_key", "rejected", 40),
        ("missing_key", "rejected", 5),
        ("unknown_sex", "flagged", 3),
        ("new_rule", "flagged", 1),
        ("unknown_origin", "flagged", 0),
    ],
    columns=["rule", "severity", "records"],
)
EXCLUSIONS = pd.DataFrame(
    [
        (year, reason, number)
        for year in (2019, 2020, 2021, 2022)
        for reason, number in (("included", 1395545), (Exclusion.NOT_RESIDENT.value, 6231))
    ],
    columns=["discharge_year", "reason", "admissions"],
)
EVERYTHING: dict[str, Any] = {
    "model": MODEL,
    "previous_model": BEFORE,
    "checks": CHECKS,
    "records": RECORDS,
    "exclusions": EXCLUSIONS,
    "followed": followed(),
    "notes": ("Eén ziekenhuis is gefuseerd.",),
}


def _content(rows: pd.DataFrame, language: str = "nl", name: str = "Ziekenhuis De Duinen", **other: Any) -> HsmrContent:
    return hsmr_content(Hospital("H1", name), 2022, rows, labels(language), **other)


def _pdf(rows: pd.DataFrame, language: str = "nl", name: str = "Ziekenhuis De Duinen", **other: Any) -> bytes:
    return typeset(hsmr_report(_content(rows, language, name, **other), language))


@cache
def _made(groups: int, language: str, *, everything: bool = False) -> bytes:
    return _pdf(mortality_rows(groups), language, **(EVERYTHING if everything else {}))


def _titles(pdf: bytes) -> list[str]:
    """Bookmarks of the chapters."""
    return [entry.title for entry in PdfReader(io.BytesIO(pdf)).outline if not isinstance(entry, list)]  # type: ignore[union-attr]


def _expected_rows(rows: pd.DataFrame, language: str) -> Counter[tuple[str, ...]]:
    """Every figure of the hospital in the tables of the report, as it must be written."""
    own = rows[rows["hospital_id"] == "H1"]
    last = own["period_end"].map(lambda day: day.year) == 2022
    shown = own[(own["breakdown"] == "none") | last]
    return Counter(
        (
            written(figure["admissions"], 0, language),
            written(figure["observed"], 0, language),
            written(figure["expected"], 1, language),
            written(figure["value"], 0, language),
            "–"
            if pd.isna(figure["lower"])
            else f"{written(figure['lower'], 0, language)}–{written(figure['upper'], 0, language)}",
        )
        for figure in shown.to_dict("records")
    )


def _found_rows(pdf: bytes) -> Counter[tuple[str, ...]]:
    return Counter(match.groups() for match in map(FIGURES.search, text_of(pdf).splitlines()) if match)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_pdf_holds_exactly_the_figures_of_the_rows(language: str) -> None:
    """Each HSMR and each SMR of both periods once, no other, as pdftotext reads them."""
    rows = mortality_rows(158)
    found = _found_rows(_made(158, language, everything=True))
    assert found == _expected_rows(rows, language)
    assert found.total() == 4 + 2 * (158 + 18 + 11)


def test_verdicts_stand_beside_the_figures_they_are_of() -> None:
    """Higher and lower in words, as the unrounded limits say: also where a limit is rounded to 100."""
    rows = mortality_rows(2)
    group = row("smr", "H1", 120, 97.0, breakdown="diagnosis_group", breakdown_value="1", years=(2020, 2022), confidence=0.95)
    group |= {"lower": 100.2, "significance": "higher"}
    keep = ~((rows["breakdown_value"] == "1") & (rows["breakdown"] == "diagnosis_group") & (rows["hospital_id"] == "H1"))
    lines = text_of(_pdf(pd.concat([rows[keep], pd.DataFrame([group])]))).splitlines()
    marked = [line for line in lines if re.search(r"120\s+97,0\s+124\s+100–148", line)]
    assert len(marked) == 2 and all("▲ hoger" in line for line in marked), "in the summary and in the table"


def test_marks_for_own_reference_and_for_what_is_not_judged() -> None:
    rows = mortality_rows(3)
    mine = (
        (rows["hospital_id"] == "H1")
        & (rows["breakdown"] == "diagnosis_group")
        & (rows["period_start"].map(lambda d: d.year) == 2020)
    )
    mine &= rows["period_end"].map(lambda d: d.year) == 2022
    rows.loc[mine & (rows["breakdown_value"] == "1"), ["significance", "own_reference_share"]] = ["higher", 0.61]
    rows.loc[mine & (rows["breakdown_value"] == "2"), ["significance", "own_reference_share"]] = [None, 1.0]
    text = plain_text_of(_pdf(rows, "en"))
    assert "▲ higher *" in text and "makes up half of the expectation" in text
    assert "○ not judged" in text and "the only one in this group" in text
    assert "makes up half" not in plain_text_of(_made(3, "en"))


EDGES: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "zero deaths": (mortality_rows(30, deaths=0.0), {}),
    "nothing expected": (mortality_rows(4, deaths=0.0, risk=0.0), {}),
    "one group": (mortality_rows(1), {}),
    "150 groups": (mortality_rows(150), {"followed": followed()}),
    "one year, alone": (mortality_rows(5, years=(2022,), hospitals=1), {}),
    "hostile name": (mortality_rows(3), {"name": HOSTILE}),
    "long name": (mortality_rows(3), {"name": LONG} | EVERYTHING),
}


@pytest.fixture(
    scope="module", params=[(edge, language) for edge in EDGES for language in ("nl", "en")], ids=lambda each: "-".join(each)
)
def edge(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, bytes]]:
    name, language = request.param
    rows, other = EDGES[name]
    yield name, language, _pdf(rows, language, **other)


def test_an_edge_has_all_its_figures(edge: tuple[str, str, bytes]) -> None:
    name, language, pdf = edge
    assert _found_rows(pdf) == _expected_rows(EDGES[name][0], language)


def test_no_word_lies_over_another_or_in_the_margin(edge: tuple[str, str, bytes]) -> None:
    """No overfull table, no label cut or printed over."""
    words = words_of(edge[2])
    beyond = [
        word for word in words if word.left < MARGIN or word.right > 595.3 - MARGIN or word.top < 30 or word.bottom > 842 - 30
    ]
    assert not beyond
    for page in {word.page for word in words}:
        of_page = sorted((word for word in words if word.page == page), key=lambda word: word.top)
        for place, word in enumerate(of_page):
            for other in of_page[place + 1 :]:
                if other.top > word.bottom:
                    break
                assert word.overlap(other) < 0.25, (page, word, other)


def test_no_placeholder_and_no_chapter_without_text(edge: tuple[str, str, bytes]) -> None:
    text = plain_text_of(edge[2]).replace(re.sub(r"\s+", " ", HOSTILE), "")
    name = "{b}" if edge[0] == "hostile name" else ""
    assert not re.search(r"\bNone\b|\bnan\b|\bNaN\b|\bnull\b|\binf\b|\[\]", text)
    assert set(re.findall(r"\{[^}]*\}", text)) <= {name}
    titles = _titles(edge[2])
    assert len(titles) == len(set(titles)) >= 7
    pages = text_of(edge[2]).split("\f")[:-1]
    assert all(len(page) > 150 for page in pages), "an empty page"


def test_the_summary_for_the_board_is_one_page(edge: tuple[str, str, bytes]) -> None:
    reader = PdfReader(io.BytesIO(edge[2]))
    chapters = [entry for entry in reader.outline if not isinstance(entry, list)]
    assert [reader.get_destination_page_number(chapter) for chapter in chapters[:2]] == [1, 2]  # type: ignore[arg-type]


def test_plurals_and_sentences_of_the_edges(edge: tuple[str, str, bytes]) -> None:
    name, language, pdf = edge
    text = plain_text_of(pdf)
    assert not re.search(
        r"\b1 (opnamen|sterfgevallen|ziekenhuizen|patiënten|admissions|deaths|hospitals|patients)\b",
        re.sub(r"\d[.,]\d", "", text),
    )
    said = {
        "zero deaths": {"nl": "overleed geen patiënt", "en": "no patient died"},
        "nothing expected": {"nl": "er is daarom geen HSMR", "en": "so there is no HSMR"},
        "one group": {"nl": "is er één diagnosegroep beoordeeld", "en": "one diagnosis group is judged"},
    }
    own = EDGES[name][0]
    own = own[(own["hospital_id"] == "H1") & (own["breakdown"] == "diagnosis_group") & (own["period_end"] != own["period_start"])]
    last = own[(own["period_end"].map(lambda day: day.year) == 2022) & (own["period_start"].map(lambda day: day.year) != 2022)]
    number = int(last["significance"].isin(["higher", "lower"]).sum())
    if language == "nl" and len(last) > 1 and number > 1:
        assert f"Over 2020–2022 wijken {number} van de {len(last)} beoordeelde diagnosegroepen af." in text
    interval, column = {"nl": ("95%-interval", "98%-grenzen"), "en": ("95% interval", "98% limits")}[language]
    assert (interval in text and column in text) == (name != "nothing expected"), "no confidence of limits that are not there"
    if name in said:
        assert said[name][language] in text
    assert ("Trechterdiagram" in text or "Funnel plot" in text) == (name not in ("one year, alone", "nothing expected"))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_name_is_shown_as_it_is_and_never_read_as_an_instruction(language: str) -> None:
    text = plain_text_of(_pdf(mortality_rows(2), language, HOSTILE))
    assert re.sub(r"\s+", "", HOSTILE) in re.sub(r"\s+", "", text)
    assert "root:" not in text


def test_characters_without_a_glyph_and_invisible_ones_are_boxes() -> None:
    """Han has no glyph in the fonts that come along; a mark that turns the direction of reading is not printable."""
    pdf = _pdf(mortality_rows(1), "nl", "Kliniek 中文 \u202egnp.exe\t\n  Grieks Ωμέγα\x00")
    assert "Kliniek □□ □gnp.exe Grieks Ωμέγα□" in plain_text_of(pdf)
    assert legible("a" * 45, frozenset({ord("a"), 0xAD})) == f"{'a' * 20}\u00ad{'a' * 20}\u00ad{'a' * 5}"
    assert legible(" 1\u00a0234 ", frozenset(range(256))) == "1\u00a0234"


def test_groups_that_the_lists_put_in_no_cluster_are_shown_too() -> None:
    rows = mortality_rows(2)
    other = pd.DataFrame([row("smr", "H1", 12, 10.5, admissions=4321, breakdown="diagnosis_group", breakdown_value="999")])
    assert re.search(r"999\s+999\s+4\.321\s+12\s+10,5\s+114", text_of(_pdf(pd.concat([rows, other]))))


def test_a_hospital_without_a_name_has_its_number() -> None:
    assert "H1" in plain_text_of(_pdf(mortality_rows(1), "nl", "   ")).split("Inhoud")[0]


def test_parts_that_are_not_given_have_no_chapter() -> None:
    everything, little = _titles(_made(3, "nl", everything=True)), _titles(_made(3, "nl"))
    assert set(everything) - set(little) == {"Bewaking door het jaar"}
    rows = mortality_rows(3)
    bare = _pdf(rows[rows["breakdown"] == "none"])
    assert _titles(bare) == [
        "Samenvatting voor het bestuur",
        "Wat de HSMR zegt en niet zegt",
        "Methode en bronnen",
        "HSMR per jaar en over de periode",
        "Begrippen",
    ]
    assert "Wijzigingen sinds vorig jaar" not in plain_text_of(bare)


def test_what_is_given_is_told() -> None:
    text = plain_text_of(_made(3, "nl", everything=True))
    for told in (
        "De modeljaren zijn 2019–2022; vorig jaar waren dat 2018, 2019 en 2021.",
        "De lijst van nevenaandoeningen (Charlson) is gewijzigd.",
        "De instelling models.merge is gewijzigd: true in plaats van false.",
        "De lijst van ernstklassen is gewijzigd.",
        "Eén ziekenhuis is gefuseerd.",
        "5.902.313",
        "0,813",
        "Niet voldaan is aan: Vage hoofddiagnosen (2022).",
        "Van 12.345 records zijn er 12.300 geldig en 45 afgekeurd (0,4%).",
        "1.395.545",
        "Niet in Nederland woonachtig",
        "Signalen van verhoogde sterfte:",
    ):
        assert told in text, told
    assert re.search(r"Op tijd aangeleverd\s+–\s+–\s+–\s+○ onbekend", text_of(_made(3, "nl", everything=True)))
    assert "new_rule" in text, "a rule without a name is shown by its code"
    assert "Herkomst onbekend" not in text and text.count("Opname- of ziekenhuisnummer ontbreekt") == 1
    laid_out = text_of(_made(3, "nl", everything=True))
    assert re.search(r"Opname- of ziekenhuisnummer ontbreekt\s+afgekeurd\s+45\n", laid_out)


def test_case_mix_is_of_the_hospital_and_the_nation() -> None:
    """By hand: of 1,000 admissions 300 are men; the nation 6,000 of 10,000. Expected 10 of 300 is 3.33%."""
    part = {"breakdown": "sex"}
    rows = pd.DataFrame(
        [
            row("hsmr", "H1", 20, 25.0),
            row("hsmr", None, 200, 200.0, admissions=10000),
            row("smr", "H1", 9, 10.0, breakdown_value="male", admissions=300, **part),
            row("smr", "H1", 11, 15.0, breakdown_value="female", admissions=700, **part),
            row("smr", None, 90, 120.0, breakdown_value="male", admissions=6000, **part),
            row("smr", None, 110, 80.0, breakdown_value="female", admissions=4000, **part),
        ]
    )
    text = text_of(_pdf(rows))
    assert re.search(r"Mannen\s+300\s+30,0\s+60,0\s+3,33\s+2,00", text)
    assert re.search(r"Vrouwen\s+700\s+70,0\s+40,0\s+2,14\s+2,00", text)
    sentence = re.sub(r"\s+", " ", text)
    assert "2,00% van de opnamen, landelijk 2,00%" in sentence and "hoger risico dan gemiddeld" in sentence


def _fonts(reader: PdfReader) -> list[DictionaryObject]:
    """Every font of the pages and of the forms in them."""
    found: dict[int, DictionaryObject] = {}
    seen: set[int] = set()

    def walk(value: Any) -> None:
        if isinstance(value, IndirectObject):
            if value.idnum in seen:
                return
            seen.add(value.idnum)
            value = value.get_object()
        if isinstance(value, dict):
            if value.get("/Type") == "/FontDescriptor":
                found[id(value)] = value  # type: ignore[assignment]
            for key, each in value.items():
                if key != "/Parent":
                    walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk([page.get("/Resources") for page in reader.pages])
    return list(found.values())


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_pdf_is_tagged_with_bookmarks_language_title_and_embedded_fonts(language: str) -> None:
    pdf = _made(3, language, everything=True)
    reader = PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == language and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert reader.metadata is not None and str(reader.metadata.title).endswith("– Ziekenhuis De Duinen")
    assert reader.metadata["/CreationDate"].startswith("D:20221231")
    fonts = _fonts(reader)
    assert len(fonts) >= 3 and all({"/FontFile", "/FontFile2", "/FontFile3"} & font.keys() for font in fonts)
    assert b"/Subtype/Image" not in pdf.replace(b" ", b"")
    numbered = "van" if language == "nl" else "of"
    assert f"2 {numbered} {len(reader.pages)}" in reader.pages[1].extract_text()
    assert len(_titles(pdf)) == 9


def test_the_same_content_gives_the_same_bytes_in_another_process_too() -> None:
    program = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}, {str(Path(__file__).parent)!r}]
import hashlib
from hospital_reports import followed, mortality_rows
from test_hsmr_report import _pdf, EVERYTHING
print(hashlib.sha256(_pdf(mortality_rows(3), **EVERYTHING)).hexdigest())
"""
    first = hashlib.sha256(_made(3, "nl", everything=True)).hexdigest()
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == first
    shuffled = mortality_rows(3).sample(frac=1.0, random_state=1)
    assert hashlib.sha256(_pdf(shuffled, **EVERYTHING)).hexdigest() == first, "the order of the rows"


def test_the_lists_of_the_run_name_the_groups() -> None:
    assert len(references().diagnosis_groups.rows) == 285
    text = plain_text_of(_pdf(mortality_rows(48)))
    assert "Acuut hartinfarct" in text and "Acute myocardial infarction" not in text

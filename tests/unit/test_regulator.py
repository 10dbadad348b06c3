"""Files for the NZa and the IGJ: the layout, the checks, and that what is written is read back as it was."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from lbz_indicators.errors import DeliveryError, ModelError, SettingsError
from lbz_indicators.publish.eligibility import Duty
from lbz_indicators.publish.igj import IGJ, NO_FIGURE, IgjHospital, igj_faults, igj_rows
from lbz_indicators.publish.igj import SHEET as IGJ_SHEET
from lbz_indicators.publish.layout import Field, Kind, Words, described
from lbz_indicators.publish.nza import SHEET, NzaHospital, nza_faults, nza_rows
from lbz_indicators.publish.nza_layout import NZA, PLACE
from lbz_indicators.publish.questions import FIGURES, load_questions, questions_of, read_questions
from lbz_indicators.publish.regulator import (
    as_filed,
    check_rows,
    csv_file,
    read_csv_file,
    require_sound,
    rows_of_cells,
    xlsx_file,
)

GROUPS = {"100": "Acute myocardial infarction", "9": '=HYPERLINK("http://x.nl"), "angina"', "COVID": "COVID-19"}
H01 = NzaHospital("H01", "Ziekenhuis Één", Duty.MUST, 400, True)
EXEMPT = NzaHospital("-H02", "Kliniek; =1+1", Duty.EXEMPT, 3, True)


def _figure(indicator: str, group: str | None, first: int, observed: int, expected: float, **more: Any) -> dict[str, Any]:
    """A row of gold.indicators. Limits by hand for O = 10, E = 8: METHOD section 10 has 4.7954 and 18.3904 at 95%."""
    value = 100 * observed / expected if expected else None
    return {
        "indicator": indicator, "variant": "definitive", "hospital_id": "H01",
        "breakdown": "none" if group is None else "diagnosis_group", "breakdown_value": group,
        "period_start": dt.date(first, 1, 1), "period_end": dt.date(2022, 12, 31), "years_included": list(range(first, 2023)),
        "admissions": 1000, "observed": observed, "expected": expected, "value": value,
        "lower": None if value is None else value * 0.47954, "upper": None if value is None else value * 1.83904,
        "confidence": 0.95 if indicator == "hsmr" else 0.98, "interval_method": "exact_poisson", "significance": "none", **more,
    }  # fmt: skip


FIGURES_OF_H01 = [
    _figure("hsmr", None, 2022, 10, 8.0),
    _figure("hsmr", None, 2020, 33, 30.123456789),
    _figure("smr", "100", 2020, 30, 25.123456),
    _figure("smr", "9", 2020, 3, 5.0),  # below 5 and not suppressed
    _figure("smr", "COVID", 2020, 0, 0.0, significance=None),
    _figure("smr", "100", 2022, 9, 7.0),
    _figure("smr", "9", 2022, 1, 1.0),
    _figure("hsmr", None, 2022, 11, 9.0, variant="provisional"),
    _figure("hsmr", None, 2022, 12, 9.0, hospital_id="H09"),
    {**_figure("smr", "100", 2022, 9, 7.0), "breakdown": "diagnosis_cluster"},
    {**_figure("hsmr", None, 2021, 9, 7.0), "period_end": dt.date(2021, 12, 31)},
]


def _names(rows: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[PLACE[name]] for name in names) for row in rows]


def _nza(hospital: NzaHospital = H01, figures: Any = None) -> list[Any]:
    return nza_rows(hospital, 2023, FIGURES_OF_H01 if figures is None else figures, GROUPS)


CHECK = nza_faults(2023, 60)


def test_the_rows_of_a_hospital() -> None:
    rows = _nza()
    assert _names(
        rows, "indicator", "diagnosis_group", "first_year", "last_year", "observed", "expected", "value", "confidence"
    ) == [
        ("hsmr", None, 2022, 2022, 10, 8.0, 125.0, 0.95),
        ("smr", "9", 2020, 2022, 3, 5.0, 60.0, 0.98),
        ("smr", "100", 2020, 2022, 30, 25.1235, 119.41, 0.98),
        ("smr", "COVID", 2020, 2022, 0, 0.0, None, 0.98),
    ]
    assert _names(rows[:1], "lower", "upper", "exempt", "clinical_deaths") == [(59.94, 229.88, False, 400)]
    assert check_rows(rows, NZA, CHECK) == []


def test_one_year_stands_in_where_there_are_not_three() -> None:
    """A year of the period fails a criterion, or has no admissions, or no three years were run: for all groups."""
    one_year = [("hsmr", None, 2022), ("smr", "9", 2022), ("smr", "100", 2022)]
    names = ("indicator", "diagnosis_group", "first_year")
    assert _names(_nza(replace(H01, three_years=False)), *names) == one_year
    gap = [
        {**f, "years_included": [2020, 2022]} if f["indicator"] == "hsmr" and f["period_start"].year == 2020 else f
        for f in FIGURES_OF_H01
    ]
    assert _names(_nza(figures=gap), *names) == one_year
    assert _names(_nza(figures=[f for f in FIGURES_OF_H01 if f["period_start"].year == 2022]), *names) == one_year
    assert check_rows(_nza(replace(H01, three_years=False)), NZA, CHECK) == []


def test_an_exempt_hospital_has_one_row_without_figures() -> None:
    (row,) = _nza(EXEMPT)
    assert dict(zip(PLACE, row)) == dict.fromkeys(PLACE) | {
        "publication_year": 2023, "hospital_id": "-H02", "hospital_name": "Kliniek; =1+1", "exempt": True, "clinical_deaths": 3,
        "first_year": 2022, "last_year": 2022,
    }  # fmt: skip
    assert check_rows([row], NZA, CHECK) == []


@pytest.mark.parametrize("observed", [0, 1])
def test_hardly_any_death_expected(observed: int) -> None:
    """0.00002 deaths expected is 0.0000 in the file, and one death a ratio of five millions."""
    figures = [*FIGURES_OF_H01, _figure("smr", "7", 2020, observed, 0.00002, lower=0.0, upper=9e7)]
    rows = _nza(figures=figures)
    assert _names(rows, "diagnosis_group", "expected", "value")[1] == ("7", 0.0, observed * 5_000_000.0)
    assert check_rows(rows, NZA, CHECK) == []


def test_a_figure_that_is_not_there_or_twice() -> None:
    with pytest.raises(ModelError, match="no definitive HSMR of 2022"):
        _nza(figures=FIGURES_OF_H01[1:])
    with pytest.raises(ModelError, match="several model versions"):
        _nza(figures=[*FIGURES_OF_H01, FIGURES_OF_H01[0]])
    with pytest.raises(ModelError, match="Nothing was delivered"):
        _nza(replace(H01, duty=Duty.UNKNOWN))


def _changed(place: int, **values: Any) -> list[Any]:
    rows = _nza()
    rows[place] = tuple(values.get(name, rows[place][PLACE[name]]) for name in PLACE)
    return rows


@pytest.mark.parametrize(
    ("place", "values", "fault"),
    [
        (0, {"lower": 125.01}, "not in this order"),
        (0, {"upper": 124.99}, "not in this order"),
        (0, {"value": 125.02, "upper": 300.0}, "not 100 x observed / expected"),
        (0, {"value": 124.98, "lower": 0.0}, "not 100 x observed / expected"),
        (0, {"value": None}, "there together"),
        (3, {"lower": 0.0}, "there together"),
        (0, {"confidence": 0.98}, "confidence"),
        (1, {"confidence": 0.95}, "confidence"),
        (0, {"significance": "higher"}, "significance"),
        (0, {"significance": "lower"}, "significance"),
        (0, {"lower": 100.01}, "significance"),
        (0, {"significance": "Higher"}, "significance is none of"),
        (0, {"observed": 1001}, "more deaths than admissions"),
        (0, {"observed": -1}, "observed is below 0"),
        (0, {"observed": 10.0}, "observed is no whole number"),
        (0, {"expected": float("nan")}, "expected is no number"),
        (0, {"expected": None}, "missing, or more deaths"),
        (0, {"publication_year": 2024}, "another year"),
        (0, {"publication_year": None}, "publication_year is missing"),
        (0, {"first_year": 2020}, "no period that must be published"),
        (1, {"first_year": 2021}, "no period that must be published"),
        (1, {"first_year": 2022}, "several periods"),
        (1, {"diagnosis_group": "100"}, "a diagnosis group twice"),
        (1, {"diagnosis_group": None}, "an SMR has one"),
        (0, {"diagnosis_group": "9", "diagnosis_group_name": "x"}, "an SMR has one"),
        (0, {"indicator": "smr", "diagnosis_group": "7", "diagnosis_group_name": "x", "confidence": 0.98, "first_year": 2020}, "needs one HSMR"),
        (0, {"indicator": None}, "indicator: is missing"),
        (0, {"exempt": True}, "exempt: disagrees"),
        (0, {"clinical_deaths": 59}, "exempt: disagrees"),
        (0, {"exempt": True, "clinical_deaths": 59}, "a row with figures"),
        (1, {"hospital_name": "Another"}, "disagree about name"),
        (0, {"hospital_name": "  "}, "blank"),
        (0, {"hospital_id": 7}, "hospital_id is no text"),
        (0, {"interval_method": "byar"}, "interval_method is none of"),
        (0, {"exempt": "no"}, "exempt is no yes or no"),
    ],
)  # fmt: skip
def test_the_check_finds(place: int, values: dict[str, Any], fault: str) -> None:
    found = check_rows(_changed(place, **values), NZA, CHECK)
    assert any(fault in one for one in found), found
    assert all("Ziekenhuis" not in one for one in found), "no value is told"


def test_the_check_finds_rows_that_are_missing_or_too_many() -> None:
    rows = _nza()
    assert check_rows(rows[1:], NZA, CHECK) == ["row 1: its hospital needs one HSMR and its SMRs"]
    assert check_rows(rows[:1], NZA, CHECK) == ["row 1: its hospital needs one HSMR and its SMRs"]
    assert check_rows([], NZA, CHECK) == ["no row"]
    assert check_rows([rows[0][:-1]], NZA, CHECK) == [f"row 1: {len(NZA) - 1} values, not {len(NZA)}"]
    exempt = _nza(EXEMPT)
    assert check_rows([*exempt, *exempt], NZA, CHECK) == ["row 1: more than one row of an exempt hospital"]
    assert check_rows([*rows, *exempt], NZA, CHECK) == []
    one_year = _nza(replace(H01, three_years=False))
    assert check_rows(one_year[:-1], NZA, CHECK) == [
        "row 1: the deaths of its hospital's SMRs of the year do not add up to those of its HSMR"
    ]
    with pytest.raises(DeliveryError, match=r"needs one HSMR[\s\S]*Nothing was sent"):
        require_sound(rows[1:], NZA, CHECK, "nza.csv")
    require_sound(rows, NZA, CHECK, "nza.csv")


@pytest.mark.parametrize("deaths", [59, 60, 61])
def test_the_exemption_is_checked_at_its_limit(deaths: int) -> None:
    hospital = replace(EXEMPT if deaths < 60 else H01, clinical_deaths=deaths)
    assert check_rows(_nza(hospital), NZA, CHECK) == []
    other = replace(H01 if deaths < 60 else EXEMPT, clinical_deaths=deaths)
    assert any("exempt: disagrees" in fault for fault in check_rows(_nza(other), NZA, CHECK))


def test_the_csv_as_it_is_documented() -> None:
    content = csv_file([*_nza()[:2], *_nza(EXEMPT)], NZA)
    lines = content.decode("utf-8").split("\r\n")
    assert lines == [
        "publication_year,hospital_id,hospital_name,exempt,clinical_deaths,indicator,diagnosis_group,diagnosis_group_name,first_year,"
        "last_year,admissions,observed,expected,value,lower,upper,confidence,interval_method,significance",
        "2023,H01,Ziekenhuis Één,false,400,hsmr,,,2022,2022,1000,10,8.0000,125.00,59.94,229.88,0.95,exact_poisson,none",
        '2023,H01,Ziekenhuis Één,false,400,smr,9,"\'=HYPERLINK(""http://x.nl""), ""angina""",2020,2022,1000,3,5.0000,60.00,28.77,110.34,0.98,'
        "exact_poisson,none",
        "2023,'-H02,Kliniek; '=1+1,true,3,,,,2022,2022,,,,,,,,,",
        "",
    ]
    fields = [field for line in csv.reader(lines[1:-1]) for field in line]
    assert not any(field[:1] in tuple("=+-@") and field for field in fields)


def test_both_files_are_read_back_as_they_were(tmp_path: Path) -> None:
    rows = [*_nza(), *_nza(EXEMPT)]
    assert read_csv_file(csv_file(rows, NZA), NZA, "nza.csv") == rows
    assert check_rows(read_csv_file(b"\xef\xbb\xbf" + csv_file(rows, NZA), NZA, "nza.csv"), NZA, CHECK) == []
    for language in ("nl", "en"):
        content = xlsx_file(rows, NZA, SHEET, language, [], tmp_path)
        assert content == xlsx_file(rows, NZA, SHEET, language, [], tmp_path)
        page = load_workbook(io.BytesIO(content))[SHEET.of(language)]
        cells = [list(row) for row in page.iter_rows(values_only=True)]
        found = rows_of_cells(cells, NZA, language, "nza.xlsx")
        assert found == rows and check_rows(found, NZA, CHECK) == []
        assert page["H3"].data_type == "s", "a name that looks like a formula"


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=()), max_size=20).map(lambda text: text or None),
            st.none() | st.integers(-(10**15), 10**15),
            st.none() | st.floats(-1e9, 1e9).map(lambda x: round(x, 2)),
            st.none() | st.dates(),
            st.none() | st.booleans(),
        ),
        max_size=6,
    )
)
def test_any_row_of_any_kind_is_read_back(rows: list[Any]) -> None:
    words = Words("x", "x")
    fields = [Field(kind.value, kind, words, words, decimals=2 if kind is Kind.DECIMAL else 0) for kind in Kind]
    filed = as_filed(rows, fields)
    # A text of which nothing is seen is an empty field.
    wanted = [tuple(None if value == "" else value for value in row) for row in filed]
    assert read_csv_file(csv_file(filed, fields), fields, "x.csv") == wanted


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda text: text.replace("exempt", "exempted", 1), "line 1"),
        (lambda text: text.replace("false", "nee", 1), "line 2, exempt: no yes or no"),
        (lambda text: text.replace("8.0000", "8,0", 1), "line 2: 20 fields"),
        (lambda text: text.replace("8.0000", "1e3", 1), "line 2, expected: no decimal"),
        (lambda text: text.replace("8.0000", "nan", 1), "line 2, expected: no decimal"),
        (lambda text: text.replace(",1000,", ",1000.0,", 1), "line 2, admissions: no whole"),
        (lambda text: text.replace(",1000,", ",١٠,", 1), "line 2, admissions: no whole"),
    ],
)
def test_a_damaged_file_is_told_by_line_and_column(damage: Any, fault: str) -> None:
    text = csv_file(_nza(), NZA).decode()
    with pytest.raises(DeliveryError, match=fault):
        read_csv_file(damage(text).encode(), NZA, "nza.csv")


def test_no_text_in_utf_8_is_no_file() -> None:
    with pytest.raises(DeliveryError, match="no CSV"):
        read_csv_file("é".encode("latin-1"), NZA, "nza.csv")
    with pytest.raises(DeliveryError, match="other columns"):
        rows_of_cells([["x"]], NZA, "nl", "nza.xlsx")
    with pytest.raises(DeliveryError, match="other columns"):
        rows_of_cells([], NZA, "nl", "nza.xlsx")


PROVISIONAL = _figure(
    "hsmr", None, 2022, 10, 8.0, variant="provisional", national_value=90.0, comparison_value=138.888888, comparison_lower=66.6, comparison_upper=255.4, admissions=1001,
)  # fmt: skip
HOSPITALS = [IgjHospital("H01", "One"), IgjHospital("H02", "Two")]
QUESTIONS = questions_of(load_questions(None), 2022)
CHECK_IGJ = igj_faults(2022, QUESTIONS)


def _igj(figures: Any = (PROVISIONAL,)) -> list[Any]:
    return igj_rows(HOSPITALS, 2022, figures, QUESTIONS, "en")


def test_the_figures_of_the_provisional_round(tmp_path: Path) -> None:
    passed_over = [
        FIGURES_OF_H01[0],
        {**PROVISIONAL, "hospital_id": None},
        {**PROVISIONAL, "hospital_id": "H02", "breakdown": "sex"},
    ]
    rows = _igj([PROVISIONAL, *passed_over])
    answers = {row[5]: row[6] for row in rows if row[1] == "H01"}
    assert answers == {
        "hsmr": 125.0, "hsmr_lower": 59.94, "hsmr_upper": 229.88, "observed_deaths": 10.0, "expected_deaths": 8.0, "admissions": 1001.0,
        "national_hsmr": 90.0, "compared_hsmr": 138.89, "compared_hsmr_lower": 66.6, "compared_hsmr_upper": 255.4,
    }  # fmt: skip
    assert {row[6:] for row in rows if row[1] == "H02"} == {(None, NO_FIGURE, "ours")} and len(rows) == 2 * len(QUESTIONS)
    assert check_rows(rows, IGJ, CHECK_IGJ) == []
    assert read_csv_file(csv_file(rows, IGJ), IGJ, "igj.csv") == rows
    page = load_workbook(io.BytesIO(xlsx_file(rows, IGJ, IGJ_SHEET, "nl", [], tmp_path)))["Voorlopige HSMR"]
    assert rows_of_cells([list(row) for row in page.iter_rows(values_only=True)], IGJ, "nl", "igj.xlsx") == rows
    with pytest.raises(ModelError, match="several model versions"):
        _igj([PROVISIONAL, PROVISIONAL])


@pytest.mark.parametrize(
    ("place", "column", "value", "fault"),
    [
        (0, 0, 2021, "another year"),
        (0, 3, "HSMR-99", "no question of this year"),
        (0, 5, "hsmr_lower", "no question of this year"),
        (0, 6, None, "one of them, not both"),
        (0, 7, NO_FIGURE, "one of them, not both"),
        (0, 6, 59.93, "not in this order"),
        (0, 6, 229.89, "not in this order"),
        (0, 6, -1.0, "answer is below 0"),
        (3, 6, 10.5, "a count is a whole number"),
        (0, 2, "Another", "and one name"),
        (0, 7, "ill", "no_answer_reason is none of"),
        (0, 8, None, "question_source is missing"),
        (0, 8, "igj", "passes for official, or the reverse"),
    ],
)
def test_the_check_of_the_igj_finds(place: int, column: int, value: Any, fault: str) -> None:
    rows = _igj()
    rows[place] = (*rows[place][:column], value, *rows[place][column + 1 :])
    assert any(fault in one for one in check_rows(rows, IGJ, CHECK_IGJ))


def test_every_hospital_answers_every_question() -> None:
    rows = _igj()
    assert check_rows(rows[1:], IGJ, CHECK_IGJ) == ["row 1: its hospital needs every question once, and one name"]
    assert check_rows([*rows, rows[0]], IGJ, CHECK_IGJ) != [] and check_rows([], IGJ, CHECK_IGJ) == ["no row"]


def test_the_shipped_questions_are_ours_and_say_so() -> None:
    assert [question.figure for question in QUESTIONS] == list(FIGURES)
    assert not any(question.official for question in QUESTIONS)
    assert questions_of(load_questions(None), 2030) == QUESTIONS, "until further notice"
    with pytest.raises(SettingsError, match="none of 2015"):
        questions_of(load_questions(None), 2015)


HEADER = "first_year,last_year,question,figure,text_nl,text_en,source\n"


@pytest.mark.parametrize("step", [1, -1])
def test_a_site_puts_the_official_numbers_of_each_year(tmp_path: Path, step: int) -> None:
    """In whatever order the lines stand: a question may be asked anew under another number."""
    table = tmp_path / "questions.csv"
    lines = [
        "2022,,13.1,hsmr,Vraag,Question,igj",
        "2021,2021,14.2a,hsmr,Vraag,Question,igj",
        "2022,,13.2,observed_deaths,V,Q,igj",
    ]
    table.write_text(HEADER + "\n".join(lines[::step]) + "\n", encoding="utf-8")
    found = load_questions(str(table))
    assert [question.number for question in questions_of(found, 2021)] == ["14.2a"]
    assert [question.number for question in questions_of(found, 2023)] == ["13.1", "13.2"][::step] and all(
        q.official for q in found
    )
    rows = igj_rows(HOSPITALS[:1], 2022, [PROVISIONAL], questions_of(found, 2022), "nl")
    assert {row[8] for row in rows} == {"igj"}
    assert [(row[3], row[4], row[6]) for row in rows] == [("13.1", "Vraag", 125.0), ("13.2", "V", 10.0)][::step]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("22,,1,hsmr,V,Q,igj", "line 2, first_year"),
        ("2022,2021,1,hsmr,V,Q,igj", "line 2, last_year"),
        ("2022,,,hsmr,V,Q,igj", "line 2, question"),
        ("2022,,1,ratio,V,Q,igj", "line 2, figure"),
        ("2022,,1,hsmr,,Q,igj", "line 2, text_nl"),
        ("2022,,1,hsmr,V,Q,somebody", "line 2, source"),
        ("2022,,1,hsmr,V,Q,igj\n2023,2024,1,admissions,V,Q,igj", "lines 2 and 3: the same question"),
        ("2022,,1,hsmr,V,Q,igj\n2023,2024,2,hsmr,V,Q,igj", "lines 2 and 3: the same figure"),
        ("", "no question"),
    ],
)
def test_a_fault_refuses_the_table_of_questions(lines: str, fault: str) -> None:
    with pytest.raises(DeliveryError, match=fault):
        read_questions(f"{HEADER}{lines}\n", "questions.csv")


def test_a_table_of_questions_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_questions(str(tmp_path / "none.csv"))


@pytest.mark.parametrize("fields", [NZA, IGJ])
def test_the_layout_is_documented_column_by_column(fields: Any, repository: Path) -> None:
    assert described(fields) in (repository / "docs" / "regulator-files.md").read_text(encoding="utf-8")

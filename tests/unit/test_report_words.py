"""The texts of the reports: both languages say the same things, nothing is missing, and nouns and numbers agree."""

from __future__ import annotations

import csv
import datetime as dt
import re
import string
from importlib import resources
from pathlib import Path

import pytest
from hospital_reports import references, written
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.errors import SettingsError
from lbz_indicators.ingest import rules
from lbz_indicators.population.covariates import SEX, URGENCY
from lbz_indicators.population.exclusions import INCLUDED, Exclusion
from lbz_indicators.publish import report
from lbz_indicators.publish.report.labels import labels_of, translations
from lbz_indicators.publish.report.numerals import NUMERALS
from lbz_indicators.publish.report.summary import died
from lbz_indicators.publish.report.words import LANGUAGES, words

NL, EN = words("nl"), words("en")
PARTS = {"about.what", "about.limits", "about.use", "method.text", "monitoring.text", "glossary.terms"}


def _placeholders(text: object) -> list[str]:
    parts = text if isinstance(text, list) else [text]
    return sorted({name for part in parts for _, name, _, _ in string.Formatter().parse(str(part)) if name is not None})


def test_both_languages_have_the_same_keys_and_say_the_same_values() -> None:
    assert NL.texts.keys() == EN.texts.keys()
    assert {key: _placeholders(NL.texts[key]) for key in NL.texts} == {key: _placeholders(EN.texts[key]) for key in EN.texts}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_text(language: str) -> None:
    """No bare yes or number that YAML takes for another type; a list is a noun of two, of three, or parts of prose."""
    for key, text in words(language).texts.items():
        parts = text if isinstance(text, list) else [text]
        assert all(isinstance(part, str) and part == part.strip() for part in parts), key
        assert all(parts) or key == "mark.none", key
        if isinstance(text, list):
            assert key in PARTS or len(text) == (3 if key == "summary.died" else 2), key
    assert all(text.count(" | ") == 1 for text in words(language).several("glossary.terms"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_quote_of_a_typewriter(language: str) -> None:
    assert not [
        key
        for key, text in words(language).texts.items()
        if re.search(r"['\"`]|\.\.\.| - ", str(text).strip("[]'\"")) and isinstance(text, str)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_may_come_has_a_name(language: str) -> None:
    said = words(language).texts
    codes = [f"reason.{reason.value}" for reason in Exclusion] + [f"reason.{INCLUDED}"]
    codes += [
        f"rule.{rule.value}"
        for kind in vars(rules).values()
        if isinstance(kind, type) and issubclass(kind, str)
        for rule in getattr(kind, "__members__", {}).values()
    ]
    codes += [f"sex.{label}" for label in SEX.labels] + [f"urgency.{label}" for label in URGENCY.labels]
    # The totals delivered, valid and rejected are told in a sentence.
    missing = [code for code in codes if code not in said and not code.endswith((".delivered", ".valid", ".rejected"))]
    assert len(codes) > 40 and not missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_specialties_of_the_synthetic_nation_have_names(language: str) -> None:
    with resources.files("lbz_indicators.conf").joinpath("synthetic", "groups.csv").open(encoding="utf-8") as lines:
        codes = {row["specialty"] for row in csv.DictReader(lines)}
    assert codes and all(f"specialty.{code}" in words(language).texts for code in codes)


def test_every_name_of_the_shipped_list_is_translated_and_stays_its_own() -> None:
    """Two groups with one Dutch name could not be told apart."""
    rows = references().diagnosis_groups.rows
    names = {row["diagnosis_group_label"] for row in rows} | {row["cluster_label"] for row in rows}
    found = translations("nl")
    assert found.keys() == names
    assert all(found.values()) and len(set(found.values())) == len(found)
    assert translations("en") == {}


def test_a_main_diagnosis_has_the_name_of_its_group_and_other_groupings_work() -> None:
    dutch = labels_of(references(), "groups", "nl")
    assert dutch.name("main_diagnosis", "I21") == dutch.name("diagnosis_group", "48") == "Acuut hartinfarct"
    assert dutch.name("diagnosis_cluster", "7") == "Ziekten van hart en bloedvaten"
    assert dutch.cluster_of["48"] == "7"
    assert dutch.name("diagnosis_group", "9999") is None
    assert labels_of(references(), "ccs", "en").name("diagnosis_group", "100") == "Acute myocardial infarction"


def test_nouns_agree_with_their_number() -> None:
    assert [NL.count("noun.admission", n) for n in (0, 1, 2, 1234)] == [
        "0\u00a0opnamen",
        "1\u00a0opname",
        "2\u00a0opnamen",
        "1.234\u00a0opnamen",
    ]
    assert [EN.count("noun.death", n) for n in (0, 1, 12345)] == ["0\u00a0deaths", "1\u00a0death", "12,345\u00a0deaths"]
    assert [died(n, NL) for n in (0, 1, 2)] == ["overleed geen patiënt", "overleed 1 patiënt", "overleden 2 patiënten"]
    assert [died(n, EN) for n in (0, 1, 1500)] == ["no patient died", "1 patient died", "1,500 patients died"]
    assert (NL.noun("noun.differ", 1), NL.noun("noun.differ", 3)) == ("wijkt", "wijken")
    assert (EN.noun("noun.differ", 1), EN.noun("noun.differ", 3)) == ("differs", "differ")


def test_another_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="'fr'") as refused:
        words("fr")
    assert "nl, en" in str(refused.value.mend)


def test_numbers_by_hand() -> None:
    dutch, english = NUMERALS["nl"], NUMERALS["en"]
    assert dutch.decimal(1234.56) == "1.234,6" and english.decimal(1234.56) == "1,234.6"
    assert dutch.decimal(-3.25, 1) == "\u22123,2" and dutch.decimal(-0.01, 1) == "0,0"
    assert dutch.ratio(99.5) == "100" and dutch.ratio(98.5) == "98", "an exact half goes to the even digit"
    assert dutch.ratio(100.4999) == "100" and dutch.ratio(None) == "–"
    assert dutch.ratio_limits(0.0, 1234.4) == "0–1.234" and dutch.percent_limits(14.96, 20.04) == "15,0–20,0"
    assert dutch.ratio_limits(None, 3.0) == "–"
    assert dutch.date(dt.date(2022, 3, 5)) == "5 maart 2022" and english.date(dt.date(2022, 3, 5)) == "5 March 2022"


@given(st.floats(0, 1e7), st.sampled_from([0, 1, 2]), st.sampled_from(LANGUAGES))
def test_rounding_is_that_of_decimal_arithmetic(number: float, places: int, language: str) -> None:
    assert NUMERALS[language].decimal(number, places) == written(number, places, language)


def test_every_key_that_the_code_says_is_there_and_no_other() -> None:
    """Keys put together from parts count as used by their beginning."""
    folder = Path(report.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    spoken = set(re.findall(r'"([a-z_]+\.[a-z_0-9.]+)"', source)) | {
        "and",
        "unknown",
        "age_class",
        "only_years",
        "page_of",
        "contents",
    }
    spoken = {key for key in spoken if not key.startswith(("hatch.", "svg.", "font.", "axes.", "xtick.", "ytick.", "legend."))}
    files = {key for key in spoken if key.endswith((".csv", ".yml", ".typ", ".ttf"))}
    beginnings = {text for text in re.findall(r'f"([a-z_.]+)\{', source) if "." in text}
    beginnings |= {f"{name}." for name in re.findall(r'one_of\("([a-z_]+)"', source)} | {
        "mark.",
        "verdict.",
        "sentence.",
        "against.",
    }
    beginnings |= {"sex.", "urgency.", "specialty.", "groups.", "categories."}
    missing = spoken - files - NL.texts.keys() - {"severity.table", "lbz_indicators.publish.report"}
    unused = {key for key in NL.texts if key not in spoken and not key.startswith(tuple(beginnings))}
    assert not missing and not unused

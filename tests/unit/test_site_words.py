"""The words of the page: both languages say the same, and every text is used."""

from __future__ import annotations

import string
from importlib import resources
from pathlib import Path

import pytest
import yaml

from lbz_indicators.publish import site
from lbz_indicators.publish.site.words import words

FOLDER = Path(str(resources.files("lbz_indicators.publish.site")))
NL, EN = (yaml.safe_load((FOLDER / "texts" / f"{language}.yml").read_text(encoding="utf-8")) for language in ("nl", "en"))


def _values(text: object) -> list[str]:
    parts = text if isinstance(text, list) else [text]
    return sorted({name for part in parts for _, name, _, _ in string.Formatter().parse(str(part)) if name is not None})


def test_both_languages_have_the_same_keys_and_say_the_same_values() -> None:
    assert NL.keys() == EN.keys()
    assert {key: _values(NL[key]) for key in NL} == {key: _values(EN[key]) for key in EN}


def test_no_text_takes_the_place_of_one_of_the_reports() -> None:
    from lbz_indicators.publish.report.words import words as of_reports

    assert not NL.keys() & of_reports("nl").texts.keys()
    assert words("nl").say("mark.higher") == of_reports("nl").say("mark.higher")


@pytest.mark.parametrize("key", sorted(NL))
def test_every_text_is_used(key: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(site.__file__).parent.glob("*.py")).replace("'", '"')
    first, _, rest = key.rpartition(".")
    assert (
        f'"{key}"' in code
        or f'"{first}.{{' in code
        or f'"{{kind}}.{rest}"' in code
        or f'"{first}.{rest.rsplit("_")[0]}_{{' in code
    )

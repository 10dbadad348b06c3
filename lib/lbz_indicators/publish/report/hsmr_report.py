"""The HSMR report of a hospital: its chapters in order, those without content left out."""

from __future__ import annotations

from lbz_indicators.publish.report.blocks import Document
from lbz_indicators.publish.report.content import Hospital, HsmrContent
from lbz_indicators.publish.report.explained import about, glossary, method
from lbz_indicators.publish.report.monitored import monitored
from lbz_indicators.publish.report.parts import categories, diagnosis_groups
from lbz_indicators.publish.report.phrases import period_text
from lbz_indicators.publish.report.ratios import ratios
from lbz_indicators.publish.report.summary import summary
from lbz_indicators.publish.report.taking_part import taking_part
from lbz_indicators.publish.report.words import Words, words


def hsmr_report(content: HsmrContent, language: str) -> Document:
    """The report as a document; `typeset` makes the PDF of it."""
    said = words(language)
    chapters = (
        summary(content, said),
        about(said),
        method(content, said),
        taking_part(content, said),
        ratios(content, said),
        diagnosis_groups(content, said),
        categories(content, said),
        monitored(content, said),
        glossary(said),
    )
    return Document(
        language=language,
        title=said.say("hsmr.title"),
        subtitle=said.say("hsmr.subtitle", years=period_text(content.smr_periods[0])),
        hospital=hospital_name(content.hospital),
        cover_lines=cover_lines(content.hospital, said),
        running_title=said.say("hsmr.running", year=content.year),
        contents_title=said.say("contents"),
        page_of=said.say("page_of"),
        year=content.year,
        chapters=tuple(chapter for chapter in chapters if chapter is not None),
    )


def hospital_name(hospital: Hospital) -> str:
    """Its name, or its number where the name is blank."""
    return hospital.name.strip() or hospital.hospital_id


def cover_lines(hospital: Hospital, said: Words) -> tuple[str, ...]:
    """What stands at the foot of a cover."""
    return (
        said.say("cover.hospital_id", hospital_id=hospital.hospital_id),
        said.say("cover.confidential"),
        said.say("cover.rounding"),
    )

"""The page as one HTML file: content, plotly, style and script inside, nothing from elsewhere.

A content security policy in its head lets it run its own two scripts, by their hashes, and fetch nothing; so no text that came
with a delivery could run or load anything even if it were not escaped. The same content gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from lbz_indicators.publish.report.figures import DEFINITIVE
from lbz_indicators.publish.report.numerals import ABSENT
from lbz_indicators.publish.report.phrases import period_text
from lbz_indicators.publish.report.words import Words
from lbz_indicators.publish.site.blocks import Block, Section, hospital_blocks, panel_section
from lbz_indicators.publish.site.content import SiteContent
from lbz_indicators.publish.site.escaping import in_html, in_script
from lbz_indicators.publish.site.positions import RATIO_CONVENTION, SHARE_CONVENTION
from lbz_indicators.publish.site.tables import Table
from lbz_indicators.publish.site.words import words

_ASSETS = resources.files("lbz_indicators.publish.site").joinpath("assets")
NATION, HOSPITAL = "nation", "hospital-title"


def site_page(content: SiteContent, language: str) -> str:
    """The page in a language: nl, en."""
    said = words(language)
    sections = [
        *[panel_section(panel, content, said) for panel in content.panels],
        Section(NATION, said.say("nation.title"), hospital_blocks(content, None, said)),
    ]
    charts: dict[str, Any] = {}
    body = [_section(section, charts, said) for section in sections]
    data = {
        "charts": charts,
        "hospitals": [
            {"name": name, "blocks": [_plain(block) for block in hospital_blocks(content, hospital, said)]}
            for hospital, name in content.names.items()
        ],
        "words": {"table": said.say("site.table_of"), "none": said.say("hospital.none")},
    }
    title = said.say("site.title", years=period_text(content.shown.period))
    return "\n".join(
        (
            *_head(title, language),
            *_opening(title, content, sections, said),
            *body,
            *_hospital_section(content, said),
            "</main>",
            f"<footer><p>{in_html(_source(content, said))}</p></footer>",
            f'<script type="application/json" id="site-data">{in_script(data)}</script>',
            f"<script>{_plotly()}</script>",
            f"<script>{_script()}</script>",
            "</body>",
            "</html>",
            "",
        )
    )


def _head(title: str, language: str) -> list[str]:
    scripts = " ".join(f"'sha256-{_digest(text)}'" for text in (_plotly(), _script()))
    allowed = f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:"
    policy = f"{allowed}; base-uri 'none'; form-action 'none'"
    return [
        "<!DOCTYPE html>",
        f'<html lang="{language}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{in_html(title)}</title>",
        f"<style>{_asset('site.css')}</style>",
        "</head>",
        "<body>",
    ]


def _opening(title: str, content: SiteContent, sections: list[Section], said: Words) -> list[str]:
    state = said.say("site.definitive" if content.variant == DEFINITIVE else "site.provisional")
    lead = said.say("site.lead", hospitals=said.count("noun.hospital", len(content.names)), state=state)
    links = [(section.name, section.title) for section in sections] + [(HOSPITAL, said.say("hospital.title"))]
    hidden = [said.say("site.suppression", mark=f"“{said.say('site.suppressed')}”")]
    if content.left_out:
        hidden.append(said.say("site.left_out", hospitals=said.count("noun.hospital", content.left_out)))
    return [
        f'<a class="skip" href="#main">{in_html(said.say("site.skip"))}</a>',
        "<header>",
        f"<h1>{in_html(title)}</h1>",
        f"<p>{in_html(lead)}</p>",
        f'<nav aria-label="{in_html(said.say("site.contents"))}"><ul>',
        *[f'<li><a href="#{name}">{in_html(text)}</a></li>' for name, text in links],
        "</ul></nav>",
        f"<noscript><p>{in_html(said.say('site.noscript'))}</p></noscript>",
        "</header>",
        '<main id="main">',
        f"<h2>{in_html(said.say('site.read_title'))}</h2>",
        *[f"<p>{in_html(text)}</p>" for text in said.several("site.read")],
        f"<h3>{in_html(said.say('site.suppression_title'))}</h3>",
        *[f"<p>{in_html(text)}</p>" for text in hidden],
    ]


def _section(section: Section, charts: dict[str, Any], said: Words) -> str:
    """A section as HTML; its charts are added to `charts`."""
    parts = [f'<section aria-labelledby="{section.name}">', f'<h2 id="{section.name}">{in_html(section.title)}</h2>']
    for number, block in enumerate(section.blocks):
        if block.text is not None:
            parts.append(f"<p>{in_html(block.text)}</p>")
        if block.chart is not None:
            name = f"{section.name}-{number}"
            charts[name] = block.chart
            kind = " data-funnel" if block.is_funnel else ""
            parts.append(
                f"<figure><figcaption>{in_html(block.caption)}</figcaption>"
                f'<div class="chart" role="img" aria-label="{in_html(block.alt)}" data-chart="{name}"{kind}></div></figure>'
            )
        if block.table is not None:
            table = _table(block.table)
            summary = f"<summary>{in_html(said.say('site.table_of'))}</summary>"
            parts.append(table if block.chart is None else f"<details>{summary}{table}</details>")
    return "\n".join((*parts, "</section>"))


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{in_html(text)}</th>' for text in table.head)
    rows = []
    for number, (name, *cells) in enumerate(table.rows):
        kind = ' class="strong"' if number in table.strong else ""
        rest = "".join(f"<td>{in_html(text)}</td>" for text in cells)
        rows.append(f'<tr{kind}><th scope="row">{in_html(name)}</th>{rest}</tr>')
    caption = in_html(table.caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _hospital_section(content: SiteContent, said: Words) -> list[str]:
    choices = [f'<option value="{place}">{in_html(name)}</option>' for place, name in enumerate(content.names.values())]
    none = in_html(said.say("hospital.none"))
    return [
        f'<section aria-labelledby="{HOSPITAL}">',
        f'<h2 id="{HOSPITAL}" tabindex="-1">{in_html(said.say("hospital.title"))}</h2>',
        f'<label for="hospital">{in_html(said.say("hospital.choose"))}</label>',
        f'<select id="hospital" autocomplete="off"><option value="">{ABSENT}</option>{"".join(choices)}</select>',
        f'<div id="hospital-page" aria-live="polite"><p>{none}</p></div>',
        "</section>",
    ]


def _source(content: SiteContent, said: Words) -> str:
    convention = f"{RATIO_CONVENTION}, {SHARE_CONVENTION}"
    return said.say("site.source", versions=", ".join(content.versions), convention=convention)


def _plain(block: Block) -> dict[str, Any]:
    """A block as the page's script reads it."""
    found: dict[str, Any] = {}
    if block.text is not None:
        found["text"] = block.text
    if block.chart is not None:
        found |= {"chart": block.chart, "caption": block.caption, "alt": block.alt}
    if block.table is not None:
        table = block.table
        found["table"] = {"caption": table.caption, "head": table.head, "rows": table.rows, "strong": sorted(table.strong)}
    return found


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _asset(name: str) -> str:
    return _ASSETS.joinpath(name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    return _asset("site.js")


@cache
def _plotly() -> str:
    """plotly.js as its Python package brings it along, MIT licence in its head."""
    from plotly.offline import get_plotlyjs

    text = str(get_plotlyjs())
    if "</script" in text.lower() or "<!--" in text or "\r" in text:
        # What ends a script or changes how it is read would need other escaping than this version does.
        raise ValueError("this version of plotly.js cannot stand in a page as it is")
    return text

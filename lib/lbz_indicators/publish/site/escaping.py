"""Delivered text on its way into the page: it is shown as it is, and never read as markup, script or a link."""

from __future__ import annotations

import html
import json

_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def in_html(text: str) -> str:
    """A text within an element or a quoted attribute."""
    return html.escape(text, quote=True)


def in_chart(text: str) -> str:
    """A text of a chart: plotly reads <b>, <a href> and the like in each, and $...$ where a formula engine is there."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def in_script(value: object) -> str:
    """A plain value as JSON within a <script>, which no text in it can end."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_IN_SCRIPT)

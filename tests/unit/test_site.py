"""The page of the nation: what everyone reads in it, and what nobody can."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import ROUND_HALF_EVEN, Decimal
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from count_attack import computed
from hospital_reports import HOSTILE, labels
from nation_site import GROUPS, YEARS, draw_deaths, expect_deaths, month_rows, nation_content, nation_rows
from plotly.graph_objects import Figure as PlotlyFigure

from lbz_indicators.errors import StorageError
from lbz_indicators.publish.report.figures import HSMR, NONE, Key, Period
from lbz_indicators.publish.site.content import SiteContent
from lbz_indicators.publish.site.from_gold import site_content
from lbz_indicators.publish.site.page import site_page

HOSTILE_NAMES = {
    "H1": "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
    "H2": f"{HOSTILE} <a href='https://example.org/x'>a</a> $x^2$ %{{y}}",
    "H3": "'\"><svg onload=alert(3)>\u2028\u202e",
    "H4": "",
}
HIDDEN = "niet getoond"


class Reader(HTMLParser):
    """Elements with their attributes, the text of scripts, options and cells, as a browser would take them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.options: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif tag in ("script", "option"):
            self._open = self.scripts if tag == "script" else self.options
            self._open.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "option"):
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[-1] += data
        elif self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data

    @property
    def data(self) -> Any:
        """What the page's script reads."""
        return json.loads(self.scripts[0])


@pytest.fixture(scope="module")
def large() -> SiteContent:
    return nation_content(draw_deaths(14, 60.0), expected=expect_deaths(14, 60.0))


@pytest.fixture(scope="module")
def page(large: SiteContent) -> str:
    return site_page(large, "nl")


def test_delivered_text_is_text_wherever_it_stands() -> None:
    deaths = {name: counts for name, counts in zip(HOSTILE_NAMES, draw_deaths(4, 50.0).values())}
    made = site_page(nation_content(deaths, HOSTILE_NAMES), "nl")
    read = Reader(made)
    plain = {name: counts for name, counts in zip(HOSTILE_NAMES, draw_deaths(4, 50.0).values())}
    usual = Reader(site_page(nation_content(plain, dict.fromkeys(HOSTILE_NAMES, "x")), "nl"))
    assert sorted(tag for tag, _ in read.elements) == sorted(tag for tag, _ in usual.elements)
    assert all(not name.startswith("on") for _, attributes in read.elements for name in attributes)
    shown = {name for name in read.options if name != "–"}
    assert any(name.startswith("</script><script>alert(1)") for name in shown)
    assert "H4" in shown
    assert [hospital["name"] for hospital in read.data["hospitals"]] == [name for name in read.options if name != "–"]
    assert not any(mark in name for name in shown for mark in "\u2028\u202e")


def test_texts_of_charts_hold_no_markup_of_names() -> None:
    """plotly reads <b>, <a href> in every text: the names are escaped, and only our own line ends are left."""
    read = Reader(site_page(nation_content(dict(zip(HOSTILE_NAMES, draw_deaths(4, 50.0).values())), HOSTILE_NAMES), "en"))
    texts = _texts(read.data["charts"])
    assert any("&lt;/script&gt;" in text for text in texts) and any("&#36;x^2&#36;" in text for text in texts)
    for text in texts:
        assert "<" not in text.replace("<br>", "") and "$" not in text


def _texts(value: Any, key: str = "") -> list[str]:
    """Every text within hovertext and ticktext, where names of hospitals stand."""
    if isinstance(value, dict):
        return [text for name, part in value.items() for text in _texts(part, name)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part, key)]
    return [value] if isinstance(value, str) and key in ("hovertext", "ticktext") else []


def test_the_page_asks_nothing_of_others(page: str) -> None:
    read = Reader(page)
    for tag, attributes in read.elements:
        assert "src" not in attributes and tag not in ("link", "iframe", "img", "base", "object", "form")
        assert (attributes.get("href") or "#").startswith("#")
    own = page.replace(read.scripts[1], "")
    assert "://" not in own and not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|WebSocket", own)


def test_only_the_two_scripts_of_the_page_may_run(page: str) -> None:
    read = Reader(page)
    policy = next(a["content"] for tag, a in read.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    allowed = re.findall(r"'sha256-([^']+)'", policy or "")
    assert "default-src 'none'" in str(policy) and "script-src 'sha256-" in str(policy) and "connect-src" not in str(policy)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in read.scripts[1:]]
    assert len(read.scripts) == 3 and allowed == digests


@pytest.mark.parametrize("language", ["nl", "en"])
def test_plotly_knows_every_property_of_the_charts(large: SiteContent, language: str) -> None:
    data = Reader(site_page(large, language)).data
    charts = [
        *data["charts"].values(),
        *[block["chart"] for h in data["hospitals"][:2] for block in h["blocks"] if "chart" in block],
    ]
    assert len(charts) > 8
    for chart in charts:
        PlotlyFigure(chart, skip_invalid=False)


def test_every_chart_has_a_table_or_stands_below_one(page: str) -> None:
    read = Reader(page)
    blocks = [block for hospital in read.data["hospitals"] for block in hospital["blocks"]]
    assert all("table" in block or block["caption"].endswith("per jaar") for block in blocks if "chart" in block)
    assert all("table" in hospital["blocks"][0] for hospital in read.data["hospitals"])
    kinds = [tag for tag, attributes in read.elements if tag == "details" or "data-chart" in attributes]
    assert kinds.count("details") >= kinds.count("div") - 2
    assert all(attributes.get("aria-label") for _, attributes in read.elements if attributes.get("role") in ("img", "region"))


def test_the_tables_hold_the_figures_rounded_by_decimal_arithmetic(page: str) -> None:
    rows = nation_rows(draw_deaths(14, 60.0), expect_deaths(14, 60.0))
    kept = rows[
        (rows.indicator == "hsmr") & (rows.breakdown == "none") & (rows.period_start == pd.Timestamp("2020-01-01").date())
    ]
    kept = kept[kept.period_end == pd.Timestamp("2022-12-31").date()]
    kept = kept.set_index(kept.hospital_id.fillna("nation"))
    table = Reader(page).tables[0]
    assert len(table) == 16

    def text(value: float, places: str = "1") -> str:
        rounded = Decimal(value).quantize(Decimal(places), ROUND_HALF_EVEN)
        return f"{rounded:,}".translate(str.maketrans(",.", ".,"))

    for name, admissions, observed, expected, ratio, limits, *_ in table[1:]:
        figure = kept.loc["nation" if name == "Landelijk" else name.removeprefix("Ziekenhuis ")]
        assert (admissions, observed) == (text(int(figure.admissions)), text(int(figure.observed)))
        assert (expected, ratio) == (text(figure.expected, "0.1"), text(figure.value))
        assert limits == f"{text(figure.lower)}–{text(figure.upper)}"


def _shown(made: str, hospitals: list[str]) -> tuple[Any, Any]:
    """Masks of what the page does not show: quarters, years, period by hospital; groups, clusters, period by hospital."""
    read = Reader(made)
    blocks = [*[hospital["blocks"] for hospital in read.data["hospitals"]]]
    by_name = {hospital["name"].removeprefix("Ziekenhuis "): part for hospital, part in zip(read.data["hospitals"], blocks)}
    tables = {name: [block["table"]["rows"] for block in part if "table" in block] for name, part in by_name.items()}
    of_nation = [table[1:] for table in read.tables if table[0][0] in ("Indicator", "Kwartaal", "Diagnosegroep")]
    names = labels("nl").names
    groups = [names["diagnosis_group"][group] for group in GROUPS]
    clusters = list(dict.fromkeys(names["diagnosis_cluster"][labels("nl").cluster_of[group]] for group in GROUPS))
    times, parts = [], []
    for found in [*[tables.get(name, []) for name in hospitals], of_nation]:
        rows = [row for table in found for row in table]
        numbers = {row[0]: row[1] for row in rows if row[0] != "HSMR"}
        spans = {row[1] for row in rows if row[0] == "HSMR"}
        quarters = [f"{year}, kwartaal {number}" for year in YEARS for number in (1, 2, 3, 4)]
        whole = "2020–2022" not in spans
        times.append([numbers.get(q, HIDDEN) == HIDDEN for q in quarters] + [str(year) not in spans for year in YEARS] + [whole])
        parts.append([numbers.get(name, HIDDEN) == HIDDEN for name in (*groups, *clusters)] + [whole])
    return np.array(times), np.array(parts)


@pytest.mark.parametrize(("seed", "left_out"), [(1, []), (3, ["H2"]), (4, ["H1", "H3"])])
def test_no_small_number_can_be_computed_from_the_page(seed: int, left_out: list[str]) -> None:
    """The tables of the page and its data are read back, and attacked with all that their totals say."""
    deaths = draw_deaths(6, 9.0, seed)
    made = site_page(nation_content(deaths, left_out=left_out), "nl")
    time = np.array([counts.sum(axis=1) for counts in deaths.values()])
    group = np.array([counts.sum(axis=0) for counts in deaths.values()])
    case = time, [n // 4 for n in range(12)], group, [0, 0, 0, 1, 1]
    hidden = _shown(made, list(deaths))
    assert hidden[0].any() and not hidden[0].all()
    truth = np.concatenate([_with(time, case[1]).ravel(), _with(group, case[3]).ravel()])
    assert not [place for place in computed(case, hidden) if truth[place] < 5]
    everything = np.concatenate([mask.ravel() for mask in hidden])
    assert everything[truth < 5].all()
    own = made.replace(Reader(made).scripts[1], "")
    for name in left_out:
        assert not re.search(rf"\b{name}\b", own)


def _with(counts: Any, clusters: Any) -> Any:
    parts = [counts[:, np.array(clusters) == k].sum(axis=1) for k in range(max(clusters) + 1)]
    rows = np.column_stack([counts, *parts, counts.sum(axis=1)])
    return np.vstack([rows, rows.sum(axis=0)])


def test_what_is_not_shown_leaves_no_trace_in_the_page() -> None:
    """Two nations that differ in hidden counts alone have the same page, byte for byte: also in estimates over all hospitals.

    Of two hospitals the deaths of a quarter of 2020 and of 2022 change places, 2 for 3 and 3 for 2.
    """
    deaths = draw_deaths(14, 60.0)
    expected = expect_deaths(14, 60.0)
    for name in ("H1", "H2"):
        deaths[name] = np.zeros((12, 5), dtype=int)
        deaths[name][4:8, 0] = 30
        expected[name] = np.full((12, 1), 5.0) * np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    other = {name: counts.copy() for name, counts in deaths.items()}
    for nation, (first, second) in ((deaths, (2, 3)), (other, (3, 2))):
        nation["H1"][[0, 8], 0] = first, second
        nation["H2"][[0, 8], 0] = second, first
    pages = [site_page(nation_content(nation, expected=expected), "nl") for nation in (deaths, other)]
    assert "overdispersie ontbreken" in pages[0]
    assert pages[0] == pages[1]


def test_a_left_out_hospital_counts_in_the_nation_only(large: SiteContent) -> None:
    content = nation_content(draw_deaths(14, 60.0), expected=expect_deaths(14, 60.0), left_out=["H5"])
    key = Key(HSMR, "definitive", None, NONE, Period(2022, 2022))
    assert content.shown.figures.rows(key)[0].observed == large.shown.figures.rows(key)[0].observed
    assert "H5" not in content.names and content.left_out == 1
    assert "Van 1\u00a0ziekenhuis worden geen eigen cijfers" in site_page(content, "nl")


def test_figures_that_do_not_add_up_are_refused() -> None:
    rows = nation_rows(draw_deaths(6, 30.0))
    rows.loc[(rows.hospital_id == "H3") & (rows.breakdown == "none") & (rows.indicator == "hsmr"), "observed"] += 1
    with pytest.raises(StorageError, match="add up"):
        site_content(rows, None, {}, labels("nl"), year=2022, variant="definitive")


def test_months_of_other_figures_are_not_shown() -> None:
    deaths = draw_deaths(6, 60.0)
    months = month_rows(deaths)
    months.loc[months.hospital_id == "H3", "observed"] += 1
    content = site_content(nation_rows(deaths), months, {}, labels("nl"), year=2022, variant="definitive")
    assert content.shown.quarters is None
    assert "Minder overleden dan verwacht" not in site_page(content, "nl")


def test_hospitals_of_one_name_are_told_apart() -> None:
    content = nation_content(draw_deaths(4, 60.0), {"H1": "Sint Jan", "H2": "Sint Jan", "H3": "Aa"})
    assert list(content.names.values()) == ["Aa", "H4", "Sint Jan (H1)", "Sint Jan (H2)"]


def test_the_same_content_gives_the_same_page(page: str) -> None:
    again = nation_content(draw_deaths(14, 60.0), expected=expect_deaths(14, 60.0))
    assert site_page(again, "nl") == page

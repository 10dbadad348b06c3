"""The page in headless Chromium: it draws, says nothing on the console, asks nothing of the network, and follows the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Browser, browser
from nation_site import draw_deaths, expect_deaths, nation_content

from lbz_indicators.publish.site.page import site_page

NAMES = {"H1": "</script><script>document.title='run'</script>", "H2": '<b>Vet</b> & "Sint" $x$', "H3": "Ziekenhuis Drie"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("site")
    content = nation_content(draw_deaths(12, 60.0), NAMES, expected=expect_deaths(12, 60.0))
    (folder / "page.html").write_text(site_page(content, "nl"), encoding="utf-8")
    with browser(folder) as page:
        page.open(folder / "page.html")
        yield page


def test_charts_and_tables_are_drawn_in_silence(opened: Browser) -> None:
    assert opened.run("[...document.querySelectorAll('[data-chart]')].every(e => e.querySelector('.main-svg .scatterlayer'))")
    assert opened.run("document.querySelector('[data-funnel]').querySelectorAll('.points path').length") == 12
    assert opened.run("document.querySelectorAll('details table')[0].rows.length") == 14
    assert opened.run("document.documentElement.lang") == "nl"
    assert opened.said == []
    assert [address.partition("?")[0].rpartition("/")[2] for address in opened.asked] == ["page.html"]


def test_names_are_shown_as_they_are(opened: Browser) -> None:
    assert opened.run("document.title").startswith("Ziekenhuissterfte")
    assert opened.run("document.querySelectorAll('.ytick b, .ytick a, .ytick tspan[style*=bold]').length") == 0
    labels = opened.run("[...document.querySelectorAll('.ytick text')].map(e => e.textContent)")
    assert any(label.startswith('<b>Vet</b> & "Sint" $x$') for label in labels)


def test_a_hospital_is_chosen_with_the_keyboard(opened: Browser) -> None:
    opened.run("document.getElementById('hospital').focus()")
    opened.press("ArrowDown", 40)
    opened.settle()
    name = opened.run("document.getElementById('hospital').selectedOptions[0].textContent")
    assert opened.run("document.querySelector('#hospital-page h3').textContent") == name != "–"
    assert opened.run("document.querySelectorAll('#hospital-page table').length") >= 2
    assert opened.run("document.querySelectorAll('#hospital-page .main-svg').length") > 0
    assert opened.run("document.querySelector('[data-funnel]').data.at(-1).x.length") == 1
    assert opened.said == []


def test_a_point_of_the_funnel_chooses_its_hospital(opened: Browser) -> None:
    place = opened.run("""(() => {
        const chart = document.querySelector('[data-funnel]');
        chart.scrollIntoView({ block: 'center' });
        const trace = chart.data.find(one => one.customdata && one.customdata.length);
        const box = chart.getBoundingClientRect(), axes = chart._fullLayout;
        const x = box.left + axes.xaxis._offset + axes.xaxis.d2p(trace.x[0]);
        const y = box.top + axes.yaxis._offset + axes.yaxis.d2p(trace.y[0]);
        return [x, y, trace.customdata[0]];
    })()""")
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        button = "none" if kind == "mouseMoved" else "left"
        opened.call(
            "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button=button, clickCount=int(button == "left")
        )
        opened.settle()
    assert opened.run("document.getElementById('hospital').value") == str(place[2])
    assert opened.run("document.activeElement.id") == "hospital-title"


def test_tables_are_printed(opened: Browser) -> None:
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run("document.querySelectorAll('details:not([open])').length") == 0
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run("document.querySelectorAll('details[open]').length") == 0

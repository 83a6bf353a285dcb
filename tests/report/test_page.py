"""Tests of the page in a browser: what a query looked at shows, what is copied and saved, who can read and reach it."""

import json
import re

import pytest

from irkit.evaluate.board import as_result
from irkit.evaluate.looks import looks
from irkit.learn.drawing import Curve, curves
from irkit.report import html
from irkit.report.publish import csv, latex, markdown
from irkit.report.view import view
from tests.report.chromium import Browser, chromium
from tests.report.test_browser import choose
from tests.report.test_html import found_in_many
from tests.report.toy import tiny_result, tiny_system, toy_result

pytestmark = pytest.mark.browser

SIZES = pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, False), (1280, True)])


def seen_result():
    """Return a result with everything that a page shows: what was found, learning curves, a best possible error."""
    found = toy_result(systems=4, queries=12)
    for number, system in enumerate(found["boards"][0]["systems"][:2]):
        line = Curve("loss", *map(np_array, ([1, 2, 3], [3.0 + number, 2.0, 1.5])))
        drawing = curves({"training loss": [line]}, "epoch", (312, 110))
        system["figures"] = [
            {"name": "learning curve", "caption": "Loss.", "media": "image/svg+xml", "content": drawing}
        ]
    result = as_result(found, who="toy")
    board = result.boards[0]
    board.measures[0] = board.measures[0].model_copy(update={"possible": 0.9})
    values = {row.name: row.values["AP"] for row in board.rows}
    qids = list(next(iter(values.values())))
    first = {name: {qid: [f"d{(n + i) % 25}" for i in range(20)] for qid in qids} for n, name in enumerate(values)}
    texts = {qid: f"floods near river number {qid}" for qid in qids}
    labels = {qid: {"d0": 1, "d1": 0} for qid in qids}
    board.looks = looks(
        first,
        values,
        "bm25",
        texts,
        labels,
        lambda names: [f"{name}: the floods came <b>at night</b>" for name in names],
        lambda system, qid, docno: f"{system}\n  1.5  1 x flood",
    )
    return result


def np_array(values):
    import numpy as np

    return np.array(values, dtype=np.float64)


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome on PATH")
    with Browser(path) as browser:
        yield browser


@pytest.fixture
def quiet(browser):
    """The browser; afterwards it must have had nothing to complain about."""
    browser.problems.clear()
    yield browser
    assert browser.problems == []


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(html(seen_result()), encoding="utf-8")
    return path


def text(browser, selector):
    found = browser.js(f"document.querySelector({json.dumps(selector)}).innerText")
    return re.sub("[\u2068\u2069]", "", found)  # what keeps a name apart from what is around it


def test_a_bar_shows_the_query_s_text_and_the_documents_that_moved(quiet, page):
    quiet.open(page)
    quiet.js("document.querySelector('#board-1 .plot svg').focus()")
    quiet.key("End")
    tip = text(quiet, "#board-1 .tip").split("\n")
    assert tip[1] == f"floods near river number {tip[0].removeprefix('Query ')}"
    quiet.key("Enter", "\r")
    assert text(quiet, "#board-1 .look h4") == tip[0]
    assert text(quiet, "#board-1 .look .asked") == tip[1]
    choose(quiet, 1, "ql-dirichlet")
    choose(quiet, 2, "bm25")
    assert text(quiet, "#board-1 .look h4") == tip[0]  # it stays what is looked at
    heads = quiet.js("[...document.querySelectorAll('#board-1 .moved .head')].map(h => h.innerText)")
    assert [" ".join(head.split()) for head in heads] == [
        "↓ d0 place 1 → below 20 relevant (1)",
        "↑ d1 place 2 → place 1 not relevant",
        "↑ d20 below 20 → place 20 not judged",
        "↑ d2 place 3 → place 2 not judged",
    ]
    passage = text(quiet, "#board-1 .moved .passage")
    assert passage == "d0: the floods came <b>at night</b>"
    assert text(quiet, "#board-1 .moved mark") == "floods"
    assert "1.5  1 x flood" in quiet.js("document.querySelector('#board-1 .trails pre').textContent")
    quiet.click("#board-1 .extremes button")
    assert text(quiet, "#board-1 .look h4") != tip[0]


def test_a_page_of_a_kept_result_has_no_texts_and_says_where_they_are(quiet, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html(seen_result().plain()), encoding="utf-8")
    quiet.open(path)
    assert quiet.js("document.querySelector('#board-1 .look').hidden")
    quiet.click("#board-1 .extremes button")
    assert "a kept result has none" in text(quiet, "#board-1 .look")


def test_the_table_is_copied_as_it_is_published(quiet, page):
    quiet.open(page)
    quiet.js("Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => (window.got = text)}})")
    board = view(seen_result()).boards[0]
    for number, written in enumerate((latex, csv, markdown)):
        quiet.click("#board-1 .copies .copy", number)
        assert quiet.js("window.got") == written(board)


def test_charts_are_saved_as_pictures_that_stand_alone(quiet, page):
    quiet.open(page, dark=True)
    quiet.js("URL.createObjectURL = blob => { window.blob = blob; return 'blob:none' }")
    quiet.js("HTMLAnchorElement.prototype.click = function () { window.file = this.download }")
    for number, name in enumerate(("query-by-query", "cost", "learning")):
        quiet.click("#board-1 .save", 2 * number)
        assert quiet.js("window.file") == f"lee-{name}.svg"
        drawing = quiet.js("window.blob.text()")
        assert drawing.startswith("<svg xmlns=")
        assert 'fill="#ffffff"' in drawing  # on white, whatever the screen
        assert "var(" not in drawing
        assert "class=" not in drawing
        quiet.js("window.blob = null")
        quiet.click("#board-1 .save", 2 * number + 1)
        start = "(async () => { while (!window.blob) await new Promise(r => setTimeout(r, 20));"
        bytes_ = quiet.js(start + "return [...new Uint8Array(await window.blob.arrayBuffer()).slice(0, 4)] })()")
        assert bytes(bytes_) == b"\x89PNG"


def test_learning_curves_share_their_axes(quiet, page):
    quiet.open(page)
    assert quiet.js("document.querySelectorAll('#board-1 .plot path.curve').length") == 2
    names = quiet.js("[...document.querySelectorAll('#board-1 .keys li')].map(l => l.textContent)")
    assert sorted(names) == ["bm25", "ql-dirichlet"]
    ticks = quiet.js("[...document.querySelectorAll('#board-1 .chart:last-child .plot text')].map(t => t.textContent)")
    assert {"training loss", "epoch", "1.5", "4.0"} <= set(ticks)  # from the lowest of all to the highest
    assert quiet.js("document.querySelectorAll('#board-1 .gallery').length") == 0


def test_the_best_possible_value_is_a_line_of_its_measure_alone(quiet, page):
    quiet.open(page)
    assert quiet.js("document.querySelectorAll('#board-1 .plot .possible').length") == 1
    assert "best possible 0.9000" in quiet.js("document.querySelector('#board-1 .plot .possible-name').textContent")
    choose(quiet, 3, "nDCG@10")
    assert quiet.js("document.querySelectorAll('#board-1 .plot .possible').length") == 0


@SIZES
def test_nothing_overflows_and_every_target_has_24_pixels(quiet, page, width, dark):
    quiet.open(page, width=width, dark=dark)
    quiet.js("document.querySelectorAll('summary').forEach(one => one.click())")
    quiet.click("#board-1 .toggle")
    assert quiet.js("document.documentElement.scrollWidth") == width
    small = quiet.js(
        "[...document.querySelectorAll('button, summary, a[href], select, input')].filter(e => e.checkVisibility())"
        ".map(e => [e.className || e.tagName, e.getBoundingClientRect()])"
        ".filter(([, b]) => b.width < 24 || b.height < 24)"
        ".map(([name, b]) => `${name} ${b.width} x ${b.height}`)"
    )
    assert small == []


def test_a_table_that_goes_on_says_so_until_its_end(quiet, page):
    quiet.open(page, width=390)
    shown = "getComputedStyle(document.querySelector('#board-1 .sideways')).display"
    assert quiet.js(shown) == "block"
    left = "document.querySelector('#board-1 tbody .name').getBoundingClientRect().left"
    before = quiet.js(left)
    quiet.js("(s => s.scrollLeft = s.scrollWidth)(document.querySelector('#board-1 .scroll'))")
    quiet.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert quiet.js(shown) == "none"
    assert quiet.js(left) == before  # names stay


CONTRASTS = """(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest('script, option')) continue;
    const style = getComputedStyle(node);
    const ink = rgb(node.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) out.push([node.className.baseVal || node.className || node.tagName, ratio.toFixed(2)]);
  }
  return out;
})()"""


@SIZES
def test_every_text_stands_out_from_what_is_behind_it(quiet, page, width, dark):
    quiet.open(page, width=width, dark=dark)
    quiet.js("document.querySelectorAll('summary').forEach(one => one.click())")
    quiet.click("#board-1 .toggle")
    assert quiet.js(CONTRASTS) == []


def test_everything_is_reached_and_seen_by_the_tab_key_alone(quiet, page):
    quiet.open(page)
    quiet.js(
        "(n => document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')"
        ".forEach(e => e.checkVisibility() && (e.dataset.walk = n++)))(0)"
    )
    wanted = set(quiet.js("[...document.querySelectorAll('[data-walk]')].map(e => e.dataset.walk)"))
    assert len(wanted) > 50
    reached, unseen = [], []
    here = "(e => [e.dataset.walk || '', e.matches(':focus-visible') && parseFloat(getComputedStyle(e).outlineWidth)])"
    for _ in range(2 * len(wanted)):
        quiet.key("Tab")
        number, outline = quiet.js(f"{here}(document.activeElement)")
        if number in reached[:1]:
            break
        reached.append(number)
        if number and not (outline and outline >= 2):
            unseen.append(number)
    assert wanted <= set(reached)  # no trap: each press went on
    assert unseen == []


def test_the_keyboard_does_what_the_pointer_does(quiet, page):
    quiet.open(page)
    for selector, state in (
        ("header summary", "document.querySelector('header details').open"),
        ("#board-1 .toggle", "document.querySelector('#board-1 .toggle').getAttribute('aria-expanded') === 'true'"),
        ("#board-1 .extremes button:last-child", "!document.querySelector('#board-1 .look').hidden"),
        ("#board-1 .moved summary", "document.querySelector('#board-1 .moved details').open"),
    ):
        for key, typed in (("Enter", "\r"), (" ", " ")):
            quiet.open(page)
            quiet.js(f"document.querySelector({json.dumps(selector)}).focus()")
            quiet.key(key, typed)
            assert quiet.js(state), (selector, key)


def test_the_front_of_costs_leaves_out_what_is_within_the_noise(quiet, tmp_path):
    flat = [0.5, 0.4, 0.6, 0.5, 0.5, 0.45]
    values = {"cheap": flat, "noise": [0.9, 0.1, 0.7, 0.4, 0.6, 0.5], "good": [v + 0.3 for v in flat], "slow": flat}
    systems = [
        tiny_system(
            name,
            {"AP": {"mean": sum(own) / 6, "low": 0.2, "high": 0.9}},
            ms_per_query=ms,
            per_query={"AP": {str(q): v for q, v in enumerate(own)}},
        )
        for (name, own), ms in zip(values.items(), (1.0, 2.0, 5.0, 9.0), strict=True)
    ]
    result = as_result(tiny_result(*systems), who="toy")
    leads = "[...document.querySelectorAll('.plot .point')].map(p => p.classList.contains('leads'))"
    path = tmp_path / "page.html"
    path.write_text(html(result), encoding="utf-8")
    quiet.open(path)
    assert quiet.js(leads) == [True] * 4  # single runs of queries hold the warm-up of what was run first
    assert quiet.js("document.querySelectorAll('.plot .front').length") == 0
    result.boards[0].timed = "pair"
    path.write_text(html(result), encoding="utf-8")
    quiet.open(path)
    assert quiet.js(leads) == [True, False, True, False]  # noise gains 0.04 that six queries do not show
    result.boards[0].rows[1].milliseconds_range = [0.5, 3.0]
    result.boards[0].rows[0].milliseconds_range = [0.9, 1.4]
    path.write_text(html(result), encoding="utf-8")
    quiet.open(path)
    assert quiet.js(leads) == [True, True, True, False]  # and now nobody is known to be faster either


def test_ten_thousand_queries_with_what_was_found_are_unpacked_by_the_page(quiet, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html(found_in_many(10_000)), encoding="utf-8")
    quiet.open(path)
    quiet.click("#board-1 .extremes button")
    assert quiet.js("document.querySelectorAll('#board-1 .moved li').length") == 4

"""Tests of the HTML report in a real browser: it sorts, filters, unfolds, draws, and complains about nothing."""

import json

import pytest

from irkit.evaluate.board import as_result
from irkit.report import html
from tests.report.chromium import Browser, chromium, png_variety
from tests.report.test_html import hostile_result, many_queries
from tests.report.toy import gallery_result, tiny_result, tiny_system, toy_result

pytestmark = pytest.mark.browser

NAMES = (
    "[...document.querySelectorAll('#board-1 tbody.system')]"
    ".filter(s => !s.hidden).map(s => s.querySelector('bdi').textContent)"
)


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome on PATH")
    with Browser(path) as browser:
        yield browser


@pytest.fixture
def quiet(browser):
    """The browser; afterwards it must have had nothing to complain about and asked for nothing but the page."""
    browser.problems.clear()
    browser.requests.clear()
    yield browser
    assert browser.problems == []
    assert {url.split("#")[0].rsplit("/", 1)[-1] for url in browser.requests} <= {"page.html", "data:,"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "page.html"
    path.write_text(html(toy_result()), encoding="utf-8")
    return path


def expected(key, *, reverse=False):
    """Return the names of the first board in the order of a key."""
    systems = toy_result()["boards"][0]["systems"]
    return [system["name"] for system in sorted(systems, key=key, reverse=reverse)]


def sort_state(browser):
    return browser.js(
        "[...document.querySelectorAll('#board-1 table.systems > thead th')].map(h => h.getAttribute('aria-sort'))"
    )


def test_clicking_a_header_sorts_by_it_and_clicking_again_turns_it_round(quiet, page):
    quiet.open(page)
    assert quiet.js(NAMES) == expected(lambda s: s["measures"]["AP"]["mean"], reverse=True)
    quiet.click("#board-1 .sort", 2)
    assert quiet.js(NAMES) == expected(lambda s: s["measures"]["nDCG@10"]["mean"], reverse=True)
    assert sort_state(quiet) == ["none", "none", "descending", "none", "none", "none"]
    quiet.click("#board-1 .sort", 2)
    assert quiet.js(NAMES) == expected(lambda s: s["measures"]["nDCG@10"]["mean"])
    quiet.click("#board-1 .sort", 4)
    assert quiet.js(NAMES) == expected(lambda s: s["ms_per_query"])
    assert sort_state(quiet) == ["none", "none", "none", "none", "ascending", "none"]


def test_the_keyboard_sorts_too(quiet, page):
    quiet.open(page)
    quiet.js("document.querySelector('#board-1 .sort').focus()")
    quiet.key("Enter", "\r")
    assert quiet.js(NAMES) == expected(lambda s: s["name"])


def test_unknown_values_stay_at_the_end_in_both_directions(quiet, tmp_path):
    result = toy_result()
    result["boards"][0]["systems"][2]["ms_per_query"] = None
    path = tmp_path / "page.html"
    path.write_text(html(result), encoding="utf-8")
    quiet.open(path)
    for _ in range(2):
        quiet.click("#board-1 .sort", 4)
        assert quiet.js(NAMES)[-1] == "ql-jelinek-mercer"


def test_the_filter_hides_rows_and_says_how_many_are_left(quiet, page):
    quiet.open(page)
    quiet.js("document.querySelector('#board-1 .filter').focus()")
    quiet.send("Input.insertText", text="QL smoothing")
    assert sorted(quiet.js(NAMES)) == ["ql-dirichlet", "ql-jelinek-mercer"]
    assert quiet.js("document.querySelector('#board-1 .count').textContent") == "2 of 8 systems"
    assert quiet.js("document.querySelectorAll('#board-2 tbody.system:not([hidden])').length") == 3


def test_a_row_unfolds_its_recipe_and_moves_with_it(quiet, page):
    quiet.open(page)
    quiet.click("#board-1 .toggle", 1)
    shown = "[...document.querySelectorAll('#board-1 .detail')].filter(d => !d.hidden).map(d => d.id)"
    (detail,) = quiet.js(shown)
    button = quiet.js(
        f"(b => [b.textContent, b.getAttribute('aria-expanded')])(document.querySelector('[aria-controls={detail}]'))"
    )
    assert button == [expected(lambda s: -s["measures"]["AP"]["mean"])[1], "true"]
    assert f"irkit run {button[0]} lee" in quiet.js(f"document.getElementById('{detail}').innerText")
    quiet.click("#board-1 .sort", 0)
    assert (
        quiet.js(f"document.getElementById('{detail}').previousElementSibling.querySelector('bdi').textContent")
        == button[0]
    )


def test_the_copy_button_copies_the_command(quiet, page):
    quiet.open(page)
    # The headless browser has no clipboard to grant; what the page hands over is recorded instead.
    quiet.js("Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => (window.got = text)}})")
    quiet.click("header summary")
    quiet.click("header figure .copy")
    assert quiet.js("window.got") == "irkit leaderboard toy"
    assert quiet.js("document.querySelector('header figure .copy').textContent") == "Copied"


def choose(browser, number, name):
    """Choose an option of one of the first board's selects by its start."""
    start = f"o.textContent.replace(/[\\u2068\\u2069]/g, '').startsWith({json.dumps(name)})"
    browser.js(
        f"(s => {{ s.value = [...s.options].find(o => {start}).value;"
        f"s.dispatchEvent(new Event('change')) }})(document.querySelectorAll('#board-1 select')[{number}])"
    )


def test_the_chart_shows_the_differences_between_any_two_systems(quiet, page):
    quiet.open(page)
    bars = "['gain', 'loss'].map(c => document.querySelector('#board-1 .' + c).getAttribute('d'))"
    before = quiet.js(bars)
    values = {s["name"]: s["per_query"] for s in toy_result()["boards"][0]["systems"]}
    for measure, own, other in (("AP", "rrf", "tfidf"), ("P@10", "rfmf", "ql-dirichlet")):
        choose(quiet, 0, measure)
        choose(quiet, 1, own)
        choose(quiet, 2, other)
        by = {q: v - values[other][measure][q] for q, v in values[own][measure].items()}
        gain, loss = quiet.js(bars)
        assert [gain, loss] != before
        assert (gain.count("M"), loss.count("M")) == (sum(v > 0 for v in by.values()), sum(v < 0 for v in by.values()))
        quiet.js("document.querySelector('#board-1 .plot svg').focus()")
        quiet.key("Home")
        top = max(by, key=by.get)
        tip = quiet.js("document.querySelector('#board-1 .tip').innerText").split("\n")
        assert tip[0] == f"Query \u2068{top}\u2069"
        assert tip[-1] == f"+{by[top]:.4f}"
        assert {f"{values[own][measure][top]:.4f}", f"{values[other][measure][top]:.4f}"} <= set(tip)
        before = [gain, loss]


def test_pointing_at_a_bar_shows_its_query(quiet, page):
    quiet.open(page)
    assert quiet.js("document.querySelector('#board-1 .tip').hidden")
    quiet.hover("#board-1 .plot svg", at=(0.999 - 0.005, 0.5))
    assert "Query" in quiet.js("document.querySelector('#board-1 .tip').innerText")
    assert quiet.js("Number(document.querySelector('#board-1 .plot svg').getAttribute('aria-valuenow'))") == 50


def test_effectiveness_is_drawn_against_cost_where_costs_are_known(quiet, page):
    quiet.open(page)
    middle = "(b => b.x + b.width / 2)(p.getBoundingClientRect())"
    xs = quiet.js(f"[...document.querySelectorAll('#board-1 .point')].map(p => {middle})")
    assert len(xs) == 8
    assert xs == sorted(xs)  # they are drawn in order of cost
    labels = quiet.js("[...document.querySelectorAll('#board-1 .label')].map(l => l.textContent)")
    assert "bm25" in labels
    assert len(labels) >= 6
    assert quiet.js("document.querySelectorAll('#board-2 .chart').length") == 1  # no costs, so the differences only
    assert quiet.js("document.querySelectorAll('#board-1 .chart').length") == 2


def test_an_error_s_chart_begins_with_whom_the_system_helps(quiet, tmp_path):
    errors = {"weak": [0.9, 0.4, 0.5], "strong": [0.3, 0.5, 0.4]}
    systems = [
        tiny_system(name, {"RMSE": {"mean": sum(own) / 3}}, per_query={"RMSE": dict(zip("abc", own, strict=True))})
        for name, own in errors.items()
    ]
    path = tmp_path / "page.html"
    path.write_text(html(tiny_result(*systems, measures=("RMSE",), kind="ratings")), encoding="utf-8")
    quiet.open(path)
    quiet.js("document.querySelector('#board-1 .plot svg').focus()")
    quiet.key("Home")
    assert quiet.js("document.querySelector('#board-1 .tip').innerText").split("\n")[0] == "User \u2068a\u2069"
    quiet.key("End")
    assert quiet.js("document.querySelector('#board-1 .tip').innerText").split("\n")[0] == "User \u2068b\u2069"
    words = quiet.js("[...document.querySelectorAll('#board-1 .plot text')].map(t => t.textContent)")
    assert {"3 users, those most helped first", "difference in RMSE (lower is better)"} <= set(words)


def test_what_is_of_all_lists_together_has_a_point_and_no_interval_and_no_bars(quiet, tmp_path):
    nothing = dict.fromkeys(("low", "high", "wins", "ties", "losses"))
    systems = [
        tiny_system(
            name,
            {"Gini@10": {"mean": mean, "delta": 0.5 - mean, **nothing}, "AP": {"mean": mean, "delta": 0.0}},
            per_query={"Gini@10": {}, "AP": {"a": mean, "b": mean + 0.1}},
            ms_per_query=time,
        )
        for name, mean, time in (("popular", 0.5, 1.0), ("ease", 0.25, 2.0))
    ]
    result = as_result(tiny_result(*systems, measures=("Gini@10", "AP")), who="toy").plain()
    result["boards"][0]["measures"][0] |= {"lower": True, "whole": True}
    path = tmp_path / "page.html"
    path.write_text(html(result), encoding="utf-8")
    quiet.open(path)
    selects = "[...document.querySelectorAll('#board-1 select')].map(s => [...s.options].map(o => o.textContent))"
    first, *_, last = quiet.js(selects)
    assert (first, last) == (["AP"], ["Gini@10", "AP"])  # bars of what queries have values of, points of both
    assert quiet.js(NAMES) == ["ease", "popular"]
    assert quiet.js("document.querySelectorAll('#board-1 .point').length") == 2
    quiet.js("[...document.querySelectorAll('#board-1 .plot svg')].at(-1).focus()")
    quiet.key("Home")
    tips = "[...document.querySelectorAll('#board-1 .tip')].at(-1).innerText"
    assert "interval" not in quiet.js(tips)
    assert "Gini@10" in quiet.js(tips)
    cells = "[...document.querySelectorAll('#board-1 tr.detail')][0].querySelector('.tests tbody tr').innerText"
    quiet.js("document.querySelector('#board-1 .toggle').click()")
    assert quiet.js(cells).split("\t") == ["Gini@10", "+0.2500", *"\u2013" * 6]


@pytest.mark.parametrize("width", [360, 1280])
def test_pictures_are_shown_and_fit_the_window(quiet, tmp_path, width):
    path = tmp_path / "page.html"
    path.write_text(html(gallery_result()), encoding="utf-8")
    quiet.open(path, width=width)
    loaded = "[...document.images].map(i => i.complete && i.naturalWidth)"
    assert quiet.js(loaded) == [2, 2, 9, 9, 9, 9]  # no policy keeps them out
    assert quiet.js("document.documentElement.scrollWidth") == width
    quiet.requests = [url for url in quiet.requests if not url.startswith("data:image/")]


def test_hostile_text_is_shown_as_text_and_runs_nowhere(quiet, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html(hostile_result()), encoding="utf-8")
    quiet.open(path)
    for number in range(11):
        quiet.click("#board-1 .toggle", number)
    quiet.hover("#board-1 .plot svg")
    quiet.hover("#board-1 .plot svg", 1)
    assert (
        quiet.js("document.querySelectorAll('img, script:not([id]), [onmouseover], [onerror]').length") == 1
    )  # our script
    assert "<img src=x onerror=alert(1)>" in quiet.js(NAMES)
    assert quiet.js("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_its_window_and_is_not_blank(quiet, page, width, dark):
    quiet.open(page, width=width, dark=dark)
    assert quiet.js("document.documentElement.scrollWidth") == width
    shot = quiet.screenshot()
    seen_width, height, variety = png_variety(shot)
    assert seen_width == width
    assert height > 1500
    assert variety > 0.01
    background = [int(part) for part in quiet.js("getComputedStyle(document.body).backgroundColor")[4:-1].split(",")]
    assert (max(background) < 60) == dark


def test_text_and_marks_stand_out_from_their_background(quiet, page):
    script = """(names => Object.fromEntries(names.map(n => [n,
        getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim()])))
        (['paper', 'wash', 'accent-wash', 'faint', 'ink', 'muted', 'accent', 'other'])"""
    for dark in (False, True):
        quiet.open(page, dark=dark)
        colours = quiet.js(script)
        for ground in ("paper", "wash", "accent-wash"):
            for text in ("ink", "muted", "accent"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (dark, text, ground)
            assert contrast(colours["other"], colours[ground]) >= 3, (dark, ground)
        assert contrast(colours["ink"], colours["faint"]) >= 4.5


def contrast(a, b):
    """Return the contrast ratio of two #rrggbb colours (WCAG 2.1)."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_print_is_black_on_white_even_in_the_dark(quiet, page):
    quiet.open(page, dark=True, media="print")
    assert quiet.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert quiet.js("getComputedStyle(document.querySelector('.tools')).display") == "none"


def test_forty_systems_and_a_thousand_queries_stay_usable(quiet, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html(toy_result(systems=40, queries=1000)), encoding="utf-8")
    quiet.open(path)
    quiet.click("#board-1 .sort", 3)
    spent = quiet.js(
        "(s => { const start = performance.now(); s.value = '5'; s.dispatchEvent(new Event('change'));"
        "document.querySelector('#board-1 .plot svg').getBoundingClientRect(); return performance.now() - start })"
        "(document.querySelectorAll('#board-1 select')[1])"
    )
    assert spent < 500  # milliseconds; usually under 20
    quiet.js("document.querySelector('#board-1 .plot svg').focus()")
    quiet.key("End")
    assert quiet.js("document.querySelector('#board-1 .plot svg').getAttribute('aria-valuenow')") == "1000"


def test_ten_thousand_queries_make_no_more_elements_than_thirty(quiet, tmp_path):
    path, found = tmp_path / "page.html", []
    for queries in (30, 10_000):
        path.write_text(html(many_queries(queries)), encoding="utf-8")
        quiet.open(path)
        bars = "['gain', 'loss'].map(c => document.querySelector('#board-1 .' + c).getAttribute('d').split('M').length)"
        assert sum(quiet.js(bars)) - 2 > queries / 2  # one path for all the bars of a side
        found.append(quiet.js("document.querySelectorAll('*').length"))
    assert abs(found[1] - found[0]) < 100  # marks of differences and of the scales

"""Tests of the page of a running service in a browser: it is typed, clicked, looked at and walked through by keys."""

from __future__ import annotations

import json
import threading
import time

import pytest

pytest.importorskip("uvicorn", reason="needs irkit[serve]")

from irkit.serve.guard import LOCAL, OPEN, Guard
from irkit.serve.keys import Keys
from irkit.serve.library import Library
from irkit.serve.limits import Limits
from irkit.serve.rest import application
from irkit.serve.run import _bound
from irkit.serve.static import page
from irkit.serve.workers import Workers
from tests.report.chromium import Browser, chromium
from tests.report.test_page import CONTRASTS
from tests.report.toy import toy_result

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEY = "k" * 20
SIZES = pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, False), (1280, True)])
TWO = "#/search?q=storm+coast&index=tiny&a=bm25&b=bm25-rm3"
EVIL_ID = '<svg/onload=alert(1)>"&amp;'
EVIL = '<img src=x onerror="document.title=1"><script>document.title=1</script> storm'


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
    browser.open("about:blank")
    browser.problems.clear()
    browser.requests.clear()
    yield browser
    assert browser.problems == []


class Turned:
    """An application that answers questions by 503 while it is busy."""

    def __init__(self, app):
        self.app, self.busy = app, False

    async def __call__(self, scope, receive, send):
        if not (self.busy and scope["path"].startswith("/v1/")):
            await self.app(scope, receive, send)
            return
        head = [(b"retry-after", b"30"), (b"content-type", b"application/problem+json")]
        await send({"type": "http.response.start", "status": 503, "headers": head})
        await send({"type": "http.response.body", "body": b'{"detail": "busy", "request_id": "abc"}'})


@pytest.fixture(scope="module")
def served(folders, tmp_path_factory):
    """Return what serves a library, and gives its address and its application."""
    import uvicorn

    from irkit.documents import Document
    from irkit.evaluate.board import write_results
    from irkit.lucene import build_index

    results = tmp_path_factory.mktemp("results")
    write_results(toy_result(), results / "toy.json")
    fogs = [Document(f"f{number:02}", "fog") for number in range(12)]
    build_index(results / "evil", [Document(EVIL_ID, EVIL), *fogs]).close()
    library = Library.open(
        ["bm25", "bm25-rm3", "ease"],
        [*(f"{name}={folders / name}" for name in ("tiny", "mute")), f"evil={results / 'evil'}"],
        ratings=str(folders / "ratings.csv"),
        boards=results,
    )
    running = []

    def start(keys=None):
        workers = Workers(Limits(workers=1, seconds=60))
        guard = Guard(application(library, workers), workers, keys=keys, hosts=LOCAL, open={*OPEN, *page()})
        app = Turned(guard)
        listener = _bound("127.0.0.1", 0, "tests")
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        running.append((server, thread, workers, listener))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/", app

    yield start
    for server, thread, workers, listener in running:
        server.should_exit = True
        thread.join(30)
        listener.close()
        workers.close(5)
    library.close()


@pytest.fixture(scope="module")
def url(served):
    return served()[0]


def until(browser, condition, limit=20.0):
    """Wait until a condition holds in the page."""
    end = time.monotonic() + limit
    while not browser.js(f"!!({condition})"):
        assert time.monotonic() < end, (condition, browser.js("document.body.innerText"))
        browser.js("new Promise(done => requestAnimationFrame(done))")


def arrive(browser, address, **look):
    """Open an address and wait until it is answered."""
    browser.open("about:blank")  # what differs in its hash alone is not loaded anew
    browser.open(address, **look)
    until(browser, "document.querySelector('#search select option')")
    settled(browser)


def settled(browser):
    until(browser, "!document.querySelector('.answer[aria-busy]')")


def typed(browser, words):
    browser.send("Input.insertText", text=words)


def texts(browser, selector):
    return browser.js(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")


def shown(browser, selector):
    return " ".join(browser.js(f"document.querySelector({json.dumps(selector)}).innerText").split())


def focused(browser, selector):
    return browser.js(f"document.activeElement.matches({json.dumps(selector)})")


def test_a_query_is_typed_and_its_answer_is_that_of_the_service(quiet, url):
    arrive(quiet, url)
    assert texts(quiet, "#search .served dt") == ["bm25", "bm25-rm3"]
    quiet.key("/", "/")
    assert focused(quiet, "#query")
    typed(quiet, "storm coast")
    quiet.key("Enter", "\r")
    until(quiet, "document.querySelector('.hit')")
    assert texts(quiet, ".hit .docno bdi") == ["d3", "d1", "d2"]
    assert texts(quiet, ".hit mark")[:2] == ["storm", "coast"]
    assert quiet.js("location.hash") == "#/search?q=storm+coast&index=tiny&a=bm25"
    assert quiet.js("document.title") == "storm coast · irkit serve"
    assert shown(quiet, "#search [role=status]") == "3 hits by bm25."


def test_two_pipelines_stand_beside_each_other_with_their_differences(quiet, url):
    arrive(quiet, url + "#/search?q=rain&index=tiny&a=bm25&b=bm25-rm3")
    assert texts(quiet, ".list h2") == ["bm25", "bm25-rm3"]
    marks = [" ".join(text.split()) for text in texts(quiet, ".list:nth-child(2) .hit .moved > [aria-hidden]")]
    assert marks[:2] == ["=", "="]
    assert set(marks[2:]) == {"+ only here"}
    assert len(marks) > 2
    assert f"2 in both, 2 of them at the same place; 0 only in bm25, {len(marks) - 2} only in bm25-rm3." in shown(
        quiet, "#search .line"
    )
    quiet.click(".terms summary")
    rows = texts(quiet, ".terms tbody tr th")
    assert rows[0] == "rain"
    assert any(row.endswith(" added") for row in rows)
    quiet.hover(".list .hit a")
    assert quiet.js("document.querySelectorAll('.twin').length") == 2


def test_why_a_hit_has_its_score_by_keys_alone(quiet, url):
    arrive(quiet, url + TWO)
    quiet.js("document.querySelector('.hit a').focus()")
    quiet.key("ArrowDown")
    quiet.key("ArrowRight")
    assert focused(quiet, ".list:nth-child(2) .hit:nth-child(2) a")
    quiet.key("ArrowUp")
    quiet.key("ArrowLeft")
    assert focused(quiet, ".list:nth-child(1) .hit:nth-child(1) a")
    quiet.key("Enter", "\r")
    until(quiet, "document.querySelector('#why[open] .whole')")
    assert shown(quiet, "#why h2") == "d3"
    assert texts(quiet, "#why .trail h3") == ["bm25", "bm25-rm3"]
    assert len(texts(quiet, "#why .trail:nth-child(2) > .steps > .step")) == 3
    assert set(texts(quiet, "#why .trail:nth-child(1) tbody th")) == {"storm", "coast"}
    assert shown(quiet, "#why .whole") == "storm over the coast"
    assert "&doc=d3" in quiet.js("location.hash")
    quiet.key("Escape")
    until(quiet, "!document.querySelector('#why').open && !location.hash.includes('doc')")
    assert focused(quiet, ".list:nth-child(1) .hit:nth-child(1) a")


def test_back_leads_through_what_was_asked_and_a_link_to_why_opens_it(quiet, url):
    arrive(quiet, url + "#/search?q=harbour&index=tiny&a=bm25")
    for query in ("wind", "storm"):
        quiet.js("document.querySelector('#query').select()")
        quiet.js("document.querySelector('#query').focus()")
        typed(quiet, query)
        quiet.click("#search .main")
        until(quiet, f"document.title.startsWith('{query}')")
        settled(quiet)
    quiet.click(".hit a")
    until(quiet, "document.querySelector('#why[open] .whole')")
    link = quiet.js("location.href")
    quiet.js("history.back()")
    until(quiet, "!document.querySelector('#why').open")
    quiet.js("history.back()")
    until(quiet, "document.title.startsWith('wind')")
    settled(quiet)
    assert set(texts(quiet, ".hit .docno bdi")) == {"d2", ".."}
    arrive(quiet, link)
    until(quiet, "document.querySelector('#why[open] .whole')")
    quiet.click("#why .close")
    until(quiet, "!location.hash.includes('doc')")
    assert len(texts(quiet, ".hit")) == 2


def test_recommendations_come_with_why_and_boards_as_they_are_printed(quiet, url):
    arrive(quiet, url)
    quiet.click("nav a", 1)
    until(quiet, "!document.querySelector('#recommend').hidden")
    quiet.click("#user")
    typed(quiet, "u1")
    quiet.key("Enter", "\r")
    until(quiet, "document.querySelector('#recommend .hit')")
    quiet.click("#recommend .hit summary")
    assert len(texts(quiet, "#recommend .hit:first-child tbody tr")) > 2
    quiet.js("location.hash = '#/recommend?model=ease&user=nobody'")
    until(quiet, "document.querySelector('#recommend .notes')")
    assert "nobody" in shown(quiet, "#recommend .notes")
    quiet.click("nav a", 2)
    until(quiet, "document.querySelector('#boards .systems')")
    assert quiet.js("document.querySelectorAll('#boards .baseline').length") == 1
    assert "▲ better" in shown(quiet, "#boards .legend")


def test_what_documents_hold_is_text_and_nothing_is_loaded_from_elsewhere(quiet, url):
    arrive(quiet, url + "#/search?q=storm&index=evil")
    assert texts(quiet, ".hit .docno bdi") == [EVIL_ID]
    assert EVIL in texts(quiet, ".hit .passage")
    quiet.click(".hit a")
    until(quiet, "document.querySelector('#why[open] .whole')")
    assert texts(quiet, "#why .whole") == [EVIL]
    assert quiet.js("document.querySelectorAll('img, main script').length") == 0
    assert quiet.js("document.title") == "storm · irkit serve"
    assert [one for one in quiet.requests if not one.startswith((url, "about:"))] == []


def test_nothing_found_no_texts_and_a_question_out_of_bounds(browser, url):
    browser.problems.clear()
    arrive(browser, url + "#/search?q=zebra&index=tiny")
    assert "Nothing is found" in shown(browser, "#search .empty")
    arrive(browser, url + "#/search?q=storm&index=mute&doc=d1")
    until(browser, "document.querySelector('#why .trail')")
    assert "no text" in shown(browser, "#why .answer > .line")
    assert browser.problems == []
    arrive(browser, url + "#/search?q=storm&index=tiny&k=100000")
    assert shown(browser, "#search .problem").startswith("K")
    browser.problems.clear()


def test_more_hits_go_on_from_the_first_new_one(quiet, url):
    arrive(quiet, url + "#/search?q=fog&index=evil")
    assert len(texts(quiet, ".hit")) == 10
    quiet.js("document.querySelector('.more').focus()")
    quiet.key("Enter", "\r")
    until(quiet, "document.querySelectorAll('.hit').length === 12")
    assert focused(quiet, ".hit:nth-child(11) a")
    assert quiet.js("document.querySelectorAll('.more').length") == 0
    quiet.js("history.back()")
    until(quiet, "document.querySelectorAll('.hit').length === 10")


def test_a_key_is_asked_for_and_kept_in_memory_alone(browser, served):
    url, _ = served(Keys([KEY]))
    browser.open(url + "#/search?q=storm&index=tiny")
    for key, wanted in (("wrong", "not one of"), ("wröng\U0001f600", "not one of"), (KEY, "")):
        until(browser, "document.activeElement.id === 'key' && !document.querySelector('[aria-busy]')")
        assert not browser.js("document.querySelector('#query').checkVisibility()")
        typed(browser, key)
        browser.key("Enter", "\r")
        until(browser, f"document.querySelector('#door').innerText.includes({json.dumps(wanted)})")
    until(browser, "document.querySelector('.hit')")
    assert browser.js("localStorage.length + sessionStorage.length + document.cookie.length") == 0
    assert KEY not in browser.js("location.href + document.documentElement.outerHTML")
    browser.problems.clear()


def test_what_is_typed_before_all_is_there_stays(quiet, url):
    late = """window.asked = []; const before = fetch;
        window.fetch = (...words) => new Promise(done => asked.push(() => done(before(...words))))"""
    number = quiet.send("Page.addScriptToEvaluateOnNewDocument", source=late)["identifier"]
    try:
        quiet.open(url)
        until(quiet, "asked.length === 2")
        quiet.click("#query")
        typed(quiet, "wind")
        quiet.key("Enter", "\r")
        quiet.js("asked.splice(0).forEach(go => go())")
        until(quiet, "document.querySelector('#search .served')")
        assert quiet.js("document.querySelector('#query').value") == "wind"
        quiet.key("Enter", "\r")
        until(quiet, "asked.length === 1")
        assert quiet.js("document.querySelectorAll('.answer[aria-busy]').length") == 1
        quiet.js("asked.splice(0).forEach(go => go())")
        until(quiet, "document.querySelector('.hit')")
    finally:
        quiet.send("Page.removeScriptToEvaluateOnNewDocument", identifier=number)


def test_a_busy_service_is_asked_again(browser, served):
    url, app = served()
    arrive(browser, url)
    app.busy = True
    browser.js("location.hash = '#/search?q=storm&index=tiny'")
    until(browser, "document.querySelector('.problem')")
    assert shown(browser, ".problem") == "The service is busy. It is asked again in 30 s. Ask again Request abc"
    app.busy = False
    browser.click(".problem button")
    until(browser, "document.querySelector('.hit')")
    assert browser.js("document.querySelectorAll('.problem').length") == 0
    browser.problems.clear()


def test_closing_an_explanation_never_leaves_the_page(quiet, url):
    """A link led to it: its list comes next, and whoever goes back to it and closes it again finds the list again."""
    arrive(quiet, url + "#/recommend?model=ease&user=u1")
    arrive(quiet, url + "#/search?q=storm&index=tiny&a=bm25&doc=d1")
    until(quiet, "document.querySelector('#why .trail')")
    for _ in range(2):
        quiet.key("Escape")
        until(quiet, "location.hash === '#/search?q=storm&index=tiny&a=bm25'")
        settled(quiet)
        quiet.js("history.back()")
        until(quiet, "location.hash.endsWith('&doc=d1') && document.querySelector('#why[open] .trail')")
    # From another part and another list it is no different.
    quiet.key("Escape")
    until(quiet, "!location.hash.includes('doc')")
    quiet.js("location.hash = '#/recommend?model=ease&user=u1'")
    until(quiet, "document.querySelector('#recommend .hit')")
    quiet.js("location.hash = '#/search?q=rain&index=tiny&a=bm25&doc=d2'")
    until(quiet, "document.querySelector('#why[open] .trail')")
    quiet.key("Escape")
    until(quiet, "location.hash === '#/search?q=rain&index=tiny&a=bm25'")


def test_one_of_two_pipelines_may_fail(quiet, url):
    arrive(quiet, url)
    quiet.js("""const before = fetch; window.fetch = (where, what) => what?.body?.includes("bm25-rm3")
        ? Promise.resolve(new Response('{"detail": "late"}', { status: 504 })) : before(where, what)""")
    quiet.js(f"location.hash = {TWO!r}")
    until(quiet, "document.querySelector('.problem')")
    assert shown(quiet, ".problem") == "bm25-rm3: The answer took too long and was given up."
    assert texts(quiet, ".hit .docno bdi") == ["d3", "d1", "d2"]
    assert shown(quiet, "#search [role=status]") == "3 hits by bm25."


def test_no_more_is_offered_than_may_be_asked_for(quiet, url):
    less = """(before => window.fetch = async (where, what) => {
        const answer = await before(where, what);
        return where === "pipelines" ? new Response(JSON.stringify({ ...await answer.json(), deepest: 12 })) : answer;
        })(fetch)"""
    number = quiet.send("Page.addScriptToEvaluateOnNewDocument", source=less)["identifier"]
    try:
        arrive(quiet, url + "#/search?q=fog&index=evil&a=bm25")
        assert texts(quiet, "#search .more") == ["Show 2 more"]
        quiet.click("#search .more")
        until(quiet, "document.querySelectorAll('.hit').length === 12")
        assert texts(quiet, "#search .more") == []
    finally:
        quiet.send("Page.removeScriptToEvaluateOnNewDocument", identifier=number)


PLACES = (TWO, TWO + "&doc=d3", "#/recommend?model=ease&user=u1", "#/boards?name=toy", "#/search")


@SIZES
def test_all_parts_fit_stand_out_and_have_targets_of_24_pixels(quiet, url, width, dark):
    for place in PLACES:
        arrive(quiet, url + place, width=width, dark=dark)
        if "doc" in place:
            until(quiet, "document.querySelector('#why .trail')")
        quiet.js("document.querySelectorAll('summary').forEach(one => one.checkVisibility() && one.click())")
        assert quiet.js("document.documentElement.scrollWidth") == width, place
        assert quiet.js("(d => d.scrollWidth <= d.clientWidth)(document.querySelector('#why'))"), place
        small = quiet.js(
            "[...document.querySelectorAll('button, summary, a[href], select, input')].filter(e => e.checkVisibility())"
            ".map(e => [e.className || e.tagName, e.getBoundingClientRect()])"
            ".filter(([, b]) => b.width < 24 || b.height < 24).map(([name, b]) => `${name} ${b.width} x ${b.height}`)"
        )
        assert small == [], place
        assert quiet.js(CONTRASTS) == [], place


def test_on_a_phone_one_list_is_shown_at_a_time(quiet, url):
    arrive(quiet, url + TWO, width=390)
    seen = "[...document.querySelectorAll('.list')].map(e => e.checkVisibility())"
    assert quiet.js(seen) == [True, False]
    quiet.click(".choice button", 1)
    assert quiet.js(seen) == [False, True]
    assert quiet.js("[...document.querySelectorAll('.choice button')].map(e => e.ariaPressed)") == ["false", "true"]


def test_everything_is_reached_and_seen_by_the_tab_key_alone(quiet, url):
    arrive(quiet, url + TWO)
    quiet.js(
        "(n => document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')"
        ".forEach(e => e.checkVisibility() && (e.dataset.walk = n++)))(0)"
    )
    wanted = set(texts_of(quiet))
    assert len(wanted) > 12
    reached, unseen = set(), []
    for _ in range(len(wanted) + 8):
        quiet.key("Tab")
        number, width = quiet.js(
            "(e => [e.dataset.walk || '', e.matches(':focus-visible') && parseFloat(getComputedStyle(e).outlineWidth)])"
            "(document.activeElement)"
        )
        reached.add(number)
        if number and not width >= 2:
            unseen.append(number)
    assert wanted <= reached
    assert unseen == []


def texts_of(browser):
    return browser.js("[...document.querySelectorAll('[data-walk]')].map(e => e.dataset.walk)")

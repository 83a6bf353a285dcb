"""Tests of irkit.serve.static: the files of the page, their headers, their colours; nothing in them from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

pytest.importorskip("fastapi", reason="needs irkit[serve]")

from irkit.serve.guard import OPEN
from irkit.serve.keys import Keys
from irkit.serve.static import KINDS, POLICY, page

KEY = "k" * 20


@pytest.mark.parametrize("address", page())
def test_a_file_is_what_it_is_and_is_asked_for_again_only_when_it_changed(door, address):
    client = door()
    found = client.get(address)
    assert (found.status_code, found.content) == (200, page()[address])
    name = "index.html" if address == "/" else address
    assert found.headers["content-type"] == KINDS[name[name.rindex(".") :]]
    assert found.headers["content-security-policy"] == POLICY
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"] == "no-cache"
    again = client.get(address, headers={"if-none-match": f'"other", W/{found.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", found.headers["etag"])
    assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_page_needs_no_key_but_what_it_asks_does(door):
    client = door(keys=Keys([KEY]), open={*OPEN, *page()})
    assert {client.get(address).status_code for address in page()} == {200}
    assert client.get("/pipelines").status_code == client.get("/page/other.js").status_code == 401
    assert client.get("/pipelines", headers={"authorization": f"Bearer {KEY}"}).status_code == 200


def test_the_page_is_no_part_of_the_description(door):
    assert not {"/", "/page/page.js"} & set(door().get("/openapi.json").json()["paths"])


def test_nothing_is_inline_and_nothing_comes_from_elsewhere():
    for address, content in page().items():
        text = content.decode()
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == [], address
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", text), address
    html = page()["/"].decode()
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]* src=)|\s(style|on\w+)=", html)


def test_every_module_that_is_imported_is_there_and_is_asked_for_early():
    html = page()["/"].decode()
    imported = {
        name
        for address, content in page().items()
        if address.endswith(".js")
        for name in re.findall(r'from "\./(\w+\.js)"', content.decode())
    }
    assert imported == set(re.findall(r'modulepreload" href="page/(\w+\.js)"', html))
    assert {f"/page/{name}" for name in imported} <= set(page())


def test_the_colours_are_those_of_reports():
    board = files("irkit.report").joinpath("board.css").read_text()
    colours = re.compile(r"(--[\w-]+: [^;]+);")
    assert colours.findall(page()["/page/page.css"].decode()) == colours.findall(board)

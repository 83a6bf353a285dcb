"""Tests of `irkit serve` up to the moment at which it serves; tests/serve has the rest."""

from __future__ import annotations

import socket
import sys

import pytest

pytest.importorskip("uvicorn", reason="needs irkit[serve]")

RATINGS = "user,item,rating\nann,a,5\nann,b,3\nbob,b,4\nbob,c,2\n"


def test_a_check_says_what_would_be_served(irkit, folder, small_index):
    (folder / "r.csv").write_text(RATINGS)
    lines = irkit("serve", "bm25", "ease", "--index", f"news={small_index}", "--ratings", "r.csv", "--check").lines
    assert lines == ["index news: 2 documents", "pipelines: bm25", "model ease: 2 users, 3 items"]


def test_a_saved_model_is_served_under_the_name_of_its_file(irkit, folder):
    (folder / "r.csv").write_text(RATINGS)
    irkit("recommend", "r.csv", "--recipe", "ease", "--save", "mine.safetensors")
    assert irkit("serve", "--load", "mine.safetensors", "--check").lines == ["model mine: 2 users, 3 items"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is nothing to serve; name an index with --index, or a recommender"),
        (("--host", "0.0.0.0"), "0.0.0.0 is reached by others; give --keys a file of keys, or --open to let all in"),
        (("--timeout", "0"), "--timeout must be above 0, got 0"),
        (("--timeout", "nan"), "--timeout must be above 0, got nan"),
        (("--workers", "0"), "--workers must be above 0, got 0"),
        (("--port", "65536", "--check"), "serve: --port must be from 0 to 65535, got 65536"),
        (("--index", "lee", "--columns", "user,item"), "serve: --columns is for --ratings; name them, or leave it out"),
        (("--keys", "none"), "none: there is no such file; check the path"),
        (("--boards", "none", "--index", "lee"), "none: there is no such folder"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(irkit, folder, words, message):
    err = irkit("serve", *words, status=2).err
    assert message in err
    assert err.count("\n") == 1


def test_an_address_that_is_taken_is_said(irkit, small_index):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        err = irkit("serve", "--index", small_index, "--port", port, status=2).err
    assert err.splitlines()[-1] == (
        f"irkit: serve: 127.0.0.1:{port} cannot be taken, address already in use; choose another with --port"
    )


def test_an_address_that_is_not_of_this_machine_is_said(irkit, small_index):
    err = irkit("serve", "--index", small_index, "--host", "192.0.2.1", "--open", "--port", "0", status=2).err
    assert err.splitlines()[-1] == (
        "irkit: serve: 192.0.2.1:0 cannot be taken, cannot assign requested address; choose another with --host"
    )


def test_ratings_are_read_as_the_options_say(irkit, folder):
    (folder / "meals.csv").write_text("member,dish,stars\nu1,i1,5\nu1,i2,3\nu2,i1,4\nu2,i1,2\n")
    words = ("serve", "ease", "--ratings", "meals.csv", "--check", "--columns", "user=member,item=dish,rating=stars")
    assert irkit(*words, "--duplicates", "last").out == "model ease: 2 users, 2 items\n"
    assert "meals.csv:5" in irkit(*words, status=2).err


@pytest.mark.parametrize(("package", "module"), [("fastapi", "rest"), ("uvicorn", "run")])
def test_without_the_extra_it_says_how_to_get_it(irkit, folder, monkeypatch, package, module):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"irkit.serve.{module}", raising=False)
    err = irkit("serve", "--index", "lee", status=2).err
    assert err == "irkit: serve: the packages are not installed; pip install 'irkit[serve]'\n"

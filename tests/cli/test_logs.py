"""--quiet and --verbose: what is said beside results, wherever they stand."""

from __future__ import annotations

import logging
import re
import warnings

import pytest

from irkit.lucene import snippets


@pytest.mark.parametrize("place", [0, 1, 3])
def test_quiet_leaves_results_and_errors(irkit, small_index, place):
    def ask(*words: str, status: int = 0):
        return irkit(*words[:place], "--quiet", *words[place:], status=status)

    found = ask("search", small_index, "storm", "-n", "1")
    assert (found.out.split("\t")[2], found.err) == ("d1", "")
    nothing = ask("search", small_index, "zebra")
    assert (nothing.out, nothing.err) == ("", "")
    assert (
        ask("search", small_index, "storm", "-n", "0", status=2).err == "irkit: search: -n must be 1 or more, got 0\n"
    )


@pytest.mark.parametrize("place", [0, 1, 3])
def test_verbose_says_what_is_opened_and_since_when(irkit, small_index, place):
    words = ["search", small_index, "zebra", "-n", "1"]
    said = irkit(*words[:place], "--verbose", *words[place:]).err.splitlines()
    assert re.fullmatch(r"irkit: \d+\.\d\d s: index .*my-index: opened", said[0])
    assert said[1] == "irkit: no term of the query is in the index; nothing found"
    assert re.fullmatch(r"irkit: \d+\.\d\d s: done", said[-1])


def test_verbose_says_what_is_built_and_read(irkit, tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    said = irkit("run", "bm25", "lee", "--verbose").err
    assert re.search(r"recipe bm25: read from .*bm25\.yaml\n", said)
    assert re.search(r"lee: files in .*\n", said)
    assert re.search(r"index of lee: is built in .*indexes/lee-.*\n", said)
    again = irkit("run", "bm25", "lee", "--verbose").err
    assert "is built" not in again
    assert re.search(r"index .*indexes/lee-.*: opened\n", again)


def test_neither_says_what_is_noted_alone(irkit, small_index):
    assert irkit("search", small_index, "zebra").err == "irkit: no term of the query is in the index; nothing found\n"
    assert irkit("search", small_index, "storm").err == ""


def test_both_are_refused(irkit):
    line = "irkit: --quiet and --verbose contradict each other; leave out one\n"
    assert irkit("search", "--quiet", "lee", "storm", "--verbose", status=2).err == line


@pytest.mark.parametrize(("options", "said"), [([], "irkit: warning: odd thing\n"), (["--quiet"], "")])
def test_warnings_are_lines_unless_quiet(irkit, small_index, monkeypatch, options, said):
    def stored_texts(*_):
        warnings.warn("odd\nthing", stacklevel=1)
        return [None]

    monkeypatch.setattr(snippets, "stored_texts", stored_texts)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert irkit("search", small_index, "storm", *options).err == said


def test_the_loggers_are_left_as_they_were(irkit, small_index):
    log = logging.getLogger("irkit")
    before = log.level, list(log.handlers), logging.getLogger("irkit.progress").level
    irkit("search", small_index, "zebra", "--verbose")
    irkit("search", small_index, "-n", "0", "--quiet", status=2)
    assert (log.level, list(log.handlers), logging.getLogger("irkit.progress").level) == before

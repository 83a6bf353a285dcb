"""Tests of kept rankings and of snippets, which know nothing of a protocol."""

from __future__ import annotations

import threading

import pytest

from irkit.serve.limits import RequestError, UnknownError
from irkit.serve.rankings import Ranking, Rankings, fused
from irkit.serve.snippets import snippets


def ranking(*docnos, index="i", pipeline="bm25", query="q"):
    return Ranking(index, pipeline, query, docnos, tuple(float(-i) for i in range(len(docnos))))


def there(store, names):
    found = []
    for name in names:
        try:
            store.get(name)
            found.append(name)
        except UnknownError:
            pass
    return found


def test_the_ranking_that_nobody_asked_for_longest_leaves_first():
    store = Rankings(most=2)
    first, second = store.keep(ranking("a")), store.keep(ranking("b"))
    store.get(first)
    third = store.keep(ranking("c"))
    assert there(store, [first, second, third]) == [first, third]
    assert len(store) == 2


def test_rankings_leave_until_the_bytes_suffice():
    one = ranking(*map(str, range(100)))
    store = Rankings(size=2 * one.size + 1)
    names = [store.keep(ranking(*map(str, range(100)))) for _ in range(3)]
    assert there(store, names) == names[1:]
    with pytest.raises(RequestError, match="ask for fewer"):
        store.keep(ranking(*map(str, range(1000))))
    assert there(store, names) == names[1:]


def test_rankings_leave_when_nobody_asked_for_their_time():
    clock = [0.0]
    store = Rankings(seconds=10, now=lambda: clock[0])
    name, other = store.keep(ranking("a")), store.keep(ranking("b"))
    clock[0] = 9.0
    store.get(name)
    clock[0] = 18.0
    assert there(store, [other, name]) == [name]
    clock[0] = 29.0
    assert there(store, [name]) == []
    assert len(store) == 0


def test_threads_keep_within_the_bounds():
    store = Rankings(most=5)
    threads = [
        threading.Thread(target=lambda: [store.get(store.keep(ranking("a"))) for _ in range(1)]) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 5


def test_fusion_sums_reciprocal_ranks_and_settles_ties_by_docno_descending():
    found = fused([ranking("a", "b", query="x"), ranking("b", "a", query="y", pipeline="ql")], 60)
    assert found.docnos == ("b", "a")
    assert found.scores == (1 / 61 + 1 / 62,) * 2
    assert (found.query, found.pipeline) == ("x y", "rrf(bm25, ql)")


def analyze(texts):
    return [[word.lower().rstrip("s") for word in text.split()] for text in texts]


def test_a_snippet_is_where_most_terms_stand_together():
    text = "storm " + "filler " * 100 + "the storms did damage here " + "filler " * 100
    ((at, found),) = snippets(analyze, "storm damage", [text], 120)
    assert "storms did damage" in found
    assert text[at:].startswith(found[3:].split()[0])
    assert (found[:3], found[-3:]) == ("...", "...")
    assert len(found) <= 126


def test_a_snippet_of_a_text_without_the_terms_is_its_start():
    assert snippets(analyze, "x", ["one two three", None, ""], 100) == [(0, "one two three"), None, (0, "")]


def test_a_snippet_is_bounded_where_there_are_no_spaces():
    ((at, found),) = snippets(analyze, "x", ["a" * 1000], 100)
    assert (at, len(found)) == (0, 103)

"""Tests of irkit.evaluate.looks."""

import numpy as np
import pandas as pd
import pytest

from irkit.evaluate import looks as module
from irkit.evaluate import run_suite, write_results
from irkit.evaluate.board import read_results
from irkit.evaluate.looks import alike, first_documents, looks, moved, passage, shortened
from irkit.hits import Docnos, Hits


def test_first_documents_are_the_best_and_never_the_query_s_own_where_that_is_left_out():
    names = Docnos([f"d{i}" for i in range(30)])
    queries = pd.DataFrame({"qid": ["d1", "q"], "query": ["a", "b"]})
    doc = np.array([*range(25), 3, 1])
    hits = Hits(queries, np.array([0, 25, 27]), doc, -np.arange(27.0), names)
    found = first_documents(hits, exclude_self=True)
    assert found == {"d1": ["d0", *(f"d{i}" for i in range(2, 21))], "q": ["d3", "d1"]}
    assert first_documents(hits, exclude_self=False)["d1"] == [f"d{i}" for i in range(20)]


def test_what_moved_is_weighed_by_the_discount_of_places():
    own, other = ["a", "b", "c", "d", "e"], ["a", "c", "b", "d", "x"]
    by = {"b": 1 / np.log2(3) - 0.5, "c": 1 / np.log2(3) - 0.5, "e": 1 / np.log2(6), "x": 1 / np.log2(6)}
    assert moved(own, other) == ["e", "x", "b", "c"] == sorted(by, key=lambda docno: -by[docno])
    assert moved(own, own) == []


def test_a_passage_is_where_most_of_the_query_s_words_are():
    text = "Have rain. " * 40 + "The flooding of the river Ouse cut off villages. " + "More rain. " * 40
    assert "flooding of the river" in passage(text, "have floods of rivers")
    assert len(passage(text, "floods")) <= module.PASSAGE + 2
    assert passage("short  text", "x") == "short text"
    assert passage(text, "nothing of it").startswith("Have rain.")
    assert shortened("one two three", 9) == "one two…"


def gathered(queries, **changes):
    values = {"a": {str(q): 0.0 for q in range(queries)}, "b": {str(q): q / queries for q in range(queries)}}
    first = {"a": {q: ["x", "y"] for q in values["a"]}, "b": {q: ["y", "x"] for q in values["a"]}}
    texts = dict.fromkeys(values["a"], "word " * 100)
    given = {"labels": {}, "contents": lambda names: ["text " * 200] * len(names)} | changes
    return looks(first, values, "a", texts, **given)


def test_documents_are_kept_of_the_queries_with_the_greatest_differences():
    found = gathered(300)
    assert list(found.details) == [str(q) for q in range(299, 199, -1)]
    look = found.details["299"]
    assert [one.docno for one in look.documents] == ["x", "y"]
    assert look.found == {"a": (0, 1), "b": (1, 0)}
    assert look.documents[0].passage.startswith("text text")


def test_ten_thousand_queries_stay_small():
    found = gathered(10_000)
    assert 100_000 < sum(map(len, found.texts.values())) <= module.TEXTS
    assert next(iter(found.texts)) == "9999"  # the greatest difference
    passages = sum(len(one.passage) for look in found.details.values() for one in look.documents)
    assert 0 < passages <= module.LEAST


def test_scores_are_explained_of_the_first_queries_alone_and_each_once():
    asked = []
    found = gathered(50, why=lambda *key: asked.append(key) or "because")
    assert len(asked) == len(set(asked)) == module.EXPLAINED * 2 * module.ASKED
    assert found.details["49"].why == {"a": {0: "because", 1: "because"}, "b": {0: "because", 1: "because"}}
    assert found.details[list(found.details)[module.EXPLAINED]].why == {}


@pytest.mark.slow
def test_a_suite_gathers_them_for_a_page_and_no_file_has_them(tmp_path):
    result = run_suite("quickstart-retrieval", systems=["bm25", "ql-dirichlet"], repeats=2, looks=True)
    (board,) = result.boards
    assert len(board.looks.details) == 50
    assert set(board.looks.details["lee-01"].found) == {"bm25", "ql-dirichlet"}
    assert any("lucene(" in text for look in board.looks.details.values() for text in look.why.get("bm25", {}).values())
    low, high = board.rows[0].milliseconds_range
    assert low <= board.rows[0].milliseconds <= high
    again = read_results(write_results(result, tmp_path / "r.json")).boards[0]
    assert again.looks is None
    assert again.rows[0].milliseconds_range == [low, high]


def covering(text: str, query: str, length: int) -> int:
    """Return how many of a query's words a passage covers at best, by looking at every place."""
    words = [word for word in dict.fromkeys(query.split()) if len(word) > 3 and word not in module.COMMON]
    starts = [place for place in range(len(text)) if place == 0 or text[place - 1] == " "]
    inside = [
        [one for one in words if any(alike(word, one) for word in text[s : s + length - 20].split())] for s in starts
    ]
    return max(map(len, inside))


def test_a_passage_covers_as_many_words_as_any_other_would():
    rng = np.random.default_rng(3)
    words = ["storm", "flood", "floods", "rain", "about", "sydney", "river", "xx", "word25", "word26"]
    for _ in range(100):
        text, query = " ".join(rng.choice(words, 120)), " ".join(rng.choice(words, 4))
        found = passage(text, query, 120).strip("… ")
        best = covering(text, query, 120)
        wanted = [one for one in dict.fromkeys(query.split()) if len(one) > 3 and one not in module.COMMON]
        assert sum(any(alike(word, one) for word in found.split()) for one in wanted) >= best - 1  # cut words at ends


def test_a_passage_of_a_long_text_full_of_one_word_is_found_in_one_walk():
    text = "giant " * 30_000 + "fire"
    assert passage(text, "giant fire").endswith("giant fire")

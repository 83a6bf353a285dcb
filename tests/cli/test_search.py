"""`irkit search`: words, indexes, collections."""

from __future__ import annotations

import pytest


@pytest.fixture
def own(folder, irkit):
    """A collection's folder, an index, and a file."""
    (folder / "mine").mkdir()
    documents = '{"_id": "d1", "text": "storm damage"}\n{"_id": "d2", "text": "rain"}\n'
    (folder / "mine" / "corpus.jsonl").write_text(documents)
    (folder / "mine" / "queries.jsonl").write_text('{"_id": "q1", "text": "rain"}\n')
    (folder / "mine" / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    irkit("index", "mine", "--to", "storms-index")


@pytest.mark.parametrize(
    "words", [["storm damage"], ["storm", "damage"], ["storm", "-n", "10", "damage"], ["--", "storm", "damage"]]
)
def test_several_words_are_one_query(irkit, own, words):
    assert irkit("search", "storms-index", *words).out == "1\t0.6863\td1\tstorm damage\n"


@pytest.mark.parametrize("source", ["mine", "./mine", "storms-index"])
def test_a_collections_folder_is_searched_as_its_index(irkit, own, source):
    assert irkit("search", source, "rain").out == irkit("search", "storms-index", "rain").out != ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["storms-index"], "irkit: search: QUERY is missing"),
        (
            ["storm-index", "rain"],
            "irkit: search: there is no index or collection 'storm-index'; did you mean storms-index?",
        ),
        (["nfcorpsu", "rain"], "irkit: search: there is no index or collection 'nfcorpsu'; did you mean nfcorpus"),
    ],
)
def test_mistakes_are_one_line(irkit, own, words, line):
    assert irkit("search", *words, status=2).err.startswith(line)

"""The Lee collection: thresholds, sentences, and the numbers its card and docstring state."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io import load_collection, read_documents, read_qrels
from irkit.io.documents.lee import first_sentence, grades


def test_grades_by_a_slow_oracle():
    similarity = np.round(np.linspace(0, 1, 201), 3)
    slow = []
    for value in similarity:
        mean_rating = round(5 * value, 6)  # 1..5
        slow.append(0 if mean_rating < 2 else min(4, 1 + int((mean_rating - 2 + 1e-9) / 0.75)))
    assert grades(similarity).tolist() == slow


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One two three four five six seven eight. Nine.", "One two three four five six seven eight."),
        (
            "Short one. Two three four five six seven eight nine? Ten",
            "Short one. Two three four five six seven eight nine?",
        ),
        ('A b c d e f g "h." Next', 'A b c d e f g "h."'),
        ("A b c d e f g U.S. troops left. More", "A b c d e f g U.S. troops left."),
        ("no end in sight", "no end in sight"),
    ],
)
def test_first_sentence(text, sentence):
    assert first_sentence(text) == sentence


def test_the_collection_is_always_here_and_verifies():
    lee = load_collection("lee")
    assert lee.exclude_self
    assert lee.splits == ()
    assert all(check.ok for check in lee.verify())
    documents = list(lee.documents())
    assert len(documents) == len({d.docno for d in documents}) == 350
    assert documents[0].docno == "lee-01"
    assert documents[-1].docno == "background-300"
    assert any("£" in d.text for d in documents), "latin-1 is read as such"


def test_queries_are_documents_and_none_is_judged_for_itself():
    lee = load_collection("lee")
    texts = {d.docno: d.text for d in lee.documents()}
    queries, qrels = lee.queries(), lee.qrels()
    assert len(queries) == 50
    for qid, query in zip(queries["qid"], queries["query"], strict=True):
        assert texts[qid].startswith(query)
        assert 8 <= len(query.split()) <= 54
    assert not (qrels["qid"] == qrels["docno"]).any()
    assert len(qrels) == 50 * 49


def test_every_query_has_relevant_documents_as_the_docstring_says():
    qrels = load_collection("lee").qrels()
    relevant = [int((part["label"] > 0).sum()) for _, part in qrels.groupby("qid")]
    assert (min(relevant), statistics.median(relevant), max(relevant)) == (2, 8, 19)
    high = [int((part["label"] > 1).sum()) for _, part in qrels.groupby("qid")]
    assert high.count(0) == 6
    assert qrels["label"].value_counts().to_dict() == {0: 1936, 1: 304, 2: 118, 3: 70, 4: 22}


def test_judgements_are_symmetric():
    qrels = load_collection("lee").qrels()
    label = {(q, d): g for q, d, g in qrels.itertuples(index=False)}
    assert all(label[d, q] == g for (q, d), g in label.items())


def test_errors(tmp_path):
    path = tmp_path / "other.cor"
    path.write_text("a text\n")
    with pytest.raises(DataError, match=r"other\.cor:1: the Lee collection consists of"):
        list(read_documents(path, "lee"))
    path.write_text("1 2\n0 1\n")
    with pytest.raises(DataError, match=r"other\.cor:1: a similarity must lie in 0\.\.1"):
        read_qrels(path, "lee")
    path.write_text("1 0.5\n0\n")
    with pytest.raises(DataError, match=r"other\.cor:2: 2 columns are needed, got 1"):
        read_qrels(path, "lee")

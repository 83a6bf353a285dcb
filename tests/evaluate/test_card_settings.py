"""What a card says of judgements holds in Python as in the commands, without a word of the caller."""

from __future__ import annotations

import pandas as pd
import pytest

from irkit.evaluate import Evaluator, compare, evaluate, experiment
from irkit.io import load_collection
from irkit.pipeline import apply

CARD = """name: toy
about: A toy.
kind: texts
documents: {files: [docs.jsonl]}
queries: {file: q.tsv}
qrels: {file: q.qrels}
exclude_self: true
"""
RUN = pd.DataFrame({"qid": ["a", "a", "b"], "docno": ["a", "b", "b"], "score": [3.0, 2.0, 1.0]}).astype({"qid": "str"})
RUN["docno"] = RUN["docno"].astype("str")


@pytest.fixture
def collection(tmp_path):
    (tmp_path / "card.yaml").write_text(CARD)
    (tmp_path / "docs.jsonl").write_text('{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n')
    (tmp_path / "q.tsv").write_text("a\tone\nb\ttwo\n")
    (tmp_path / "q.qrels").write_text("a 0 a 1\na 0 b 1\nb 0 a 1\n")
    return load_collection(tmp_path)


RETRIEVED = {
    "evaluate": lambda c: evaluate(RUN, c.qrels(), "NumRet"),
    "Evaluator": lambda c: Evaluator(c.qrels(), "NumRet")(RUN),
    "compare": lambda c: compare({"one": RUN, "two": RUN}, c.qrels(), "NumRet").evaluations["one"],
    "experiment": lambda c: experiment(
        {"one": apply.retrieve(lambda queries: queries.merge(RUN, on="qid"))}, c.queries(), c.qrels(), "NumRet"
    ).evaluations["one"],
    "a filtered frame": lambda c: evaluate(RUN, c.qrels()[lambda frame: frame["label"] > 0], "NumRet"),
}


@pytest.mark.parametrize("door", RETRIEVED)
def test_a_document_is_no_answer_to_itself_where_the_card_says_so(door, collection):
    found = RETRIEVED[door](collection)
    assert found.exclude_self
    assert found.per_query["NumRet"].to_dict() == {"a": 1.0, "b": 0.0}


def test_the_same_run_without_a_word_of_a_card(collection):
    qrels = collection.qrels()
    qrels.attrs.clear()
    assert evaluate(RUN, qrels, "NumRet").per_query["NumRet"].to_dict() == {"a": 2.0, "b": 1.0}

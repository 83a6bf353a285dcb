"""Tests of irkit.rank.cross_encoder: scores by hand, what a model is asked for, once, and what it may give."""

import os

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError, ShapeError
from irkit.pipeline import LoadText, MaxPassage, Passages
from irkit.rank import CrossEncode, CrossEncoder
from irkit.testing import check_stage
from tests.pipeline.toy import DOCS, ToyIndex, toy
from tests.rank.toy import hits, ranking

TOPICS = pd.DataFrame({"qid": ["q1", "q2", "q3"], "query": ["wing a", "heat", "none"]}, dtype="str")
DOCUMENTS = {"a": "wing wing", "b": "a heat", "c": "heat", "d": "", "e": "a wing a wing"}
FIRST = {"q1": {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.5}, "q2": {"b": 7.0, "c": 8.0, "e": 9.0}}


def common(query, text):
    """How many words of a text are in the query, less a little for its length."""
    return sum(word in query.split() for word in text.split()) - len(text) / 100


class Pairs:
    """A model of pairs that remembers what it was given, and may be cut after some."""

    def __init__(self, stop=None):
        self.batches, self.stop = [], stop

    @property
    def read(self):
        return [pair for batch in self.batches for pair in batch]

    def predict(self, pairs):
        if self.stop is not None and len(self.read) >= self.stop:
            raise KeyboardInterrupt
        self.batches.append(pairs)
        return np.array([common(*pair) for pair in pairs], dtype=np.float32)


class Scores:
    """The same of one query and several texts."""

    def __init__(self):
        self.calls = []

    def score(self, query, texts):
        self.calls.append((query, tuple(texts)))
        return [common(query, text) for text in texts]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def given(lists=FIRST):
    flow = hits(lists, TOPICS)
    return flow.carrying(text=np.array([DOCUMENTS[flow.docnos[row]] for row in flow.doc], dtype=object))


def stage(model, **settings):
    return CrossEncode(cross_encoder=CrossEncoder(model, **{"name": "common", **settings}))


EXPECTED = {"q1": {"a": 1.91, "b": 0.94, "d": 0.0, "c": -0.04}, "q2": {"c": 0.96, "b": 0.94, "e": -0.13}, "q3": {}}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_scores_are_those_of_the_model_whatever_the_batches(size):
    pairs, scores = Pairs(), Scores()
    for model, rel in ((pairs, 1e-6), (scores, 1e-12), (scores.score, 1e-12)):
        found = stage(model, batch_size=size, keep=False).run(given())
        for qid, expected in EXPECTED.items():
            assert ranking(found, qid) == pytest.approx(expected, rel=rel)
            assert list(ranking(found, qid)) == list(expected)
    assert max(map(len, pairs.batches)) <= size
    assert len(pairs.read) == 7
    assert max(len(texts) for _, texts in scores.calls) <= size
    if size == 100:
        assert [query for query, _ in scores.calls] == ["wing a", "heat"] * 2, "once for each query"


def test_a_pair_that_was_scored_once_is_not_scored_again(home):
    first, second = Scores(), Scores()
    before = stage(first).run(given())
    assert sum(len(texts) for _, texts in first.calls) == 7
    again = stage(second).run(given({**FIRST, "q3": {"c": 1.0}}))
    assert second.calls == [("none", ("heat",))]
    for qid in ("q1", "q2"):
        assert ranking(again, qid) == ranking(before, qid), "to the bit"
    other = Scores()
    stage(other, name="other").run(given())
    assert sum(len(texts) for _, texts in other.calls) == 7
    assert len(os.listdir(home / "texts")) == 2
    alone = Scores()
    unkept = stage(alone, name="third", keep=False)
    unkept.run(given())
    unkept.run(given())
    assert sum(len(texts) for _, texts in alone.calls) == 7, "within one object even if nothing is kept"
    assert len(os.listdir(home / "texts")) == 2


def test_what_was_cut_goes_on_where_it_was():
    cut, rest = Pairs(stop=4), Pairs()
    with pytest.raises(KeyboardInterrupt):
        stage(cut, batch_size=2).run(given())
    found = stage(rest, batch_size=2).run(given())
    assert len(cut.read) == 4
    assert len(rest.read) == 3
    assert not set(cut.read) & set(rest.read)
    assert ranking(found, "q1") == pytest.approx(EXPECTED["q1"], rel=1e-6)


def test_it_keeps_to_the_contract_of_stages():
    def columns(flow):
        return flow.carrying(text=np.array([DOCUMENTS[flow.docnos[row]] for row in flow.doc], dtype=object))

    check_stage(stage(common_of), columns(hits(FIRST, TOPICS)), others=[stage(common_of, name="other")])


def common_of(query, texts):
    return np.array([[common(query, text)] for text in texts])


def test_it_stands_in_a_pipeline_after_texts_or_passages():
    texts = LoadText(index=ToyIndex(DOCS))
    again = stage(common_of)
    found = (toy() % 3 >> texts >> again)("heat wing")
    first = (toy() % 3 >> texts)("heat wing")
    expected = {row.docno: common("heat wing", row.text) for row in first.itertuples()}
    assert dict(zip(found["docno"], found["score"], strict=True)) == pytest.approx(expected)
    passages = (toy() >> texts >> Passages(size=2) >> again >> MaxPassage())("heat wing")
    assert set(passages["docno"]) == set(toy()("heat wing")["docno"])
    rest = ((toy() % 1 >> texts >> again) ^ toy())("heat wing")
    assert rest["docno"].tolist()[0] == toy()("heat wing")["docno"].tolist()[0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda query, texts: 1.0, r"cross-encoder 'common': must give a number for each of the 4 texts, got \(\)"),
        (lambda query, texts: np.ones((len(texts), 2)), r"each of the 4 texts, got \(4, 2\)"),
        (lambda query, texts: [1.0], r"each of the 4 texts, got \(1,\)"),
        (lambda query, texts: ["good"] * len(texts), r"'common': must give numbers, got list \['good'"),
    ],
)
def test_what_is_no_number_for_each_text_is_refused(model, message, home):
    with pytest.raises(ShapeError, match=message):
        stage(model).run(given())
    assert not (home / "texts").exists()


def test_a_score_that_is_not_finite_is_refused_with_its_pair():
    with pytest.raises(FrameError, match=r"must be finite, got nan for the query 'wing a' and str 'wing wing'; look"):
        stage(lambda query, texts: [np.nan if "wing" in text else 1.0 for text in texts]).run(given())


def test_texts_of_documents_and_queries_and_a_model_with_a_name_are_needed():
    flow = given()
    with pytest.raises(FrameError, match=r"cross-encode: needs the column 'text'; put LoadText\(index\) before it"):
        stage(common_of).run(hits(FIRST, TOPICS))
    lacking = flow.carrying(text=np.array([None] * len(flow), dtype=object))
    with pytest.raises(FrameError, match="cross-encode: document 'a' has no text; index its text or drop it first"):
        stage(common_of).run(lacking)
    with pytest.raises(FrameError, match="cross-encode: reads the texts of queries, got the columns qid; add them"):
        stage(common_of)(pd.DataFrame({"qid": ["1"], "docno": ["a"], "score": [1.0], "text": ["x"]}))
    with pytest.raises(ConfigError, match="cross-encoder: name must say which model it is, got ' '"):
        CrossEncoder(common_of, name=" ")
    with pytest.raises(
        ConfigError, match=r"cross-encoder: needs a function of a query and .*, got str 'mini'; open a p"
    ):
        CrossEncoder("mini", name="mini")
    with pytest.raises(ConfigError, match=r"cross_encoder must be open, got the path 'mini'; write irkit.recipe.encod"):
        CrossEncode(cross_encoder="mini")

"""Tests of irkit.rank.smoothing: the house's Dirichlet at weight 0, a slow version, sums to 1, unknown words."""

from collections import Counter
from math import log

import numpy as np
import pandas as pd
import pytest

from irkit.errors import AbilityError, FrameError, NotFoundError
from irkit.hits import Hits
from irkit.lucene import build_index
from irkit.pipeline import Rescore, Retrieve
from irkit.rank import Smoothed, smoothing
from irkit.testing import check_stage
from tests.rank.toy import QUERIES, TEXTS, ToyEncoder, hits, ranking

TOKS = [{"wing": 0.3, "flutter": 2.5, "absent": 1.0, "bird": 0.0}, None, None]
WEIGHTED = QUERIES.assign(query_toks=pd.Series(TOKS, dtype=object))


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("smooth") / "index", TEXTS.items(), analyzer="english", threads=1) as made:
        yield made


@pytest.fixture
def encoder():
    """A model of three of the words, its documents in another order than the index's."""
    p = np.random.default_rng(0).dirichlet(np.ones(3), size=len(TEXTS))
    names = list(TEXTS)[::-1]
    return ToyEncoder({name: [0.0] for name in names}, words=dict(zip(("bird", "wing", "sing"), p.T, strict=True)))


def everything(queries=QUERIES):
    scores = np.random.default_rng(1).permutation(len(TEXTS)).tolist()
    return hits({qid: dict(zip(TEXTS, scores, strict=True)) for qid in queries["qid"]}, queries)


def slow(index, encoder, query, docno, weight, mu):
    """log p(query | document), term by term."""
    bags = {name: Counter(index.analyze([text])[0]) for name, text in TEXTS.items()}
    tokens = sum(bag.total() for bag in bags.values())
    total = 0.0
    for term, count in (query if isinstance(query, dict) else Counter(index.analyze([query])[0])).items():
        collection = sum(bag[term] for bag in bags.values())
        if not collection or not count:
            continue
        dirichlet = (bags[docno][term] + mu * collection / tokens) / (bags[docno].total() + mu)
        model = encoder.words[term][encoder.docnos.row(docno)] if term in encoder.words else 0.0
        total += count * log((1 - weight) * dirichlet + weight * model)
    return total


@pytest.mark.parametrize("mu", [1000, 7.5, "auto"])
@pytest.mark.parametrize("queries", [QUERIES, WEIGHTED], ids=["texts", "weighted"])
def test_weight_0_is_exact_dirichlet_query_likelihood_to_the_bit(index, encoder, mu, queries):
    found = Smoothed(index=index, encoder=encoder, weight=0, mu=mu).run(everything(queries))
    expected = Rescore(index=index, model="ql-dirichlet", mu=mu).run(everything(queries))
    pd.testing.assert_frame_equal(found.frame(), expected.frame(), check_exact=True)
    retrieved = Retrieve(index=index, model="ql-dirichlet", mu=mu).run(queries)
    again = Smoothed(index=index, encoder=encoder, weight=0, mu=mu).run(retrieved)
    pd.testing.assert_frame_equal(again.frame(), retrieved.frame(), check_exact=True)
    assert len(retrieved) > 5
    assert not encoder.asked, "the model is not asked"


@pytest.mark.parametrize("weight", [1e-9, 0.4, 0.99])
@pytest.mark.parametrize("queries", [QUERIES, WEIGHTED], ids=["texts", "weighted"])
def test_scores_are_those_of_a_loop_over_terms(index, encoder, weight, queries):
    found = Smoothed(index=index, encoder=encoder, weight=weight, mu=5).run(everything(queries))
    wanted = [
        toks if isinstance(toks, dict) else text
        for toks, text in zip(queries.get("query_toks", [None] * 3), queries["query"], strict=True)
    ]
    for qid, query in zip(queries["qid"], wanted, strict=True):
        for docno, score in ranking(found, qid).items():
            assert score == pytest.approx(slow(index, encoder, query, docno, weight, 5), rel=1e-12, abs=1e-12)
    assert sorted(set(found.score)) != [0.0]


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_the_probabilities_of_all_terms_of_the_index_sum_to_1(index, encoder, weight):
    terms = index.vocabulary.terms.to_pylist()
    if weight == 1:
        terms = [term for term in terms if term in encoder.words]  # of the others nothing is left
    queries = pd.DataFrame({"qid": terms, "query": terms}, dtype="str")
    queries["query_toks"] = pd.Series([{term: 1.0} for term in terms], dtype=object)
    found = Smoothed(index=index, encoder=encoder, weight=weight, mu=20).run(everything(queries))
    total = found.frame().groupby("docno")["score"].agg(lambda score: np.exp(score).sum())
    assert len(total) == len(TEXTS)
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_words_that_the_model_does_not_know_count_by_their_dirichlet_part_alone(index, encoder):
    queries = pd.DataFrame({"qid": ["1"], "query": ["fluttering"]}, dtype="str")
    dirichlet = ranking(Rescore(index=index, model="ql-dirichlet").run(everything(queries)), "1")
    found = ranking(Smoothed(index=index, encoder=encoder, weight=0.75).run(everything(queries)), "1")
    assert found == pytest.approx({docno: score + log(0.25) for docno, score in dirichlet.items()}, rel=1e-12)
    alone = Smoothed(index=index, encoder=encoder, weight=1).run(everything(queries))
    assert set(alone.score) == {0.0}, "at weight 1 they are left out"
    both = pd.DataFrame({"qid": ["1"], "query": ["fluttering wings"]}, dtype="str")
    alone = ranking(Smoothed(index=index, encoder=encoder, weight=1).run(everything(both)), "1")
    wing = encoder.words["wing"]
    assert alone == pytest.approx({docno: log(wing[encoder.docnos.row(docno)]) for docno in TEXTS}, rel=1e-12)


def test_each_document_is_looked_at_once_however_the_work_is_cut(index, encoder, monkeypatch):
    whole = Smoothed(index=index, encoder=encoder).run(everything())
    assert sorted(encoder.asked) == list(range(len(TEXTS)))
    monkeypatch.setattr(smoothing, "DOCUMENTS", 4)
    encoder.asked.clear()
    few = Smoothed(index=index, encoder=encoder).run(everything())
    assert sorted(encoder.asked) == list(range(len(TEXTS)))
    monkeypatch.setattr(smoothing, "PAIRS", 5)
    one_by_one = Smoothed(index=index, encoder=encoder).run(everything())
    for found in (few, one_by_one):
        pd.testing.assert_frame_equal(found.frame(), whole.frame(), check_exact=True)


def test_it_explains_itself_term_by_term(index, encoder):
    pipeline = Retrieve(index=index) >> Smoothed(index=index, encoder=encoder, weight=0.4)
    step = pipeline.explain("birds flutter, birds", "d2").steps[-1]
    assert {term: weight for term, weight, _ in step.terms} == {"bird": 2, "flutter": 1}
    assert step.score == pytest.approx(sum(share for _, _, share in step.terms), rel=1e-12)
    exact = Retrieve(index=index) >> Smoothed(index=index, encoder=encoder, weight=0)
    step = exact.explain("birds flutter, birds", "d2").steps[-1]
    assert step.score == pytest.approx(sum(share for _, _, share in step.terms), rel=1e-12)


def test_it_keeps_to_the_contract_of_stages(index, encoder):
    others = [Smoothed(index=index, encoder=encoder, mu=5), Smoothed(index=index, encoder=encoder, weight=0)]
    check_stage(Smoothed(index=index, encoder=encoder), everything(), others=others)


def test_errors(index, encoder):
    stage = Smoothed(index=index, encoder=encoder)
    with pytest.raises(NotFoundError, match="there is no document 'd11' in the table"):
        stage.run(hits({"q1": {"d11": 1.0}}))
    with pytest.raises(FrameError, match="smoothed: query '1' has neither text nor weighted terms"):
        stage(pd.DataFrame({"qid": ["1"], "docno": ["d1"], "score": [1.0]}))
    assert isinstance(stage.run(Hits.none(QUERIES)), Hits)
    unable = type("Vectors", (), {"docnos": index.docnos})()
    with pytest.raises(AbilityError, match="smoothed: needs an encoder that predicts the words of documents, got one"):
        Smoothed(index=index, encoder=unable)

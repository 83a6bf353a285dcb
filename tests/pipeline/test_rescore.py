"""Tests of irkit.pipeline.rescore, on a real Lucene index."""

from collections import Counter
from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, FrameError, JavaError, NotFoundError
from irkit.hits import Docnos, Hits
from irkit.lucene import BM25, QLJelinekMercer, build_index
from irkit.pipeline import LoadText, Passages, Rescore, Retrieve, apply, reset
from irkit.pipeline.parse import parse
from irkit.recipe import Recipe, to_recipe

TEXTS = {
    "d1": "wing flutter at high speed", "d2": "heat transfer in a wing", "d3": "heat and more heat, and heat again",
    "d4": "the speed of sound", "d5": "the flutter of a flag in the wind", "d6": "a wing of a house", "d7": "sugar",
    "d8": "wing " * 9 + "heat", "d9": "",
}  # fmt: skip
QUERIES = pd.DataFrame(
    {"qid": ["1", "2", "3", "4", "5"], "query": ["wing heat speed", "heat heat wing", "unheard", "", "sugar unheard"]},
    dtype="str",
)
MODELS = [
    {"model": "bm25"}, {"model": "bm25", "k1": 1.7, "b": 0.9}, {"model": "ql-dirichlet"},
    {"model": "ql-dirichlet", "mu": "auto"}, {"model": "ql-jelinek-mercer", "lam": 0.4}, {"model": "lucene-qld"},
    {"model": "lucene-qld", "mu": 5}, {"model": "lucene-qljm"}, {"model": "tf-idf"},
]  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("index") / "toy", list(TEXTS.items())) as built:
        yield built


def everything(queries, docnos=tuple(TEXTS)):
    """Every document for every query, in an order of no meaning."""
    n, d = len(queries), len(docnos)
    score = np.random.default_rng(3).permutation(n * d)
    return Hits.ranked(queries, np.repeat(np.arange(n), d), np.tile(np.arange(d), n), score, Docnos(docnos))


def scores(frame):
    return dict(zip(zip(frame["qid"], frame["docno"], strict=True), frame["score"], strict=True))


@pytest.mark.parametrize("row", [-1, 9])
@pytest.mark.parametrize("model", [BM25(), QLJelinekMercer()], ids=repr)
def test_a_row_that_the_index_does_not_have_is_refused(index, row, model):
    with pytest.raises(JavaError, match=f"there is no document {row}, only 0 to 8"):
        index.score(["wing"], np.array([0, 2]), np.array([0, row]), model)


@pytest.mark.parametrize("setting", MODELS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_score_is_the_retriever_s_to_the_bit_where_it_finds_the_document(index, setting, weighted):
    queries = QUERIES
    if weighted:
        toks = [{"wing": 0.3, "heat": 2.5, "unheard": 1.0}, {"heat": 1.0}, None, None, {"sugar": 0.1, "speed": 0}]
        queries = QUERIES.assign(query_toks=pd.Series(toks, dtype=object))
    found = scores(Retrieve(index=index, **setting)(queries))
    given_ = scores(Rescore(index=index, **setting)(everything(queries).frame()))
    assert len(found) > 8
    assert {pair: given_[pair] for pair in found} == found
    others = {pair: score for pair, score in given_.items() if pair not in found}
    assert len(others) == len(QUERIES) * len(TEXTS) - len(found)
    if not setting["model"].startswith("ql-"):
        assert set(others.values()) == {0.0}


def slow_likelihood(index, query, text, setting):
    """log p(query | document), term by term; terms the collection does not have are left out."""
    bags = [Counter(terms) for terms in index.analyze([*TEXTS.values(), text, query])]
    tokens = sum(sum(bag.values()) for bag in bags[:-2])
    document, total = bags[-2], 0.0
    length = sum(document.values())
    for term, weight in bags[-1].items():
        background = sum(bag[term] for bag in bags[:-2]) / tokens
        if not background:
            continue
        if setting["model"] == "ql-dirichlet":
            mu = setting.get("mu", 1000)
            mu = 3 * tokens / len(TEXTS) if mu == "auto" else mu
            p = (document[term] + mu * background) / (length + mu)
        else:
            lam = setting.get("lam", 0.1)
            p = (1 - lam) * (document[term] / length if length else 0) + lam * background
        total += weight * log(p)
    return total


@pytest.mark.parametrize("setting", [s for s in MODELS if s["model"].startswith("ql-")], ids=str)
def test_a_document_without_a_query_term_has_its_likelihood_too(index, setting):
    found = scores(Rescore(index=index, **setting)(everything(QUERIES)))
    for (qid, docno), score in found.items():
        query = QUERIES.set_index("qid")["query"][qid]
        assert score == pytest.approx(slow_likelihood(index, query, TEXTS[docno], setting), rel=1e-12, abs=1e-12)
    assert found["1", "d7"] <= found["1", "d9"] < 0  # a word that was not asked for makes no document likelier
    assert found["3", "d1"] == 0  # no term is left


def test_bm25_is_its_formula_where_lengths_are_exact_in_a_byte(index):
    bags = {docno: Counter(index.analyze([text])[0]) for docno, text in TEXTS.items()}
    n, average = sum(map(bool, bags.values())), index.stats.tokens / sum(map(bool, bags.values()))
    found = scores(Rescore(index=index, k1=1.2, b=0.5)(everything(QUERIES)))
    for (qid, docno), score in found.items():
        slow = 0.0
        for term, weight in Counter(index.analyze(QUERIES.query(f"qid == '{qid}'")["query"])[0]).items():
            df, tf = sum(term in bag for bag in bags.values()), bags[docno][term]
            norm = 1.2 * (1 - 0.5 + 0.5 * sum(bags[docno].values()) / average)
            slow += weight * log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + norm) if tf else 0
        assert score == pytest.approx(slow, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    model=st.sampled_from([setting["model"] for setting in MODELS]),
    lists=st.lists(st.permutations(list(TEXTS)).flatmap(lambda d: st.integers(0, 9).map(lambda k: d[:k])), max_size=4),
)
def test_the_order_and_the_company_of_candidates_do_not_matter(index, model, lists):
    every = scores(Rescore(index=index, model=model)(everything(QUERIES)))
    queries = QUERIES.iloc[: len(lists)].reset_index(drop=True)
    docnos = Docnos(list(TEXTS)[::-1])  # not the index's own table
    doc = [docnos.row(docno) for docnos_ in lists for docno in docnos_]
    query = [row for row, docnos_ in enumerate(lists) for _ in docnos_]
    hits = Hits.ranked(queries, np.array(query, dtype=int), np.array(doc, dtype=int), np.arange(len(doc)), docnos)
    found = scores(Rescore(index=index, model=model, threads=2)(hits))
    assert found == {pair: every[pair] for pair in found}
    assert len(found) == len(doc)


def test_many_candidates_cross_in_several_batches(index, monkeypatch):
    from irkit.lucene import bridge

    expected = scores(Rescore(index=index)(everything(QUERIES)))
    monkeypatch.setattr(bridge, "BATCH_HITS", 10)
    assert scores(Rescore(index=index)(everything(QUERIES))) == expected


def test_after_feedback_it_scores_what_the_query_has_become(index):
    rewritten = Retrieve(index=index) >> reset() >> apply.rewrite(lambda row: {"wind": 1.0}) >> Retrieve(index=index)
    frame = (rewritten >> Rescore(index=index, model="tf-idf"))({"1": "flag"})
    assert scores(frame) == scores(Retrieve(index=index, model="tf-idf")({"1": "wind"}))


def test_columns_and_the_tie_rule_stay(index):
    hits = (Retrieve(index=index, ties="anserini") >> LoadText(index=index)).run(QUERIES)
    out = Rescore(index=index, model="tf-idf").run(hits)
    assert out.ties == "anserini"
    assert {row.docno: row.text for row in out.frame().itertuples()}["d1"] == TEXTS["d1"]


def test_it_explains_itself_term_by_term(index):
    pipeline = Retrieve(index=index) % 5 >> Rescore(index=index, model="ql-dirichlet", mu=10)
    step = pipeline.explain("wing heat", "d8").steps[-1]
    assert step.score == pytest.approx(sum(value for _, _, value in step.terms), rel=1e-12)
    assert [term for term, _, _ in step.terms] == ["wing", "heat"]
    # of a document without one of the terms the absent term counts too
    assert [term for term, _, _ in pipeline.explain("wing heat", "d3").steps[-1].terms] == ["heat", "wing"]


def test_it_survives_the_way_to_yaml_and_to_text(index):
    pipeline = Retrieve(index=index) % 100 >> Rescore(index=index) ** Rescore(index=index, model="tf-idf")
    recipe = to_recipe(pipeline, "features")
    assert recipe.stages[-1] == {
        "use": "features",
        "of": [[{"use": "rescore"}], [{"use": "rescore", "model": "tf-idf"}]],
    }
    assert recipe.build(index=index) == pipeline
    assert repr(pipeline) == "lucene() % 100 >> rescore() ** rescore(model='tf-idf')"
    assert parse(repr(pipeline), {"lucene": Retrieve, "rescore": Rescore}, index=index) == pipeline
    with pytest.raises(ConfigError, match="rescore: unknown field 'n'"):
        Recipe(name="x", stages=[{"use": "rescore", "n": 5}], needs=("index",))


def test_errors(index, tmp_path):
    stage = Rescore(index=index)
    with pytest.raises(NotFoundError, match="d11"):
        stage(everything(QUERIES, ("d1", "d11")))
    with pytest.raises(NotFoundError, match="d1%p0"):
        (Retrieve(index=index) >> LoadText(index=index) >> Passages(size=3) >> stage)(QUERIES)
    with pytest.raises(FrameError, match="rescore: query '1' has neither text nor weighted terms"):
        stage(pd.DataFrame({"qid": ["1"], "docno": ["d1"], "score": [1.0]}))
    with pytest.raises(ConfigError, match="bm25: unknown field 'mu'"):
        Rescore(index=index, mu=5)
    with build_index(tmp_path / "closed", [("d1", "wing")]) as closed:
        stage = Rescore(index=closed)
        hits = Retrieve(index=closed).run(QUERIES)
    with pytest.raises(JavaError, match="is closed; open it again"):
        stage.run(hits)

"""Tests of irkit.rank.index_features and irkit.rank.matches: counted by hand, and by loops over texts."""

from collections import Counter
from math import log, log1p

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix

from irkit.errors import FrameError, NotFoundError
from irkit.hits import Docnos, Hits
from irkit.lucene import build_index
from irkit.pipeline import LoadText, Rescore, Retrieve, apply
from irkit.rank import Coordination, IdfSums, Lengths, TfSums, matches
from irkit.rank.matches import frequencies
from irkit.testing import check_stage

TEXTS = {
    "d1": "wing flutter at speed", "d2": "heat wing", "d3": "heat heat heat more heat", "d4": "sound", "d5": "",
    "d6": "wing wing wing wing speed heat sound more at flutter",
}  # fmt: skip
QUERIES = pd.DataFrame(
    {"qid": ["1", "2", "3", "4"], "query": ["wing heat heat", "speed unheard sound", "unheard", ""]}, dtype="str"
)
TOKS = QUERIES.assign(query_toks=pd.Series([{"wing": 0.25, "heat": 2.5, "unheard": 1.0}, {"at": 0}, None, None]))
KINDS = (Coordination, Lengths, IdfSums, TfSums)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "toy"
    with build_index(path, list(TEXTS.items()), analyzer="whitespace") as built:
        yield built


def everything(queries, docnos=tuple(TEXTS)):
    """Every document for every query, in an order of no meaning."""
    n, d = len(queries), len(docnos)
    score = np.random.default_rng(3).permutation(n * d)
    return Hits.ranked(queries, np.repeat(np.arange(n), d), np.tile(np.arange(d), n), score, Docnos(docnos))


def found(stage, flow):
    """The features by query, document and name."""
    frame = stage(flow)
    return {
        (row.qid, row.docno): dict(zip(stage.makes, row.features.tolist(), strict=True)) for row in frame.itertuples()
    }


def test_by_hand(index):
    made = {
        name: value
        for kind in KINDS
        for name, value in found(kind(index=index), everything(QUERIES))["1", "d6"].items()
    }
    # wing heat heat: weights 1 and 2, in 3 and 3 of 6 documents, 6 and 6 of 22 tokens; d6 has them 4 and 1 times of 10
    assert made == pytest.approx({
        "matched": 2, "matched-share": 1,
        "length": 10, "log-length": log(11), "length-ratio": 10 / (22 / 6), "query-length": 3,
        "idf-matched-sum": 3 * log(2), "idf-matched-max": log(2), "idf-matched-mean": log(2), "idf-matched-share": 1,
        "idf-sum": 3 * log(2), "idf-max": log(2), "idf-mean": log(2),
        "tf-sum": log(5) + 2 * log(2), "tf-share-sum": log(1.4) + 2 * log(1.1),
        "tf-idf-sum": (log(5) + 2 * log(2)) * log(2),
        "likelihood-sum": log(1 + 0.4 * 22 / 6) + 2 * log(1 + 0.1 * 22 / 6),
    }, rel=1e-12)  # fmt: skip


def slow(query, text):
    """The same, term by term; a query is a text or a dict of weights."""
    bags = {docno: Counter(own.split()) for docno, own in TEXTS.items()}
    n, tokens = len(bags), sum(sum(bag.values()) for bag in bags.values())
    df = Counter(term for bag in bags.values() for term in bag)
    cf = sum(bags.values(), Counter())
    weights = query if isinstance(query, dict) else Counter(query.split())
    weights = {term: w for term, w in weights.items() if w > 0 and df[term]}
    own, length = Counter(text.split()), len(text.split())
    matched = {term: w for term, w in weights.items() if own[term]}
    idf = {term: log(n / df[term]) for term in weights}
    out = {"matched": len(matched), "length": length, "log-length": log1p(length), "length-ratio": length * n / tokens}
    out["query-length"] = sum(weights.values())
    out["matched-share"] = sum(matched.values()) / out["query-length"] if weights else 0
    for name, some in (("idf-matched", matched), ("idf", weights)):
        out[f"{name}-sum"] = sum(w * idf[term] for term, w in some.items())
        out[f"{name}-max"] = max((idf[term] for term in some), default=0)
        out[f"{name}-mean"] = out[f"{name}-sum"] / sum(some.values()) if some else 0
    out["idf-matched-share"] = out["idf-matched-sum"] / out["idf-sum"] if out["idf-sum"] else 0
    out["tf-sum"] = sum(w * log1p(own[t]) for t, w in matched.items())
    out["tf-share-sum"] = sum(w * log1p(own[t] / length) for t, w in matched.items())
    out["tf-idf-sum"] = sum(w * log1p(own[t]) * idf[t] for t, w in matched.items())
    out["likelihood-sum"] = sum(w * log1p(own[t] / length * tokens / cf[t]) for t, w in matched.items())
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("queries", [QUERIES, TOKS], ids=["texts", "weighted"])
@pytest.mark.parametrize("pairs", [1, 1 << 20])
def test_they_are_those_of_loops_over_the_texts(index, kind, queries, pairs, monkeypatch):
    monkeypatch.setattr(matches, "PAIRS", pairs)  # few at a time, and all at once
    made = found(kind(index=index), everything(queries, tuple(reversed(TEXTS))))
    assert len(made) == len(QUERIES) * len(TEXTS)
    for row in queries.to_dict("records"):
        toks = row.get("query_toks")
        for docno, text in TEXTS.items():
            expected = slow(toks if isinstance(toks, dict) else row["query"], text)
            wanted = {name: expected[name] for name in kind.makes}
            assert made[row["qid"], docno] == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stage_keeps_to_the_contract(index, kind):
    others = [other(index=index) for other in KINDS if other is not kind]
    check_stage(kind(index=index), everything(QUERIES), others=others)


def test_in_a_chain_they_are_added_and_side_by_side_they_are_those_of_each_part(index):
    hits = Retrieve(index=index).run(QUERIES)
    lengths, terms = Lengths(index=index), Coordination(index=index)
    chain = (lengths >> terms).run(hits)
    np.testing.assert_array_equal(chain.columns["features"], (lengths**terms).run(hits).columns["features"])
    assert chain.columns["features"].shape == (len(hits), 6)
    np.testing.assert_array_equal(chain.score, hits.score)
    beside = (Rescore(index=index, model="tf-idf") ** lengths ** apply.feature(lambda row: len(row["docno"]))).run(hits)
    assert beside.columns["features"].shape == (len(hits), 6)
    assert set(beside.columns["features"][:, -1]) == {2.0}


def test_what_was_looked_up_of_results_in_one_index_is_not_that_of_another(index, tmp_path):
    hits = everything(QUERIES)
    other = build_index(tmp_path / "other", [(docno, "wing") for docno in TEXTS], analyzer="whitespace")
    with other:
        first, second, again = (Coordination(index=one).run(hits).columns["features"] for one in (index, other, index))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert set(second[:, 0]) == {0.0, 1.0}


def test_a_function_of_query_and_text_is_a_feature_beside_others(index):
    overlap = apply.feature(lambda row: len(set(row["query"].split()) & set(row["text"].split())))
    pipeline = Retrieve(index=index) >> LoadText(index=index) >> Coordination(index=index) ** overlap
    features = pipeline.run(QUERIES).columns["features"]
    np.testing.assert_array_equal(features[:, 0], features[:, 2])


def test_errors(index):
    with pytest.raises(NotFoundError, match="there is no document 'd9' in the table"):
        Lengths(index=index)(everything(QUERIES, ("d1", "d9")))
    with pytest.raises(FrameError, match="idf-sums: query '1' has neither text nor weighted terms"):
        IdfSums(index=index)(pd.DataFrame({"qid": ["1"], "docno": ["d1"], "score": [1.0]}))


def test_frequencies_are_those_of_the_matrix():
    rng = np.random.default_rng(5)
    counts = rng.poisson(0.4, (40, 30)).astype(np.int32)
    counts[:, [0, 7, 29]] = 0  # terms without documents, at both ends too
    doc, term = np.divmod(np.arange(counts.size), counts.shape[1])
    order = rng.permutation(len(doc))
    np.testing.assert_array_equal(frequencies(csc_matrix(counts), term[order], doc[order]), counts.ravel()[order])
    assert frequencies(csc_matrix((2, 2), dtype=np.int32), np.array([0, 1]), np.array([1, 1])).tolist() == [0, 0]

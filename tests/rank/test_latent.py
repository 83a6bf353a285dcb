"""Tests of irkit.rank.latent and what rerankers share: scores by hand, both ends, and what has no vector."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError, NotFoundError
from irkit.rank import Latent
from irkit.rank.latent import cosines
from irkit.testing import check_stage
from tests.rank.toy import QUERIES, ToyEncoder, hits, ranking

VECTORS = {"a": [1, 0], "b": [3, 3], "c": [0, 2], "d": [0, 0], "e": [-1, 0]}
ENCODER = ToyEncoder(VECTORS, {"birds' wings": [2.0, 0.0], "fluttering": [1.0, 1.0]})
FIRST = {
    "q1": {"a": 2.0, "b": 4.0, "c": 3.0, "d": 6.0},
    "q2": {"a": 1.0, "b": 1.5, "c": -7.0},
    "q3": {"b": 1.0, "a": 0.5, "e": 0.25},
}


def test_a_score_is_both_brought_to_0_and_1_and_mixed():
    found = ranking(Latent(encoder=ENCODER, weight=0.25).run(hits(FIRST)), "q1")
    half = 0.5**0.5
    first, cosine = {"a": 0, "b": 0.5, "c": 0.25, "d": 1}, {"a": 1, "b": half, "c": 0, "d": 0}
    expected = {docno: 0.75 * first[docno] + 0.25 * cosine[docno] for docno in first}
    assert found == pytest.approx(expected, rel=1e-12)
    assert list(found) == sorted(expected, key=lambda docno: -expected[docno])


def test_weight_0_leaves_the_results_as_they_are_and_weight_1_is_the_cosine_alone():
    close = {"q1": {"a": 1.0, "b": 1.0 + 2**-52, "c": -1e9}}  # min-max would make one score of two
    assert ranking(Latent(encoder=ENCODER, weight=0).run(hits(close)), "q1") == {"b": 1 + 2**-52, "a": 1, "c": -1e9}
    found = ranking(Latent(encoder=ENCODER, weight=1).run(hits(FIRST)), "q3")
    assert found == pytest.approx({"b": 1, "a": 0.5**0.5, "e": -(0.5**0.5)}, rel=1e-7)


def test_a_document_without_a_vector_counts_the_lowest_of_its_list_or_0():
    lists = {"q1": {"a": 1.0, "d": 2.0}, "q3": {"e": 1.0, "d": 2.0, "b": 3.0}}
    found = Latent(encoder=ENCODER, weight=1).run(hits(lists))
    assert ranking(found, "q1") == {"a": 1, "d": 0}
    assert ranking(found, "q3") == pytest.approx({"b": 1, "e": -(0.5**0.5), "d": -(0.5**0.5)})


@pytest.mark.parametrize("weight", [0.3, 1])
def test_where_nothing_is_known_the_results_stay_as_they_are(weight):
    lists = {**FIRST, "q3": {"d": 5.0}}
    found = Latent(encoder=ENCODER, weight=weight).run(hits(lists))
    assert ranking(found, "q2") == {"b": 1.5, "a": 1.0, "c": -7.0}, "a query without a vector"
    assert ranking(found, "q3") == {"d": 5.0}, "a list of documents without one"


def test_cosines_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    documents, query = rng.normal(size=(20, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    slow = [sum(a * b for a, b in zip(one.tolist(), query.tolist(), strict=True)) for one in documents]
    slow = [x / float(np.sqrt((one.astype(float) ** 2).sum())) for x, one in zip(slow, documents, strict=True)]
    np.testing.assert_allclose(cosines(documents, query), np.array(slow) / np.sqrt((query.astype(float) ** 2).sum()))
    for nothing in ((documents, query * 0), (documents, query[:0]), (documents[:, :0], query)):
        assert np.isnan(cosines(*nothing)).all()


def test_it_keeps_to_the_contract_of_stages():
    others = [Latent(encoder=ENCODER, weight=0.4), Latent(encoder=ToyEncoder(VECTORS))]
    check_stage(Latent(encoder=ENCODER), hits(FIRST), others=others)


def test_the_rest_can_stay_below_the_best_that_are_ranked_again():
    from tests.pipeline.toy import given

    first = given(FIRST)
    pipeline = (first % 2 >> Latent(encoder=ENCODER, weight=1)) ^ first
    assert list(ranking(pipeline(QUERIES), "q1")) == ["b", "d", "c", "a"]


def test_errors():
    with pytest.raises(NotFoundError, match="there is no document 'z' in the table"):
        Latent(encoder=ENCODER).run(hits({"q1": {"z": 1.0}}))
    with pytest.raises(FrameError, match="latent: reads the texts of queries, got the columns qid; add them"):
        Latent(encoder=ENCODER)(pd.DataFrame({"qid": ["1"], "docno": ["a"], "score": [1.0]}))
    with pytest.raises(ConfigError, match="weight"):
        Latent(encoder=ENCODER, weight=1.5)

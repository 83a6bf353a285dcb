"""Tests of irkit.rank: bags of an index beside bags of texts, and dense retrieval beside all cosines by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.lucene import build_index
from irkit.rank import Dense, IndexEncoder, bags_of_index, bags_of_texts, frequent_words
from irkit.represent import LSA

TEXTS = {
    "d1": "wings and wings of birds",
    "d2": "flutter of wings",
    "d3": "",
    "d4": "birds flutter, birds sing",
    "d5": "only unheard words",
    "d6": "wings of birds flutter wings",
}
QUERIES = pd.DataFrame(
    {"qid": ["q1", "q2", "q3"], "query": ["birds' wings", "nothing known", "fluttering"]}, dtype="str"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("dense") / "index", TEXTS.items(), analyzer="english", threads=1) as built:
        yield built


@pytest.fixture(scope="module")
def encoder(index):
    return IndexEncoder(LSA(dimensions=2).fit(bags_of_index(index, frequent_words(index))), index)


def test_frequent_words_are_those_of_most_documents(index):
    assert frequent_words(index) == ("bird", "flutter", "wing")
    assert frequent_words(index, min_df=3) == ("bird", "flutter", "wing")
    assert frequent_words(index, max_terms=2) == ("bird", "flutter"), "of equals the earlier"
    with pytest.raises(ConfigError, match="words: no term occurs in 9 documents or more; lower min_df, got 9"):
        frequent_words(index, min_df=9)


def test_bags_of_the_index_are_bags_of_its_texts(index):
    words = ("wing", "absent", "bird", "sing")
    found = bags_of_index(index, words)
    texts = [TEXTS[name] for name in index.docnos.names.to_pylist()]
    again = bags_of_texts(index.analyzer, texts, words)
    np.testing.assert_array_equal(found.inputs()["x"], again.inputs()["x"])
    assert found.inputs()["x"][index.docnos.names.to_pylist().index("d1")].tolist() == [2, 0, 1, 0]
    assert found.words == again.words == words


def test_the_nearest_documents_are_found_in_the_order_of_cosines(encoder, index):
    found = Dense(encoder=encoder, n=3)(QUERIES)
    documents, asked = encoder.documents, encoder.encode(QUERIES["query"].tolist())
    names = index.docnos.names.to_pylist()
    for at, qid in ((0, "q1"), (2, "q3")):
        cosines = {
            name: float(asked[at] @ one / np.linalg.norm(asked[at]) / np.linalg.norm(one))
            for name, one in zip(names, documents, strict=True)
            if one.any()
        }
        best = sorted(cosines, key=lambda name: -cosines[name])[:3]
        own = found[found["qid"] == qid]
        assert own["docno"].tolist() == best
        np.testing.assert_allclose(own["score"], [cosines[name] for name in best], rtol=1e-5)
    assert "q2" not in set(found["qid"]), "a query without a known word finds nothing"
    everything = Dense(encoder=encoder)(QUERIES)
    assert set(everything["docno"]) == {"d1", "d2", "d4", "d6"}, "nor is a document without one found"


def test_fewer_documents_are_the_best_of_more_and_no_query_is_no_trouble(encoder):
    stage = Dense(encoder=encoder, n=4)
    assert len(stage(QUERIES.iloc[:0])) == len(stage(QUERIES.iloc[1:2])) == 0
    pd.testing.assert_frame_equal((stage % 2)(QUERIES), Dense(encoder=encoder, n=2)(QUERIES))
    assert stage.limited(9) is stage


def test_what_depends_on_the_vectors_has_another_fingerprint(encoder, index):
    other = IndexEncoder(LSA(dimensions=1).fit(bags_of_index(index, frequent_words(index))), index)
    assert Dense(encoder=encoder).fingerprint != Dense(encoder=other).fingerprint
    with pytest.raises(ConfigError, match="encoder: toy does not know its words; fit it on bags with words="):
        IndexEncoder(SimpleNamespace(name="toy"), index)

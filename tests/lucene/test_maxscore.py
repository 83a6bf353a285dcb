"""Tests of MaxScore, which leaves out what cannot be among the best: results are those of the other ways, to the bit.

An index of eight windows, with lists of every density: those that have bounds for windows and a place for each
document, those that have bounds alone, those that have neither, one that lies in two windows only, and hundreds
of one document.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.lucene import BM25, TFIDF, LuceneQLD, LuceneQLJM, QLDirichlet, QLJelinekMercer, build_index
from tests.oracles.lucene_search import LuceneSearch

DOCUMENTS = 30_000
SHARES = {"half": 0.5, "fifth": 0.2, "tenth": 0.1, "some": 0.02, "few": 0.005, "rare": 0.0008, "five": 5 / DOCUMENTS}
WORDS = [*SHARES, "region", "everywhere"]
MODELS = [BM25(), BM25(k1=2.0, b=1.0), BM25(k1=0, b=0), LuceneQLD(mu=50), LuceneQLJM(lam=0.3), TFIDF()]
WAYS = ("maxscore", "auto", "taat", "wand")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    rng = np.random.default_rng(3)
    counts = {word: (rng.random(DOCUMENTS) < share) * rng.geometric(0.5, DOCUMENTS) for word, share in SHARES.items()}
    counts["region"] = np.zeros(DOCUMENTS, int)
    counts["region"][9_000:13_000:3] = rng.geometric(0.3, len(range(9_000, 13_000, 3)))
    counts["everywhere"] = np.ones(DOCUMENTS, int)
    counts["half"][:2] = 300  # more than a byte holds
    others = rng.integers(0, 60, DOCUMENTS)
    names = rng.permutation(DOCUMENTS)
    rows = (
        (
            str(names[i]),
            " ".join(word for word in counts for _ in range(counts[word][i])) + " other" * others[i] + f" own{i}",
        )
        for i in range(DOCUMENTS)
    )
    path = tmp_path_factory.mktemp("maxscore") / "index"
    with build_index(path, rows, analyzer="whitespace", threads=1, store_text=False) as made:
        yield made


def same(one, other):
    for name in ("ptr", "doc", "score"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


@settings(max_examples=60, deadline=None)
@given(
    queries=st.lists(
        st.dictionaries(
            st.sampled_from([*WORDS, "other", "unknown"]),
            st.one_of(st.just(1.0), st.floats(2**-7, 100, width=32)),
            max_size=9,
        ),
        min_size=1,
        max_size=4,
    ),
    k=st.sampled_from([1, 5, 10, 11, 100, 1000, 1001, 7000, 40_000]),
    model=st.sampled_from(MODELS),
    ties=st.sampled_from(["trec", "anserini"]),
)
def test_every_way_gives_the_same_bits(index, queries, k, model, ties):
    found = [index.search(queries, k, model, scorer=way, ties=ties) for way in WAYS]
    for other in found[1:]:
        same(found[0], other)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_bits_are_lucenes(index, model):
    lucene = LuceneSearch(index.path)
    for query in (
        dict.fromkeys(WORDS, 1.0),
        {"few": 1.0, "half": 1.0},
        {"rare": 2.5, "everywhere": 0.1, "region": 1.0},
    ):
        for k in (10, 1000):
            doc, score = lucene.search(query, k, model, "trec")
            found = index.search([query], k, model, scorer="maxscore")
            assert found.doc.tobytes() == doc.tobytes()
            assert found.score.tobytes() == score.tobytes()


@pytest.mark.parametrize("model", [*MODELS, QLDirichlet(mu=50), QLJelinekMercer()], ids=repr)
@pytest.mark.parametrize("frequent", [(), ("few",), ("half", "everywhere")])
def test_many_rare_terms_are_added_whole(index, model, frequent):
    query = {f"own{i}": 1 + i % 3 for i in range(0, DOCUMENTS, 70)} | dict.fromkeys(frequent, 0.5)
    whole = index.search([query], DOCUMENTS, model, scorer="taat")
    for k in (1, 10, 1000):
        found = index.search([query], k, model)
        assert found.doc.tobytes() == whole.doc[:k].tobytes()
        assert found.score.tobytes() == whole.score[:k].tobytes()
    if model in MODELS:
        same(whole, index.search([query], DOCUMENTS, model))


def test_equal_scores_at_the_last_rank_are_told_apart_by_name(index):
    everywhere = index.search([{"everywhere": 1.0}], 7, BM25(k1=0, b=0), scorer="maxscore")
    assert len(set(everywhere.score.tolist())) == 1
    names = sorted(str(i) for i in range(DOCUMENTS))[-7:]
    assert [index.docnos[doc] for doc in everywhere.doc.tolist()] == names[::-1]


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_do_not_share_working_memory(index, threads):
    rng = np.random.default_rng(1)
    queries = [" ".join(rng.choice(WORDS, rng.integers(1, 6), replace=False)) for _ in range(300)]
    same(index.search(queries, 20, scorer="maxscore", threads=threads), index.search(queries, 20, scorer="wand"))


@settings(max_examples=30, deadline=None)
@given(
    query=st.dictionaries(st.sampled_from([*WORDS, "other"]), st.floats(2**-7, 100), min_size=1, max_size=9),
    k=st.sampled_from([1, 10, 300]),
    model=st.sampled_from([QLDirichlet(mu=1), QLDirichlet(mu=300), QLJelinekMercer(lam=0.2)]),
    ties=st.sampled_from(["trec", "anserini"]),
)
def test_the_best_by_exact_likelihood_are_those_of_the_whole_ranking(index, query, k, model, ties):
    best = index.search([query], k, model, ties=ties)
    whole = index.search([query], DOCUMENTS, model, ties=ties)
    assert best.doc.tobytes() == whole.doc[:k].tobytes()
    assert best.score.tobytes() == whole.score[:k].tobytes()
    for doc, score in zip(best.doc[:3].tolist(), best.score[:3].tolist(), strict=True):
        shares = index.explain(query, index.docnos[doc], model)
        assert sum(share for _, _, share in shares) == pytest.approx(score, rel=1e-11)

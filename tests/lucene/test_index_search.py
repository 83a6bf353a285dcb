"""Tests of irkit.lucene.index: searching and explaining with Lucene's models."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError, JavaError, NotFoundError
from irkit.hits import rank_order
from irkit.lucene import BM25, TFIDF, Index, LuceneQLD, LuceneQLJM, build_index
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.wire import java_errors, pack
from tests.oracles.lucene_search import LuceneSearch, bag

MODELS = [
    BM25(),
    BM25(k1=1.2, b=0.75),
    BM25(k1=0, b=0),
    LuceneQLD(mu=5),
    LuceneQLD(mu=1000),
    LuceneQLJM(lam=0.3),
    TFIDF(),
]
WORDS = [f"w{i:02d}" for i in range(40)]
ARRAYS = ("ptr", "doc", "score")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    documents = [("b", "red red fox"), ("a", "red dog"), ("c", "the fox and the dog"), ("d", "")]
    with build_index(tmp_path_factory.mktemp("small") / "index", documents, threads=1) as index:
        yield index


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """2,500 documents of few different words: long lists, many equal scores, ids in no order."""
    rng = np.random.default_rng(3)
    weight = 1 / np.arange(1, 41)
    texts = [" ".join(rng.choice(WORDS, size, p=weight / weight.sum())) for size in rng.integers(1, 12, 2500)]
    documents = [(f"D{i}", text) for i, text in zip(rng.permutation(2500), texts, strict=True)]
    path = tmp_path_factory.mktemp("many") / "index"
    with build_index(path, documents, analyzer="whitespace", store_text=False) as index:
        yield index


@pytest.fixture(scope="module")
def lucene(many):
    return LuceneSearch(many.path)


def same(one, other):
    for name in ARRAYS:
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes(), name


def hits(index, found, query=0):
    rows = slice(found.ptr[query], found.ptr[query + 1])
    return [(index.docnos[doc], float(score)) for doc, score in zip(found.doc[rows], found.score[rows], strict=True)]


# ---------------------------------------------------------------------------------------- by hand


def test_bm25_by_hand(small):
    # D = 4 documents of which 3 hold terms: 3 + 2 + 2 tokens.
    found = small.search(["red fox"], 10, BM25(k1=0.9, b=0.4))

    def share(tf, df, length):
        idf = math.log(1 + (3 - df + 0.5) / (df + 0.5))
        return idf * tf / (tf + 0.9 * (1 - 0.4 + 0.4 * length / (7 / 3)))

    expected = [("b", share(2, 2, 3) + share(1, 2, 3)), ("c", share(1, 2, 2)), ("a", share(1, 2, 2))]
    got = hits(small, found)
    assert [docno for docno, _ in got] == [docno for docno, _ in expected]
    np.testing.assert_allclose([score for _, score in got], [score for _, score in expected], rtol=1e-6)
    assert found.ptr.dtype == np.int64
    assert found.doc.dtype == np.int32
    assert found.score.dtype == np.float32


def test_equal_scores_go_by_docno_down_or_up(small):
    assert [docno for docno, _ in hits(small, small.search(["dog"], 10))] == ["c", "a"]
    assert [docno for docno, _ in hits(small, small.search(["dog"], 10, ties="anserini"))] == ["a", "c"]
    assert [docno for docno, _ in hits(small, small.search(["dog"], 1))] == ["c"]
    assert [docno for docno, _ in hits(small, small.search(["dog"], 1, ties="anserini"))] == ["a"]


def test_a_repeated_word_weighs_twice(small):
    same(small.search(["red red fox"], 10), small.search([{"red": 2.0, "fox": 1}], 10))


@pytest.mark.parametrize("scorer", ["auto", "wand", "taat", "maxscore"])
@pytest.mark.parametrize("query", ["", "the and", "unknown", {}, {"red": 0.0}, {"Red": 1.0}, "\n\t\x00"])
def test_queries_without_known_terms_have_no_hits(small, query, scorer):
    found = small.search(["red", query, "fox"], 10, scorer=scorer)
    assert found.ptr.tolist() == [0, 2, 2, 4]


def test_no_queries_no_hits(small):
    found = small.search([], 10)
    assert found.ptr.tolist() == [0]
    assert len(found.doc) == len(found.score) == 0


def test_awkward_texts_reach_the_analyser_whole(small):
    found = small.search(["red\nfox", "fox\x00dog", "ﬁsh 😀 dog\r\n" * 1000, "x" * 1_000_000 + " red"], 10)
    assert np.diff(found.ptr).tolist() == [3, 3, 2, 2]


# ------------------------------------------------------------------- the same as Lucene, to the bit


@pytest.mark.parametrize("ties", ["trec", "anserini"])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_all_scorers_give_lucenes_own_documents_and_scores(many, lucene, model, ties):
    queries = [dict.fromkeys(WORDS[i : i + n], 1.0) for i, n in [(0, 1), (0, 2), (3, 5), (30, 3), (0, 40)]]
    queries += [{"w00": 2.0, "w05": 0.3, "w39": 7.5}, {"w01": 1e-3, "w20": 1e3}]
    for k in (1, 10, 300, 5000):
        taat = many.search(queries, k, model, scorer="taat", ties=ties)
        same(taat, many.search(queries, k, model, scorer="wand", ties=ties))
        same(taat, many.search(queries, k, model, scorer="maxscore", ties=ties))
        same(taat, many.search(queries, k, model, ties=ties))
        for i, query in enumerate(queries):
            doc, score = lucene.search(query, k, model, ties)
            rows = slice(taat.ptr[i], taat.ptr[i + 1])
            assert taat.doc[rows].tobytes() == doc.tobytes()
            assert taat.score[rows].tobytes() == score.tobytes()


def test_documents_whose_score_is_clamped_to_zero_are_hits(many):
    found = many.search(["w00"], 5000, LuceneQLD(mu=1000))
    assert (found.score == 0).any()
    assert len(found.doc) == many.vocabulary.df[many.vocabulary.ids(["w00"])[0]]


WEIGHTS = st.floats(2**-7, 100, width=32)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queries=st.lists(
        st.dictionaries(st.sampled_from([*WORDS, "unknown"]), WEIGHTS, max_size=12), min_size=1, max_size=6
    ),
    k=st.sampled_from([1, 2, 7, 99, 1000, 2600]),
    model=st.sampled_from(MODELS),
    ties=st.sampled_from(["trec", "anserini"]),
    threads=st.sampled_from([1, 2, 5]),
)
def test_any_weighted_query_gives_lucenes_hits(many, lucene, queries, k, model, ties, threads):
    found = many.search(queries, k, model, ties=ties, threads=threads, scorer="taat")
    same(found, many.search(queries, k, model, ties=ties, scorer="wand"))
    doc, score = lucene.search(queries[0], k, model, ties)
    assert found.doc[: found.ptr[1]].tobytes() == doc.tobytes()
    assert found.score[: found.ptr[1]].tobytes() == score.tobytes()
    query = np.repeat(np.arange(len(queries)), np.diff(found.ptr))
    order = rank_order(query, found.score, many.docnos.rank[found.doc], ties)
    assert (order == np.arange(len(order))).all()


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["cranfield", "medline", "cacm", "npl"])
def test_real_collections(name, data_folder, tmp_path):
    from irkit.io import load_collection

    collection = load_collection(name)
    texts = collection.queries()["query"].tolist()
    with build_index(tmp_path / name, collection.documents(), store_text=False) as index:
        terms = index.analyze(texts)
        lucene = LuceneSearch(index.path)
        for model, ties in [(BM25(), "trec"), (BM25(), "anserini"), (LuceneQLD(), "trec"), (LuceneQLJM(), "trec")]:
            for k in (10, 1000):
                taat = index.search(texts, k, model, scorer="taat", ties=ties)
                for way in ("wand", "maxscore"):
                    same(taat, index.search(texts, k, model, scorer=way, ties=ties, threads=1))
            for i in range(0, len(texts), 10):
                doc, score = lucene.search(bag(terms[i]), 1000, model, ties)
                rows = slice(taat.ptr[i], taat.ptr[i + 1])
                assert taat.doc[rows].tobytes() == doc.tobytes()
                assert taat.score[rows].tobytes() == score.tobytes()


def joined(path, others):
    """Add the segments of other indexes to one, unmerged."""
    import jnius

    core = "org.apache.lucene"
    folder = jnius.autoclass(f"{core}.store.FSDirectory").open
    places = [folder(jnius.autoclass("java.io.File")(str(place)).toPath()) for place in (path, *others)]
    config = jnius.autoclass(f"{core}.index.IndexWriterConfig")()
    config.setMergePolicy(jnius.autoclass(f"{core}.index.NoMergePolicy").INSTANCE)
    writer = jnius.autoclass(f"{core}.index.IndexWriter")(places[0], config)
    writer.addIndexes(*(jnius.cast(f"{core}.store.Directory", place) for place in places[1:]))
    writer.close()


@pytest.mark.slow
def test_several_segments_and_windows(tmp_path):
    rng = np.random.default_rng(5)
    texts = [" ".join(words) for words in rng.choice(WORDS[:12], (150_000, 2))]
    parts = [tmp_path / name for name in ("one", "two", "three")]
    for part, path in enumerate(parts):
        rows = ((f"{i * 7919 % 150_000}", texts[i]) for i in range(part, 150_000, 3))
        build_index(path, rows, analyzer="whitespace", threads=1, store_text=False).close()
    joined(parts[0], parts[1:])
    with Index.open(parts[0], analyzer="whitespace") as index:
        assert len(index) == 150_000
        lucene = LuceneSearch(index.path)
        assert lucene.reader.leaves().size() == 3
        for query in ({"w00": 1.0}, {"w01": 1.0, "w02": 3.0, "w03": 0.5}):
            for k in (5, 5000, 200_000):
                taat = index.search([query], k, scorer="taat")
                for way in ("wand", "maxscore"):
                    same(taat, index.search([query], k, scorer=way))
            doc, score = lucene.search(query, 5000, BM25(), "trec")
            assert taat.doc[:5000].tobytes() == doc.tobytes()
            assert taat.score[:5000].tobytes() == score.tobytes()


# --------------------------------------------------------------------------------- batches, threads


@pytest.mark.parametrize("threads", [1, 2, 3, 64, None])
def test_threads_do_not_change_results(many, threads):
    queries = [" ".join(WORDS[i % 40 : i % 40 + 4]) for i in range(100)]
    same(many.search(queries, 50, threads=threads), many.search(queries, 50, threads=1))


def test_python_threads_may_share_an_index(many):
    queries = [" ".join(WORDS[i % 40 : i % 40 + 4]) for i in range(200)]
    expected = many.search(queries, 50)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: many.search(queries, 50), range(12)):
            same(found, expected)


def test_small_batches_do_not_change_results(many, monkeypatch):
    queries = [" ".join(WORDS[i : i + 4]) for i in range(30)]
    whole = many.search(queries, 50)
    monkeypatch.setattr("irkit.lucene.bridge.BATCH_HITS", 200)
    same(many.search(queries, 50), whole)
    monkeypatch.setattr("irkit.lucene.bridge.BATCH_BYTES", 1)
    same(many.search(iter(queries), 50), whole)


def test_word_order_does_not_change_results(many):
    words = [*WORDS[:9], "w03", "w04"]
    same(many.search([" ".join(words)]), many.search([" ".join(reversed(words))]))


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_a_search_thread_is_told(many, threads):
    block = pack([b"\0w00", b"\1\xff\xff\0\0", b"\0w01", b"\0w02"])
    many.search(["w00"], 1)
    with pytest.raises(JavaError, match=r"test: .*(Underflow|underflow)"), java_errors("test"):
        interruptible(java("Search").search, many._engine._handle, "bm25 0.9 0.4", "auto", "trec", block, 10, threads)
    same(many.search(["w00 w01"], 10), many.search(["w00 w01"], 10, scorer="wand"))


# ------------------------------------------------------------------------------------------ explain


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("query", ["w00 w01 w01 w30 unknown", {"w02": 0.25, "w00": 3.5, "w39": 1}])
def test_contributions_add_up_to_the_score(many, model, query):
    found = many.search([query], 2500, model)
    for i in range(0, len(found.doc), 97):
        shares = many.explain(query, many.docnos[found.doc[i]], model)
        assert np.float32(math.fsum(share for _, _, share in shares)) == found.score[i]
        assert [share for *_, share in shares] == sorted((share for *_, share in shares), reverse=True)


def test_explain_by_hand(small):
    shares = small.explain("red dog unknown red", "a")
    assert [(term, weight) for term, weight, _ in shares] == [("red", 2.0), ("dog", 1.0)]
    assert shares[0][2] == pytest.approx(2 * shares[1][2])
    assert small.explain("fox", "a") == [("fox", 1.0, 0.0)]
    assert small.explain("unknown", "a") == []


def test_explain_names_near_ids(small):
    with pytest.raises(NotFoundError, match="there is no document 'zzz'"):
        small.explain("fox", "zzz")


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queries": "red"}, "search: queries must be a sequence, got one str; put it in a list"),
        ({"queries": {"red": 1}}, "search: queries must be a sequence, got one dict"),
        ({"queries": ["red", 3]}, "search: query 1 must be a text or a mapping .* got int 3"),
        ({"queries": ["red", None]}, "search: query 1 must be a text or a mapping .* got NoneType None"),
        (
            {"queries": ["red", {"fox": -1}]},
            "search: query 1: the weight of term 'fox' must be a number from 0 .* got -1",
        ),
        ({"queries": [{"fox": math.nan}]}, "search: query 0: the weight of term 'fox' .* got nan"),
        ({"queries": [{"fox": math.inf}]}, "search: query 0: the weight of term 'fox' .* got inf"),
        ({"queries": [{"fox": "much"}]}, "search: query 0: the weight of term 'fox' .* got 'much'"),
        ({"queries": [{"fox": None}]}, "search: query 0: the weight of term 'fox' .* got None"),
        ({"queries": [{7: 1}]}, "search: query 0: a term must be a string, got int 7"),
        ({"k": 0}, "search: k must be a whole number from 1 up, got 0"),
        ({"k": 1.5}, "search: k must be a whole number from 1 up, got 1.5"),
        ({"threads": 0}, "search: threads must be a whole number from 1 up, got 0"),
        ({"scorer": "fast"}, "search: scorer must be one of auto, maxscore, wand, taat, got 'fast'"),
        ({"ties": "id"}, "search: ties must be one of trec, anserini, got 'id'"),
        ({"similarity": "bm25"}, "search: similarity must be one of bm25, .* got 'bm25'"),
    ],
)
def test_messages(small, arguments, message):
    with pytest.raises(ConfigError, match=message):
        small.search(**{"queries": ["red"], **arguments})


def test_half_a_character_is_refused(small):
    with pytest.raises(DataError, match=r"search: query 1 is not valid Unicode, got the lone surrogate '\\ud800'"):
        small.search(["red", "half \ud800"])
    with pytest.raises(DataError, match="search: query 0 is not valid Unicode"):
        small.search([{"\udfff": 1}])


def test_huge_k_is_no_problem(small):
    assert len(small.search(["red fox dog"], 2**62).doc) == 3


def test_searching_a_closed_index_says_so(tmp_path):
    index = build_index(tmp_path / "index", [("a", "red")])
    index.close()
    index.close()
    with pytest.raises(JavaError, match=r"index: .* is closed; open it again with Index.open"):
        index.search(["red"])
    with Index.open(tmp_path / "index") as again:
        assert len(again.search(["red"]).doc) == 1

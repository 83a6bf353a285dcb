"""Tests of exact query likelihood against double loops."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError
from irkit.hits import rank_order
from irkit.lucene import Index, QLDirichlet, QLJelinekMercer, build_index
from tests.oracles import likelihood as slow

WORDS = [f"w{i}" for i in range(12)]
FORMS = {QLDirichlet: slow.dirichlet, QLJelinekMercer: slow.jelinek_mercer}


@pytest.fixture(scope="module")
def documents():
    """120 short texts, two of them long, one empty, many alike."""
    rng = np.random.default_rng(11)
    weight = 1 / np.arange(1, 13) ** 1.5
    texts = [rng.choice(WORDS, size, p=weight / weight.sum()).tolist() for size in rng.integers(1, 6, 118)]
    texts += [["w0"] * 5000 + ["w11"], []]
    return {f"D{i}": text for i, text in zip(rng.permutation(120), texts, strict=True)}


@pytest.fixture(scope="module")
def index(documents, tmp_path_factory):
    rows = [(docno, " ".join(terms)) for docno, terms in documents.items()]
    path = tmp_path_factory.mktemp("likelihood") / "index"
    with build_index(path, rows, analyzer="whitespace", threads=1) as index:
        yield index


def ranked(index, found, query=0):
    rows = slice(found.ptr[query], found.ptr[query + 1])
    return [(index.docnos[doc], float(score)) for doc, score in zip(found.doc[rows], found.score[rows], strict=True)]


def test_dirichlet_by_hand(tmp_path):
    with build_index(tmp_path / "index", [("a", "red fox"), ("b", "red red dog"), ("c", "cat")]) as index:
        found = index.search(["red dog"], 10, QLDirichlet(mu=6))
        # P(red) = 3/6, P(dog) = 1/6; mu P = 3 and 1.
        b = math.log((2 + 3) / (3 + 6)) + math.log((1 + 1) / (3 + 6))
        a = math.log((1 + 3) / (2 + 6)) + math.log((0 + 1) / (2 + 6))
        assert found.score.dtype == np.float64
        assert [docno for docno, _ in ranked(index, found)] == ["b", "a"]
        np.testing.assert_allclose(found.score, [b, a], rtol=1e-14)


def test_jelinek_mercer_by_hand(tmp_path):
    with build_index(tmp_path / "index", [("a", "red fox"), ("b", "red red dog"), ("c", "cat")]) as index:
        found = index.search([{"red": 2.0}], 10, QLJelinekMercer(lam=0.5))
        np.testing.assert_allclose(found.score, [2 * math.log(1 / 3 + 1 / 4), 2 * math.log(1 / 4 + 1 / 4)], rtol=1e-14)


def test_the_empty_string_is_a_term_like_another(tmp_path):
    # The Arabic analyser takes the tatweel away, and nothing is left of a word of tatweels alone.
    documents = {f"D{i}": [""] * (i % 4 + 1) + ["ولد"] * i for i in range(20)}
    rows = [(docno, " ".join(term or "ـ" for term in terms)) for docno, terms in documents.items()]
    query = {"": 1.0, "ولد": 2.0}
    with build_index(tmp_path / "index", rows, analyzer="ar") as index:
        expected = slow.rank(documents, query, slow.dirichlet, 20.0)
        for _ in range(2):  # the second time all that the model keeps is in the cache
            got = ranked(index, index.search([query], 20, QLDirichlet(mu=20.0)))
            assert [docno for docno, _ in got] == [docno for docno, _ in expected]
            np.testing.assert_allclose([score for _, score in got], [score for _, score in expected], rtol=1e-12)


def test_auto_takes_three_times_the_mean_length(index, documents):
    mean = sum(map(len, documents.values())) / len(documents)
    one, other = (index.search(["w3 w5"], 50, QLDirichlet(mu=mu)) for mu in ("auto", 3 * mean))
    assert one.doc.tolist() == other.doc.tolist()
    assert one.score.tolist() == other.score.tolist()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(st.sampled_from([*WORDS, "unknown"]), st.floats(1e-3, 50), max_size=8),
    model=st.one_of(
        st.builds(QLDirichlet, mu=st.floats(0.1, 5000)), st.builds(QLJelinekMercer, lam=st.floats(0.01, 0.99))
    ),
    k=st.sampled_from([1, 5, 1000]),
)
def test_any_query_gives_the_scores_of_double_loops(index, documents, query, model, k):
    expected = slow.rank(documents, query, FORMS[type(model)], next(iter(model.model_dump().values())))
    got = ranked(index, index.search([query], k, model))
    assert len(got) == min(k, len(expected))
    by_docno = dict(expected)
    for (docno, score), (_, best) in zip(got, expected, strict=False):
        assert score == pytest.approx(by_docno[docno], rel=1e-9, abs=1e-11)
        assert score == pytest.approx(best, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("model", [QLDirichlet(mu=20), QLJelinekMercer(lam=0.4)], ids=repr)
def test_texts_count_words(index, documents, model):
    expected = slow.rank(documents, {"w1": 2, "w4": 1}, FORMS[type(model)], next(iter(model.model_dump().values())))
    got = ranked(index, index.search(["w1 w4 unknown w1"], 1000, model))
    np.testing.assert_allclose([score for _, score in got], [score for _, score in expected], rtol=1e-9)


def test_equal_documents_tie_exactly_and_go_by_docno(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"D{i:04d}", "red fox dog" if i % 3 else "dog fox fox") for i in rng.permutation(3000)]
    with build_index(tmp_path / "index", rows) as index:
        for model in (QLDirichlet(mu=7), QLJelinekMercer(lam=0.7)):
            down = index.search([{"fox": 0.1, "dog": 0.7, "red": 1e-9}], 1500, model)
            assert len(set(down.score.tolist())) == 2
            names = index.docnos.take(down.doc).to_pylist()
            assert names == sorted(names[:1000], reverse=True) + sorted(names[1000:], reverse=True)
            up = index.search([{"red": 1e-9, "fox": 0.1, "dog": 0.7}], 1500, model, ties="anserini")
            names = index.docnos.take(up.doc).to_pylist()
            assert names == sorted(names[:1000]) + sorted(names[1000:])
            assert up.score.tolist() == down.score.tolist()


def test_no_rounding_takes_part_in_the_choice(tmp_path):
    # Scores that are equal as float32 and different as float64: the better document wins, not the larger id.
    rows = [("z", "red " * 1000 + "dog " * 1001), ("a", "red " * 1000 + "dog " * 1000), ("m", "cat")]
    with build_index(tmp_path / "index", rows) as index:
        found = index.search([{"red": 1e-5}], 1, QLDirichlet(mu=1e9))
        assert [docno for docno, _ in ranked(index, found)] == ["a"]
        both = index.search([{"red": 1e-5}], 2, QLDirichlet(mu=1e9)).score
        assert np.float32(both[0]) == np.float32(both[1])
        assert both[0] > both[1]


@pytest.mark.parametrize("model", [QLDirichlet(mu=3), QLJelinekMercer(lam=0.9)], ids=repr)
@pytest.mark.parametrize("ties", ["trec", "anserini"])
def test_the_best_k_are_the_head_of_all(tmp_path_factory, model, ties):
    rng = np.random.default_rng(2)
    texts = [" ".join(rng.choice(WORDS, size)) for size in rng.integers(1, 9, 6000)]
    rows = [(f"D{i}", text) for i, text in zip(rng.permutation(6000), texts, strict=True)]
    with build_index(tmp_path_factory.mktemp("head") / "index", rows, analyzer="whitespace") as index:
        query = {"w1": 1.0, "w2": 0.5, "w7": 2.0}
        whole = index.search([query], 6000, model, ties=ties)
        order = rank_order(np.zeros(len(whole.doc), int), whole.score, index.docnos.rank[whole.doc], ties)
        assert (order == np.arange(len(order))).all()
        assert len(set(whole.score.tolist())) < len(whole.doc) / 4  # many ties
        for k in (1, 2, 63, 64, 500, 1400):
            head = index.search([query], k, model, ties=ties)
            assert head.doc.tolist() == whole.doc[:k].tolist()
            assert head.score.tolist() == whole.score[:k].tolist()


def test_threads_and_batches_do_not_change_results(index, monkeypatch):
    queries = [" ".join(WORDS[i % 9 : i % 9 + 3]) for i in range(50)]
    one = index.search(queries, 40, QLDirichlet(), threads=1)
    for threads in (2, 7):
        other = index.search(queries, 40, QLDirichlet(), threads=threads)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))
    monkeypatch.setattr("irkit.lucene.bridge.BATCH_BYTES", 1)
    other = index.search(queries, 40, QLDirichlet())
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def test_lengths_of_the_sidecar_and_of_the_jvm_give_the_same_scores(index):
    with Index.open(index.path) as walked, Index.open(index.path) as handed:
        one = walked.search(["w0 w11"], 100, QLDirichlet(mu=3))
        assert handed.lengths.sum() == handed.stats.tokens  # writes lengths.npy
        other = handed.search(["w0 w11"], 100, QLDirichlet(mu=3))
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("model", [QLDirichlet(mu=20), QLJelinekMercer(lam=0.4)], ids=repr)
@pytest.mark.parametrize("query", ["w1 w1 w5 unknown", {"w0": 0.3, "w2": 2.5, "w11": 1}])
def test_contributions_add_up_to_the_score(index, model, query):
    found = index.search([query], 1000, model)
    for docno, score in ranked(index, found):
        shares = index.explain(query, docno, model)
        assert math.fsum(share for *_, share in shares) == pytest.approx(score, rel=1e-12)


def test_skipping_documents_is_refused(index):
    with pytest.raises(ConfigError, match="exact query likelihood is not among what Lucene scores, got scorer 'wand'"):
        index.search(["w1"], 10, QLDirichlet(), scorer="wand")


@pytest.mark.parametrize("query", ["", "unknown", {}, {"w1": 0.0}])
def test_queries_without_known_terms_have_no_hits(index, query):
    found = index.search([query, "w1"], 3, QLJelinekMercer())
    assert found.ptr.tolist() == [0, 0, 3]
    assert found.score.dtype == np.float64
    assert index.search([query], 3, QLDirichlet()).score.dtype == np.float64


@pytest.mark.data
@pytest.mark.slow
def test_real_collection(data_folder, tmp_path):
    from irkit.io import load_collection

    collection = load_collection("cranfield")
    with build_index(tmp_path / "cranfield", collection.documents()) as index:
        texts = collection.queries()["query"].tolist()[:20]
        tf, lengths = index.postings.toarray().astype(float), index.lengths.astype(float)
        share = tf.sum(axis=0) / tf.sum()
        for model, parameter in ((QLDirichlet(mu=700), 700), (QLJelinekMercer(lam=0.2), 0.2)):
            found = index.search(texts, 1400, model)
            for i, terms in enumerate(index.analyze(texts)):
                ids = [int(j) for j in index.vocabulary.ids(terms) if j >= 0]
                if isinstance(model, QLDirichlet):
                    p = (tf[:, ids] + parameter * share[ids]) / (lengths[:, None] + parameter)
                else:
                    p = (1 - parameter) * tf[:, ids] / np.maximum(lengths, 1)[:, None] + parameter * share[ids]
                dense = np.log(p).sum(axis=1)
                rows = slice(found.ptr[i], found.ptr[i + 1])
                np.testing.assert_allclose(found.score[rows], dense[found.doc[rows]], rtol=1e-9)
                assert len(found.doc[rows]) == (tf[:, ids].sum(axis=1) > 0).sum()
                assert (np.diff(found.score[rows]) <= 0).all()

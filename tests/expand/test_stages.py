"""Tests of the expansion stages on a real index: what the pipeline sees."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError, ShapeError
from irkit.expand import EQE1, EQE2, ERM, KL, RFMF, RM3, Bo1, Rocchio
from irkit.expand.eqe import eqe2, eqe2_shares, index_similarity, log_eqe1
from irkit.expand.feedback import gather, query_counts
from irkit.hits import Hits
from irkit.pipeline import Retrieve
from irkit.text.similarity import delta
from irkit.text.vectors import Vectors

FEEDBACK = [RM3, Rocchio, Bo1, KL, RFMF]
FLIGHT = ["wing", "lift", "drag", "airfoil", "flutter", "stall", "pressure", "nose", "tail", "cruise"]
QUERIES = {"1": "wing flutter", "2": "heat plate", "3": "mach mach jet"}


def ql(index, **settings):
    return Retrieve(index=index, model="ql-dirichlet", mu=20, **settings)


def feedback(kind, index, vectors, **settings):
    return ERM(index=index, vectors=vectors, **settings) if kind is ERM else kind(index=index, **settings)


def toks(frame):
    return frame["query_toks"].tolist()


@pytest.mark.parametrize("kind", [*FEEDBACK, ERM])
def test_expansion_adds_terms_of_the_feedback_documents_and_sums_to_one(kind, topical, vectors):
    out = feedback(kind, topical, vectors, fb_terms=5).run(ql(topical).run(ql(topical).read(QUERIES)))
    words = [set(topical.texts([docno])[0].split()) for docno in topical.docnos.names.to_pylist()]
    assert out["query_0"].tolist() == list(QUERIES.values())
    for query, model in zip(QUERIES.values(), toks(out), strict=True):
        assert set(query.split()) <= set(model)
        assert len(model) <= 5 + len(set(query.split()))
        assert set(model) <= set().union(*words)
        assert sum(model.values()) == pytest.approx(1)
        assert min(model.values()) > 0


@pytest.mark.parametrize("kind", [*FEEDBACK, ERM, EQE1, EQE2])
def test_keeping_everything_gives_the_plain_run_bit_for_bit(kind, topical, vectors):
    plain = ql(topical).run(ql(topical).read(QUERIES))
    if kind in (EQE1, EQE2):
        rewritten = kind(index=topical, vectors=vectors, keep=1).run(plain.queries)
    else:
        rewritten = feedback(kind, topical, vectors, keep=1).run(plain)
    counts = [Counter(query.split()) for query in QUERIES.values()]
    expected = [{term: n / sum(count.values()) for term, n in count.items()} for count in counts]
    assert toks(rewritten) == expected
    again = ql(topical).run(rewritten)
    np.testing.assert_array_equal(again.doc, plain.doc)
    np.testing.assert_array_equal(again.ptr, plain.ptr)


def test_rm1_of_one_document_is_its_maximum_likelihood_model(topical):
    first = ql(topical, n=1).run(ql(topical).read({"1": "wing flutter"}))
    model = toks(RM3(index=topical, keep=0, fb_docs=1, fb_terms=100).run(first))[0]
    words = Counter(topical.texts([first.docnos[first.doc[0]]])[0].split())
    assert model == pytest.approx({word: n / sum(words.values()) for word, n in words.items()})


def test_rm3_equals_a_slow_relevance_model(topical):
    hits = ql(topical).run(ql(topical).read({"1": "wing flutter"}))
    mu, documents = 20.0, [topical.texts([d])[0].split() for d in topical.docnos.names.to_pylist()]
    collection = Counter(word for words in documents for word in words)
    total = sum(collection.values())
    top = [documents[doc] for doc in hits.doc[:10]]
    likelihood = []
    for words in top:
        p = 1.0
        for term in ("wing", "flutter"):
            p *= (words.count(term) + mu * collection[term] / total) / (len(words) + mu)
        likelihood.append(p)
    relevance: Counter[str] = Counter()
    for words, p in zip(top, likelihood, strict=True):
        for word in words:
            relevance[word] += p / sum(likelihood) / len(words)
    best = sorted(relevance, key=lambda word: -relevance[word])[:6]
    mass = sum(relevance[word] for word in best)
    slow = {word: 0.6 * relevance[word] / mass for word in best}
    for term in ("wing", "flutter"):
        slow[term] = slow.get(term, 0) + 0.4 * 0.5
    assert toks(RM3(index=topical, keep=0.4, fb_terms=6, mu=mu).run(hits))[0] == pytest.approx(slow)


def test_doubling_the_query_leaves_the_model_unchanged_where_likelihood_is_not_used(topical):
    once = ql(topical).run(ql(topical).read({"1": "wing flutter"}))
    twice = ql(topical).run(ql(topical).read({"1": "wing flutter wing flutter"}))
    np.testing.assert_array_equal(once.doc[:10], twice.doc[:10])
    for kind in (Rocchio, Bo1, KL):
        a, b = (toks(kind(index=topical).run(hits))[0] for hits in (once, twice))
        assert a == pytest.approx(b)


@pytest.mark.parametrize("kind", [*FEEDBACK, ERM])
def test_no_feedback_leaves_the_query_as_it_is(kind, topical, vectors):
    queries = ql(topical).read({"1": "wing flutter", "2": "unheardof"})
    out = feedback(kind, topical, vectors).run(Hits.none(queries).on(topical.docnos))
    assert toks(out) == [{"wing": 0.5, "flutter": 0.5}, {}]
    found = ql(topical).run(out)
    assert np.diff(found.ptr)[1] == 0


def test_feedback_reads_results_of_another_table_of_docnos(topical):
    hits = ql(topical).run(ql(topical).read({"1": "wing flutter"}))
    moved = Hits.from_frame(hits.frame())
    assert toks(RM3(index=topical).run(moved)) == toks(RM3(index=topical).run(hits))


def test_gather_counts_what_the_documents_hold(topical):
    hits = ql(topical).run(ql(topical).read({"1": "wing flutter"}))
    f = gather(topical, hits, 0, query_counts(topical, hits.queries)[0], 4)
    names = topical.vocabulary.terms.take(f.terms).to_pylist()
    for row, doc in enumerate(f.docs):
        words = Counter(topical.texts([topical.docnos[doc]])[0].split())
        assert {n: c for n, c in zip(names, f.counts[row], strict=True) if c} == words
        assert f.lengths[row] == sum(words.values())
    assert {n: q for n, q in zip(names, f.query, strict=True) if q} == {"wing": 1, "flutter": 1}


def test_query_counts_reads_texts_weights_and_drops_unknown_terms(topical):
    frame = pd.DataFrame({"qid": ["1", "2"], "query": ["mach unheardof mach jet", "x"]})
    frame["query_toks"] = [None, {"wing": 0.25, "nothing": 0.75}]
    names = topical.vocabulary.terms
    queries = query_counts(topical, frame)
    got = [dict(zip(names.take(query.terms).to_pylist(), query.weights.tolist(), strict=True)) for query in queries]
    assert got == [{"mach": 2.0, "jet": 1.0}, {"wing": 0.25}]
    assert [query.unknown for query in queries] == [1.0, 0.75]


def test_embedding_models_expand_from_the_topic_of_the_query(topical, vectors):
    queries = ql(topical).read({"1": "wing flutter"})
    for kind in (EQE1, EQE2):
        model = toks(kind(index=topical, vectors=vectors, a=20, c=0.9, fb_terms=9, keep=0.3).run(queries))[0]
        assert len(set(model) & set(FLIGHT)) >= 8
        assert "rocket" not in model


def test_no_more_scores_are_held_than_are_said_and_their_place_is_used_again(topical, vectors, monkeypatch):
    stage = EQE1(index=topical, vectors=vectors)
    terms = len(index_similarity(topical, vectors, 10.0, 0.8)[0])
    monkeypatch.setattr("irkit.expand.eqe.SCORES", 3 * terms)
    places, compute = [], stage._scores

    def watched(*arguments):
        found = compute(*arguments)
        places.append((len(found), found.ctypes.data))
        return found

    monkeypatch.setattr(stage, "_scores", watched)
    stage.run(ql(topical).read({str(i): "wing flutter" for i in range(7)}))
    assert [rows for rows, _ in places] == [3, 3, 1]
    assert len({start for _, start in places}) == 1


@pytest.mark.parametrize(("scores", "width", "folds"), [(1 << 25, 256, 1024), (1, 7, 4), (70, 1, 8), (1 << 25, 29, 12)])
@pytest.mark.parametrize("kind", [EQE1, EQE2])
def test_a_batch_in_blocks_gives_the_formula_of_each_query(kind, scores, width, folds, topical, vectors, monkeypatch):
    for name, value in {"SCORES": scores, "WIDTH": width, "FOLDS": folds}.items():
        monkeypatch.setattr(f"irkit.expand.eqe.{name}", value)
    queries = {
        "1": "wing flutter",
        "2": "unheardof",
        "3": "plate",
        "4": "mach mach jet plate",
        "5": "heat",
        "6": "wing",
    }
    made = kind(index=topical, vectors=vectors, fb_terms=4, keep=0.3)
    similarity, row_of = index_similarity(topical, vectors, 10.0, 0.8)
    unit = similarity.vectors.matrix.astype(np.float64)
    d = delta(unit @ unit.T, 10.0, 0.8)
    z = d.sum(axis=0)
    for text, model in zip(queries.values(), toks(made.run(ql(topical).read(queries))), strict=True):
        counts = Counter(word for word in text.split() if word != "unheardof")
        slow = {word: n / sum(counts.values()) for word, n in counts.items()}
        known = {word: n for word, n in counts.items() if word in vectors.rows}
        if known:
            rows = row_of[topical.vocabulary.ids(list(known))]
            n = np.array(list(known.values()), dtype=np.float64)
            p = np.exp(log_eqe1(np.log(d[rows]), n, z)) if kind is EQE1 else eqe2(d[rows], eqe2_shares(n, z[rows]))
            best = np.argsort(-p)[:4]
            slow = {word: 0.3 * weight for word, weight in slow.items()}
            for row in best:
                word = similarity.vectors.words[row]
                slow[word] = slow.get(word, 0) + 0.7 * p[row] / p[best].sum()
        assert model == pytest.approx(slow, rel=1e-4)


def test_a_query_term_without_a_vector_is_kept_and_not_expanded_from(topical, vectors):
    queries = ql(topical).read({"1": "plate", "2": "heat plate"})
    model, both = toks(EQE2(index=topical, vectors=vectors, keep=0.5).run(queries))
    assert model == {"plate": 1.0}
    assert both["plate"] == pytest.approx(0.25)


def test_all_weight_on_term_matching_is_rm3_with_smoothed_documents(topical, vectors):
    hits = ql(topical).run(ql(topical).read(QUERIES))
    by_beta = ERM(index=topical, vectors=vectors, beta=0, mu=20).run(hits)
    by_term = ERM(index=topical, vectors=vectors, beta=1, beta_on="term", mu=20).run(hits)
    assert toks(by_beta) == toks(by_term)


def test_an_embedding_query_model_joins_the_feedback_model(topical, vectors):
    hits = ql(topical).run(ql(topical).read({"1": "wing flutter"}))
    plain = EQE2(index=topical, vectors=vectors, fb_terms=50, keep=0.5, a=10, c=0.8)
    mixed = toks(ERM(index=topical, vectors=vectors, keep=1, query_model="eqe2").run(hits))[0]
    assert mixed == pytest.approx(toks(plain.run(hits.queries))[0])


def test_random_start_depends_on_the_seed_and_repeats(topical):
    hits = ql(topical).run(ql(topical).read(QUERIES))
    first, again, other = (toks(RFMF(index=topical, start="random", seed=seed).run(hits)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "settings",
    [{"weighting": "vsm"}, {"objective": "frobenius"}, {"masked": True}, {"rank": None}, {"start": "groups"}],
)
def test_every_form_of_rfmf_expands(settings, topical):
    hits = ql(topical).run(ql(topical).read(QUERIES))
    assert all(len(model) > 2 for model in toks(RFMF(index=topical, **settings).run(hits)))


def test_vectors_that_make_no_sense_are_refused():
    with pytest.raises(
        ShapeError, match=r"vectors: needs one row per word, got 2 words and a matrix of shape \(3, 2\)"
    ):
        Vectors(["a", "b"], np.ones((3, 2)))
    with pytest.raises(DataError, match="vectors: the word 'a' occurs twice"):
        Vectors(["a", "a"], np.ones((2, 2)))
    with pytest.raises(DataError, match="vectors: the vector of 'b' is not finite"):
        Vectors(["a", "b"], np.array([[1.0, 2.0], [np.nan, 1.0]]))
    with pytest.raises(NotFoundError, match=r"nowhere\.txt: there is no such file of vectors; check"):
        Vectors.load("nowhere.txt")


def test_zero_vectors_count_as_missing(topical):
    zero = Vectors(["wing", "flutter", "lift"], np.array([[1.0, 0], [0, 0], [1, 0.1]]))
    model = toks(EQE2(index=topical, vectors=zero, keep=0.5).run(ql(topical).read({"1": "wing flutter"})))[0]
    assert model["flutter"] == pytest.approx(0.25)
    assert "lift" in model


def test_a_stem_gets_the_centroid_of_its_surface_forms():
    given = Vectors(["wings", "wing", "of the", "lift"], np.array([[1.0, 0], [0, 2], [5, 5], [3, 0]]))
    stems = {"wings": ["wing"], "wing": ["wing"], "of the": [], "lift": ["lift"]}
    aligned = given.for_terms(["lift", "wing", "zzz"], lambda words: [stems[word] for word in words])
    assert aligned.words == ["lift", "wing"]
    np.testing.assert_allclose(aligned.matrix, [[1, 0], [2**-0.5, 2**-0.5]], rtol=1e-6)


def test_settings_out_of_range_are_refused(topical):
    with pytest.raises(ConfigError, match=r"rm3: keep is not valid, got 1\.5"):
        RM3(index=topical, keep=1.5)
    with pytest.raises(ConfigError, match="rfmf: rank is not valid, got 0"):
        RFMF(index=topical, rank=0)

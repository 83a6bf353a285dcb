"""Tests of irkit.expand.erm: the formulas, and that leaving out terms leaves out none of the best."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.expand import ERM
from irkit.expand.erm import candidates, erm_parts, most_gained, semantic_likelihood, term_likelihood
from irkit.expand.feedback import gather, normalised, query_counts, truncated
from irkit.expand.relevance import posterior, rm1
from irkit.frames import queries_frame
from irkit.pipeline import Retrieve
from irkit.text.similarity import delta
from irkit.text.vectors import unit_rows
from tests.oracles.erm import erm_model

COLLECTION = np.array([0.1, 0.2, 0.05, 0.3, 0.15])


def erm(*arguments, **named):
    return normalised(erm_parts(*arguments, **named).sum(axis=0))


def toy(seed: int):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (3, 5)).astype(float)
    counts[:, 0] += 1
    unit = unit_rows(rng.normal(size=(5, 3)))
    return counts, counts.sum(axis=1), delta(unit @ unit.T, 8.0, 0.7), np.array([1.0, 2.0, 0, 0, 0])


def semantic(query, counts, lengths, collection, d, mu):
    used = np.flatnonzero(query)
    return semantic_likelihood(query[used], counts[:, used], lengths, collection[used], d[used], counts @ d, mu)


@given(seed=st.integers(0, 999), mu=st.sampled_from([0.0, 3.0, 50.0]))
def test_semantic_likelihood_is_the_slow_product(seed, mu):
    counts, lengths, d, query = toy(seed)
    got = semantic(query, counts, lengths, COLLECTION, d, mu)
    for i in range(3):
        for w in range(5):
            z = sum(d[v, w] * counts[i, v] for v in range(5))
            slow = 1.0
            for q in (0, 1):
                translated = d[q, w] * counts[i, q] / z
                slow *= ((lengths[i] * translated + mu * COLLECTION[q]) / (lengths[i] + mu)) ** query[q]
            assert math.exp(got[i, w]) == pytest.approx(slow, rel=1e-9, abs=1e-300)


@given(seed=st.integers(0, 999), mu=st.sampled_from([0.0, 3.0]))
def test_a_constant_similarity_turns_the_semantic_part_into_term_matching(seed, mu):
    counts, lengths, _, query = toy(seed)
    alike = semantic(query, counts, lengths, COLLECTION, np.full((5, 5), 0.5), mu)
    matching = term_likelihood(query, counts, lengths, COLLECTION, mu)
    np.testing.assert_allclose(np.exp(alike), np.exp(matching)[:, None] * np.ones(5), rtol=1e-9, atol=1e-300)


@given(seed=st.integers(0, 999))
def test_all_weight_on_term_matching_is_rm1(seed):
    counts, lengths, d, query = toy(seed)
    p_w = counts / lengths[:, None]
    matching = term_likelihood(query, counts, lengths, COLLECTION, 4.0)
    got = erm(matching, semantic(query, counts, lengths, COLLECTION, d, 4.0), p_w, semantic=0.0)
    np.testing.assert_allclose(got, rm1(counts, lengths, posterior(matching)), rtol=1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 999), term=st.integers(2, 4), raised=st.floats(0.05, 0.5))
def test_raising_the_similarity_of_a_term_to_a_query_term_never_lowers_its_rank(seed, term, raised):
    counts, lengths, d, query = toy(seed)
    p_w = counts / lengths[:, None]
    matching = term_likelihood(query, counts, lengths, COLLECTION, 4.0)

    def place(similarity):
        model = erm(matching, semantic(query, counts, lengths, COLLECTION, similarity, 4.0), p_w, 1.0)
        return (model > model[term]).sum()

    higher = d.copy()
    higher[0, term] += raised
    before, after = place(d), place(higher)
    assert after <= before


@settings(max_examples=200)
@given(
    seed=st.integers(0, 9999),
    prior=st.sampled_from([0.0, 3.0, 50.0]),
    beta=st.sampled_from([0.1, 0.6, 1.0]),
    m=st.integers(1, 9),
)
def test_the_candidates_hold_all_of_the_best_terms(seed, prior, beta, m):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (3, 8)) * rng.integers(0, 2, (3, 8)).astype(float)
    counts[:, 7] += 1
    query = np.array([1.0, 2.0, *np.zeros(6)])
    lengths, collection, mu = counts.sum(axis=1), rng.dirichlet(np.full(8, 0.5)) + 1e-6, prior or 4.0
    unit = unit_rows(rng.normal(size=(8, 3)))
    d = delta(unit @ unit.T, 8.0, 0.7)
    log_term, log_alone = (term_likelihood(query, counts, lengths, collection, mass) for mass in (mu, prior))
    share = ((counts @ d) / lengths[:, None]).min(axis=0) * rng.uniform(0.5, 1, 8)
    gain = most_gained(query[:2], counts[:, :2], collection[:2], d[:2], share, prior)
    exact = semantic(query, counts, lengths, collection, d, prior)
    possible = np.isfinite(log_alone)
    assert (exact[possible] <= log_alone[possible, None] + gain + 1e-9).all()
    p_w = (counts + mu * collection) / (lengths[:, None] + mu) * counts.any(axis=0)
    total = erm_parts(log_term, exact, p_w, beta).sum(axis=0)
    best = np.flatnonzero((total >= np.sort(total)[8 - min(m, 8)]) & (total > 0))
    got = candidates(log_term, log_alone, gain, counts, lengths, collection, mu, beta, m)
    assert set(best) <= set(got)
    assert counts[:, got].any(axis=0).all()


def test_terms_that_term_matching_alone_leaves_far_behind_are_no_candidates():
    counts, collection = np.array([[50.0, 40.0, 30.0, 1.0, 1.0]]), np.full(5, 0.2)
    log_term = term_likelihood(np.array([1.0, 0, 0, 0, 0]), counts, np.array([122.0]), collection, 5.0)
    gain = np.full(5, np.log(2.0))
    got = candidates(log_term, log_term, gain, counts, np.array([122.0]), collection, 5.0, 0.1, 3)
    assert got.tolist() == [0, 1, 2]


def test_without_smoothing_a_missing_query_term_rules_a_document_out():
    counts = np.array([[1.0, 0.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0, 0.0]])
    got = semantic(np.array([1.0, 1.0, 0, 0, 0]), counts, counts.sum(axis=1), COLLECTION, np.eye(5) + 0.1, 0.0)
    assert np.isneginf(got[0]).all()
    assert np.isfinite(got[1]).all()


def test_all_documents_ruled_out_gives_an_empty_model():
    assert not erm(np.full(2, -np.inf), np.full((2, 3), -np.inf), np.ones((2, 3)), 0.5).any()


@pytest.mark.parametrize(
    "settings",
    [{}, {"beta": 0.6, "fb_terms": 7}, {"beta": 1.0, "smooth": False}, {"beta_on": "term", "a": 30.0, "c": 0.6},
     {"beta": 1.0, "a": 10.0, "c": 0.2, "fb_terms": 12}, {"beta": 0.5, "a": 0.0}, {"beta": 0.0}],
)  # fmt: skip
def test_the_model_is_that_of_all_similarities_of_all_terms(settings, topical, vectors):
    stage = ERM(index=topical, vectors=vectors, **{"fb_terms": 4, **settings})
    hits = Retrieve(index=topical, model="ql-dirichlet", mu=50).run(
        queries_frame(["wing drag plate", "shock mach heat"])
    )
    unit = vectors.for_terms(topical.vocabulary.terms.to_pylist())
    for row, query in enumerate(query_counts(topical, hits.queries)):
        f = gather(topical, hits, row, query, 10)
        slow = erm_model(f, unit, topical, stage.config)
        terms, weights = truncated(f.terms, slow, stage.config.fb_terms)
        got = stage.suggested(f)
        assert got[0].tolist() == terms.tolist()
        np.testing.assert_allclose(got[1], weights, rtol=2e-5)  # similarities are in single precision

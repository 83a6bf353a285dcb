"""Tests of irkit.expand.erm: the formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.expand.erm import erm_parts, semantic_likelihood, term_likelihood
from irkit.expand.feedback import normalised
from irkit.expand.relevance import posterior, rm1
from irkit.text.similarity import delta
from irkit.text.vectors import unit_rows

COLLECTION = np.array([0.1, 0.2, 0.05, 0.3, 0.15])


def erm(*arguments, **named):
    return normalised(erm_parts(*arguments, **named).sum(axis=0))


def toy(seed: int):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (3, 5)).astype(float)
    counts[:, 0] += 1
    unit = unit_rows(rng.normal(size=(5, 3)))
    return counts, counts.sum(axis=1), delta(unit @ unit.T, 8.0, 0.7), np.array([1.0, 2.0, 0, 0, 0])


@given(seed=st.integers(0, 999), mu=st.sampled_from([0.0, 3.0, 50.0]))
def test_semantic_likelihood_is_the_slow_product(seed, mu):
    counts, lengths, d, query = toy(seed)
    got = semantic_likelihood(query, counts, lengths, COLLECTION, d, mu)
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
    semantic = semantic_likelihood(query, counts, lengths, COLLECTION, np.full((5, 5), 0.5), mu)
    matching = term_likelihood(query, counts, lengths, COLLECTION, mu)
    np.testing.assert_allclose(np.exp(semantic), np.exp(matching)[:, None] * np.ones(5), rtol=1e-9, atol=1e-300)


@given(seed=st.integers(0, 999))
def test_all_weight_on_term_matching_is_rm1(seed):
    counts, lengths, d, query = toy(seed)
    p_w = counts / lengths[:, None]
    matching = term_likelihood(query, counts, lengths, COLLECTION, 4.0)
    got = erm(matching, semantic_likelihood(query, counts, lengths, COLLECTION, d, 4.0), p_w, semantic=0.0)
    np.testing.assert_allclose(got, rm1(counts, lengths, posterior(matching)), rtol=1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 999), term=st.integers(2, 4), raised=st.floats(0.05, 0.5))
def test_raising_the_similarity_of_a_term_to_a_query_term_never_lowers_its_rank(seed, term, raised):
    counts, lengths, d, query = toy(seed)
    p_w = counts / lengths[:, None]
    matching = term_likelihood(query, counts, lengths, COLLECTION, 4.0)

    def place(similarity):
        model = erm(matching, semantic_likelihood(query, counts, lengths, COLLECTION, similarity, 4.0), p_w, 1.0)
        return (model > model[term]).sum()

    higher = d.copy()
    higher[0, term] += raised
    before, after = place(d), place(higher)
    assert after <= before


def test_without_smoothing_a_missing_query_term_rules_a_document_out():
    counts = np.array([[1.0, 0.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0, 0.0]])
    got = semantic_likelihood(
        np.array([1.0, 1.0, 0, 0, 0]), counts, counts.sum(axis=1), COLLECTION, np.eye(5) + 0.1, 0.0
    )
    assert np.isneginf(got[0]).all()
    assert np.isfinite(got[1]).all()


def test_all_documents_ruled_out_gives_an_empty_model():
    assert not erm(np.full(2, -np.inf), np.full((2, 3), -np.inf), np.ones((2, 3)), 0.5).any()

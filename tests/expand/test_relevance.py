"""Tests of irkit.expand.relevance, divergence and rocchio: the formulas."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.expand.divergence import bo1, kl
from irkit.expand.feedback import mixed, normalised, truncated
from irkit.expand.relevance import anserini_cut, anserini_rm1, anserini_terms, log_likelihood, posterior, rm1
from irkit.expand.rocchio import tf_idf

COUNTS = np.array([[2.0, 1.0, 0.0, 1.0], [0.0, 3.0, 1.0, 0.0], [1.0, 0.0, 0.0, 4.0]])
LENGTHS = COUNTS.sum(axis=1)
COLLECTION = np.array([0.1, 0.2, 0.05, 0.3])
QUERY = np.array([1.0, 2.0, 0.0, 0.0])


def test_log_likelihood_is_the_dirichlet_smoothed_product():
    mu = 7.0
    for d in range(3):
        slow = sum(
            QUERY[w] * math.log((COUNTS[d, w] + mu * COLLECTION[w]) / (LENGTHS[d] + mu)) for w in range(4) if QUERY[w]
        )
        got = log_likelihood(QUERY, COUNTS, LENGTHS, COLLECTION, mu)[d]
        assert got == pytest.approx(slow, rel=1e-12)


def test_posterior_survives_likelihoods_that_underflow():
    np.testing.assert_allclose(posterior(np.array([-5000.0, -5000.0 + math.log(3)])), [0.25, 0.75], rtol=1e-12)


def test_rm1_is_the_double_sum():
    weight = np.array([0.5, 0.3, 0.2])
    slow = [sum(weight[d] * COUNTS[d, w] / LENGTHS[d] for d in range(3)) for w in range(4)]
    np.testing.assert_allclose(rm1(COUNTS, LENGTHS, weight), slow, rtol=1e-12)


def test_rm1_of_one_document_is_its_maximum_likelihood_model():
    np.testing.assert_allclose(rm1(COUNTS[:1], LENGTHS[:1], posterior(np.array([-3.0]))), COUNTS[0] / LENGTHS[0])


@given(order=st.permutations(range(3)))
def test_rm1_does_not_depend_on_the_order_of_documents(order):
    o = list(order)
    weight = posterior(log_likelihood(QUERY, COUNTS, LENGTHS, COLLECTION, 5.0))
    moved = posterior(log_likelihood(QUERY, COUNTS[o], LENGTHS[o], COLLECTION, 5.0))
    np.testing.assert_allclose(rm1(COUNTS, LENGTHS, weight), rm1(COUNTS[o], LENGTHS[o], moved), rtol=1e-12)


def test_anserini_terms_and_cut():
    terms = ["wing", "x", "3d", "été", "a" * 21, "a" * 20, "Ab", "ab\n", "a-b", "common"]
    allowed = anserini_terms(pa.array(terms, pa.large_string()), np.array([1.0] * 9 + [50]), 100)
    assert [term for term, yes in zip(terms, allowed, strict=True) if yes] == ["wing", "3d", "a" * 20]
    got = anserini_rm1(np.array([[3.0, 1.0, 1.0], [0.0, 2.0, 2.0]]), np.array([2.0, 1.0]), fb_terms=2)
    np.testing.assert_allclose(got, [2 * 0.75, 2 * 0.25 + 0.5, 0.5])


@given(seed=st.integers(0, 999), m=st.integers(1, 12))
def test_anserini_cuts_each_document_as_if_alone(seed, m):
    rng = np.random.default_rng(seed)
    counts = (rng.integers(0, 5, (4, 10)) * rng.integers(0, 2, (4, 10))).astype(float)
    slow = np.zeros_like(counts)
    for row, kept in zip(counts, slow, strict=True):
        best, share = truncated(np.arange(10), row, m)
        kept[best] = share
    np.testing.assert_array_equal(anserini_cut(counts, m), slow)


def test_bo1_and_kl_by_hand():
    tf_x, cf = np.array([3.0, 0.0, 1.0]), np.array([10.0, 5.0, 40.0])
    expected = [3 * math.log2((1 + 0.1) / 0.1) + math.log2(1.1), 0.0, math.log2(1.4 / 0.4) + math.log2(1.4)]
    np.testing.assert_allclose(bo1(tf_x, cf, 100), expected, rtol=1e-12)
    np.testing.assert_allclose(kl(tf_x, np.array([0.1, 0.2, 0.5])), [0.75 * math.log2(7.5), 0, 0], rtol=1e-12)


def test_tf_idf_rows_have_unit_length():
    weight = tf_idf(np.array([[2.0, 1.0], [0.0, 0.0]]), np.array([10.0, 50.0]), 100)
    raw = np.array([(1 + math.log(2)) * math.log(10), math.log(2)])
    np.testing.assert_allclose(weight[0], raw / np.linalg.norm(raw), rtol=1e-12)
    assert not weight[1].any()


def test_truncation_keeps_the_best_and_lower_terms_win_ties():
    terms, weights = truncated(np.array([4, 6, 8, 9]), np.array([0.2, 0.3, 0.2, 0.0]), 2)
    assert terms.tolist() == [4, 6]
    np.testing.assert_allclose(weights, [0.4, 0.6])
    assert truncated(np.array([1, 2]), np.zeros(2), 5)[0].tolist() == []


@given(keep=st.floats(0, 1))
def test_mixing_gives_a_distribution(keep):
    left = np.array([1, 5]), np.array([0.5, 0.5])
    right = np.array([2, 5]), np.array([0.25, 0.75])
    terms, weights = mixed(left, right, keep)
    assert weights.sum() == pytest.approx(1)
    got = dict(zip(terms.tolist(), weights.tolist(), strict=True))
    assert got.get(5, 0) == pytest.approx(keep * 0.5 + (1 - keep) * 0.75)


def test_keeping_everything_gives_the_original_bit_for_bit():
    left = np.array([1, 5]), np.array([0.1, 0.9])
    terms, weights = mixed(left, (np.array([2]), np.array([1.0])), keep=1)
    assert terms is left[0]
    assert weights is left[1]


def test_normalising_zeros_leaves_zeros():
    assert normalised(np.zeros(3)).tolist() == [0, 0, 0]

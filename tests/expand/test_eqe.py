"""Tests of irkit.expand.eqe."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from irkit.expand import EQE1, EQE2, eqe
from irkit.expand.eqe import eqe2, eqe2_shares, hopeful, log_eqe1
from irkit.text.similarity import TermSimilarity, delta, log_delta, normalisers
from irkit.text.vectors import Vectors, unit_rows

DELTA = np.array([[0.9, 0.6, 0.1], [0.6, 0.9, 0.2], [0.1, 0.2, 0.9]])
MASS = DELTA.sum(axis=0)


def eqe1(delta: np.ndarray, counts: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """EQE1 with its constant: (T,) summing to 1."""
    p = np.exp(log_eqe1(np.log(delta), counts, mass))
    return p / p.sum()


def similarity(seed: int, terms: int = 12, size: int = 4, a: float = 8.0, c: float = 0.7) -> np.ndarray:
    unit = unit_rows(np.random.default_rng(seed).normal(size=(terms, size)))
    return delta(unit @ unit.T, a, c)


def test_eqe1_matches_the_formula_term_by_term():
    slow = np.array([MASS[w] * (DELTA[0, w] / MASS[w]) * (DELTA[1, w] / MASS[w]) for w in range(3)])
    np.testing.assert_allclose(eqe1(DELTA[[0, 1]], np.ones(2), MASS), slow / slow.sum(), rtol=1e-12)


def test_eqe2_matches_the_formula_term_by_term():
    counts = [2.0, 1.0]
    slow = [sum(DELTA[q, w] / MASS[q] * counts[q] / 3 for q in range(2)) for w in range(3)]
    np.testing.assert_allclose(eqe2(DELTA[[0, 1]], eqe2_shares(np.array(counts), MASS[[0, 1]])), slow, rtol=1e-12)


@given(seed=st.integers(0, 999), term=st.integers(0, 11))
def test_a_query_of_one_term_makes_both_models_the_same(seed, term):
    d = similarity(seed)
    z = d.sum(axis=0)
    expected = d[term] / z[term]
    np.testing.assert_allclose(eqe1(d[[term]], np.ones(1), z), expected, rtol=1e-10)
    np.testing.assert_allclose(eqe2(d[[term]], eqe2_shares(np.ones(1), z[[term]])), expected, rtol=1e-10)


def test_a_flat_sigmoid_makes_every_model_uniform():
    d = similarity(3, a=0.0)
    assert (d == 0.5).all()
    z = d.sum(axis=0)
    np.testing.assert_allclose(eqe1(d[[1, 2]], np.ones(2), z), 1 / 12, rtol=1e-12)
    np.testing.assert_allclose(eqe2(d[[1, 2]], eqe2_shares(np.ones(2), z[[1, 2]])), 1 / 12, rtol=1e-12)


def test_a_steep_sigmoid_over_orthogonal_vectors_leaves_eqe2_with_the_query():
    d = delta(np.eye(5), a=200.0, c=0.8)
    z = d.sum(axis=0)
    np.testing.assert_allclose(
        eqe2(d[[0, 3]], eqe2_shares(np.array([1.0, 2.0]), z[[0, 3]])), [1 / 3, 0, 0, 2 / 3, 0], atol=1e-12
    )


@given(seed=st.integers(0, 999), order=st.permutations(range(4)))
def test_the_order_of_query_terms_does_not_matter(seed, order):
    d, rows, counts = similarity(seed), np.array([1, 4, 7, 9]), np.array([1.0, 2.0, 1.0, 3.0])
    z, moved = d.sum(axis=0), list(order)
    np.testing.assert_allclose(eqe1(d[rows], counts, z), eqe1(d[rows[moved]], counts[moved], z), rtol=1e-9)
    np.testing.assert_allclose(
        eqe2(d[rows], eqe2_shares(counts, z[rows])),
        eqe2(d[rows[moved]], eqe2_shares(counts[moved], z[rows[moved]])),
        rtol=1e-9,
    )


def test_a_repeated_term_doubles_its_weight_in_eqe2_and_its_exponent_in_eqe1():
    z = MASS
    twice = eqe1(DELTA[[0, 1]], np.array([2.0, 1.0]), z)
    spelt_out = eqe1(DELTA[[0, 0, 1]], np.ones(3), z)
    np.testing.assert_allclose(twice, spelt_out, rtol=1e-12)
    share = eqe2(DELTA[[0, 1]], eqe2_shares(np.array([2.0, 1.0]), z[[0, 1]]))
    np.testing.assert_allclose(share, (2 * DELTA[0] / z[0] + DELTA[1] / z[1]) / 3, rtol=1e-12)


def test_eqe1_prefers_a_term_near_to_all_query_terms_and_eqe2_one_near_to_a_single_term():
    d = np.array([[0.9, 0.05, 0.5, 0.88], [0.05, 0.9, 0.5, 0.04]])
    z = np.full(4, 2.0)
    near_all, near_one = 2, 3
    first = eqe1(d, np.ones(2), z)
    second = eqe2(d, eqe2_shares(np.array([3.0, 1.0]), np.full(2, 2.0)))
    assert first[near_all] > first[near_one]
    assert second[near_one] > second[near_all]


@settings(max_examples=40)
@given(seed=st.integers(0, 999), rows=st.lists(st.integers(0, 11), min_size=1, max_size=6, unique=True))
def test_both_models_are_distributions(seed, rows):
    d = similarity(seed, a=30.0, c=0.9)
    z = d.sum(axis=0)
    for p in (eqe1(d[rows], np.ones(len(rows)), z), eqe2(d[rows], eqe2_shares(np.ones(len(rows)), z[rows]))):
        assert p.min() >= 0
        assert p.sum() == pytest.approx(1, abs=1e-9)


@settings(max_examples=60)
@given(seed=st.integers(0, 999), m=st.integers(1, 40), columns=st.integers(1, 90), ties=st.booleans())
def test_hopeful_columns_hold_the_best_of_every_row(seed, m, columns, ties):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, (3, columns)) if ties else rng.normal(size=(3, columns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("irkit.expand.eqe.FOLDS", 16)
        for row, found in zip(scores, hopeful(scores, m), strict=True):
            # All columns as good as the m-th best are there, so that the tie rule sees them.
            assert set(np.flatnonzero(row >= np.sort(row)[-min(m, columns)])) <= set(found)


def test_hopeful_columns_are_few():
    found = hopeful(np.random.default_rng(0).normal(size=(2, 40_000)), 50)
    assert all(50 <= len(columns) < 80 for columns in found)


def test_several_queries_in_a_sparse_matrix_score_as_one_by_one():
    counts = np.array([[1.0, 0, 2], [0, 0, 0], [0, 1, 0]])
    got = log_eqe1(np.log(DELTA), csr_array(counts), MASS)
    np.testing.assert_allclose(got, [log_eqe1(np.log(DELTA), row, MASS) for row in counts], rtol=1e-12)


@given(cosine=st.floats(-1, 1), a=st.floats(0, 300), c=st.floats(0, 1))
def test_log_delta_is_the_logarithm_of_delta(cosine, a, c):
    for kind, near in ((np.float64, 1e-12), (np.float32, 1e-4)):
        x = np.array([cosine], dtype=kind)
        assert log_delta(x, a, c)[0] == pytest.approx(np.log(delta(x, a, c))[0], rel=near, abs=near)


@given(cosine=st.floats(-1, 1), a=st.floats(0, 60), c=st.floats(0, 1))
def test_delta_is_the_sigmoid_of_the_mapped_cosine(cosine, a, c):
    slow = 1 / (1 + math.exp(-a * ((cosine + 1) / 2 - c)))
    assert delta(np.array([cosine]), a, c)[0] == pytest.approx(slow, rel=1e-12)


def test_delta_never_underflows():
    assert np.log(delta(np.array([-1.0], dtype=np.float32), a=500, c=0.9))[0] == pytest.approx(-80, rel=1e-4)


@pytest.mark.parametrize("block", [1, 5, 12, 1000])
def test_normalisers_do_not_depend_on_the_block_size(block):
    unit = unit_rows(np.random.default_rng(2).normal(size=(12, 4)).astype(np.float32))
    slow = [sum(1 / (1 + math.exp(-9 * ((float(u @ v) + 1) / 2 - 0.8))) for v in unit) for u in unit]
    np.testing.assert_allclose(normalisers(unit, 9, 0.8, block=block), slow, rtol=1e-5)


def test_normalisers_are_kept_on_disk_by_content(tmp_path):
    rng = np.random.default_rng(0)
    vectors = Vectors([f"w{i}" for i in range(9)], unit_rows(rng.normal(size=(9, 3)).astype(np.float32)))
    first = TermSimilarity(vectors, 8, 0.8, tmp_path).mass
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(TermSimilarity(vectors, 8, 0.8, tmp_path).mass, first)
    other = Vectors(vectors.words, vectors.matrix[::-1])
    assert TermSimilarity(other, 8, 0.8, tmp_path).mass.shape == (9,)
    assert TermSimilarity(vectors, 9, 0.8, tmp_path).mass.shape == (9,)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("kind", [EQE1, EQE2])
def test_threads_change_nothing(kind, topical, vectors, monkeypatch):
    model, queries = kind(index=topical, vectors=vectors), {"1": "wing heat", "2": "shock wave"}
    plain = model(queries)["query_toks"].tolist()
    monkeypatch.setattr(eqe, "SMALL", 0)
    monkeypatch.setattr(eqe, "WIDTH", 4)
    threaded = model(queries)["query_toks"].tolist()
    assert [list(toks) for toks in threaded] == [list(toks) for toks in plain]
    for one, other in zip(threaded, plain, strict=True):
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-5)

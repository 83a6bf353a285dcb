"""Tests of irkit.expand.similar_terms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.expand import similar_terms
from irkit.expand.similar_terms import SimilarTerms, exact_best
from irkit.text.similarity import delta
from irkit.text.vectors import unit_rows


def toy(seed: int, a: float, c: float) -> SimilarTerms:
    """Terms of four documents, near each other in pairs; a third have no vector."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (4, 12)) * rng.integers(0, 2, (4, 12)).astype(float)
    counts[:, 0] += 1
    known = rng.random(12) < 0.7
    unit = unit_rows((rng.normal(size=(12, 5)) + 2 * np.repeat(rng.normal(size=(6, 5)), 2, axis=0)).astype(np.float32))
    return SimilarTerms(counts, counts.sum(axis=1), unit[known], known, a, c)


def every(terms: SimilarTerms):
    full = np.zeros((12, terms.unit.shape[1]))  # in double precision
    full[terms.known] = terms.unit
    cosine = full @ full.T
    cosine[~terms.known, ~terms.known] = 1
    return delta(cosine, terms.a, terms.c)


@given(seed=st.integers(0, 999), a=st.sampled_from([0.0, 3.0, 10.0, 60.0]), c=st.sampled_from([0.0, 0.3, 0.8, 1.0]))
def test_the_bound_is_never_above_the_sum_and_equals_it_without_a_vector(seed, a, c):
    terms = toy(seed, a, c)
    exact, least = terms.counts @ every(terms), terms.least(np.arange(12))
    assert (least[:, terms.known] <= exact[:, terms.known]).all()
    known = np.flatnonzero(terms.known)
    assert (least[:, known] <= terms.mass(known)).all()
    np.testing.assert_allclose(least[:, ~terms.known], exact[:, ~terms.known], rtol=1e-12)


@given(seed=st.integers(0, 999), a=st.sampled_from([0.0, 3.0, 10.0, 60.0]), c=st.sampled_from([0.0, 0.3, 0.8, 1.0]))
def test_the_share_is_never_above_that_of_any_document(seed, a, c):
    terms = toy(seed, a, c)
    shares = terms.mass(np.arange(12)) / terms.lengths[:, None]
    assert (terms.least_share() <= shares).all()
    assert a > 3 or (terms.least_share() > 0.5 * shares.min(axis=0)).all()


def test_the_bound_is_near_where_similarities_are_alike():
    terms = toy(3, 1.0, 0.8)
    exact = terms.counts @ every(terms)
    assert (terms.least(np.arange(12)) > 0.97 * exact).all()


@given(seed=st.integers(0, 99))
def test_rows_and_sums_are_those_of_all_pairs(seed):
    terms = toy(seed, 10.0, 0.8)
    places = np.random.default_rng(seed).permutation(12)[:7]
    np.testing.assert_allclose(terms.rows(places), every(terms)[places], rtol=1e-5)
    np.testing.assert_allclose(terms.mass(places), (terms.counts @ every(terms))[:, places], rtol=1e-5)


def test_sums_of_many_terms_are_made_in_blocks(monkeypatch):
    terms = toy(1, 10.0, 0.8)
    known = np.flatnonzero(terms.known)
    whole = terms.mass(known)
    monkeypatch.setattr(similar_terms, "COLUMNS", 3)
    np.testing.assert_allclose(terms.mass(known), whole, rtol=1e-6)


@settings(max_examples=60)
@given(seed=st.integers(0, 999), m=st.integers(1, 40))
def test_the_best_columns_are_exact_and_few_others(seed, m):
    rng = np.random.default_rng(seed)
    truth = rng.random((3, 30)).round(1)
    exact = rng.random(30) < 0.3
    bound = np.where(exact, truth, truth * rng.uniform(1, 1.5, 30))
    got = exact_best(bound, lambda places: truth[:, places], exact, m)
    total = truth.sum(axis=0)
    best = total >= np.sort(total)[max(0, 30 - m)]
    np.testing.assert_array_equal(got[:, best], truth[:, best])
    assert ((got == truth) | (got == 0)).all()


def test_columns_that_cannot_be_among_the_best_are_not_computed():
    truth = np.arange(100.0, 0, -1)[None]
    asked = []

    def exactly(places):
        asked.extend(places.tolist())
        return truth[:, places]

    exact_best(truth * 1.01, exactly, np.zeros(100, dtype=bool), 8)
    assert asked == list(range(10))


@pytest.mark.parametrize("m", [1, 5])
def test_no_column_above_zero_asks_for_nothing(m):
    assert not exact_best(np.zeros((2, 5)), lambda places: 1 / 0, np.zeros(5, dtype=bool), m).any()

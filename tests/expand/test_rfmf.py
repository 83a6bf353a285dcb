"""Tests of irkit.expand.rfmf: the weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.expand.rfmf import lm_weight

COUNTS = np.array([[2.0, 0.0, 1.0], [0.0, 5.0, 1.0]])
LENGTHS = np.array([30.0, 60.0])
COLLECTION = np.array([0.01, 0.2, 0.05])


def topical_weight(
    counts: np.ndarray, lengths: np.ndarray, collection: np.ndarray, mu: float, share: float
) -> np.ndarray:
    """Equation 3 for any lambda_d = share * alpha_d; absent terms stay 0, though the formula gives them more.

    [(alpha - lambda) p(w|C) + (1 - alpha) p_ml(w|d)] / [alpha p(w|C) + (1 - alpha) p_ml(w|d)],
    alpha = mu / (|d| + mu).
    """
    alpha = mu / (lengths[:, None] + mu)
    seen = (1 - alpha) * counts / np.maximum(lengths[:, None], 1)
    weight = (alpha * (1 - share) * collection + seen) / (alpha * collection + seen)
    return np.where(counts > 0, weight, 0.0)


def test_the_short_form_is_the_long_one_with_all_the_smoothing_discounted():
    long = topical_weight(COUNTS, LENGTHS, COLLECTION, mu=20.0, share=1.0)
    np.testing.assert_allclose(long, lm_weight(COUNTS, COLLECTION, 20.0), rtol=1e-12)


def test_the_long_form_is_the_formula_on_paper():
    got = topical_weight(COUNTS, LENGTHS, COLLECTION, mu=20.0, share=0.4)
    for d in range(2):
        alpha = 20 / (LENGTHS[d] + 20)
        for w in range(3):
            if COUNTS[d, w]:
                p_ml = COUNTS[d, w] / LENGTHS[d]
                top = (alpha - 0.4 * alpha) * COLLECTION[w] + (1 - alpha) * p_ml
                assert got[d, w] == pytest.approx(top / (alpha * COLLECTION[w] + (1 - alpha) * p_ml), rel=1e-12)


def test_no_discount_makes_the_matrix_binary():
    np.testing.assert_allclose(topical_weight(COUNTS, LENGTHS, COLLECTION, 20.0, share=0.0), COUNTS > 0, rtol=1e-12)


@given(tf=st.floats(0.5, 50), more=st.floats(0.1, 50), p=st.floats(1e-6, 0.5), rarer=st.floats(0.1, 0.9))
def test_weight_rises_with_frequency_falls_with_commonness_and_stays_in_the_unit_interval(tf, more, p, rarer):
    def weight(count, share):
        return float(lm_weight(np.array([[count]]), np.array([share]), 100.0)[0, 0])

    assert 0 < weight(tf, p) < 1
    assert weight(tf + more, p) > weight(tf, p)
    assert weight(tf, p * rarer) > weight(tf, p)
    assert weight(0, p) == 0

"""Tests of irkit.represent.lsa: against numpy's own decomposition."""

import numpy as np
import pytest

from irkit.errors import ConfigError, NotFittedError, ShapeError
from irkit.io.kinds import Bags, Ragged
from irkit.represent import LSA

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.7, (12, 9))
COUNTS[:, 3] = 0
COUNTS[5] = 0


def bags(counts, words=None):
    each = [np.flatnonzero(row) for row in counts]
    numbers = [row[row > 0] for row in counts]
    return Bags(Ragged.of(each), counts.shape[1], counts=Ragged.of(numbers), words=words)


def by_hand(counts, idf):
    a = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    length = np.linalg.norm(a, axis=1, keepdims=True)
    return a / np.where(length > 0, length, 1)


def test_vectors_have_the_inner_products_of_the_truncated_matrix():
    idf = np.log(12 / np.maximum((COUNTS > 0).sum(0), 1))
    a = by_hand(COUNTS, idf)
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    lsa = LSA(dimensions=4).fit(bags(COUNTS))
    found = lsa.encode(bags(COUNTS))
    np.testing.assert_allclose(found @ found.T, (u[:, :4] * s[:4] ** 2) @ u[:, :4].T, atol=1e-6)
    np.testing.assert_allclose(np.abs(lsa.net.array("axes")), np.abs(vt[:4].T), atol=1e-8)
    assert not found[5].any(), "a document without words has no place"
    query = RNG.poisson(0.3, (3, 9))
    np.testing.assert_allclose(
        lsa.encode(bags(query)) @ found.T, by_hand(query, idf) @ vt[:4].T @ vt[:4] @ a.T, atol=1e-6
    )


def test_the_same_fit_has_the_same_vectors_and_fingerprint_and_another_another():
    one, again, other = (LSA(dimensions=k).fit(bags(COUNTS)) for k in (3, 3, 2))
    np.testing.assert_array_equal(one.net.array("axes"), again.net.array("axes"))
    assert one.fingerprint == again.fingerprint != other.fingerprint


def test_what_cannot_be_is_said_in_a_line():
    with pytest.raises(ConfigError, match="lsa: dimensions must be fewer than documents and terms, got 9 for 12 docum"):
        LSA(dimensions=9).fit(bags(COUNTS))
    with pytest.raises(NotFittedError, match="lsa: is not fitted"):
        LSA().encode(bags(COUNTS))
    lsa = LSA(dimensions=2).fit(bags(COUNTS, tuple("abcdefghi")))
    for wrong in (bags(COUNTS[:, :8]), bags(COUNTS, tuple("bacdefghi"))):
        with pytest.raises(ShapeError, match="lsa: documents of 9 terms are needed, those it was trained on"):
            lsa.encode(wrong)

"""Tests of irkit.represent.overlap: values worked by hand."""

import math

import numpy as np
import pytest

from irkit.errors import ShapeError
from irkit.represent.overlap import bleu, rouge


def test_precision_is_clipped_as_in_the_paper():
    # Papineni et al., section 2.1: "the" is written seven times, and the reference has it twice.
    written, reference = ["the"] * 7, "the cat is on the mat".split()
    assert bleu([written], [reference], n=1) == pytest.approx(2 / 7)
    found = rouge([written], [reference], n=1)
    assert (found.recall[0], found.precision[0]) == pytest.approx((2 / 6, 2 / 7))
    assert found.f1[0] == pytest.approx(2 * 2 / 13)


def test_bleu_is_of_all_documents_together_with_its_penalty():
    written = [[1, 2, 3, 4, 5], [1, 2, 9, 4, 5, 6]]
    references = [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7]]
    matched, possible = (10, 7, 4, 2), (11, 9, 7, 5)
    by_hand = np.prod([a / b for a, b in zip(matched, possible, strict=True)]) ** 0.25 * math.exp(1 - 12 / 11)
    assert bleu(written, references) == pytest.approx(by_hand)
    # Nothing is won by writing more than the reference.
    assert bleu([[1, 2, 3, 4, 5, 5]], [[1, 2, 3, 4, 5]], n=1) == pytest.approx(5 / 6)


def test_what_has_no_match_is_zero():
    assert bleu([[1, 2, 3]], [[1, 2, 3]]) == 0  # there is no run of four
    assert bleu([[]], [[1]]) == 0
    found = rouge([[], [1], [1, 2]], [[1], [], [2, 1]], n=2)
    assert np.stack(found).tolist() == [[0, 0, 0]] * 3


def test_rouge_is_of_each_document():
    found = rouge([[1, 2, 3], [1, 2]], [[1, 2, 4, 3], [1, 2]], n=2)
    np.testing.assert_allclose(found.recall, [1 / 3, 1])
    np.testing.assert_allclose(found.precision, [1 / 2, 1])
    np.testing.assert_allclose(found.f1, [2 / 5, 1])


def test_each_document_needs_its_reference():
    with pytest.raises(ShapeError, match=r"overlap: each document needs its reference, got 1 written and 2 ref"):
        bleu([[1]], [[1], [2]])
    with pytest.raises(ShapeError, match=r"got 0 written and 1 references; give as many"):
        rouge([], [[1]])

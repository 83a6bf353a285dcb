"""Tests of irkit.io.kinds."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.errors import ConfigError, ShapeError
from irkit.io import load_rows
from irkit.io.kinds import (
    PARTS,
    Bags,
    Captioned,
    DataSet,
    Features,
    Pictures,
    Ragged,
    Rows,
    Sequences,
    Sets,
    Spec,
    Tokens,
)
from irkit.io.rows.sequences import SequenceData

RNG = np.random.default_rng(0)
LENGTHS = [3, 0, 1, 5]


def ragged(*shape: int) -> Ragged:
    return Ragged.of([RNG.random((n, *shape)) for n in LENGTHS])


TERMS = Ragged.of([[4, 0, 2], [], [1], [3, 3, 1, 0, 2]])
PICTURES = RNG.random((4, 3, 2, 5))
KINDS = {
    "rows": (Rows(RNG.random((4, 6)), (2, 3), labels=np.arange(4)), Spec("rows", (6,), picture=(2, 3))),
    "pictures": (Pictures(PICTURES), Spec("pictures", (3, 2, 5))),
    "sequences": (Sequences(ragged(2)), Spec("sequences", (2,), longest=5)),
    "sets": (Sets(ragged(2)), Spec("sets", (2,), longest=5)),
    "tokens": (Tokens(TERMS, 5), Spec("tokens", (), vocabulary=5, longest=5)),
    "bags": (Bags(Ragged.of([[4, 0], [], [1], [3]]), 5), Spec("bags", (), vocabulary=5, longest=2)),
    "captioned": (Captioned(PICTURES, 5, TERMS), Spec("captioned", (3, 2, 5), vocabulary=5, longest=5)),
    "features": (
        Features(ragged(7), Ragged.of([RNG.integers(0, 3, n) for n in LENGTHS])),
        Spec("features", (7,), longest=5),
    ),
}
kinds = pytest.mark.parametrize(("examples", "spec"), KINDS.values(), ids=KINDS)


def test_arrays_that_differ_in_length_are_taken_and_padded_like_a_list_of_them():
    each = [RNG.random((n, 2)) for n in LENGTHS]
    found = Ragged.of(each)
    assert len(found) == 4
    for one, other in zip(found, each, strict=True):
        np.testing.assert_array_equal(one, other)
    rows = np.array([3, 1, 0, 3])
    for at, (one, row) in enumerate(zip(found.take(rows), rows, strict=True)):
        np.testing.assert_array_equal(one, each[row])
        np.testing.assert_array_equal(found.take(rows)[at], each[row])
    padded = found.padded()
    assert padded.shape == (4, 5, 2)
    for row, one in zip(padded, each, strict=True):
        np.testing.assert_array_equal(row[: len(one)], one)
        assert not row[len(one) :].any()
    assert found.take(np.array([], dtype=int)).padded().shape == (0, 0, 2)


@kinds
def test_examples_say_what_they_look_like_and_some_of_them_look_alike(examples, spec):
    assert examples.kind == spec.kind
    assert examples.spec == spec
    some = examples.take(np.array([2, 0]))
    assert len(some) == 2
    assert spec.fits(some.spec)
    assert len(examples.cut(3)) == 3
    assert examples.cut(None) is examples.cut(4) is examples
    assert len(examples.cut(0)) == 0


@kinds
def test_the_same_examples_are_told_from_others(examples, spec):
    again = examples.take(np.arange(4))
    assert again.same(examples)
    assert again.fingerprint == examples.fingerprint
    turned = examples.take(np.array([3, 2, 1, 0]))
    assert not turned.same(examples)
    assert turned.fingerprint != examples.fingerprint


def test_labels_are_part_of_the_identity_but_not_of_what_a_model_is_given():
    examples, _ = KINDS["rows"]
    other = Rows(examples.x, labels=np.arange(4)[::-1])
    assert other.same(examples)
    assert other.fingerprint != examples.fingerprint


def test_a_bag_is_given_as_counts_of_the_whole_vocabulary():
    bag = Bags(Ragged.of([[4, 0], [], [1]]), 5, Ragged.of([[2, 1], [], [3]]))
    np.testing.assert_array_equal(bag.inputs()["x"], [[1, 0, 0, 0, 2], [0] * 5, [0, 3, 0, 0, 0]])
    np.testing.assert_array_equal(KINDS["bags"][0].inputs()["x"].sum(1), [2, 0, 1, 1])
    np.testing.assert_array_equal(Bags(Ragged.of([[2, 1, 2]]), 3).inputs()["x"], [[0, 1, 2]])
    np.testing.assert_array_equal(Bags(Ragged.of([[2, 1, 2]]), 3, Ragged.of([[4, 1, 3]])).inputs()["x"], [[0, 1, 7]])


def test_a_list_of_arrays_is_told_to_be_laid_end_to_end():
    with pytest.raises(
        ShapeError, match=r"x must be an array, got list; make one of it, or where lengths differ Ragged.of\(x\)"
    ):
        Sequences([np.zeros((2, 1)), np.zeros((3, 1))])


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="rows: every column needs an entry for each example, got 3 of x, 2 of labels"):
        Rows(np.zeros((3, 2)), labels=np.zeros(2))
    with pytest.raises(ShapeError, match="tokens: terms must be whole numbers from 0 to 3, got 0 to 4; number them, "):
        Tokens(TERMS, 4)
    with pytest.raises(ShapeError, match=r"whole numbers from 0 to 4, got 0\.5 to 0\.5"):
        Tokens(Ragged.of([[0.5]]), 5)
    with pytest.raises(ShapeError, match="rows: x must be an array, got list; make one of it"):
        Rows([[1.0, 2.0]])
    with pytest.raises(ShapeError, match="rows: labels must be an array, got list"):  # `take` would leave them all
        Rows(np.zeros((2, 2)), labels=[0, 1])


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        ([0, 0.5], "0.5"),
        ([1, np.nan], "nan"),
        ([0, 1e300], "1e\\+300"),
        (["pos", "neg"], "'pos'"),
        ([0, None], "0"),
        ([[0, 1], [1, 0]], r"shape \(2, 2\)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, got):
    with pytest.raises(
        ShapeError, match=f"tokens: labels must be whole numbers, a class for .* none, got {got}; number"
    ):
        Tokens(Ragged.of([[0], [1]]), 2, labels=np.array(labels))
    assert Tokens(Ragged.of([[0], [1]]), 2, labels=np.array([1.0, -1.0])).spec.classes == 2


def test_words_may_be_a_list_and_are_no_terms():
    listed, fixed = (Tokens(Ragged.of([[0], [1]]), 2, words=words) for words in (["a", "b"], ("a", "b")))
    assert listed.words == fixed.words
    assert listed.spec.fits(fixed.spec)
    with pytest.raises(ShapeError, match="tokens: terms must be whole numbers from 0 to 1, got 'a'; number them"):
        Tokens(Ragged.of([["a", "b"], ["b"]]), 2)


def test_what_stands_beside_each_item_is_as_many_in_every_example():
    beside = Ragged.of([[1, 2], [3]])
    with pytest.raises(ShapeError, match="bags: counts must be one for each of x, got 2 for 1 in example 1"):
        Bags(Ragged.of([[1], [0, 2]]), 3, beside)
    with pytest.raises(ShapeError, match="features: labels must be one for each of x, got 2 for 1 in example 1"):
        Features(Ragged.of([np.zeros((1, 2)), np.zeros((2, 2))]), labels=beside)
    for lengths in ([1, 1], [4, -1]):
        with pytest.raises(ShapeError, match="ragged: lengths must add up to the values, and none be below 0, got"):
            Ragged(np.zeros(3), np.array(lengths))


def test_a_data_set_is_three_parts_that_are_alike():
    parts = [Tokens(TERMS.take(np.array(rows)), 5) for rows in ([0, 2], [1], [3])]
    data = DataSet("toy", *parts)
    assert [data.part(name) for name in PARTS] == parts
    assert data.spec == Spec("tokens", (), vocabulary=5, longest=5)
    assert len({data.fingerprint, DataSet("other", *parts).fingerprint, DataSet("toy", *parts[::-1]).fingerprint}) == 3
    assert DataSet("toy", *parts, {"stems": "porter"}).fingerprint != data.fingerprint
    small = data.cut(1, 0, 1)
    assert (small.name, [len(small.part(name)) for name in PARTS]) == ("toy[1,0,1]", [1, 0, 1])
    with pytest.raises(ConfigError, match="toy: there is no part 'tests'; did you mean test"):
        data.part("tests")
    with pytest.raises(
        ShapeError, match="toy: its parts must be alike, got tokens of 5 terms to train and tokens of 6 t"
    ):
        DataSet("toy", parts[0], Tokens(TERMS, 6), parts[2])


def test_what_readers_return_has_parts_too():
    digits = load_rows("digits", binarise="dynamic")
    assert digits.spec == Spec("rows", (64,), picture=(8, 8))
    assert digits.details == {"binarisation": "dynamic, seed 1"}
    assert [digits.part(name).dynamic for name in PARTS] == [True, False, False]
    np.testing.assert_array_equal(digits.part("test").labels, digits.test_labels)
    rolls = [[RNG.random((n, 3)) for n in LENGTHS[at:]] for at in (0, 2, 3)]
    data = SequenceData("toy", 3, *rolls)
    assert data.spec == Spec("sequences", (3,), longest=5)
    assert data.part("valid").x.lengths.tolist() == [1, 5]


def test_an_example_has_a_word():
    assert [Spec(kind, ()).word for kind in KINDS] == [
        *("row", "picture", "sequence", "set", "document", "document", "picture", "list")
    ]


def test_terms_may_have_words_which_must_be_those_of_the_model():
    docs = Tokens(Ragged.of([[0, 1]]), 2, words=("a", "b"))
    assert docs.spec.words == docs.take(np.array([0])).words == ("a", "b")
    assert docs.spec.fits(Tokens(Ragged.of([[1]]), 2).spec), "words that nobody knows may be these"
    assert not docs.spec.fits(Tokens(Ragged.of([[1]]), 2, words=("b", "a")).spec)
    with pytest.raises(
        ShapeError, match="tokens: there must be one word a term, got 1 words for 2 terms; give the words"
    ):
        Tokens(Ragged.of([[0]]), 2, words=("a",))

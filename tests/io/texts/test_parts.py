"""Tests of irkit.io.texts.parts: texts in three parts as a data set of tokens."""

import json

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError
from irkit.io import Parting, Texts, Tokenisation, data_of_texts
from irkit.io.kinds import PARTS
from irkit.io.texts.parts import relabelled

TRAIN = Texts(["red rose", "blue sky", "red sky", "rose rose"], ["r", "b", "b", "r"])


def lists(part):
    return [one.tolist() for one in part.x]


def test_the_vocabulary_is_that_of_training_alone():
    data = data_of_texts("d", TRAIN, Texts(["green rose sky"], ["b"]), Texts(["blue blue"], ["r"]))
    assert data.train.words == ("rose", "red", "sky", "blue")
    assert lists(data.train) == [[1, 0], [3, 2], [1, 2], [0, 0]]
    assert (lists(data.valid), lists(data.test)) == ([[0, 2]], [[3, 3]])
    assert data.train.labels.tolist() == [1, 0, 0, 1]
    assert data.details["classes"] == '["b", "r"]'
    assert relabelled(data, ["r", "", "b"]).tolist() == [1, -1, 0]


def test_numbers_that_name_classes_are_in_their_order():
    data = data_of_texts("d", Texts(["a", "a", "a"], ["10", "2", ""]), Texts(["a"], ["2"]), ["a"])
    assert data.details["classes"] == '["2", "10"]'
    assert (data.train.labels.tolist(), data.valid.labels.tolist(), data.test.labels.tolist()) == (
        [1, 0, -1],
        [0],
        [-1],
    )


def test_what_is_not_parted_is_parted_by_the_seed_with_no_text_in_two_parts():
    texts = [f"w{number}" for number in range(40)]
    data = data_of_texts("d", texts, how=Tokenisation(unknown="?"), parting=Parting(valid=5, test=7, seed=3))
    assert [len(data.part(part)) for part in PARTS] == [28, 5, 7]
    assert data.train.vocabulary == 29, "words of the other parts are unknown"
    assert data.details["parting"] == "of 40 training texts 5 as valid and 7 as test, drawn with seed 3"
    # With all words alike known, a text's word tells which it is.
    same = data_of_texts("d", [f"{text} x" for text in texts], how=Tokenisation(pattern="x|w[0-9]+"), parting=Parting())
    assert [len(same.part(part)) for part in PARTS] == [32, 4, 4]
    drawn = [word for word in same.train.words if word != "x"]
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == 32, "training keeps the texts that are in no other part"
    numbers = [int(same.train.words[one[0]][1:]) for one in lists(same.train)]
    assert numbers == sorted(numbers), "in their order"
    again = data_of_texts("d", texts, how=Tokenisation(unknown="?"), parting=Parting(valid=5, test=7, seed=3))
    other = data_of_texts("d", texts, how=Tokenisation(unknown="?"), parting=Parting(valid=5, test=7, seed=4))
    assert data.fingerprint == again.fingerprint != other.fingerprint


def test_another_tokenisation_is_another_data_set_even_where_the_numbers_are_equal():
    made = [data_of_texts("d", TRAIN, ["sky"], ["sky"], how=Tokenisation(pattern=one)) for one in ("[a-z]+", r"\w+")]
    assert made[0].train.same(made[1].train)
    assert made[0].fingerprint != made[1].fingerprint
    said = json.loads(made[0].details["tokens"])
    assert list(said) == ["pattern", "lower", "stopwords", "most", "least", "last", "unknown"]
    assert (said["pattern"], said["lower"], said["most"]) == ("[a-z]+", True, None)


def test_texts_without_a_known_term_are_left_out_and_counted():
    data = data_of_texts("d", Texts(["a b", "...", "b"], ["x", "y", "y"]), ["a", "z"], ["b", "", "?"])
    assert (lists(data.train), data.train.labels.tolist()) == ([[1, 0], [0]], [0, 1])
    assert [len(data.part(part)) for part in PARTS] == [2, 1, 1]
    assert data.details["left out as empty"] == "1 of train, 1 of valid, 2 of test"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: data_of_texts("d", ["a"], ["a"], []), DataError, "d: its test part is empty; give it texts"),
        (lambda: data_of_texts("d", ["a"], ["a"], ["z"]), DataError, "d: no text of the test part has a known term"),
        (
            lambda: data_of_texts("d", TRAIN, Texts(["red"], ["rr"]), ["sky"]),
            DataError,
            "d: valid has the label 'rr', which training has not; did you mean r",
        ),
        (
            lambda: data_of_texts("d", ["a"], Texts(["a"], ["x"]), ["a"]),
            DataError,
            "d: its training part has no labels, and another has; give both or none",
        ),
        (
            lambda: data_of_texts("d", Texts(["a", "b"], ["x"]), ["a"], ["a"]),
            DataError,
            "d: each text of the train part needs a label, got 1 for 2",
        ),
        (
            lambda: data_of_texts("d", ["a"] * 9),
            ConfigError,
            "d: 9 texts cannot be parted, got 0 to valid and 0 to test",
        ),
        (
            lambda: data_of_texts("d", ["a"] * 9, parting=Parting(valid=8, test=1)),
            ConfigError,
            "d: 9 texts cannot be parted, got 8 to valid and 1 to test",
        ),
        (
            lambda: data_of_texts("d", ["a"] * 9, ["a"], ["a"], parting=Parting(valid=1)),
            ConfigError,
            "d: its valid part is given, and to be drawn from training too; drop one",
        ),
    ],
)
def test_what_makes_no_data_set_is_refused(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(says)


def test_a_part_without_labels_beside_one_with_them_has_none_known():
    data = data_of_texts("d", TRAIN, ["sky"], Texts(["red"], ["r"]))
    np.testing.assert_array_equal(data.valid.labels, [-1])

"""Tests of `longest` in irkit.io.texts.parts: texts of more terms are left out, once the vocabulary is made."""

from irkit.io.texts.parts import data_of_texts
from irkit.io.texts.tokens import Tokenisation


def test_longer_texts_are_left_out_and_their_words_kept():
    data = data_of_texts("short", ["a b", "c d e", "a"], ["a b c", "b"], ["e", "a, x, b"], how=Tokenisation(longest=2))
    assert data.train.words == ("a", "b", "c", "d", "e")
    assert [[one.tolist() for one in data.part(name).x] for name in ("train", "valid", "test")] == [
        [[0, 1], [0]],
        [[1]],
        [[4], [0, 1]],  # x is not known, and what is not known is not counted
    ]
    assert data.details["left out as longer"] == "1 of train, 1 of valid"

"""Tests of `longest` and `sentences` of irkit.io.texts.tokens: texts are left out once the vocabulary is made."""

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
    assert data.details["left out by length"] == "1 of train, 1 of valid"


def test_texts_of_other_numbers_of_sentences_are_left_out():
    how = Tokenisation(pattern=r"\w|[.!?]", sentences=(2, 3))
    texts = ["a. b.", "a. b! ? c", "a", "a. b. c. d", "a ... b"]
    data = data_of_texts("paragraphs", texts, texts, texts[:2], how=how)
    of = {word: at for at, word in enumerate(data.train.words)}
    assert [one.tolist() for one in data.train.x] == [[of[one] for one in text] for text in ("a.b.", "a.b!?c", "a...b")]
    assert data.details["left out by length"] == "2 of train, 2 of valid"

"""Tests of irkit.io.texts.tokens: texts as terms in their order, counted by hand and by a slow version."""

import re
from collections import Counter

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError, ShapeError
from irkit.io import Texts, Tokenisation, data_of_texts, tokens_of_texts
from irkit.rng import generator

TEXTS = ["The cat saw the dog.", "A dog! The DOG saw it", "", "it's 9 o'clock"]


def lists(tokens):
    return [one.tolist() for one in tokens.x]


def slow(texts, words, how):
    """One term after the other, as the docstring says it."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    out = []
    for text in texts:
        kept = []
        for match in re.finditer(how.pattern, text.lower() if how.lower else text):
            term = match[0]
            if how.stopwords != "none" and term in ENGLISH_STOP_WORDS:
                continue
            if term in words:
                kept.append(words.index(term))
            elif how.unknown is not None:
                kept.append(words.index(how.unknown))
        out.append(kept if how.last is None else kept[-how.last :])
    return out


def test_terms_are_numbered_by_how_often_they_occur_and_then_by_their_bytes():
    found = tokens_of_texts(TEXTS)
    # dog and the three times, it (also in it's) and saw twice, the others once
    assert found.words == ("dog", "the", "it", "saw", "9", "a", "cat", "clock", "o", "s")
    assert lists(found) == [[1, 6, 3, 1, 0], [5, 0, 1, 0, 3, 2], [], [2, 9, 4, 8, 7]]
    assert found.vocabulary == 10


@pytest.mark.parametrize(
    ("settings", "words", "expected"),
    [
        ({"most": 2}, ("dog", "the"), [[1, 1, 0], [0, 1, 0], [], []]),
        ({"most": 3, "unknown": "<unk>"}, ("dog", "the", "<unk>"), [[1, 2, 2, 1, 0], [2, 0, 1, 0, 2, 2], [], [2] * 5]),
        ({"least": 2}, ("dog", "the", "it", "saw"), [[1, 3, 1, 0], [0, 1, 0, 3, 2], [], [2]]),
        ({"least": 3, "last": 2}, ("dog", "the"), [[1, 0], [1, 0], [], []]),
        ({"pattern": "[a-z]{3,}", "stopwords": "scikit-learn"}, ("dog", "saw", "cat", "clock"), None),
        ({"lower": False, "pattern": "[A-Z]+"}, ("T", "A", "DOG"), [[0], [1, 0, 2], [], []]),
    ],
)
def test_each_setting_does_what_it_says(settings, words, expected):
    how = Tokenisation(**settings)
    found = tokens_of_texts(TEXTS, how=how)
    assert found.words == words
    assert lists(found) == slow(TEXTS, words, how)
    assert expected is None or lists(found) == expected


def test_a_term_that_is_called_like_the_unknown_one_is_that_one():
    how = Tokenisation(pattern=r"\S+", unknown="<unk>", most=2)
    found = tokens_of_texts(["<unk> a <unk> b a <unk>", "c"], how=how)
    assert found.words == ("<unk>", "a")
    assert lists(found) == [[0, 1, 0, 0, 1, 0], [0]]


@pytest.mark.parametrize("unknown", [None, "<unk>"])
def test_random_texts_equal_the_slow_version(unknown):
    rng = generator(3, "texts")
    letters = np.array(list("abcABC .,'é"))
    texts = ["".join(letters[rng.integers(len(letters), size=rng.integers(60))]) for _ in range(80)]
    how = Tokenisation(pattern="[a-cé]+", most=9, last=7, unknown=unknown)
    found = tokens_of_texts(texts, how=how)
    counts = Counter(term for text in texts for term in re.findall(how.pattern, text.lower()))
    best = [term for term, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0].encode()))]
    assert found.words == ((*best[:8], unknown) if unknown else tuple(best[:9]))
    assert lists(found) == slow(texts, list(found.words), how)


def test_further_texts_are_numbered_by_a_known_vocabulary():
    known = tokens_of_texts(TEXTS, [1, 0, 0, -1])
    assert known.labels.tolist() == [1, 0, 0, -1]
    more = tokens_of_texts(["cats saw the cat", "lilies"], words=known.words)
    assert lists(more) == [[3, 1, 6], []], "a text without a known term keeps its place"
    assert known.spec.fits(more.spec)


def test_texts_like_a_data_set_are_read_as_its_were():
    how = Tokenisation(pattern="[a-z]+", most=3, last=2, unknown="?")
    data = data_of_texts("d", Texts(["b b a c", "a b"], ["x", "y"]), ["a"], ["b"], how=how)
    assert data.train.words == ("b", "a", "?")
    assert lists(tokens_of_texts(["a b B", "z"], like=data)) == [[0, 0], [2]]
    assert Tokenisation.of(data) == how
    with pytest.raises(ConfigError, match="texts: like= says how they are read and numbered"):
        tokens_of_texts(["a"], like=data, words=("a",))


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("[a-z", "it is no regular expression"),
        ("([a-z])+", r"it has a group, which would be taken for the term; write \(\?:...\)"),
        ("[a-z]*", "it finds terms without a letter"),
    ],
)
def test_a_pattern_that_finds_no_terms_is_refused(pattern, says):
    with pytest.raises(ConfigError, match=says):
        Tokenisation(pattern=pattern)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tokens_of_texts(["", "..."]), "texts: the training texts have no term, as"),
        (lambda: tokens_of_texts(["a"], words=("a", "b", "a")), "each stands once in a vocabulary, got 'a' again"),
        (lambda: tokens_of_texts(["a"], words=("a",), how=Tokenisation(unknown="?")), "'[?]' stands for unknown ones"),
        (
            lambda: tokens_of_texts("a rose"),
            "a list of texts is needed, got the single text 'a rose'; put it into a list",
        ),
        (lambda: tokens_of_texts(["a", None]), "each must be a string, got nothing as number 1; join words by spaces"),
        (
            lambda: tokens_of_texts([["a", "rose"]]),
            r"each must be a string, got \[a, rose\] as number 0; join words",
        ),
        (lambda: data_of_texts("d", "a rose is a rose is a rose"), "a list of texts is needed, got the single text"),
    ],
)
def test_what_cannot_be_numbered_is_refused(call, says):
    with pytest.raises(DataError, match=says):
        call()


def test_labels_that_are_no_numbers_are_refused():
    with pytest.raises(ShapeError, match=r"labels must be whole numbers, .* got 'x'; number the classes"):
        tokens_of_texts(["a", "b"], ["x", "y"])
    with pytest.raises(ShapeError, match=r"labels must be whole numbers, .* got 0.5; number the classes"):
        tokens_of_texts(["a", "b"], [0.5, 1])

"""Words without a topic: English function words and what newspapers say on every subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Stopwords: TypeAlias = Literal["newspaper", "scikit-learn"] | tuple[str, ...]
"A list by its name, or the words themselves."

MARKS = frozenset("<unk> <eos> N $ # & % ' 's 'll 'd 'm 're 've n't 'n't s t".split())
"Signs that stand for rare words, ends and numbers, and endings that tokenisers cut off."

NEWSPAPER = frozenset(
    "mr. mrs. ms. inc. corp. co. ltd. said says say year years new company u.s. million billion "
    "does did just like also according yesterday".split()
)
"What newspapers say on every subject."


def stop_words(which: Stopwords) -> frozenset[str]:
    """Return the words of a list.

    Parameters
    ----------
    which : {"newspaper", "scikit-learn"} or words
        "scikit-learn" is its English list and `MARKS`; "newspaper" is that and `NEWSPAPER`.

    Examples
    --------
    >>> "the" in stop_words("newspaper"), "treasury" in stop_words("newspaper"), stop_words(("b", "a")) == {"a", "b"}
    (True, False, True)
    """
    if isinstance(which, tuple):
        return frozenset(which)
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    english = frozenset(ENGLISH_STOP_WORDS) | MARKS
    return english | NEWSPAPER if which == "newspaper" else english


def is_content(words: Sequence[str], which: Stopwords) -> NDArray[np.bool_]:
    """Say which words are on no list, in whatever case they are written: (V,) bool."""
    stops = stop_words(which)
    return np.array([not ({word, word.lower()} & stops) for word in words], dtype=bool)

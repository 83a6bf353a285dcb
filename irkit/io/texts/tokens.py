"""Texts as terms in their order: how a text becomes terms, which terms have numbers, and who stands for the others.

terms        what a pattern finds in the text, from left to right, without stop words
vocabulary   the most frequent terms of the training texts, the most frequent first, of equals the earlier in
             byte order; term i is `words[i]`
the others   are left out, or all become one term such as `<unk>`
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from irkit.arrays import Bools, Ints, offsets, segments
from irkit.config import Config
from irkit.errors import ConfigError, DataError, near_misses
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.wording import shown


class Tokenisation(Config):
    """How texts become numbers of terms: part of what a data set is."""

    pattern: str = r"\w+"
    "Regular expression of a term."
    lower: bool = True
    "Whether texts are put in lower case first."
    stopwords: Literal["none", "scikit-learn"] = "none"
    "Which terms are left out: none, or the English stop words of scikit-learn."
    most: int | None = Field(None, ge=1)
    "Terms of the vocabulary at most, `unknown` among them; those most frequent in training."
    least: int = Field(1, ge=1)
    "How often a term of the vocabulary occurs in training at least."
    last: int | None = Field(None, ge=1)
    "Only the last so many terms of a text, counted without those left out; default all."
    longest: int | None = Field(None, ge=1)
    "A text of more terms is left out of a data set, once the vocabulary is made."
    sentences: tuple[int, int] | None = None
    "Likewise one of fewer or more sentences than these; a sentence ends behind a run of the terms `.`, `!` and `?`."
    unknown: str | None = Field(None, min_length=1)
    "The term that stands for every one outside the vocabulary; default these are left out."

    @field_validator("pattern")
    @classmethod
    def _finds_terms(cls, pattern: str) -> str:
        try:
            found = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"it is no regular expression, {error}") from None
        if found.groups:
            raise ValueError("it has a group, which would be taken for the term; write (?:...)")
        if found.match(""):
            raise ValueError("it finds terms without a letter; let it match one or more")
        return pattern

    @classmethod
    def of(cls, data: DataSet[Any]) -> Tokenisation:
        """Return how the texts of a data set became terms.

        Raises
        ------
        ConfigError
            If it was not made of texts.
        """
        try:
            return cls(**json.loads(data.details["tokens"]))
        except KeyError:
            raise ConfigError(f"{data.name}: does not say how its texts became terms; give how= and words=") from None

    def __str__(self) -> str:
        unused = {name for name in ("longest", "sentences") if getattr(self, name) is None}
        return json.dumps(self.model_dump(exclude=unused), ensure_ascii=False)


def tokens_of_texts(
    texts: Iterable[str],
    labels: Sequence[int] | Sequence[str] | Ints | None = None,
    *,
    like: DataSet[Any] | None = None,
    how: Tokenisation | None = None,
    words: Sequence[str] | None = None,
) -> Tokens:
    """Return texts as terms in their order; a text without a known term is there, and empty.

    Parameters
    ----------
    texts : iterable of n strings
    labels : n whole numbers, or with `like` names, optional
        A class for each; -1, or an empty name, where there is none.
    like : DataSet, optional
        The texts are read as its were, and numbered by its vocabulary: `like=load_data("20newsgroups")`.
    how : Tokenisation, optional
        How they are read, where there is no data set like them.
    words : sequence of str, optional
        A vocabulary: term i is `words[i]`. Default that of these texts.

    Raises
    ------
    ConfigError
        If there is a data set to be like as well as `how` or `words`, or it was not made of texts.
    DataError
        If no text has a term, one is no string, words occur twice or lack the one that stands for those unknown, or a
        label is none of the data set's classes.
    ShapeError
        If labels are no whole numbers.

    Examples
    --------
    >>> found = tokens_of_texts(["a rose is a rose", "is it?"])
    >>> found.words, [one.tolist() for one in found.x]
    (('a', 'is', 'rose', 'it'), [[0, 2, 1, 0, 2], [1, 3]])
    >>> [one.tolist() for one in tokens_of_texts(["it rose", "lilies"], words=found.words).x]
    [[3, 2], []]
    """
    if like is not None:
        if how is not None or words is not None:
            raise ConfigError("texts: like= says how they are read and numbered, got how= or words= too; give one")
        how, words = Tokenisation.of(like), like.spec.words
        if labels is not None and all(isinstance(one, str) for one in labels):
            labels = class_numbers(f"{like.name}: a text", labels, json.loads(like.details.get("classes", "[]")))
    how = how or Tokenisation()
    read = Numbered(how)
    terms = read.add(texts)
    known = read.vocabulary(terms, "texts") if words is None else tuple(words)
    column = None if labels is None else np.asarray(labels)
    return Tokens(read.known(terms, known), len(known), labels=column, words=known)


def class_numbers(who: str, labels: Iterable[Any], classes: Sequence[str]) -> Ints:
    """Return names of classes as their places among the classes of training: (n,) int64, -1 for an empty name.

    Raises
    ------
    DataError
        If training has no such class.
    """
    number = {"": -1, **{one: at for at, one in enumerate(classes)}}
    found = []
    for one in labels:
        if one not in number:
            raise DataError(f"{who} has the label {shown(one)}, which training has not; {near_misses(one, classes)}")
        found.append(number[one])
    return np.array(found, dtype=np.int64)


class Numbered:
    """Terms as numbers in the order in which they were met first, which the vocabulary then chooses from.

    Parameters
    ----------
    how : Tokenisation
    """

    def __init__(self, how: Tokenisation) -> None:
        self.how = how
        self.number = _Numbers()
        self.find = re.compile(how.pattern).findall

    def add(self, texts: Iterable[str]) -> Ragged:
        """Return all terms of some texts.

        Raises
        ------
        DataError
            If they are one text, or one of them is none.
        """
        if isinstance(texts, str):
            raise DataError(f"texts: a list of texts is needed, got the single text {shown(texts)}; put it into a list")
        ids, lengths = array("q"), array("q")
        number = self.number.__getitem__
        for text in texts:
            if not isinstance(text, str):
                raise DataError(
                    f"texts: each must be a string, got {shown(text)} as number {len(lengths)}; join words by spaces"
                )
            found = self.find(text.lower() if self.how.lower else text)
            lengths.append(len(found))
            ids.extend(map(number, found))
        return Ragged(*(np.frombuffer(one, dtype=np.int64) if one else np.zeros(0, np.int64) for one in (ids, lengths)))

    def vocabulary(self, train: Ragged, who: str) -> tuple[str, ...]:
        """Return the terms that have numbers, the most frequent of training first.

        Raises
        ------
        DataError
            If there is none.
        """
        counts = np.bincount(train.values, minlength=len(self.number))
        names = list(self.number)
        enough = (counts >= self.how.least) & ~self._stopped()
        best = sorted(np.flatnonzero(enough).tolist(), key=lambda at: (-counts[at], names[at]))
        found, unknown = [names[at] for at in best[: self.how.most]], self.how.unknown
        if not found:
            raise DataError(
                f"{who}: the training texts have no term, as {self.how} finds them; give other texts or settings"
            )
        if unknown is not None and unknown not in found:
            found = [*found[: None if self.how.most is None else self.how.most - 1], unknown]
        return tuple(found)

    def known(self, terms: Ragged, words: Sequence[str]) -> Ragged:
        """Return terms as numbers of a vocabulary.

        Raises
        ------
        DataError
            If a word occurs twice, or the one that stands for those unknown is not among them.
        """
        place = {word: at for at, word in enumerate(words)}
        if len(place) < len(words):
            twice = next(word for at, word in enumerate(words) if place[word] != at)
            raise DataError(f"words: each stands once in a vocabulary, got {twice!r} again; remove one")
        other = -1
        if self.how.unknown is not None:
            if self.how.unknown not in place:
                raise DataError(f"words: {self.how.unknown!r} stands for unknown ones and is not there; add it")
            other = place[self.how.unknown]
        new = np.array([place.get(name, other) for name in self.number], dtype=np.int64)
        new[self._stopped()] = -1
        found = new[terms.values] if len(new) else terms.values
        row = segments(offsets(terms.lengths))[found >= 0]
        kept = Ragged(found[found >= 0], np.bincount(row, minlength=len(terms)))
        return kept if self.how.last is None else _last(kept, self.how.last)

    def _stopped(self) -> Bools:
        """Say which terms are stop words."""
        if self.how.stopwords == "none":
            return np.zeros(len(self.number), dtype=bool)
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return np.array([name in ENGLISH_STOP_WORDS for name in self.number], dtype=bool)


class _Numbers(dict[str, int]):
    """Numbers each new key with how many there were: one look-up a term."""

    def __missing__(self, key: str) -> int:
        self[key] = found = len(self)
        return found


def _last(terms: Ragged, n: int) -> Ragged:
    """Return the last n of each."""
    row = segments(offsets(terms.lengths))
    left = terms.lengths[row] - (np.arange(len(row)) - offsets(terms.lengths)[row])  # 1 for the last term
    return Ragged(terms.values[left <= n], np.minimum(terms.lengths, n))

"""What turns the documents of an index, and queries, into vectors of one space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import digest
from irkit.errors import AbilityError, ConfigError, FrameError
from irkit.frames import Queries
from irkit.hits import Docnos
from irkit.io.kinds import Examples
from irkit.rank.bags import bags_of_index, bags_of_texts, tokens_of_index, tokens_of_texts

if TYPE_CHECKING:
    from irkit.lucene import Index


class Encoder(Protocol):
    """Documents as vectors, and texts as vectors beside them.

    An encoder may have a `folder` besides, where `Dense` keeps its index, a `name` that the file is called by, and
    the digest of its `code`, with which such files change. What it may be able to do besides, `ABILITIES` says.
    """

    docnos: Docnos
    "Of the documents, in the order of `documents`."
    fingerprint: str
    "Hash of what the vectors depend on."

    @property
    def documents(self) -> Floats:
        """(N, d) float32; a document that cannot be told from others is zero."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text: (n, d) float32."""


ABILITIES = {"posteriors": "gives posteriors", "word_log_prob": "predicts the words of documents"}
"What encoders may be able to do besides, by the name of the method, and how it is said of one."


def require(encoder: Any, ability: str, *, who: str) -> None:
    """Raise `AbilityError` unless an encoder has a method of `ABILITIES`, and `can` use it where it has a say."""
    can = getattr(encoder, "can", None)
    if not callable(getattr(encoder, ability, None)) or not (can is None or can(ability)):
        what = getattr(getattr(encoder, "model", None), "name", type(encoder).__name__)
        raise AbilityError(
            f"{who}: needs an encoder that {ABILITIES[ability]}, got one of {what}; choose another model"
        )


def texts_of(queries: Queries, *, who: str) -> list[str]:
    """Return the texts of queries, which encoders read.

    Raises
    ------
    FrameError
        If there are none, as in a run file.
    """
    if "query" not in queries:
        raise FrameError(
            f"{who}: reads the texts of queries, got the columns {', '.join(map(str, queries))}; add them, which a run "
            "file does not hold: results.merge(queries, on='qid')"
        )
    texts: list[str] = queries["query"].tolist()
    return texts


class IndexEncoder:
    """The documents of an index through a model of its terms, such as `DocNADE` or `LSA`.

    It `can` do besides what its model `gives`: `posteriors` where that has such a method, from documents to means and
    variances, `word_log_prob` where it has one from documents to log-probabilities of all its words.

    Parameters
    ----------
    model : fitted model
        Its `encode` takes `Bags`, or else `Tokens`; its `words` are the terms that it knows.
    index : Index
    name : str, optional
        What files are called that are made of it; default the model's.
    folder : path, optional
        Where `Dense` is to keep its index.
    code : str, optional
        Digest of the code that encodes: with other code an index that is kept counts for nothing.

    Raises
    ------
    ConfigError
        If the model does not know its words, or none of them is a term of the index.
    """

    def __init__(self, model: Any, index: Index, *, name: str = "", folder: Path | None = None, code: str = "") -> None:
        words = getattr(model, "words", None)
        if words is None:
            raise ConfigError(f"encoder: {model.name} does not know its words; fit it on bags with words=")
        self.model, self.index, self.words = model, index, tuple(words)
        if not self.known:
            raise ConfigError(
                f"encoder: none of the {len(words):,} words of {name or model.name}, such as {words[0]!r}, is a term "
                f"of {index.path}; give a model of documents analysed by {index.analyzer.name}, as "
                "training recipes learn those of a collection"
            )
        self.name, self.folder, self.code = name or model.name, folder, code
        self.docnos = index.docnos
        self.fingerprint = digest("index encoder", index.fingerprint, model.fingerprint)

    @cached_property
    def documents(self) -> Floats:
        """(N, d) float32."""
        return self._vectors(self._documents)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text, analysed as the index is: (n, d) float32."""
        return self._vectors(self._read(texts))

    @cached_property
    def known(self) -> int:
        """How many of the model's words are terms of the index; the others are found in no document and no query."""
        return int((self.index.vocabulary.ids(self.words) >= 0).sum())

    def can(self, ability: str) -> bool:
        """Whether the model gives what an ability of `ABILITIES` takes."""
        return ability in getattr(self.model, "gives", ())

    def posteriors(self, texts: Sequence[str] | None = None) -> tuple[Floats, Floats]:
        """Return means and variances of texts, or of all documents: (n, d) each, NaN of those without a known word."""
        require(self, "posteriors", who="encoder")
        return self._posteriors if texts is None else self._gaussians(self._read(texts))

    def word_log_prob(self, rows: Ints, words: Sequence[str]) -> Floats:
        """Return log p(word | document) of some documents: (n, m) float32 nats, -inf of a word the model does not know.

        Parameters
        ----------
        rows : (n,) int
            Documents, by their rows of `docnos`. Of one without a known word it is what the model says before any.
        words : sequence of m str
            Terms of the index.
        """
        require(self, "word_log_prob", who="encoder")
        place = np.array([self._number.get(word, -1) for word in words], dtype=np.int64)
        found = np.full((len(rows), len(words)), -np.inf, dtype=np.float32)
        if len(rows):
            known = place >= 0
            found[:, known] = self.model.word_log_prob(self._documents.take(rows))[:, place[known]]
        return found

    @property
    def _counts(self) -> bool:
        """Whether counts are all that the model needs."""
        return "bags" in self.model.takes

    @cached_property
    def _documents(self) -> Examples:
        return (bags_of_index if self._counts else tokens_of_index)(self.index, self.words)

    @cached_property
    def _posteriors(self) -> tuple[Floats, Floats]:
        return self._gaussians(self._documents)

    @cached_property
    def _number(self) -> dict[str, int]:
        return {word: at for at, word in enumerate(self.words)}

    def _read(self, texts: Sequence[str]) -> Examples:
        return (bags_of_texts if self._counts else tokens_of_texts)(self.index.analyzer, texts, self.words)

    def _vectors(self, documents: Examples) -> Floats:
        """Encode documents; those without a known word are zero, whatever the model makes of them."""
        found = np.array(self.model.encode(documents), dtype=np.float32)
        found[documents.x.lengths == 0] = 0
        return found

    def _gaussians(self, documents: Examples) -> tuple[Floats, Floats]:
        mean, variance = (np.array(part, dtype=np.float64) for part in self.model.posteriors(documents))
        mean[documents.x.lengths == 0] = variance[documents.x.lengths == 0] = np.nan
        return mean, variance

"""What turns the documents of an index, and queries, into vectors of one space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from irkit.arrays import Floats
from irkit.config import digest
from irkit.errors import ConfigError
from irkit.hits import Docnos
from irkit.rank.bags import bags_of_index, bags_of_texts, tokens_of_index, tokens_of_texts

if TYPE_CHECKING:
    from irkit.lucene import Index


class Encoder(Protocol):
    """Documents as vectors, and texts as vectors beside them."""

    docnos: Docnos
    "Of the documents, in the order of `documents`."
    fingerprint: str
    "Hash of what the vectors depend on."

    @property
    def documents(self) -> Floats:
        """(N, d) float32; a document that cannot be told from others is zero."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text: (n, d) float32."""


class IndexEncoder:
    """The documents of an index through a model of its terms, such as `DocNADE` or `LSA`.

    Parameters
    ----------
    model : fitted model
        Its `encode` takes `Bags`, or else `Tokens`; its `words` are the terms that it knows.
    index : Index

    Raises
    ------
    ConfigError
        If the model does not know its words.
    """

    def __init__(self, model: Any, index: Index) -> None:
        words = getattr(model, "words", None)
        if words is None:
            raise ConfigError(f"encoder: {model.name} does not know its words; fit it on bags with words=")
        self.model, self.index, self.words = model, index, tuple(words)
        self.docnos = index.docnos
        self.fingerprint = digest("index encoder", index.fingerprint, model.fingerprint)

    @cached_property
    def documents(self) -> Floats:
        """(N, d) float32."""
        return self._vectors((bags_of_index if self._counts else tokens_of_index)(self.index, self.words))

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text, analysed as the index is: (n, d) float32."""
        read = bags_of_texts if self._counts else tokens_of_texts
        return self._vectors(read(self.index.analyzer, texts, self.words))

    @property
    def _counts(self) -> bool:
        """Whether counts are all that the model needs."""
        return "bags" in self.model.takes

    def _vectors(self, documents: Any) -> Floats:
        """Encode documents; those without a known word are zero, whatever the model makes of them."""
        found = np.array(self.model.encode(documents), dtype=np.float32)
        found[documents.x.lengths == 0] = 0
        return found

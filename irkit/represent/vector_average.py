"""VectorAverage: a document as the mean of the vectors of its words, each weighted by how rare it is.

    document = sum over words of w[word] v[word] / sum of w[word]        w = idf = log(N / df), or 1

Words without a vector do not count; a document without any has the vector zero.

Source: a common baseline, as in Le and Mikolov, "Distributed representations of sentences and documents", ICML 2014,
section 3; vectors of the documents' own words by Levy, Goldberg and Dagan, "Improving distributional similarity with
lessons learned from word embeddings", TACL 2015, see `irkit.text.vectors`.

Symbols: N training documents, n documents, V terms, d dimensions.
Departure: of bags, all words of a document are the context of each other, whatever the window.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from irkit.arrays import Floats, offsets
from irkit.config import Config
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import Spec, Tokens
from irkit.represent.solved import SolvedModel, SolvedNet, count_matrix, frequencies
from irkit.text.vectors import Vectors, train_ppmi_svd
from irkit.verified import file_digest


class VectorAverageConfig(Config):
    """Settings of `VectorAverage`."""

    dimensions: int = Field(150, ge=1)
    "d; of given vectors it must be theirs."
    vectors: str | None = None
    "File of word vectors, as `irkit.text.vectors.Vectors.load` reads; None makes them of the training documents."
    weight: Literal["idf", "none"] = "idf"
    "How much a word counts."
    window: int = Field(8, ge=1)
    "Words on either side that vectors are made of, of documents whose words are in order."
    shift: float = Field(0.0, ge=0)
    "What is taken off the pointwise mutual information of words, before what is negative is left out."


class VectorAverageNet(SolvedNet):
    """The arrays: vectors (V, d), zero where a word has none, and weights (V,)."""

    dtype = torch.float32

    def __init__(self, terms: int, dimensions: int) -> None:
        super().__init__()
        self.hold("vectors", terms, dimensions)
        self.hold("weights", terms)

    @property
    def topics(self) -> Tensor:
        """The vectors: (V, d)."""
        found: Tensor = self.get_parameter("vectors")
        return found


class VectorAverage(SolvedModel):
    """Weighted averages of word vectors.

    Parameters
    ----------
    given : Vectors, optional
        Word vectors at hand, in place of a file; they say how many dimensions there are.
    """

    name = "vector-average"
    config_type = VectorAverageConfig
    config: VectorAverageConfig

    def __init__(
        self, config: VectorAverageConfig | None = None, *, given: Vectors | None = None, **settings: Any
    ) -> None:
        super().__init__(config, **settings)
        self._given = given
        if given is not None:
            self.config = self.config.changed(dimensions=given.size)

    @property
    def beside(self) -> dict[str, Any]:
        """Hash of word vectors at hand, or of their file, whose content counts and not its path alone."""
        if self._given is not None:
            return {"given": self._given.fingerprint}
        path = self.config.vectors
        return {"file": file_digest(path)} if path is not None and os.path.isfile(path) else {}

    def build(self, spec: Spec) -> VectorAverageNet:
        """Return a net whose arrays are empty."""
        assert spec.vocabulary is not None
        return VectorAverageNet(spec.vocabulary, self.config.dimensions)

    def solve(self, documents: Tokens, net: SolvedNet, seed: int) -> None:
        """Find the vectors of terms and count in how many documents each is.

        Raises
        ------
        ConfigError
            If given vectors are of another size or of other words, or the documents do not know their words.
        DataError
            If no document has two words to make vectors of, or no words meet more often than by chance.
        """
        counts = count_matrix(documents)
        terms = counts.shape[1]
        vectors = np.zeros((terms, self.config.dimensions), dtype=np.float32)
        given = self._given
        if given is None and self.config.vectors is not None:
            given = Vectors.load(self.config.vectors)
        if given is None:
            made = self._made(documents, seed)
            vectors[:, : made.shape[1]] = made
        else:
            self._check(given, documents)
            pairs = ((row, given.rows.get(word, -1)) for row, word in enumerate(documents.words or ()))
            found = np.array([pair for pair in pairs if pair[1] >= 0], dtype=np.int64).reshape(-1, 2)
            vectors[found[:, 0]] = given.matrix[found[:, 1]]
        weights = frequencies(counts) if self.config.weight == "idf" else np.ones(terms)
        net.fill(vectors=vectors, weights=np.where(vectors.any(1), weights, 0.0))

    def vectors(self, documents: Tokens) -> Floats:
        """Average the vectors of words: (n, d)."""
        weighted = count_matrix(documents).multiply(self.fitted.array("weights")).tocsr()
        total = np.asarray(weighted.sum(1))
        found: Floats = weighted @ self.fitted.array("vectors") / np.where(total > 0, total, 1)
        return found

    def _made(self, documents: Tokens, seed: int) -> Floats:
        """Factorise how often terms meet."""
        if documents.x.lengths.max(initial=0) < 2:
            raise DataError("vector-average: no document has two words, of which vectors are made; give word vectors")
        terms = [str(term) for term in range(max(2, documents.vocabulary))]
        made = train_ppmi_svd(
            offsets(documents.x.lengths),
            documents.x.values,
            terms,
            size=self.config.dimensions,
            window=self.config.window,
            shift=self.config.shift,
            seed=seed,
        ).matrix
        if not made.any():
            raise DataError(
                f"vector-average: no words meet more often than by chance, got {len(documents)} documents of "
                f"{documents.vocabulary} terms and shift {self.config.shift:g}; give word vectors"
            )
        return made

    def _check(self, given: Vectors, documents: Tokens) -> None:
        if given.size != self.config.dimensions:
            raise ConfigError(
                f"vector-average: dimensions must be those of the vectors, got {self.config.dimensions} for vectors of "
                f"{given.size}; set dimensions to {given.size}"
            )
        if documents.words is None:
            raise ConfigError(
                "vector-average: documents do not know their words, by which vectors are found; give words="
            )
        if not any(word in given.rows for word in documents.words):
            raise ConfigError("vector-average: no word of the documents has a vector; give vectors of their words")

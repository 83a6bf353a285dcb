"""Doc2Vec: a vector for each document, from which its words are predicted.

Source: Le and Mikolov, "Distributed representations of sentences and documents", ICML 2014; the negative sampling
of Mikolov et al., "Distributed representations of words and phrases", NIPS 2013.

    PV-DBOW     p(word | document)              from d
    PV-DM       p(word | document, context)     from the mean of d and the vectors of the words around
    new document    d alone is learned, words stay what they are

Symbols: n documents, V terms, D dimensions.
Cost: gensim's stochastic gradient descent, O(D negatives) a word and epoch; as much again for new documents.
Departures: the mean in place of concatenation. One worker, so that the seed decides. Each document is inferred
from the same start and the same noise, so that its vector does not depend on the others; training documents too.
A document without a known word has the vector zero; one of very many words is looked at in pieces.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import DataError
from irkit.io.kinds import Spec, Tokens
from irkit.represent.solved import SolvedModel, SolvedNet
from irkit.rng import check_seed, generator

PIECE = 10_000
"Words of a document that gensim looks at; it would pass over the others."


class Doc2VecConfig(Config):
    """Settings of `Doc2Vec`."""

    dimensions: int = Field(100, ge=1)
    "D."
    method: Literal["dbow", "dm"] = "dbow"
    "From what a word is predicted: the document alone, or the words around it too."
    window: int = Field(5, ge=1)
    "Words of the context on either side; only of dm."
    least: int = Field(1, ge=1)
    "Occurrences in training of the words that are looked at."
    negatives: int = Field(5, ge=1)
    "Words drawn beside each word that is predicted."
    sample: float = Field(1e-3, ge=0, lt=1)
    "Share of all words above which a frequent word is left out now and then; 0 keeps all."
    learning_rate: float = Field(0.025, gt=0)
    "At the start; it falls linearly."
    epochs: int = Field(40, ge=1)
    "Passes over the training documents, and over a new one."


class Doc2VecNet(SolvedNet):
    """What words weigh as context and as what is predicted, and what inference begins with."""

    dtype = torch.float32
    counts: Tensor
    "Of each term in training, 0 where it is left out: (V,)."
    noise: Tensor
    "Seed of what inference draws: (1,)."

    def __init__(self, terms: int, dimensions: int) -> None:
        super().__init__()
        self.hold("inner", terms, dimensions)
        self.hold("outer", terms, dimensions)
        self.hold("begin", dimensions)
        self.register_buffer("counts", torch.zeros(terms, dtype=torch.int64))
        self.register_buffer("noise", torch.zeros(1, dtype=torch.int64))

    @property
    def topics(self) -> Tensor:
        """What a document's dimensions add to the logit of each term: (V, D)."""
        found: Tensor = self.get_parameter("outer")
        return found


class Doc2Vec(SolvedModel):
    """Paragraph vectors; of bags in an order that means nothing, for which dbow does not ask."""

    name = "doc2vec"
    config_type = Doc2VecConfig
    config: Doc2VecConfig

    def build(self, spec: Spec) -> Doc2VecNet:
        """Return a net whose arrays are empty."""
        assert spec.vocabulary is not None
        return Doc2VecNet(spec.vocabulary, self.config.dimensions)

    def solve(self, documents: Tokens, net: SolvedNet, seed: int) -> None:
        """Train the words' weights.

        Raises
        ------
        DataError
            If no word occurs often enough.
        """
        from gensim.models.doc2vec import TaggedDocument

        counts = np.bincount(documents.x.values, minlength=documents.vocabulary)
        counts[counts < self.config.least] = 0
        if not counts.any():
            raise DataError(f"doc2vec: no word occurs {self.config.least} times or more; lower least")
        named = enumerate(_named(documents))
        texts = [TaggedDocument(piece, [at]) for at, words in named for piece in _pieces(words)]
        noise = check_seed(seed, most=2**32 - 1)
        model = self._posed(noise, least=self.config.least)
        model.build_vocab(texts)
        model.train(texts, total_examples=len(texts), epochs=self.config.epochs)
        rows = np.array([int(word) for word in model.wv.index_to_key])
        inner, outer = (np.zeros((len(counts), self.config.dimensions), dtype=np.float32) for _ in range(2))
        inner[rows], outer[rows] = model.wv.vectors, model.syn1neg
        begin = generator(seed, "doc2vec").uniform(-0.5, 0.5, self.config.dimensions) / self.config.dimensions
        net.fill(inner=inner, outer=outer, begin=begin.astype(np.float32), counts=counts, noise=np.array([noise]))

    def vectors(self, documents: Tokens) -> Floats:
        """Infer a vector for each document: (n, D)."""
        from gensim.models.doc2vec import train_document_dbow, train_document_dm

        model = self._rebuilt()
        infer = train_document_dbow if self.config.method == "dbow" else train_document_dm
        begin, lock = self.fitted.array("begin"), np.ones(1, dtype=np.float32)
        noise, known = int(self.fitted.noise), model.wv.key_to_index
        rates = np.linspace(model.alpha, model.min_alpha, self.config.epochs).tolist()
        found: Floats = np.zeros((len(documents), self.config.dimensions), dtype=np.float32)
        for at, words in enumerate(_named(documents)):
            if not any(word in known for word in words):
                continue
            model.random = np.random.RandomState(noise)
            found[at] = begin
            for rate, piece in product(rates, _pieces(words)):
                infer(
                    model,
                    piece,
                    [0],
                    rate,
                    learn_words=False,
                    learn_hidden=False,
                    doctag_vectors=found[at : at + 1],
                    doctags_lockf=lock,
                )
        return found

    def _posed(self, seed: int, least: int = 1) -> Any:
        from gensim.models.doc2vec import Doc2Vec as Gensim

        return Gensim(
            vector_size=self.config.dimensions,
            dm=int(self.config.method == "dm"),
            window=self.config.window,
            min_count=least,
            negative=self.config.negatives,
            sample=self.config.sample,
            alpha=self.config.learning_rate,
            min_alpha=min(1e-4, self.config.learning_rate),
            epochs=self.config.epochs,
            seed=seed,
            workers=1,
        )

    def _rebuilt(self) -> Any:
        """Return gensim's model of the weights, its words in an order that they alone decide."""
        counts, model = self.fitted.array("counts"), self._posed(int(self.fitted.noise))
        model.build_vocab_from_freq({str(row): int(counts[row]) for row in np.flatnonzero(counts)})
        rows = np.array([int(word) for word in model.wv.index_to_key])
        model.wv.vectors = np.ascontiguousarray(self.fitted.array("inner")[rows])
        model.syn1neg = np.ascontiguousarray(self.fitted.array("outer")[rows])
        return model


def _pieces(words: list[str]) -> list[list[str]]:
    """Cut a document so that gensim looks at all of it."""
    return [words[at : at + PIECE] for at in range(0, max(1, len(words)), PIECE)]


def _named(documents: Tokens) -> Any:
    """Yield the terms of each document as the names that gensim knows them by."""
    return (list(map(str, one.tolist())) for one in documents.x)

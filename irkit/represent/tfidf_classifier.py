"""Logistic regression on words and pairs of words: what any model that reads documents should be compared with.

    x_dg = (1 + log tf_dg) (1 + log((1 + n) / (1 + df_g))), each row scaled to length 1
    p(class | document) = softmax(U x_d + b), of least  (1 / 2C) |U|^2 - sum over documents of log p(own class)

Source: Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL 2012, for
how hard bigrams are to beat; tf-idf and the fit are as scikit-learn has them.

Symbols: n documents, g one of G grams, that is a term or two in a row, df documents that hold it, C classes too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field

from irkit.arrays import Ints, offsets, segments
from irkit.errors import DataError
from irkit.io.kinds import Ragged, Spec, Tokens
from irkit.learn.trainer import TrainerConfig
from irkit.represent.linear import LinearClassifier, LinearConfig, LinearNet


class TfidfClassifierConfig(LinearConfig):
    """Settings of `TfidfClassifier`."""

    pairs: bool = True
    "Whether two terms in a row are a gram too."
    least: int = Field(1, ge=1)
    "Documents that hold a gram, at least."
    c: float = Field(5.0, gt=0)
    "How little large weights cost, C of scikit-learn."


class TfidfClassifierNet(LinearNet):
    """The weights, (C, G) and (C,), with the grams and how much each counts."""

    sized = ("weight", "grams", "idf")
    grams: torch.Tensor
    "What each gram is, increasing: a term t, or V + t V + u for u behind t: (G,) int64."
    idf: torch.Tensor
    "(G,)"

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.register_buffer("grams", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("idf", torch.zeros(0))


def grams_of(documents: Ragged, vocabulary: int, *, pairs: bool) -> tuple[Ints, Ints]:
    """Return the number of its document, and what it is, of every gram: (N,) int64 each.

    Examples
    --------
    >>> [one.tolist() for one in grams_of(Ragged.of([[2, 0], [1]]), 3, pairs=True)]
    [[0, 0, 1, 0], [2, 0, 1, 9]]
    """
    row, terms = segments(offsets(documents.lengths)), documents.values.astype(np.int64)
    if not pairs:
        return row, terms
    here = np.flatnonzero(row[1:] == row[:-1])
    both = vocabulary + terms[here] * vocabulary + terms[here + 1]
    return np.concatenate([row, row[here]]), np.concatenate([terms, both])


class TfidfClassifier(LinearClassifier):
    """Logistic regression on tf-idf."""

    name = "tfidf-classifier"
    config_type = TfidfClassifierConfig
    config: TfidfClassifierConfig

    def build(self, spec: Spec) -> TfidfClassifierNet:
        """Return weights of no gram."""
        assert spec.classes is not None
        return TfidfClassifierNet(spec.classes)

    def rows(self, documents: Tokens) -> Any:
        """Return tf-idf of the grams that are known: (n, G) csr."""
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        grams, idf = self.fitted.grams.cpu().numpy(), self.fitted.idf.cpu().double().numpy()
        row, gram = grams_of(documents.x, documents.vocabulary, pairs=self.config.pairs)
        place = np.searchsorted(grams, gram).clip(max=len(grams) - 1)
        known = grams[place] == gram
        ones = np.ones(int(known.sum()))
        counts = csr_matrix((ones, (row[known], place[known])), shape=(len(documents), len(grams)))
        counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
        return normalize(counts, copy=False)

    def learn_rows(self, net: TfidfClassifierNet, text: Tokens, few: Tokens, trainer: TrainerConfig) -> None:
        """Find the grams of the documents with labels, and how many of them hold each."""
        pairs = np.stack(grams_of(few.x, few.vocabulary, pairs=self.config.pairs))
        grams, df = np.unique(np.unique(pairs, axis=1)[1], return_counts=True)
        often = df >= self.config.least
        if not often.any():
            raise DataError(f"{self.name}: no gram is in {self.config.least} documents, got {len(few)}; lower least")
        net.grams = torch.from_numpy(grams[often]).to(net.grams)
        net.idf = torch.from_numpy(1 + np.log((1 + len(few)) / (1 + df[often]))).to(net.idf)

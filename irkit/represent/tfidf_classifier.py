"""Logistic regression on words and pairs of words: what any model that reads documents should be compared with.

    x_dg = (1 + log tf_dg) (1 + log((1 + n) / (1 + df_g))), each row scaled to length 1
    p(class | document) = softmax(U x_d + b), of least  (1 / 2C) |U|^2 - sum over documents of log p(own class)

Source: Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL 2012, for
how hard bigrams are to beat; tf-idf and the fit are as scikit-learn has them.

Symbols: n documents, g one of G grams, that is a term or two in a row, df documents that hold it, C classes too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field
from torch import nn

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.config import Config
from irkit.errors import DataError
from irkit.io.kinds import Ragged, Spec, Tokens
from irkit.learn.data import Data
from irkit.learn.net import Net
from irkit.learn.phases import Phase
from irkit.learn.trainer import TrainerConfig, Training
from irkit.represent.classes import Classifier, fewer
from irkit.represent.solved import SOLVED


class TfidfClassifierConfig(Config):
    """Settings of `TfidfClassifier`."""

    pairs: bool = True
    "Whether two terms in a row are a gram too."
    least: int = Field(1, ge=1)
    "Documents that hold a gram, at least."
    c: float = Field(5.0, gt=0)
    "How little large weights cost, C of scikit-learn."
    iterations: int = Field(1000, ge=1)
    "Steps of the optimiser at most."
    labelled: int | None = Field(None, ge=1)
    "Labelled documents to learn from, drawn by the trainer's seed; default all."


class TfidfClassifierNet(Net):
    """The weights, (C, G) and (C,), with the grams and how much each counts."""

    grams: torch.Tensor
    "What each gram is, increasing: a term t, or V + t V + u for u behind t: (G,) int64."
    idf: torch.Tensor
    "(G,)"

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, 0))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.register_buffer("grams", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("idf", torch.zeros(0))

    def phases(self) -> list[Phase]:
        """Return none: it is not fitted by steps."""
        return []

    def load_state_dict(self, state_dict: Any, *rest: Any, **others: Any) -> Any:
        """Take over weights of any number of grams."""
        for name in ("weight", "grams", "idf"):
            tensor = getattr(self, name)
            tensor.data = tensor.new_zeros(*tensor.shape[:-1], state_dict[name].shape[-1])
        return super().load_state_dict(state_dict, *rest, **others)


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


class TfidfClassifier(Classifier):
    """Logistic regression on tf-idf."""

    name = "tfidf-classifier"
    config_type = TfidfClassifierConfig
    config: TfidfClassifierConfig
    abilities = frozenset({"score", "predict"})

    def build(self, spec: Spec) -> TfidfClassifierNet:
        """Return weights of no gram."""
        assert spec.classes is not None
        return TfidfClassifierNet(spec.classes)

    def log_probs(self, data: Any) -> Floats:
        """Return log p(class | document) of each class: (n, C) float64."""
        net = self.fitted
        weight, bias = (one.detach().cpu().double().numpy() for one in (net.weight, net.bias))
        scores = self._rows(self.examples(data)) @ weight.T + bias
        top = scores.max(1, keepdims=True)
        found: Floats = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
        return found

    def _rows(self, documents: Tokens) -> Any:
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

    def _fit(
        self,
        data: Data,
        validate: bool,
        config: TrainerConfig,
        device: torch.device,
        folder: Path | None,
        resume: bool,
        started: Callable[[], None] | None,
    ) -> Self:
        from sklearn.linear_model import LogisticRegression

        wall, cpu = time.perf_counter(), time.process_time()
        fitted = copy(self)
        fitted.net = fitted.spec = fitted.training = None
        fitted.examples(data.part("train"))
        train = fewer(fitted, data, config.seed).part("train")
        fitted.spec = data.spec
        assert isinstance(train, Tokens)
        if started is not None:
            started()
        net = fitted.net = self.build(data.spec)
        self._count(net, train)
        found = LogisticRegression(C=self.config.c, max_iter=self.config.iterations)
        found.fit(fitted._rows(train), train.labels)
        # Of two classes scikit-learn has the difference of their scores alone.
        halves = np.array([[-0.5], [0.5]]) if len(found.coef_) == 1 else np.eye(len(found.coef_))
        with torch.no_grad():
            net.weight.data = torch.from_numpy(halves @ found.coef_).to(net.weight)
            net.bias.data = torch.from_numpy(halves @ found.intercept_).to(net.bias)
        net.to(device).eval()
        seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        fitted.training = Training(1, 1.0, **seconds, stopped=SOLVED, best=None, best_step=None, rows=[])
        return fitted

    def _count(self, net: TfidfClassifierNet, train: Tokens) -> None:
        """Find the grams, and how many documents hold each."""
        pairs = np.stack(grams_of(train.x, train.vocabulary, pairs=self.config.pairs))
        grams, df = np.unique(np.unique(pairs, axis=1)[1], return_counts=True)
        often = df >= self.config.least
        if not often.any():
            raise DataError(f"{self.name}: no gram is in {self.config.least} documents, got {len(train)}; lower least")
        net.grams = torch.from_numpy(grams[often])
        net.idf = torch.from_numpy(1 + np.log((1 + len(train)) / (1 + df[often]))).to(net.idf)

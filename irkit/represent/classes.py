"""What models share that say which class a document is of: few labels of many, and figures of theirs.

    error        share of documents whose most probable class is not their own
    log loss     mean of -log p(own class | document), nats

Classes are 0 to C - 1, C being one more than the highest label of the training part; -1 says that a document has
none. With `labelled` a model learns from so many documents alone, drawn by the seed of training, and with
`held_out` it looks at so many of the validation part: fewer labels than there are, as where labels are dear.

Symbols: n documents, C classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from irkit.arrays import Floats, Ints
from irkit.errors import AbilityError, ConfigError, DataError
from irkit.io.kinds import Column, Examples, Spec, Tokens
from irkit.learn.data import Data
from irkit.learn.estimate import Estimate, Quantity
from irkit.learn.processes import check_shares
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import DocumentModel
from irkit.rng import generator

ERROR, LOG_LOSS = "error", "log loss"
"Figures of these models."


@dataclass(frozen=True)
class Labelled(Tokens):
    """Documents whose batches hold their classes too: `{"x": Padded, "labels": (B,) int64}`."""

    def inputs(self) -> dict[str, Column]:
        """Return documents and classes."""
        return {"x": self.x, "labels": self.labels}


@dataclass(frozen=True)
class _Fewer:
    """Some of the labelled documents of a data set, and what is said of it all."""

    name: str
    spec: Spec
    fingerprint: str
    details: Mapping[str, str]
    parts: Mapping[str, Tokens]

    def part(self, name: str) -> Tokens:
        """Return a part."""
        return self.parts[name]


class Classifier(DocumentModel):
    """Base of these models; their config says how many labels they see."""

    takes = frozenset({"tokens"})
    abilities = frozenset({"score", "encode", "predict"})

    @abstractmethod
    def log_probs(self, data: Any) -> Floats:
        """Return log p(class | document) of each class: (n, C) float64."""

    @property
    def held_out(self) -> int | None:
        """How many labelled documents of the validation part are looked at; None for all."""
        return None

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {ERROR: Quantity(lower=True), LOG_LOSS: Quantity("nats", lower=True)}

    def predict(self, data: Any) -> Floats:
        """Return the probability of each class: (n, C) float32."""
        self.need("predict")
        found: Floats = np.exp(self.log_probs(data)).astype(np.float32)
        return found

    def score(self, data: Any, *, seed: int = 1) -> Estimate:
        """Return the mean of log p(own class | document), nats."""
        self.need("score")
        return Estimate.exact(float(self._own(data, self.log_probs(data)).mean()))

    def values(self, test: Any, **arguments: Any) -> dict[str, Estimate]:
        """Return of each document whether its most probable class is another, 1 or 0, and -log p of its own."""
        log_p = self.log_probs(test)
        wrong = log_p.argmax(1) != self.classes_of(test)
        return {ERROR: Estimate.exact(wrong.astype(np.float64)), LOG_LOSS: Estimate.exact(-self._own(test, log_p))}

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return what the frequencies of classes in training give, one added to each."""
        counts = np.bincount(_known(self.name, train), minlength=self.known.classes or 0) + 1
        own = self.classes_of(test)
        return {
            ERROR: {"most frequent class": float((own != counts.argmax()).mean())},
            LOG_LOSS: {"frequencies": float(-np.log(counts / counts.sum())[own].mean())},
        }

    def measures(self, test: Any, **arguments: Any) -> Any:
        """Return the means of `values`; no perplexity, which these models have none of."""
        return super(DocumentModel, self).measures(test, **arguments)

    def topics(self, n: int = 10) -> Any:
        """Refuse."""
        raise AbilityError(f"{self.name}: has no topics; ask a model of documents, such as docnade")

    def classes_of(self, data: Any) -> Ints:
        """Return the class of each document: (n,) int64.

        Raises
        ------
        DataError
            If one has none, or one that was not among those of training.
        """
        part, most = self.examples(data), self.known.classes or 0
        labels = np.full(len(part), -1) if part.labels is None else np.asarray(part.labels, dtype=np.int64)
        wrong = np.flatnonzero((labels < 0) | (labels >= most))
        if len(wrong):
            raise DataError(
                f"{self.name}: each document needs a class from 0 to {most - 1}, those it was trained on, got "
                f"{labels[wrong[0]]} of document {wrong[0]}; leave others out"
            )
        return labels

    def _own(self, data: Any, log_p: Floats) -> Floats:
        return log_p[np.arange(len(log_p)), self.classes_of(data)]

    def prepared(self, text: Tokens, spec: Spec, trainer: TrainerConfig) -> Self:
        """Return the model as training begins with it, given all training documents and their look."""
        return self

    def _fit(
        self, data: Data, validate: bool, config: TrainerConfig, device: torch.device, folder: Path | None, *rest: Any
    ) -> Self:
        check_shares(self.name, config)  # before it is pretrained
        fresh = copy(self)
        fresh.net = fresh.spec = None
        text = fresh.examples(data.part("train"))
        few = fewer(fresh, data, config.seed)
        return super(Classifier, fresh.prepared(text, data.spec, config))._fit(
            few, validate, config, device, folder, *rest
        )


def fewer(model: Classifier, data: Data, seed: int) -> Data:
    """Return the documents with classes that a model learns from and is validated on.

    Raises
    ------
    DataError
        If there are no classes, or fewer than two, or one has no example among those to learn from.
    ConfigError
        If there are fewer documents than the model's config asks for.
    """
    train, classes = _drawn(model, data.part("train"), model.config.labelled, seed, "labelled")
    known = data.spec.classes or 0
    absent = np.setdiff1d(np.arange(known), classes)
    if known < 2 or len(absent):
        what = f"none of class {absent[0]}" if len(absent) else f"{known} class"
        raise DataError(f"{model.name}: learns from two classes or more, with examples of each, got {what}; give such")
    parts: dict[str, Tokens] = {
        "train": Labelled(train.x, train.vocabulary, labels=classes, words=train.words),
        "valid": train.cut(0),
    }
    if len(data.part("valid")):
        parts["valid"], _ = _drawn(model, data.part("valid"), model.held_out, seed, "held_out")
    return _Fewer(data.name, data.spec, data.fingerprint, data.details, parts)


def _drawn(model: Classifier, part: Examples, n: int | None, seed: int, field: str) -> tuple[Tokens, Ints]:
    """Return n documents that have a class, drawn by a seed, in their order, and their classes; all where n is None."""
    assert isinstance(part, Tokens)
    labels = np.full(len(part), -1) if part.labels is None else np.asarray(part.labels, dtype=np.int64)
    rows = np.flatnonzero(labels >= 0)
    if not len(rows):
        raise DataError(f"{model.name}: learns from documents with classes, got none; give labels")
    if n is not None and n > len(rows):
        raise ConfigError(f"{model.name}: {field} is {n:,}, got {len(rows):,} documents with a class; lower it")
    some = rows if n is None else np.sort(generator(seed, field).permutation(rows)[:n])
    return part.take(some), labels[some]


def _known(who: str, part: Examples) -> Ints:
    """Return the classes of the documents that have one."""
    labels = np.asarray(part.labels, dtype=np.int64)
    return labels[labels >= 0]

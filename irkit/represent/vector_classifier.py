"""Logistic regression on the vectors of a model of documents: how much of the classes its vectors tell.

The model learns from all training documents without their labels, and is kept for runs with other seeds, numbers of
labels or settings of the regression; then

    x = (vector of the document - mean of vectors) / deviation of each of their numbers
    p(class | document) = softmax(U x + b)

Source: Alain and Bengio, "Understanding intermediate layers using linear classifier probes", ICLR 2017 workshop, for
the measure; for TopicRNN, Dieng, Wang, Gao and Paisley, ICLR 2017, section 4.2, who judge the mean of theta and the
last state by sentiment. Departures from theirs: no principal components, and no hidden layer.

Symbols: D numbers of a vector.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from irkit.arrays import Floats
from irkit.config import merged, nowhere
from irkit.errors import ConfigError
from irkit.io.kinds import Spec, Tokens
from irkit.learn.net import Net
from irkit.learn.trainer import PLACE, TrainerConfig
from irkit.registry import MODELS
from irkit.represent.classes import Classifier
from irkit.represent.documents import DocumentModel
from irkit.represent.linear import LinearClassifier, LinearConfig, LinearNet
from irkit.represent.pretraining import pretrained


class VectorClassifierConfig(LinearConfig):
    """Settings of `VectorClassifier`."""

    model: str = "lsa"
    "Name of the model whose vectors are told apart."
    settings: dict[str, Any] = Field(default_factory=dict)
    "Of that model, what is not as its own."
    trainer: dict[str, Any] = Field(default_factory=dict)
    "Of that model's training, likewise; its seed is its own too, so that runs of several seeds share one model."

    @model_validator(mode="after")
    def _encodes(self) -> Self:
        self.encoder(), self.rule()
        return self

    def encoder(self) -> DocumentModel:
        """Return the untrained model.

        Raises
        ------
        ConfigError, NotFoundError
            If there is none of the name, or it gives no vectors of documents without their classes.
        """
        kind = MODELS.load(self.model)
        if not issubclass(kind, DocumentModel) or issubclass(kind, Classifier) or "encode" not in kind.abilities:
            raise ConfigError(f"{VectorClassifier.name}: {self.model} gives no vectors of documents; try docnade")
        found: DocumentModel = kind(kind.config_type.checked(self.settings, nowhere, who=kind.name))
        return found

    def rule(self) -> TrainerConfig:
        """Return how it is trained."""
        own = self.encoder().trainer
        found: TrainerConfig = type(own)(**merged(own.given(), self.trainer))
        return found


class VectorClassifierNet(LinearNet):
    """The weights, (C, D) and (C,), the model's own, and mean and deviation of its vectors."""

    sized = ("weight", "mean", "deviation")
    mean: torch.Tensor
    "(D,)"
    deviation: torch.Tensor
    "(D,), 1 where vectors do not differ."

    def __init__(self, classes: int, encoder: Net) -> None:
        super().__init__(classes)
        self.encoder = encoder
        self.register_buffer("mean", torch.zeros(0))
        self.register_buffer("deviation", torch.zeros(0))


class VectorClassifier(LinearClassifier):
    """Logistic regression on vectors."""

    name = "vector-classifier"
    config_type = VectorClassifierConfig
    config: VectorClassifierConfig

    @property
    def beside(self) -> dict[str, Any]:
        """What else decides what the model learns."""
        return self.config.encoder().beside

    def build(self, spec: Spec) -> VectorClassifierNet:
        """Return an untrained model and no weights."""
        assert spec.classes is not None
        return VectorClassifierNet(spec.classes, self.config.encoder().build(spec))

    def encode_rows(self, documents: Tokens) -> Floats:
        """Return the model's vectors: (n, D) float64."""
        encoder = copy(self.config.encoder())
        encoder.net, encoder.spec = self.fitted.encoder, self.known
        bare = Tokens(documents.x, documents.vocabulary, words=documents.words)
        found: Floats = encoder.encode(bare).astype(np.float64)
        return found

    def rows(self, documents: Tokens) -> Floats:
        """Return the model's vectors, each number less its mean and over its deviation: (n, D) float64."""
        mean, deviation = (getattr(self.fitted, name).double().cpu().numpy() for name in ("mean", "deviation"))
        found: Floats = (self.encode_rows(documents) - mean) / deviation
        return found

    def learn_rows(self, net: VectorClassifierNet, text: Tokens, few: Tokens, trainer: TrainerConfig) -> None:
        """Fit the model, or find it kept, and measure its vectors."""
        own = self.config.rule()
        place = {name: getattr(trainer, name) for name in PLACE & {*own.given(), *trainer.given()}}
        net.encoder.load_state_dict(pretrained(self.config.encoder(), text, own.changed(**place)).fitted.state_dict())
        vectors = self.encode_rows(text)
        deviation = vectors.std(0)
        net.mean = torch.from_numpy(vectors.mean(0)).to(net.mean)
        net.deviation = torch.from_numpy(np.where(deviation > 1e-8, deviation, 1.0)).to(net.deviation)

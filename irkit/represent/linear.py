"""What models share that are logistic regression on a matrix made of documents.

    p(class | document) = softmax(U x + b), of least  (1 / 2C) |U|^2 - sum over documents of log p(own class)

The fit is scikit-learn's.

Symbols: n documents, D numbers x of each, C classes too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.io.kinds import Spec, Tokens
from irkit.learn.data import Data
from irkit.learn.net import Net
from irkit.learn.phases import Phase
from irkit.learn.processes import check_shares
from irkit.learn.trainer import TrainerConfig
from irkit.represent.classes import Classifier, fewer
from irkit.represent.solved import at_once, timed


class LinearConfig(Config):
    """Settings of all of them."""

    c: float = Field(1.0, gt=0)
    "How little large weights cost, C of scikit-learn."
    iterations: int = Field(1000, ge=1)
    "Steps of the optimiser at most."
    labelled: int | None = Field(None, ge=1)
    "Labelled documents to learn from, drawn by the trainer's seed; default all."


class LinearNet(Net):
    """The weights, (C, D) and (C,); D is known when they are fitted or read."""

    sized: ClassVar[tuple[str, ...]] = ("weight",)
    "Tensors whose last axis is as long as what was fitted makes it."

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, 0))
        self.bias = nn.Parameter(torch.zeros(classes))

    def phases(self) -> list[Phase]:
        """Return none: it is not fitted by steps."""
        return []

    def load_state_dict(self, state_dict: Any, *rest: Any, **others: Any) -> Any:
        """Take over weights of any size."""
        for name in self.sized:
            tensor = getattr(self, name)
            tensor.data = tensor.new_zeros(*tensor.shape[:-1], state_dict[name].shape[-1])
        return super().load_state_dict(state_dict, *rest, **others)


class LinearClassifier(Classifier):
    """Base of these models."""

    abilities = frozenset({"score", "predict"})

    @abstractmethod
    def build(self, spec: Spec) -> LinearNet:
        """Return a net without weights."""

    @abstractmethod
    def learn_rows(self, net: Any, text: Tokens, few: Tokens, trainer: TrainerConfig) -> None:
        """Fill of an untrained net what `rows` needs, from all training documents and from those with labels."""

    @abstractmethod
    def rows(self, documents: Tokens) -> Any:
        """Return x of documents: (n, D), an array or csr."""

    def log_probs(self, data: Any) -> Floats:
        """Return log p(class | document) of each class: (n, C) float64."""
        net = self.fitted
        weight, bias = (one.detach().cpu().double().numpy() for one in (net.weight, net.bias))
        scores = self.rows(self.examples(data)) @ weight.T + bias
        top = scores.max(1, keepdims=True)
        found: Floats = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
        return found

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

        check_shares(self.name, config)
        fitted = copy(self)
        fitted.net = fitted.spec = fitted.training = None
        text = fitted.examples(data.part("train"))
        few = fewer(fitted, data, config.seed).part("train")
        assert isinstance(text, Tokens)
        assert isinstance(few, Tokens)
        fitted.spec = data.spec
        if started is not None:
            started()
        net = fitted.net = self.build(data.spec).to(device)
        with timed(config.threads) as seconds:
            fitted.learn_rows(net, text, few, config)
            found = LogisticRegression(C=self.config.c, max_iter=self.config.iterations)
            found.fit(fitted.rows(few), few.labels)
        # Of two classes scikit-learn has the difference of their scores alone.
        halves = np.array([[-0.5], [0.5]]) if len(found.coef_) == 1 else np.eye(len(found.coef_))
        with torch.no_grad():
            net.weight.data = torch.from_numpy(halves @ found.coef_).to(net.weight)
            net.bias.data = torch.from_numpy(halves @ found.intercept_).to(net.bias)
        net.eval()
        fitted.training = at_once(seconds)
        return fitted

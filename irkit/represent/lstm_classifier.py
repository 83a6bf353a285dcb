"""LSTM classifier of documents, which can begin from what a pretrained model has learned of unlabelled text.

Source: Dai and Le, "Semi-supervised sequence learning", NIPS 2015, sections 2 and 3.

    h_0 .. h_T = LSTM(END, w_1 .. w_T)                h_T, or the mean of all, is the document
    p(class | document) = softmax(U h + b)
    loss = -log p(class | document), or with linear gain  sum over t of t / T (-log p(class | h_t)) / sum of t / T

`pretraining` in the config makes it one recipe: a language model (LM-LSTM) or a sequence autoencoder (SA-LSTM)
first learns from all training documents, without their labels; its embeddings and LSTM are what training begins
from. `LSTMClassifier.from_pretrained(model)` does so with a model at hand.

Symbols: B documents, T words of the longest, E numbers of an embedding, H hidden units, V vocabulary, C classes.
Departures: one layer between the LSTM and the classes, not two; Adam.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError, ShapeError
from irkit.io.kinds import Spec, Tokens
from irkit.learn.data import Held, Padded, numbers
from irkit.learn.net import LossNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import Run, masked_mean, run
from irkit.learn.trainer import TrainerConfig
from irkit.represent.classes import Classifier
from irkit.represent.pretraining import Pretraining, pretrained
from irkit.represent.sequences import Reader, SequenceModel, opened
from irkit.signature import showing


class LSTMClassifierConfig(Config):
    """Settings of `LSTMClassifier`."""

    embedding_size: int = Field(128, ge=1)
    "Numbers of a word's embedding, E."
    hidden_size: int = Field(128, ge=1)
    "Hidden units, H."
    pooling: Literal["last", "mean"] = "last"
    "What of the LSTM's states is the document: the last, or the mean of all."
    linear_gain: bool = False
    "Whether every state is to tell the class, with weights that rise from 0 at the first to 1 at the last."
    embedding_dropout: float = Field(0.3, ge=0, lt=1)
    "Share of the numbers of embeddings left out while training."
    dropout: float = Field(0.5, ge=0, lt=1)
    "Share of the document's numbers left out while training."
    labelled: int | None = Field(None, ge=1)
    "Labelled documents to learn from, drawn by the trainer's seed; default all."
    held_out: int | None = Field(None, ge=1)
    "Labelled documents of the validation part that choose the best weights, drawn likewise; default all."
    pretraining: Pretraining = Pretraining()
    "What is learned first from all training documents, without their labels."

    @model_validator(mode="after")
    def _last_gains(self) -> Self:
        if self.linear_gain and self.pooling != "last":
            raise ValueError("linear_gain is of single states, of which the last decides; write pooling: last")
        return self


class LSTMClassifierNet(LossNet):
    """The weights: a reader, and a linear layer from a state to the classes."""

    def __init__(self, vocabulary: int, classes: int, config: LSTMClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.reader = Reader(
            vocabulary, "lstm", config.embedding_size, config.hidden_size, dropout=config.embedding_dropout
        )
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.hidden_size, classes)

    def states(self, symbols: Padded) -> Run:
        """Read symbols; outputs are not left out here, as a reader that predicts words leaves them out."""
        return run(self.reader.layer, self.reader.embed(symbols.x), symbols.lengths, sizes=symbols.sizes)

    def encode(self, batch: Padded) -> Tensor:
        """Return the last state, or the mean of all: (B, H)."""
        symbols = opened(batch, self.reader.end)
        found = self.states(symbols)
        last: Tensor = found.state[0][-1]
        return last if self.config.pooling == "last" else masked_mean(found.outputs, symbols.mask)

    def log_probs(self, batch: Padded) -> Tensor:
        """Return log p(class | document): (B, C)."""
        found: Tensor = self.out(self.dropout(self.encode(batch))).log_softmax(1)
        return found

    def loss(self, batch: dict[str, Any], now: Now) -> Loss:
        """Return the mean of minus log p(own class | document)."""
        words, labels = batch["x"], batch["labels"]
        if not self.config.linear_gain:
            return Loss(-self.log_probs(words).gather(1, labels[:, None]).mean(), {})
        symbols = opened(words, self.reader.end)
        cells, width = symbols.cells, symbols.x.shape[1]
        states = self.dropout(self.states(symbols).outputs.flatten(0, 1)[cells])
        step, row = cells % width, cells // width
        last = words.lengths.clamp(min=1)[row]
        gain = torch.where(words.lengths[row] > 0, step / last, 1.0)  # a document without words has one state
        each = cross_entropy(self.out(states), labels[row], reduction="none")
        total = (words.lengths + 1.0) / 2  # of the gains of a document, which is 1 without words
        total = torch.where(words.lengths > 0, total, 1.0)[row]
        return Loss((each * gain / total).sum() / len(labels), {})


class LSTMClassifier(Classifier):
    """The LSTM classifier."""

    name = "lstm-classifier"
    config_type = LSTMClassifierConfig
    config: LSTMClassifierConfig
    trainer = TrainerConfig(epochs=10, batch_size=32, optimiser=OptimiserConfig(learning_rate=1e-3, clip=1.0))
    origin: SequenceModel | None = None
    "The pretrained model that training begins from."

    @classmethod
    @showing(LSTMClassifierConfig)
    def from_pretrained(cls, model: SequenceModel, **settings: Any) -> LSTMClassifier:
        """Return a classifier whose embeddings and LSTM begin as those of a fitted model.

        Parameters
        ----------
        model : RNNLM with LSTM cells, or SequenceAutoencoder
        **settings
            Of `LSTMClassifierConfig`; sizes are the model's.

        Raises
        ------
        ConfigError
            If the model has no single layer of LSTM cells, or settings name other sizes.
        """
        reader = getattr(model.fitted, "reader", None)
        layer = reader.layer if isinstance(reader, Reader) else None
        if not isinstance(layer, nn.LSTM) or layer.num_layers != 1:
            got = f"{layer.num_layers} of {type(layer).__name__}" if layer is not None else "none"
            raise ConfigError(
                f"{cls.name}: begins from one layer of LSTM cells, got {got} in {model.name}; give an rnnlm with "
                "cell lstm and one layer, or a sequence-autoencoder"
            )
        sizes = {"embedding_size": layer.input_size, "hidden_size": layer.hidden_size}
        made = cls(LSTMClassifierConfig(**{**sizes, **settings}))
        for name, size in sizes.items():
            if getattr(made.config, name) != size:
                raise ConfigError(
                    f"{cls.name}: begins from a {model.name} with {name} {size}, got {getattr(made.config, name)}; "
                    "leave it out"
                )
        if made.config.pretraining.kind != "none":
            raise ConfigError(
                f"{cls.name}: begins from the {model.name} that is given, got pretraining "
                f"{made.config.pretraining.kind!r} too; leave one out"
            )
        made.origin = model
        return made

    @property
    def held_out(self) -> int | None:
        """How many labelled documents of the validation part are looked at; None for all."""
        return self.config.held_out

    def build(self, spec: Spec) -> LSTMClassifierNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        assert spec.classes is not None
        return LSTMClassifierNet(spec.vocabulary, spec.classes, self.config)

    def begin(self, x: Held, spec: Spec, trainer: TrainerConfig) -> LSTMClassifierNet:
        """Return the network that training starts from, its reader that of the pretrained model."""
        net = super().begin(x, spec, trainer)
        assert isinstance(net, LSTMClassifierNet)
        if self.origin is not None:
            net.reader.load_state_dict(self.origin.fitted.reader.state_dict())
        return net

    @torch.no_grad()
    def log_probs(self, data: Any) -> Floats:
        """Return log p(class | document) of each class: (n, C) float64."""
        net, x = self.fitted, self.examples(data)
        return numbers(torch.cat([net.log_probs(batch) for batch in self.batches(x)]))

    def prepared(self, text: Tokens, spec: Spec, trainer: TrainerConfig) -> Self:
        """Return a copy with what it begins from: pretrained on the text, or given and of the same vocabulary."""
        began, choice = copy(self), self.config.pretraining
        if choice.kind != "none":
            model = choice.model(self.config.embedding_size, self.config.hidden_size)
            began.origin = pretrained(model, text, choice.rule(trainer))
        elif began.origin is not None and not began.origin.known.fits(spec):
            raise ShapeError(
                f"{self.name}: begins from a {began.origin.name} of {began.origin.known}, got {spec}; number documents "
                "by the same vocabulary"
            )
        return began

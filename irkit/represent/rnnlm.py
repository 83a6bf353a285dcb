"""RNNLM: a recurrent network that predicts each word of a document from those before it.

Source: Mikolov, Karafiat, Burget, Cernocky and Khudanpur, "Recurrent neural network based language model",
Interspeech 2010; with LSTM cells Zaremba, Sutskever and Vinyals, arXiv:1409.2329.

    h_t = RNN(h_t-1, embedding of w_t-1)          p(w_t | w_<t) by a softmax of h_t

The state begins at zero in every document, or it goes on from one document to the next where the text is in
order (`carry`), as that of the Penn Treebank is: log p is then that of a document given those before it. Both are
exact.

Symbols: B documents, T words of the longest, H hidden units, V vocabulary.
Departures: cells with gates; a document ends with END, which is predicted and counted.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from irkit.config import Config
from irkit.io.kinds import Spec
from irkit.learn.data import Padded
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.learn.streams import Block, Carried
from irkit.represent.predicting import PredictingNet, log_prob_of, mean_loss
from irkit.represent.sequences import CarryingModel, Reader, closed, drawn, opened


class RNNLMConfig(Config):
    """Settings of `RNNLM`."""

    cell: Literal["lstm", "gru", "rnn"] = "gru"
    "Of the recurrent layers."
    embedding_size: int = Field(100, ge=1)
    "Numbers of a word's embedding, E."
    hidden_size: int = Field(100, ge=1)
    "Hidden units of each layer, H."
    layers: int = Field(1, ge=1)
    "Recurrent layers, one on the other."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of numbers left out while training: of embeddings, between layers, and of outputs."
    carry: bool = False
    "Whether the state goes on from one document to the next: for documents that are a text in order."
    steps: int = Field(35, ge=1)
    "Symbols that gradients reach back over where the state is carried; `batch_size` is then of parallel streams."


class RNNLMNet(PredictingNet):
    """The weights: a reader, and a softmax of its outputs over V + 1 symbols."""

    def __init__(self, vocabulary: int, config: RNNLMConfig) -> None:
        super().__init__()
        self.reader = Reader(
            vocabulary,
            config.cell,
            config.embedding_size,
            config.hidden_size,
            layers=config.layers,
            dropout=config.dropout,
        )
        self.predict_symbols(config.hidden_size, vocabulary)
        self.carried = Carried(config.cell, config.layers, config.hidden_size) if config.carry else None

    def loss(self, batch: Padded | Block, now: Now) -> Loss:
        """Return the mean of minus log p over symbols."""
        if isinstance(batch, Block):
            assert self.carried is not None
            outputs = self.reader.follow(batch, self.carried).flatten(0, 1)
            total = self.words.loss(outputs, batch.next.flatten(), now.rng)
            return Loss(total / batch.next.numel(), {})
        target = closed(batch, self.end)
        return Loss(mean_loss(self.words, self.states(batch, target), target, now.rng), {})

    def states(self, batch: Padded, target: Padded) -> Tensor:
        """Return what each symbol of documents is predicted from, row by row: (N, H)."""
        outputs: Tensor = self.reader(opened(batch, self.end)).outputs
        return outputs.flatten(0, 1)[target.cells]

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p of each document: (B,)."""
        target = closed(batch, self.end)
        return log_prob_of(self.words, self.states(batch, target), target)

    def ahead(self, block: Block, state: State | None) -> tuple[Tensor, State]:
        """Return log p of each symbol of a text in order, (B, T), and the state after the last."""
        outputs, state = self.reader.layer(self.reader.embed(block.seen), state)
        return self.words.log_prob(outputs.flatten(0, 1), block.next.flatten()).view_as(block.next), state

    def encode(self, batch: Padded) -> Tensor:
        """Return the top layer's state after the last word: (B, H)."""
        symbols = opened(batch, self.end)
        outputs: Tensor = self.reader(symbols).outputs
        return outputs[torch.arange(len(outputs), device=outputs.device), symbols.lengths - 1]

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw documents until END; those longer than any of training are cut there."""
        return drawn(n, int(self.longest), self.reader, self.words, rng)


class RNNLM(CarryingModel):
    """The recurrent language model.

    With `carry`, documents are read in the order in which they are given, by training and by `log_prob`: whoever
    leaves one out or shuffles them asks for something else. `encode` reads each document by itself.
    """

    name = "rnnlm"
    config_type = RNNLMConfig
    config: RNNLMConfig
    abilities = CarryingModel.abilities | {"sample"}

    def build(self, spec: Spec) -> RNNLMNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return RNNLMNet(spec.vocabulary, self.config)

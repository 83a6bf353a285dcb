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
from irkit.io.kinds import Spec, Tokens
from irkit.learn.data import Padded
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.learn.softmaxes import FullSoftmax
from irkit.learn.streams import Block, Carried
from irkit.represent.sequences import INITIAL, CarryingModel, Reader, closed, counts_of, drawn, opened


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


class RNNLMNet(ScoreNet):
    """The weights: a reader, and a softmax of its outputs over V + 1 symbols."""

    longest: Tensor
    "Words of the longest training document: ()."

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
        self.words = FullSoftmax(config.hidden_size, vocabulary + 1)
        torch.nn.init.uniform_(self.words.weight, -INITIAL, INITIAL)
        self.carried = Carried(config.cell, config.layers, config.hidden_size) if config.carry else None
        self.register_buffer("longest", torch.zeros((), dtype=torch.int64))

    @property
    def end(self) -> int:
        """The number of END."""
        return self.reader.end

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every symbol begin at its frequency; remember how long documents are."""
        self.words.start(counts_of(x, self.end + 1))
        self.longest.fill_(int(x.x.lengths.max()))

    @property
    def topics(self) -> Tensor:
        """How a term's score follows each hidden unit: (V, H)."""
        return self.words.weight[: self.end]

    def loss(self, batch: Padded | Block, now: Now) -> Loss:
        """Return the mean of minus log p over symbols."""
        if isinstance(batch, Block):
            assert self.carried is not None
            outputs = self.reader.follow(batch, self.carried).flatten(0, 1)
            total = self.words.loss(outputs, batch.next.flatten(), now.rng)
            return Loss(total / batch.next.numel(), {})
        target = closed(batch, self.end)
        cells = target.cells
        h = self.reader(opened(batch, self.end)).outputs.flatten(0, 1)[cells]
        total = self.words.loss(h, target.x.flatten()[cells], now.rng)
        return Loss(total / target.lengths.sum(), {})

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p of each document: (B,)."""
        target = closed(batch, self.end)
        cells = target.cells
        h: Tensor = self.reader(opened(batch, self.end)).outputs
        found = h.new_zeros(target.x.numel())
        found[cells] = self.words.log_prob(h.flatten(0, 1)[cells], target.x.flatten()[cells])
        return found.view_as(target.x).sum(1)

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

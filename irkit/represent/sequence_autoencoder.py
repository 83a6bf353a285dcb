"""Sequence autoencoder: an LSTM reads a document, and from the state it is then in writes it again.

Source: Dai and Le, "Semi-supervised sequence learning", NIPS 2015, section 2.

    s = LSTM(END, w_1 .. w_T)                      the code: the state (h, c) after the last word
    p(w_t | w_<t, s) by a softmax of the same LSTM's outputs, begun in s, on END, w_1 .. w_t-1

One LSTM and one set of embeddings do both. log p(document | s) is of a document whose code has seen it: it says
how much the code keeps and is no likelihood of the document.

Symbols: B documents, T words of the longest, H hidden units, V vocabulary.
Departures: the state after the last word is the code, END is read only before the first; no truncated
backpropagation.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from irkit.arrays import Floats
from irkit.config import Config
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.learn.data import Padded
from irkit.learn.estimate import Estimate, Measure, Quantity
from irkit.learn.model import Model, numbers
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.learn.softmaxes import FullSoftmax
from irkit.represent.documents import TOKEN, by_length
from irkit.represent.sequences import INITIAL, Reader, SequenceModel, closed, counts_of, opened

RECONSTRUCTED = "nats a token, reconstructed"
"Of each document given its own code, by the mean number of symbols."


class SequenceAutoencoderConfig(Config):
    """Settings of `SequenceAutoencoder`."""

    embedding_size: int = Field(128, ge=1)
    "Numbers of a word's embedding, E."
    hidden_size: int = Field(128, ge=1)
    "Hidden units, H."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of numbers left out while training: of embeddings and of outputs."


class SequenceAutoencoderNet(ScoreNet):
    """The weights: a reader that writes too, and a softmax of its outputs over V + 1 symbols."""

    longest: Tensor
    "Words of the longest training document: ()."

    def __init__(self, vocabulary: int, config: SequenceAutoencoderConfig) -> None:
        super().__init__()
        self.reader = Reader(vocabulary, "lstm", config.embedding_size, config.hidden_size, dropout=config.dropout)
        self.words = FullSoftmax(config.hidden_size, vocabulary + 1)
        torch.nn.init.uniform_(self.words.weight, -INITIAL, INITIAL)
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

    def code(self, batch: Padded) -> State:
        """Return the state after reading: (h, c), each (1, B, H)."""
        state: State = self.reader(opened(batch, self.end)).state
        return state

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p(symbol | code, symbols before) over symbols."""
        target = closed(batch, self.end)
        cells = target.cells
        h = self.reader(opened(batch, self.end), self.code(batch)).outputs.flatten(0, 1)[cells]
        total = self.words.loss(h, target.x.flatten()[cells], now.rng)
        return Loss(total / target.lengths.sum(), {})

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p(document | its code): (B,)."""
        target = closed(batch, self.end)
        cells = target.cells
        h: Tensor = self.reader(opened(batch, self.end), self.code(batch)).outputs
        found = h.new_zeros(target.x.numel())
        found[cells] = self.words.log_prob(h.flatten(0, 1)[cells], target.x.flatten()[cells])
        return found.view_as(target.x).sum(1)

    def encode(self, batch: Padded) -> Tensor:
        """Return h of the code: (B, H)."""
        return self.code(batch)[0][-1]

    def reconstruct(self, batch: Padded) -> Padded:
        """Write documents from their codes, of all symbols always the most probable, until END."""
        return written(self.reader, self.words, self.code(batch), len(batch.x), int(self.longest))


@torch.no_grad()
def written(reader: Reader, words: FullSoftmax, state: State, n: int, longest: int) -> Padded:
    """Write n documents, of all symbols always the most probable, until END or `longest` words."""
    symbols = torch.full((n,), reader.end, device=reader.embedding.device)
    lengths = torch.zeros_like(symbols)
    open_ = torch.ones_like(symbols, dtype=torch.bool)
    x = symbols.new_zeros(n, longest)
    for place in x.T:
        h, state = reader.step(symbols, state)
        symbols = words.log_prob_all(h).argmax(1)
        open_ = open_ & (symbols != reader.end)
        lengths += open_
        place.copy_(symbols * open_)
        if not open_.any():
            break
    return Padded(x[:, : int(lengths.max())], lengths)


class SequenceAutoencoder(SequenceModel):
    """The sequence autoencoder."""

    name = "sequence-autoencoder"
    config_type = SequenceAutoencoderConfig
    config: SequenceAutoencoderConfig
    abilities = frozenset({"score", "encode", "reconstruct"})

    def build(self, spec: Spec) -> SequenceAutoencoderNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return SequenceAutoencoderNet(spec.vocabulary, self.config)

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {RECONSTRUCTED: Quantity("nats", lower=True)}

    @torch.no_grad()
    def values(self, test: Examples | Floats | Tensor, **arguments: object) -> dict[str, Estimate]:
        """Return nats a token of each document given its own code, END counted."""
        rng = self.generator(0)
        scores = [self.fitted.score(part, rng) for part in self.batches(self.examples(test))]
        nats = Estimate.exact(-numbers(torch.cat(scores)))
        return {RECONSTRUCTED: by_length(nats, self.lengths(test))[TOKEN]}

    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return the mean of `values`; no perplexity, which would be taken for that of the documents."""
        return Model.measures(self, test, **arguments)

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return what test documents cost without a code, under the frequencies of symbols in training."""
        return {RECONSTRUCTED: super().baselines(train, test)[TOKEN]}

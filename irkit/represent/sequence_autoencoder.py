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
from irkit.io.kinds import Examples, Spec
from irkit.learn.data import Padded, numbers
from irkit.learn.estimate import Estimate, Measure, Quantity
from irkit.learn.model import Model
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.represent.documents import TOKEN, by_length
from irkit.represent.predicting import PredictingNet, log_prob_of, mean_loss
from irkit.represent.sequences import Reader, SequenceModel, closed, opened, written

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


class SequenceAutoencoderNet(PredictingNet):
    """The weights: a reader that writes too, and a softmax of its outputs over V + 1 symbols."""

    def __init__(self, vocabulary: int, config: SequenceAutoencoderConfig) -> None:
        super().__init__()
        self.reader = Reader(vocabulary, "lstm", config.embedding_size, config.hidden_size, dropout=config.dropout)
        self.predict_symbols(config.hidden_size, vocabulary)

    def code(self, batch: Padded) -> State:
        """Return the state after reading: (h, c), each (1, B, H)."""
        state: State = self.reader(opened(batch, self.end)).state
        return state

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p(symbol | code, symbols before) over symbols."""
        target = closed(batch, self.end)
        return Loss(mean_loss(self.words, self.states(batch, target), target, now.rng), {})

    def states(self, batch: Padded, target: Padded) -> Tensor:
        """Return what each symbol is written from, given the code and the symbols before it, row by row: (N, H)."""
        outputs: Tensor = self.reader(opened(batch, self.end), self.code(batch)).outputs
        return outputs.flatten(0, 1)[target.cells]

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p(document | its code): (B,)."""
        target = closed(batch, self.end)
        return log_prob_of(self.words, self.states(batch, target), target)

    def encode(self, batch: Padded) -> Tensor:
        """Return h of the code: (B, H)."""
        return self.code(batch)[0][-1]

    def reconstruct(self, batch: Padded) -> Padded:
        """Write documents from their codes, of all symbols always the most probable, until END."""
        return written(len(batch.x), int(self.longest), self.reader, self.likeliest, batch.x.device, self.code(batch))


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

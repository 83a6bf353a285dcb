"""DeepDocNADE: DocNADE with several hidden layers, trained on one cut of each document.

Source: Lauly, Zheng, Allauzen and Larochelle, "Document neural autoregressive distribution estimation", JMLR
18(113), 2017, section 4.

    d words of the D of a document, drawn in a random order, are seen; d is drawn evenly from 0..D - 1
    h = g(... g(c + sum over seen of W[v]) ...)         p(v | seen) by a softmax of h
    loss = D / (D - d) * sum over unseen v of -log p(v | seen)

which over orders and d is unbiased for -log p(document): one softmax over the vocabulary a document, however
long it is. In evaluation a document has the exact likelihood of an order, as DocNADE's.

Symbols: B documents, D words of one, T of the longest, H hidden units, V vocabulary.
Departures: as DocNADE's; the loss is a mean over words.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.config import Config, Sizes
from irkit.io.kinds import Spec
from irkit.learn.data import Padded
from irkit.learn.phases import Loss, Now
from irkit.learn.softmaxes import FullSoftmax
from irkit.represent.orders import InOrders, OrdersNet, in_random_order, thinned, whole


class DeepDocNADEConfig(Config):
    """Settings of `DeepDocNADE`."""

    hidden_sizes: Sizes = Field((200,), min_length=1)
    "Units of each hidden layer; one to three layers in the paper."
    activation: Literal["tanh", "sigmoid"] = "tanh"
    "Of the hidden units."
    counts: Literal["raw", "log"] = "raw"
    "Whether n occurrences of a word in a document count n times or round(log(1 + n)) times."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of the last layer's units left out while training."
    aggregate: Literal["hidden", "hidden-idf", "idf"] = "hidden"
    "Vectors: the last hidden layer of all words, that with words weighted by idf, or the sum of idf[v] W[v]."


def cut_loss(log_p: Tensor, words: Padded, seen: Tensor) -> Tensor:
    """Return D / (D - d) * sum over unseen words of -log p(v | seen): (B,) nats, 0 of a document without words.

    Parameters
    ----------
    log_p : (B, V)
        Of every word, given those seen.
    words : (B, T)
        The seen ones first.
    seen : (B,) int64
        d of each document, fewer than its words.
    """
    place = torch.arange(words.x.shape[1], device=seen.device)
    unseen = (place >= seen[:, None]) & words.mask
    total = -(log_p.gather(1, words.x) * unseen).sum(1)
    return total * words.lengths / (words.lengths - seen).clamp(min=1)


class DeepDocNADENet(OrdersNet):
    """The weights of DeepDocNADE."""

    def __init__(self, vocabulary: int, config: DeepDocNADEConfig) -> None:
        super().__init__(vocabulary, config.hidden_sizes, FullSoftmax, config.activation, config.aggregate)
        self.dropout = nn.Dropout(config.dropout)

    @property
    def shares(self) -> bool:
        """Processes may share a batch."""
        return True

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean over words of the cut's loss."""
        every = in_random_order(batch, now.rng)
        share = torch.rand(len(every.lengths), generator=now.rng, device=self.c.device)
        seen = (share * every.lengths).long()[now.mine]
        words = every.take(now.mine)
        before = torch.arange(words.x.shape[1], device=seen.device) < seen[:, None]
        h = self.hidden(self.c + whole(words, self.w, before))
        h = thinned(self.dropout, h, np.ones(len(every.lengths), dtype=np.int64), now.mine)
        log_p = self.words.log_prob_all(h)
        return Loss(cut_loss(log_p, words, seen).sum() / every.lengths.sum().clamp(min=1), {})


class DeepDocNADE(InOrders):
    """The document model of several layers, trained on one cut of each document."""

    name = "deep-docnade"
    config_type = DeepDocNADEConfig
    config: DeepDocNADEConfig
    trainer = InOrders.trainer.changed(epochs=40)

    def build(self, spec: Spec) -> DeepDocNADENet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return DeepDocNADENet(spec.vocabulary, self.config)

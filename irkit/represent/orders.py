"""What models share that predict a document word by word in an order, drawn anew each time.

    a_i = c + sum over k < i of W[v_k]          the words before, in any order, added up
    h_i = g(a_i), then through further layers   log p(v) = sum over i of log p(v_i | h_i)

The sums of one word are those of the next, so a document costs O(T H) and a softmax a word.

Symbols: B documents, T words of the longest, H hidden units of the first layer, V vocabulary, K orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from irkit.arrays import Floats, offsets, segments
from irkit.io.kinds import Examples, Tokens
from irkit.learn.data import Padded
from irkit.learn.estimate import Estimate
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.softmaxes import SPREAD, Softmax
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import DocumentModel, by_length, evenly, log_counts
from irkit.rng import check_seed


def in_random_order(words: Padded, rng: torch.Generator) -> Padded:
    """Shuffle the words of each document; padding stays behind them."""
    keys = torch.rand(words.x.shape, generator=rng, device=words.x.device) + ~words.mask
    return words._replace(x=words.x.gather(1, keys.argsort(1)))


class OrdersNet(ScoreNet):
    """The weights: W (V, H), c (H,), those of further layers, and those of a softmax.

    Parameters
    ----------
    vocabulary : int
        V.
    sizes : sequence of int
        Hidden units of each layer.
    words : (units of the last layer, V) -> Softmax
    activation : {"tanh", "sigmoid"}
    aggregate : {"hidden", "idf"}
        What `encode` gives.
    """

    kind = "estimate"
    lengths: Tensor
    "Numbers of words of the training documents, a hundred evenly spaced ones of all in order: (100,)."
    idf: Tensor
    "log of training documents over those that hold a term, by which vectors weigh terms: (V,)."

    def __init__(
        self,
        vocabulary: int,
        sizes: Sequence[int],
        words: Callable[[int, int], Softmax],
        activation: str,
        aggregate: str,
    ) -> None:
        super().__init__()
        self.act = torch.tanh if activation == "tanh" else torch.sigmoid
        self.aggregate = aggregate
        self.w = nn.Parameter(SPREAD * torch.randn(vocabulary, sizes[0]))
        self.c = nn.Parameter(torch.zeros(sizes[0]))
        self.layers = nn.ModuleList([nn.Linear(below, above) for below, above in pairwise(sizes)])
        self.register_buffer("lengths", torch.zeros(100, dtype=torch.int64))
        self.register_buffer("idf", torch.zeros(vocabulary))
        self.words = words(sizes[-1], vocabulary)

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every word begin at its frequency; remember how long documents are and how many hold a term."""
        self.words.start(torch.bincount(torch.as_tensor(x.x.values), minlength=len(self.w)) + 1)
        self.lengths.copy_(torch.from_numpy(evenly(x.x.lengths, len(self.lengths))))
        pairs = np.unique(np.stack([segments(offsets(x.x.lengths)), x.x.values]), axis=1)
        df = np.maximum(np.bincount(pairs[1], minlength=len(self.w)), 1)
        self.idf.copy_(torch.from_numpy(np.log(len(x) / df)))

    @property
    def topics(self) -> Tensor:
        """What a term adds to each hidden unit: (V, H)."""
        return self.w

    def hidden(self, a: Tensor) -> Tensor:
        """Return the last hidden layer, given what the first one receives: (..., H) to (..., H_L)."""
        h = self.act(a)
        for layer in self.layers:
            h = self.act(layer(h))
        return h

    def before(self, words: Padded) -> Tensor:
        """Return the hidden vector that each word is predicted from: (B, T, H_L)."""
        terms = embedding(words.x, self.w) * words.mask[..., None]
        return self.hidden(self.c + pad(terms, (0, 0, 1, 0)).cumsum(1)[:, :-1])

    def log_prob(self, words: Padded) -> Tensor:
        """Return log p of documents, their words in the order given: (B,)."""
        cells = words.cells
        found = self.c.new_zeros(words.x.numel())
        found[cells] = self.words.log_prob(self.before(words).flatten(0, 1)[cells], words.x.flatten()[cells])
        return found.view_as(words.x).sum(1)

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p a word of each document in a random order: (B,)."""
        return self.log_prob(in_random_order(batch, rng)) / batch.lengths.clamp(min=1)

    def state(self, batch: Padded) -> Tensor:
        """Return the hidden vectors of whole documents, which a next word would be predicted from: (B, H_L)."""
        return self.hidden(self.c + self.total(batch, batch.mask))

    def word_log_prob(self, state: Tensor) -> Tensor:
        """Return log p of every word: (B, H_L) to (B, V)."""
        return self.words.log_prob_all(state)

    def encode(self, batch: Padded) -> Tensor:
        """Return the hidden vectors of whole documents, or idf-weighted sums of their words: (B, H)."""
        return self.total(batch, batch.mask * self.idf[batch.x]) if self.aggregate == "idf" else self.state(batch)

    def total(self, batch: Padded, weight: Tensor) -> Tensor:
        """Return weighted sums of the rows of a document's words: (B, H)."""
        return (embedding(batch.x, self.w) * weight[..., None]).sum(1)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw documents, as long as those of training are."""
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=rng, device=self.c.device)]
        x = torch.zeros(n, int(lengths.max()), dtype=torch.int64, device=self.c.device)
        total = self.c.expand(n, -1)
        for place in x.T:
            place.copy_(self.words.sample(self.hidden(total), rng))
            total = total + self.w[place]
        words = Padded(x, lengths)
        return Padded(x * words.mask, lengths)


class InOrders(DocumentModel):
    """Base of these models; their config says how the words of a document count."""

    abilities = DocumentModel.abilities | {"sample"}
    gives = frozenset({"word_log_prob"})
    trainer = TrainerConfig(
        epochs=10,
        batch_size=64,
        optimiser=OptimiserConfig(learning_rate=2e-3, schedule="linear", hold=0.5, final=0.05, clip=5.0),
    )

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tokens:
        """Check documents and return them as tokens, as often as they count."""
        found = super().examples(data, soft=soft)
        return replace(found, x=log_counts(found.x), labels=None) if self.config.counts == "log" else found

    @torch.no_grad()
    def log_prob_by_order(self, data: Examples | Floats | Tensor, orders: int = 1, seed: int = 1) -> Tensor:
        """Return log p of documents in some random orders: (K, n) float64."""
        rng = self.generator(check_seed(seed))
        parts = [
            torch.stack([self.fitted.log_prob(in_random_order(part, rng)).double() for _ in range(orders)])
            for part in self.batches(self.examples(data))
        ]
        return torch.cat(parts, dim=1)

    def log_prob(self, data: Examples | Floats | Tensor, *, orders: int = 1, seed: int = 1) -> Estimate:
        """Return log of the mean over K random orders of p(document | order): (n,) nats, from below.

        Parameters
        ----------
        data : documents
        orders : int
            K; with one order the error is not known.
        seed : int
            Of the orders.
        """
        found = log_mean_exp(self.log_prob_by_order(data, orders, seed), dim=0)
        return Estimate(found.value.cpu().numpy(), found.stderr.cpu().numpy(), "lower_bound")

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return nats a word and a token of each document, averaged over random orders.

        Parameters
        ----------
        test : documents
        **arguments
            `orders` and `seed` of `log_prob`.

        Raises
        ------
        DataError
            If a document has no word.
        """
        lengths = self.lengths(test)
        each = -self.log_prob_by_order(test, **arguments).cpu().numpy()
        k = len(each)
        error = each.std(0, ddof=1) / k**0.5 if k > 1 else np.full(len(lengths), np.inf)
        return by_length(Estimate(each.mean(0), error, "estimate"), lengths)

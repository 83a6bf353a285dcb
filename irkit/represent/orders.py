"""What models share that predict a document word by word in an order, drawn anew each time.

    a_i = c + sum over k < i of W[v_k]          the words before, in any order, added up
    h_i = g(a_i), then through further layers   log p(v) = sum over i of log p(v_i | h_i)

The sums of one word are those of the next, so a document costs O(T H) and a softmax a word.

Symbols: B documents, T words of the longest, H hidden units of the first layer, V vocabulary, K orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag, pad

from irkit.arrays import Floats, Ints, evenly, offsets, segments
from irkit.io.kinds import Examples, Tokens
from irkit.learn.conditions import sent
from irkit.learn.data import Padded
from irkit.learn.estimate import Estimate, Quantity, check_draws
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.softmaxes import SPREAD, FullSoftmax, SampledSoftmax, Softmax, TreeSoftmax
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import DocumentModel, by_length, log_counts
from irkit.represent.predicting import log_prob_of
from irkit.rng import check_seed

MIXED = "nats a word of mixed orders"
"Of a document by the mean over orders of its probability, not of its logarithm."


def in_random_order(words: Padded, rng: torch.Generator) -> Padded:
    """Shuffle the words of each document; padding stays behind them."""
    keys = torch.rand(words.x.shape, generator=rng, device=words.x.device) + ~words.mask
    return words._replace(x=words.x.gather(1, keys.argsort(1)))


def sums(words: Padded, w: Tensor) -> Tensor:
    """Add up what words add: before each of them, and at last all of a document's, (B, T) to (B, T + 1, H).

    Parameters
    ----------
    words : (B, T)
    w : (V, H)
        What each term adds.
    """
    terms = embedding(words.x, w) * words.mask[..., None]
    return pad(terms, (0, 0, 1, 0)).cumsum(1)


def whole(words: Padded, w: Tensor, weights: Tensor | None = None) -> Tensor:
    """Add up what the words of each document add, (B, T) to (B, H), without a look at padding.

    Parameters
    ----------
    words : (B, T)
    w : (V, H)
        What each term adds.
    weights : (B, T), optional
        How often each word counts; default once.
    """
    cells = words.cells
    ends = words.lengths.cumsum(0)
    each = None if weights is None else weights.to(w.dtype).flatten()[cells]
    return embedding_bag(words.x.flatten()[cells], w, ends - words.lengths, mode="sum", per_sample_weights=each)


def beginning(words: Padded, most: int) -> Padded:
    """Keep the first words of each document.

    Examples
    --------
    >>> beginning(Padded(torch.tensor([[4, 2, 5], [3, 0, 0]]), torch.tensor([3, 1])), 2).x.tolist()
    [[4, 2], [3, 0]]
    """
    sizes = None if words.sizes is None else words.sizes.clip(max=most)
    return Padded(words.x[:, :most], words.lengths.clamp(max=most), sizes)


def thinned(dropout: nn.Dropout, h: Tensor, sizes: Ints, mine: slice) -> Tensor:
    """Leave hidden units out, by noise that does not depend on how a batch is cut.

    Parameters
    ----------
    dropout : nn.Dropout
    h : (n, H)
        Rows of some documents.
    sizes : (B,) int
        Rows of each document of the batch.
    mine : slice
        Which documents these are.
    """
    found: Tensor
    if not dropout.p or mine == slice(None):
        found = dropout(h)
        return found
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[mine] = True
    own = np.flatnonzero(np.repeat(chosen, sizes))
    found = h * dropout(h.new_ones(int(sizes.sum()), h.shape[1]))[sent(torch.from_numpy(own), h.device)]
    return found


def softmax_of(kind: str, negatives: int, tree_seed: int) -> Callable[[int, int], Softmax]:
    """Return how words are predicted, given hidden units and vocabulary.

    Parameters
    ----------
    kind : {"full", "tree", "sampled"}
    negatives : int
        Words drawn a batch for the sampled softmax.
    tree_seed : int
        Of the places of words in the tree.
    """
    every: dict[str, Callable[[int, int], Softmax]] = {
        "full": FullSoftmax,
        "tree": partial(TreeSoftmax, seed=tree_seed),
        "sampled": partial(SampledSoftmax, negatives=negatives),
    }
    return every[kind]


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
    aggregate : {"hidden", "hidden-idf", "idf"}
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
        terms = np.unique(segments(offsets(x.x.lengths)) * len(self.w) + x.x.values) % len(self.w)
        df = np.maximum(np.bincount(terms, minlength=len(self.w)), 1)
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
        """Return the hidden vector that each of N words is predicted from, row by row: (N, H_L)."""
        return self.hidden(self.c + sums(words, self.w)[:, :-1].flatten(0, 1)[words.cells])

    def log_prob(self, words: Padded) -> Tensor:
        """Return log p of documents, their words in the order given: (B,)."""
        return log_prob_of(self.words, self.before(words), words)

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p a word of each document in a random order: (B,)."""
        return self.log_prob(in_random_order(batch, rng)) / batch.lengths.clamp(min=1)

    def state(self, batch: Padded) -> Tensor:
        """Return the hidden vectors of whole documents, which a next word would be predicted from: (B, H_L)."""
        return self.hidden(self.c + whole(batch, self.w))

    def word_log_prob(self, state: Tensor) -> Tensor:
        """Return log p of every word: (B, H_L) to (B, V)."""
        return self.words.log_prob_all(state)

    def encode(self, batch: Padded) -> Tensor:
        """Return vectors of whole documents, as `aggregate` has it: (B, H_L), or (B, H) without g."""
        if self.aggregate == "hidden":
            return self.state(batch)
        idf = self.idf if self.aggregate == "idf" else self.idf / self.idf.mean().clamp(min=1e-9)
        total = whole(batch, self.w, idf[batch.x])
        return total if self.aggregate == "idf" else self.hidden(self.c + total)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw documents, as long as those of training are."""
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=rng, device=self.c.device)]
        x = torch.zeros(n, max(lengths.tolist(), default=0), dtype=torch.int64, device=self.c.device)
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

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return super().quantities | {MIXED: Quantity("nats", lower=True)}

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tokens:
        """Check documents and return them as tokens, as often as they count."""
        found = super().examples(data, soft=soft)
        return replace(found, x=log_counts(found.x), labels=None) if self.config.counts == "log" else found

    @torch.no_grad()
    def log_prob_by_order(self, data: Examples | Floats | Tensor, orders: int = 1, seed: int = 1) -> Tensor:
        """Return log p of documents in some random orders: (K, n) float64.

        Raises
        ------
        ConfigError
            If there is not one order or more.
        """
        orders = check_draws(self.name, "orders", orders)
        rng = self.generator(check_seed(seed))
        documents = self.examples(data)
        by_length = np.argsort(documents.x.lengths, kind="stable")  # so that little is padding
        parts = [
            torch.stack([self.fitted.log_prob(in_random_order(part, rng)).double() for _ in range(orders)])
            for part in self.batches(documents.take(by_length))
        ]
        return torch.cat(parts, dim=1)[:, torch.from_numpy(np.argsort(by_length))]

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
        """Return nats a word and a token of each document averaged over random orders, and those of the orders mixed.

        The mixture of K orders gives a document the mean of its K probabilities, so it never costs more than they do
        on average.

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
        log_p = self.log_prob_by_order(test, **arguments).cpu()
        each, mixed = -log_p.numpy(), log_mean_exp(log_p, dim=0)
        k = len(each)
        error = each.std(0, ddof=1) / k**0.5 if k > 1 else np.full(len(lengths), np.inf)
        found = by_length(Estimate(each.mean(0), error, "estimate"), lengths)
        return found | {MIXED: Estimate(-mixed.value.numpy() / lengths, mixed.stderr.numpy() / lengths, "estimate")}

"""DocNADE: a document as a set of words of which each is predicted from those before it, in a random order.

Source: Larochelle and Lauly, "A neural autoregressive topic model", NIPS 2012; Lauly, Zheng, Allauzen and
Larochelle, "Document neural autoregressive distribution estimation", JMLR 18(113), 2017, sections 3 and 5.

    h_i = g(c + sum over k < i of W[v_k])          p(v_i | v_<i) by a softmax of h_i
    log p(v) = sum over i of log p(v_i | v_<i)      in an order drawn anew for each document and epoch
    representation = g(c + sum over all k of W[v_k])

Symbols: B documents, T words of the longest, H hidden units, V vocabulary, K orders.
Cost: O(T H) and a softmax a word for a document, since the sums of one word are those of the next.
Departures: tanh by default, which learns many times faster than the sigmoid of the papers on small budgets;
small normal weights; the softmax begins at the unigram distribution; Adam; the loss is a mean over words, the
validation score a mean over documents of nats a word, as the published perplexities are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from irkit.arrays import Floats, offsets, segments
from irkit.config import Config
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.learn.data import Padded
from irkit.learn.estimate import Estimate
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.softmaxes import SPREAD, FullSoftmax, SampledSoftmax, Softmax, TreeSoftmax
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import WORD, DocumentModel, log_counts
from irkit.rng import Seed, check_seed


class DocNADEConfig(Config):
    """Settings of `DocNADE`."""

    hidden_size: int = Field(50, ge=1)
    "Hidden units, H; 50 and 200 in the papers."
    activation: Literal["tanh", "sigmoid"] = "tanh"
    "Of the hidden units."
    softmax: Literal["full", "tree", "sampled"] = "full"
    "How a word is predicted: of all words, along a binary tree, or while training of its own and some drawn ones."
    negatives: int = Field(200, ge=1)
    "Words drawn a batch for the sampled softmax."
    tree_seed: Seed = 1
    "Of the places of words in the tree."
    counts: Literal["raw", "log"] = "raw"
    "Whether n occurrences of a word in a document count n times or round(log(1 + n)) times."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of hidden units left out while training."
    aggregate: Literal["hidden", "idf"] = "hidden"
    "Vectors of documents: g(c + sum of W[v]) as in the papers, or the sum of idf[v] W[v], which suits short queries."
    longest: int = Field(400, ge=2)
    "Words of a document that training looks at, drawn anew each time; evaluation looks at all."


def in_random_order(words: Padded, rng: torch.Generator) -> Padded:
    """Shuffle the words of each document; padding stays behind them."""
    keys = torch.rand(words.x.shape, generator=rng, device=words.x.device) + ~words.mask
    return words._replace(x=words.x.gather(1, keys.argsort(1)))


class DocNADENet(ScoreNet):
    """The weights of DocNADE: W (V, H), c (H,), and those of a softmax."""

    kind = "estimate"

    lengths: Tensor
    "Numbers of words of the training documents, a hundred evenly spaced ones of all in order: (100,)."

    idf: Tensor
    "log of training documents over those that hold a term, by which vectors weigh terms: (V,)."

    def __init__(self, vocabulary: int, config: DocNADEConfig) -> None:
        super().__init__()
        self.config = config
        self.act = torch.tanh if config.activation == "tanh" else torch.sigmoid
        self.w = nn.Parameter(SPREAD * torch.randn(vocabulary, config.hidden_size))
        self.c = nn.Parameter(torch.zeros(config.hidden_size))
        self.register_buffer("lengths", torch.zeros(100, dtype=torch.int64))
        self.register_buffer("idf", torch.zeros(vocabulary))
        self.dropout = nn.Dropout(config.dropout)
        sizes = config.hidden_size, vocabulary
        self.words: Softmax
        if config.softmax == "tree":
            self.words = TreeSoftmax(*sizes, seed=config.tree_seed)
        elif config.softmax == "sampled":
            self.words = SampledSoftmax(*sizes, negatives=config.negatives)
        else:
            self.words = FullSoftmax(*sizes)

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every word begin at its frequency; remember how long documents are and how many hold a term."""
        self.words.start(torch.bincount(torch.as_tensor(x.x.values), minlength=len(self.w)) + 1)
        lengths = torch.as_tensor(x.x.lengths).sort().values
        self.lengths.copy_(lengths[(torch.linspace(0, len(lengths) - 1, len(self.lengths))).long()])

        pairs = np.unique(np.stack([segments(offsets(x.x.lengths)), x.x.values]), axis=1)
        df = np.maximum(np.bincount(pairs[1], minlength=len(self.w)), 1)
        self.idf.copy_(torch.from_numpy(np.log(len(x) / df)))

    @property
    def topics(self) -> Tensor:
        """What a term adds to each hidden unit: (V, H)."""
        return self.w

    def before(self, words: Padded) -> Tensor:
        """Return the hidden vector that each word is predicted from: (B, T, H)."""
        terms = embedding(words.x, self.w) * words.mask[..., None]
        return self.act(self.c + pad(terms, (0, 0, 1, 0)).cumsum(1)[:, :-1])

    def log_prob(self, words: Padded) -> Tensor:
        """Return log p of documents, their words in the order given: (B,)."""
        cells = words.cells
        found = self.c.new_zeros(words.x.numel())
        found[cells] = self.words.log_prob(self.before(words).flatten(0, 1)[cells], words.x.flatten()[cells])
        return found.view_as(words.x).sum(1)

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p a word of each document in a random order: (B,)."""
        return self.log_prob(in_random_order(batch, rng)) / batch.lengths.clamp(min=1)

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p over words, each document in a random order."""
        words = in_random_order(batch, now.rng)
        most = self.config.longest
        sizes = None if words.sizes is None else words.sizes.clip(max=most)
        words = Padded(words.x[:, :most], words.lengths.clamp(max=most), sizes)
        cells = words.cells
        h = self.dropout(self.before(words).flatten(0, 1)[cells])
        total = self.words.loss(h, words.x.flatten()[cells], now.rng)
        return Loss(total / words.lengths.sum().clamp(min=1), {})

    def encode(self, batch: Padded) -> Tensor:
        """Return the hidden vectors of whole documents, or idf-weighted sums of their words: (B, H)."""
        idf = self.config.aggregate == "idf"
        weight = batch.mask * (self.idf[batch.x] if idf else 1)
        total = (embedding(batch.x, self.w) * weight[..., None]).sum(1)
        return total if idf else self.act(self.c + total)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw documents, as long as those of training are."""
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=rng, device=self.c.device)]
        x = torch.zeros(n, int(lengths.max()), dtype=torch.int64, device=self.c.device)
        total = self.c.expand(n, -1)
        for place in x.T:
            place.copy_(self.words.sample(self.act(total), rng))
            total = total + self.w[place]
        words = Padded(x, lengths)
        return Padded(x * words.mask, lengths)


class DocNADE(DocumentModel):
    """The autoregressive topic model of documents."""

    name = "docnade"
    config_type = DocNADEConfig
    config: DocNADEConfig
    abilities = DocumentModel.abilities | {"sample"}
    trainer = TrainerConfig(
        epochs=10,
        batch_size=64,
        optimiser=OptimiserConfig(learning_rate=2e-3, schedule="linear", hold=0.5, final=0.05, clip=5.0),
    )

    def build(self, spec: Spec) -> DocNADENet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return DocNADENet(spec.vocabulary, self.config)

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
        """Return nats a word of each document, averaged over random orders: the log of the perplexity by document.

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
        each = -self.log_prob_by_order(test, **arguments).cpu().numpy() / lengths
        k = len(each)
        error = each.std(0, ddof=1) / k**0.5 if k > 1 else np.full(len(lengths), np.inf)
        return {WORD: Estimate(each.mean(0), error, "estimate")}

"""DocNADE: a document as a set of words of which each is predicted from those before it, in a random order.

Source: Larochelle and Lauly, "A neural autoregressive topic model", NIPS 2012; Lauly, Zheng, Allauzen and
Larochelle, "Document neural autoregressive distribution estimation", JMLR 18(113), 2017, sections 3 and 5.

    h_i = g(c + sum over k < i of W[v_k])          p(v_i | v_<i) by a softmax of h_i
    log p(v) = sum over i of log p(v_i | v_<i)      in an order drawn anew for each document and epoch
    representation = g(c + sum over all k of W[v_k])

Symbols: B documents, T words of the longest, H hidden units, V vocabulary, K orders.
Cost: O(T H) and a softmax a word for a document, since the sums of one word are those of the next.
Words weighted by idf (over the mean idf, under g) find more documents of the same label; the sum without g suits
short queries.

Departures: tanh by default, which learns many times faster than the sigmoid of the papers on small budgets;
small normal weights; the softmax begins at the unigram distribution; Adam; the loss is a mean over words, the
validation score a mean over documents of nats a word, as the published perplexities are.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import nn

from irkit.config import Config
from irkit.io.kinds import Spec
from irkit.learn.data import Padded
from irkit.learn.phases import Loss, Now
from irkit.represent.orders import InOrders, OrdersNet, beginning, in_random_order, softmax_of, thinned
from irkit.rng import Seed


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
    aggregate: Literal["hidden", "hidden-idf", "idf"] = "hidden"
    "Vectors: g(c + sum of W[v]) as in the papers, that with words weighted by idf, or the weighted sum without g."
    longest: int = Field(400, ge=2)
    "Words of a document that training looks at, drawn anew each time; evaluation looks at all."


class DocNADENet(OrdersNet):
    """The weights of DocNADE: W (V, H), c (H,), and those of a softmax."""

    def __init__(self, vocabulary: int, config: DocNADEConfig) -> None:
        words = softmax_of(config.softmax, config.negatives, config.tree_seed)
        super().__init__(vocabulary, (config.hidden_size,), words, config.activation, config.aggregate)
        self.longest = config.longest
        self.dropout = nn.Dropout(config.dropout)

    @property
    def shares(self) -> bool:
        """Processes may share a batch."""
        return True

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p over words, each document in a random order."""
        every = beginning(in_random_order(batch, now.rng), self.longest)
        words = every.take(now.mine)
        h = thinned(self.dropout, self.before(words), every.counts, now.mine)
        total = self.words.loss(h, words.x.flatten()[words.cells], now.rng)
        return Loss(total / every.lengths.sum().clamp(min=1), {})


class DocNADE(InOrders):
    """The autoregressive topic model of documents."""

    name = "docnade"
    config_type = DocNADEConfig
    config: DocNADEConfig

    def build(self, spec: Spec) -> DocNADENet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return DocNADENet(spec.vocabulary, self.config)

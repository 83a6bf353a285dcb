"""DocNADE-LM: words in their order, each predicted from all those before it as a set and from the last few by place.

Source: Lauly, Zheng, Allauzen and Larochelle, "Document neural autoregressive distribution estimation", JMLR
18(113), 2017, section 5.

    h_i = g(b + sum over k < i of W[v_k] + sum over k = 1 .. n - 1 of E[v_i-k] U_k)
    p(v_i | v_<i) by a softmax of h_i          log p(v) = sum over i = 1 .. T + 1 of log p(v_i | v_<i)
    representation = g(b + sum over all k of W[v_k])

The first sum is DocNADE's, of topics; the second is a neural network over n-grams. Each can be left out: without
the second it is DocNADE in the order of the document, without the first a neural n-gram model. Every document
ends with END, number V behind the V terms, so that documents of all lengths sum to 1. END also stands for what
is before the first word; it has a row of E and none of W.

Symbols: B documents, T words of the longest, H hidden units, D numbers of an n-gram embedding, V vocabulary.
Cost: O(T (H + (n - 1) D H)) and a softmax a word for a document.
Departures: as DocNADE's; E and U begin evenly within bounds that keep h in the range of g.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from irkit.config import Config
from irkit.io.kinds import Spec, Tokens
from irkit.learn.abilities import Ability
from irkit.learn.data import Padded
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.softmaxes import SPREAD
from irkit.represent.orders import beginning, softmax_of, sums, thinned, whole
from irkit.represent.predicting import log_prob_of
from irkit.represent.sequences import INITIAL, SequenceModel, closed, counts_of
from irkit.rng import Seed


class DocNADELMConfig(Config):
    """Settings of `DocNADELM`."""

    order: int = Field(4, ge=2)
    "n of the n-grams: a word and the n - 1 before it; 4 in the paper."
    hidden_size: int = Field(100, ge=1)
    "Hidden units, H."
    embedding_size: int = Field(100, ge=1)
    "Numbers of a word's embedding in n-grams, D."
    topics: bool = True
    "Whether all words before count, as a set."
    ngram: bool = True
    "Whether the last n - 1 words count, by their place."
    activation: Literal["tanh", "sigmoid"] = "tanh"
    "Of the hidden units."
    softmax: Literal["full", "tree", "sampled"] = "full"
    "How a word is predicted: of all words, along a binary tree, or while training of its own and some drawn ones."
    negatives: int = Field(200, ge=1)
    "Words drawn a batch for the sampled softmax."
    tree_seed: Seed = 1
    "Of the places of words in the tree."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of hidden units left out while training."
    longest: int = Field(1000, ge=2)
    "Symbols of a document that training looks at, the first ones; evaluation looks at all."

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if not (self.topics or self.ngram):
            raise ValueError("with neither topics nor ngram there is nothing to predict from; leave one of them on")
        return self


class DocNADELMNet(ScoreNet):
    """The weights: b (H,), W (V, H) of topics, E (V + 1, D) and U (n - 1, D, H) of n-grams, and those of a softmax."""

    longest: Tensor
    "Words of the longest training document: ()."

    def __init__(self, vocabulary: int, config: DocNADELMConfig) -> None:
        super().__init__()
        self.end = vocabulary
        self.act = torch.tanh if config.activation == "tanh" else torch.sigmoid
        self.recent = config.order - 1
        h, d = config.hidden_size, config.embedding_size
        self.b = nn.Parameter(torch.zeros(h))
        self.w = nn.Parameter(SPREAD * torch.randn(vocabulary, h)) if config.topics else None
        self.e = self.u = None
        if config.ngram:
            self.e = nn.Parameter(torch.empty(vocabulary + 1, d).uniform_(-INITIAL, INITIAL))
            self.u = nn.Parameter(torch.empty(self.recent, d, h).uniform_(-1, 1) * (3 / (self.recent * d)) ** 0.5)
        self.words = softmax_of(config.softmax, config.negatives, config.tree_seed)(h, vocabulary + 1)
        self.dropout = nn.Dropout(config.dropout)
        self.most = config.longest
        self.register_buffer("longest", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every symbol begin at its frequency; remember how long documents are."""
        self.words.start(counts_of(x, self.end + 1))
        self.longest.fill_(int(x.x.lengths.max()))

    @property
    def topics(self) -> Tensor:
        """What a term adds to each hidden unit, of any word of the document or else of the last one: (V, H)."""
        if self.w is not None:
            return self.w
        assert self.e is not None
        assert self.u is not None
        return self.e[: self.end] @ self.u[0]

    def hidden(self, total: Tensor, recent: Tensor) -> Tensor:
        """Return the hidden vector of what all words before add up to and of the last symbols.

        Parameters
        ----------
        total : (..., H)
        recent : (..., n - 1) int64
            The last one first.
        """
        a = self.b + total
        if self.e is not None and self.u is not None:
            a = a + embedding(recent, self.e).flatten(-2) @ self.u.flatten(0, 1)
        return self.act(a)

    def before(self, words: Padded) -> Tensor:
        """Return the hidden vector that each word and END are predicted from: (B, T + 1, H)."""
        n = len(words.x)
        total = self.b.new_zeros(n, words.x.shape[1] + 1, 1) if self.w is None else sums(words, self.w)
        symbols = pad(words.x, (self.recent, 0), value=self.end)
        return self.hidden(total, symbols.unfold(1, self.recent, 1).flip(2))

    @property
    def shares(self) -> bool:
        """Processes may share a batch."""
        return True

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p over symbols."""
        every = beginning(closed(batch, self.end), self.most)
        target = every.take(now.mine)
        before = beginning(batch, target.x.shape[1] - 1).take(now.mine)
        h = self.before(before).flatten(0, 1)[target.cells]
        h = thinned(self.dropout, h, every.counts, now.mine)
        total = self.words.loss(h, target.x.flatten()[target.cells], now.rng)
        return Loss(total / every.lengths.sum(), {})

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p of each document, END counted: (B,)."""
        target = closed(batch, self.end)
        return log_prob_of(self.words, self.before(batch).flatten(0, 1)[target.cells], target)

    def encode(self, batch: Padded) -> Tensor:
        """Return g(b + the sum of all words): (B, H)."""
        assert self.w is not None
        return self.act(self.b + whole(batch, self.w))

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw documents until END; those longer than any of training are cut there."""
        x = torch.zeros(n, int(self.longest), dtype=torch.int64, device=self.b.device)
        lengths = x.new_zeros(n)
        going = x.new_ones(n, dtype=torch.bool)
        total = torch.zeros_like(self.b).expand(n, -1)
        recent = x.new_full((n, self.recent), self.end)
        for place in x.T:
            symbols = self.words.sample(self.hidden(total, recent), rng)
            going = going & (symbols != self.end)
            place.copy_(symbols * going)
            lengths += going
            total = total if self.w is None else total + self.w[place]
            recent = torch.cat([symbols[:, None], recent[:, :-1]], 1)
        return Padded(x[:, : max(lengths.tolist(), default=0)], lengths)


class DocNADELM(SequenceModel):
    """The language model of topics and n-grams."""

    name = "docnade-lm"
    config_type = DocNADELMConfig
    config: DocNADELMConfig
    abilities = SequenceModel.abilities | {"sample"}

    def can(self, ability: Ability) -> bool:
        """Whether this model has an ability: without topics there is no vector of a whole document."""
        return super().can(ability) and (ability != "encode" or self.config.topics)

    def build(self, spec: Spec) -> DocNADELMNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return DocNADELMNet(spec.vocabulary, self.config)

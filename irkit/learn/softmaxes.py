"""Distributions over a vocabulary given a hidden vector: full, tree and sampled softmax behind one interface.

- `FullSoftmax`: every word's score; exact, O(V) a word.
- `TreeSoftmax`: a balanced binary tree of exactly V leaves; exact, O(log V) a word.
- `SampledSoftmax`: the full softmax, trained on its own word and some drawn ones; evaluated exactly.

All begin, once `start` was called, at the unigram distribution and learn from there.

Sources: Morin and Bengio, "Hierarchical probabilistic neural network language model", AISTATS 2005
(tree); Bengio and Senecal, "Adaptive importance sampling to accelerate training of a neural
probabilistic language model", IEEE Transactions on Neural Networks 2008, and Jean, Cho, Memisevic
and Bengio, "On using very large target vocabulary for neural machine translation", ACL 2015
(sampled).
Symbols: n rows, H hidden units, V vocabulary size, L depth of the tree, S drawn words.
Departure: the tree halves a random permutation of the words, not a semantic hierarchy.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, linear, log_softmax, logsigmoid

from irkit.errors import ConfigError, ShapeError
from irkit.learn.fused import linear_cross_entropy, linear_log_prob
from irkit.rng import generator

SPREAD = 0.02
"Standard deviation of initial weights."


class Softmax(nn.Module, ABC):
    """What they have in common, and `irkit.learn.adaptive` too.

    Parameters
    ----------
    hidden_size : int
        H, of the vectors that words are predicted from.
    vocabulary_size : int
        V; words are 0 to V - 1.

    Raises
    ------
    ConfigError
        If there are fewer than one hidden unit or two words.
    """

    def __init__(self, hidden_size: int, vocabulary_size: int) -> None:
        super().__init__()
        if hidden_size < 1 or vocabulary_size < 2:
            raise ConfigError(
                f"softmax: at least 1 hidden unit and 2 words are needed, got {hidden_size} and {vocabulary_size}; "
                "correct the sizes"
            )
        self.hidden_size = hidden_size
        self.vocabulary_size = vocabulary_size

    @abstractmethod
    def start(self, unigram: Tensor) -> None:
        """Set the biases so that weights of zero would give the unigram distribution; for use before training.

        Parameters
        ----------
        unigram : (V,) positive
            Counts or probabilities of the words.

        Raises
        ------
        ShapeError
            If there is not one number a word.
        ConfigError
            If one is not positive and finite.
        """

    @abstractmethod
    def log_prob(self, h: Tensor, y: Tensor) -> Tensor:
        """Return log p(y | h) exactly.

        Parameters
        ----------
        h : (n, H)
        y : (n,) int64, 0 to V - 1

        Returns
        -------
        (n,) nats

        Raises
        ------
        ShapeError
            If the shapes are others, or a word lies outside the vocabulary, as padding does.
        """

    @abstractmethod
    def log_prob_all(self, h: Tensor) -> Tensor:
        """Return log p(w | h) of every word w: (n, H) to (n, V) nats."""

    @torch.no_grad()
    def sample(self, h: Tensor, rng: torch.Generator) -> Tensor:
        """Draw one word a row: (n, H) to (n,) int64."""
        return torch.multinomial(self.log_prob_all(h).exp(), 1, generator=rng).squeeze(1)

    def loss(self, h: Tensor, y: Tensor, rng: torch.Generator) -> Tensor:
        """Return what training minimises: minus log-probabilities, or estimates drawn with `rng`, summed over rows."""
        return -self.log_prob(h, y).sum()

    def _mass(self, unigram: Tensor) -> Tensor:
        """Return checked probabilities of the words: (V,) float64."""
        if unigram.shape != (self.vocabulary_size,):
            raise ShapeError(
                f"softmax: one unigram count a word is needed, got shape {tuple(unigram.shape)} for "
                f"{self.vocabulary_size} words; count over the vocabulary"
            )
        mass = unigram.detach().to(next(self.parameters()).device, torch.float64)
        wrong = mass[~((mass > 0) & mass.isfinite())]
        if len(wrong):
            raise ConfigError(
                f"softmax: unigram counts must be positive and finite, got one of {float(wrong[0]):g}; "
                "add one to each count"
            )
        return mass / mass.sum()

    def _check(self, h: Tensor, y: Tensor | None = None) -> None:
        if h.ndim != 2 or h.shape[1] != self.hidden_size:
            raise ShapeError(
                f"softmax: hidden vectors must be (n, {self.hidden_size}), got {tuple(h.shape)}; "
                "give one row a predicted word"
            )
        if y is None:
            return
        if y.shape != h.shape[:1]:
            raise ShapeError(f"softmax: words must be ({len(h)},), got {tuple(y.shape)}; give one word a row")
        # A negative index would silently count from the end of the vocabulary; an accelerator refuses it by itself.
        if len(y) and not y.is_cuda and not 0 <= int(y.min()) <= int(y.max()) < self.vocabulary_size:
            raise ShapeError(
                f"softmax: words must be 0 to {self.vocabulary_size - 1}, got {int(y.min())} to {int(y.max())}; "
                "leave padding out"
            )


class FullSoftmax(Softmax):
    """p(w | h) proportional to exp(weight_w . h + bias_w): (V, H) weights, (V,) biases."""

    def __init__(self, hidden_size: int, vocabulary_size: int) -> None:
        super().__init__(hidden_size, vocabulary_size)
        self.weight = _weights(vocabulary_size, hidden_size)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    @torch.no_grad()
    def start(self, unigram: Tensor) -> None:
        """Set the biases to the log unigram, (V,)."""
        self.bias.copy_(self._mass(unigram).log())

    def log_prob(self, h: Tensor, y: Tensor) -> Tensor:
        """Return log p(y | h): (n,)."""
        self._check(h, y)
        if not torch.is_grad_enabled():
            return linear_log_prob(h, self.weight, self.bias, y)
        return -cross_entropy(linear(h, self.weight, self.bias), y, reduction="none")

    def log_prob_all(self, h: Tensor) -> Tensor:
        """Return log p(w | h): (n, V)."""
        self._check(h)
        return log_softmax(linear(h, self.weight, self.bias), dim=1)

    def loss(self, h: Tensor, y: Tensor, rng: torch.Generator) -> Tensor:
        """Return the sum of minus log p(y | h), without keeping the scores of all words: () nats."""
        self._check(h, y)
        return linear_cross_entropy(h, self.weight, self.bias, y)


class SampledSoftmax(FullSoftmax):
    """The full softmax, with a training loss that scores few words.

    log p(y | h) = s_y - log sum over w of exp(s_w) is estimated by drawing S words from a proposal
    q, the unigram distribution, with replacement and for all rows together:

        loss = -s_y + log(exp(s_y) + sum over drawn w != y of exp(s_w - log(S q_w)))

    The second term is the log of an unbiased estimate of the normaliser, hence low in expectation
    by an amount that vanishes as S grows. The row's own word is always in it and so has no correction.

    Parameters
    ----------
    negatives : int
        S, words drawn a batch; the sizes are as in `Softmax`.

    Raises
    ------
    ConfigError
        If no word is drawn, or as `Softmax`.
    """

    log_q: Tensor

    def __init__(self, hidden_size: int, vocabulary_size: int, *, negatives: int = 200) -> None:
        super().__init__(hidden_size, vocabulary_size)
        if negatives < 1:
            raise ConfigError(f"softmax: at least one word must be drawn, got {negatives}; correct negatives")
        self.negatives = negatives
        self.register_buffer("log_q", torch.full((vocabulary_size,), -math.log(vocabulary_size)))

    @torch.no_grad()
    def start(self, unigram: Tensor) -> None:
        """Set the biases and the proposal to the log unigram."""
        super().start(unigram)
        self.log_q.copy_(self._mass(unigram).log())

    def loss(self, h: Tensor, y: Tensor, rng: torch.Generator) -> Tensor:
        """Return the sum of the estimates from S drawn words: () nats."""
        drawn = torch.multinomial(self.log_q.exp(), self.negatives, replacement=True, generator=rng)
        return self.contrast(h, y, drawn, self.log_q[drawn] + math.log(self.negatives)).sum()

    def contrast(self, h: Tensor, y: Tensor, drawn: Tensor, log_expected: Tensor) -> Tensor:
        """Return minus the log-probability of y among itself and the drawn words.

        Parameters
        ----------
        h : (n, H)
        y : (n,) int64
        drawn : (S,) int64
            Words, shared by all rows; those that are a row's own word do not count in it.
        log_expected : (S,)
            Log of the expected number of times each is drawn.

        Returns
        -------
        (n,) nats
        """
        self._check(h, y)
        own = (h * embedding(y, self.weight)).sum(1, keepdim=True) + self.bias[y, None]
        others = linear(h, embedding(drawn, self.weight), self.bias[drawn] - log_expected)  # (n, S)
        others = others.masked_fill(drawn == y[:, None], -torch.inf)
        return torch.cat([own, others], 1).logsumexp(1) - own.squeeze(1)


class TreeSoftmax(Softmax):
    """A binary decision at each of V - 1 nodes; a word's probability is that of its path.

    log p(w | h) = sum over nodes m on w's path of log sigmoid(sign_m (weight_m . h + bias_m))

    Weights (V - 1, H), biases (V - 1,). The tree is made by halving a random permutation of the
    words: no leaf is empty, so that all probabilities sum to 1 for any V, and paths differ in
    length by at most one.

    Parameters
    ----------
    seed : int
        Seed of the permutation; the sizes are as in `Softmax`.
    """

    nodes: Tensor
    "The path of each word: (V, L) int64, node 0 where it has ended."
    signs: Tensor
    "1 left, -1 right, 0 where the path has ended: (V, L)."

    def __init__(self, hidden_size: int, vocabulary_size: int, *, seed: int = 1) -> None:
        super().__init__(hidden_size, vocabulary_size)
        self.weight = _weights(vocabulary_size - 1, hidden_size)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size - 1))
        nodes, signs = _paths(vocabulary_size, seed)
        self.register_buffer("nodes", nodes)
        self.register_buffer("signs", signs)

    @torch.no_grad()
    def start(self, unigram: Tensor) -> None:
        """Set the bias of each node to the log of its left mass over its right mass."""
        mass = self._mass(unigram)[:, None]
        sides = mass.new_zeros(2, len(self.bias))
        for side, sign in zip(sides, (1, -1), strict=True):
            side.index_add_(0, self.nodes.flatten(), (mass * (self.signs == sign)).flatten())
        self.bias.copy_(sides[0].log() - sides[1].log())

    def log_prob(self, h: Tensor, y: Tensor) -> Tensor:
        """Return log p(y | h): (n,), from the weights on the path alone."""
        self._check(h, y)
        nodes, signs = self.nodes[y], self.signs[y]  # (n, L)
        scores = torch.einsum("nh,nlh->nl", h, embedding(nodes, self.weight)) + self.bias[nodes]
        return torch.where(signs == 0, 0, logsigmoid(signs * scores)).sum(1)

    def log_prob_all(self, h: Tensor) -> Tensor:
        """Return log p(w | h): (n, V)."""
        self._check(h)
        scores = linear(h, self.weight, self.bias)
        # Columns: left of each node, right of each node, and what a path that has ended adds.
        steps = torch.cat([logsigmoid(scores), logsigmoid(-scores), scores.new_zeros(len(h), 1)], dim=1)
        inner = self.vocabulary_size - 1
        columns = torch.where(self.signs == 0, 2 * inner, self.nodes + inner * (self.signs < 0))
        out = h.new_zeros(len(h), self.vocabulary_size)
        for column in columns.T:  # L times (n, V) needs less memory than (n, V, L)
            out = out + steps[:, column]
        return out


def _weights(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(SPREAD * torch.randn(rows, columns))


def _paths(words: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return nodes and signs, (V, L) each, of the paths that halving a random permutation makes; the root is node 0."""
    order = torch.from_numpy(generator(seed, "tree").permutation(words))
    depth = (words - 1).bit_length()
    nodes = torch.zeros(words, depth, dtype=torch.int64)
    signs = torch.zeros(words, depth)
    waiting = [(order, 0)]
    for node in range(words - 1):
        here, level = waiting.pop()
        left, right = here.tensor_split([(len(here) + 1) // 2])
        nodes[here, level] = node
        signs[left, level] = 1
        signs[right, level] = -1
        waiting += [(part, level + 1) for part in (right, left) if len(part) > 1]
    return nodes, signs

"""What nets share that predict the symbols of documents by a softmax of hidden vectors.

Symbols: B documents, T symbols of the longest, N symbols of all together, H hidden units, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from irkit.io.kinds import Tokens
from irkit.learn.data import Padded
from irkit.learn.net import ScoreNet
from irkit.learn.softmaxes import FullSoftmax, Softmax
from irkit.represent.sequences import INITIAL, counts_of


def log_prob_of(words: Softmax, h: Tensor, target: Padded) -> Tensor:
    """Return log p of documents, the sum over their symbols: (B,) nats.

    Parameters
    ----------
    words : Softmax
    h : (N, H)
        What each symbol is predicted from, row by row; nothing for padding.
    target : (B, T)
        The symbols.
    """
    cells = target.cells
    found = h.new_zeros(target.x.numel())
    found[cells] = words.log_prob(h, target.x.flatten()[cells])
    return found.view_as(target.x).sum(1)


def mean_loss(words: Softmax, h: Tensor, target: Padded, rng: torch.Generator) -> Tensor:
    """Return what training minimises, a mean over symbols: (); parameters as of `log_prob_of`."""
    return words.loss(h, target.x.flatten()[target.cells], rng) / target.lengths.sum()


class PredictingNet(ScoreNet):
    """Base of those whose softmax is of all V + 1 symbols and begins at their frequencies.

    A subclass calls `predict_symbols` once, where it makes its weights.
    """

    words: FullSoftmax
    longest: Tensor
    "Words of the longest training document: ()."

    def predict_symbols(self, hidden: int, vocabulary: int) -> None:
        """Make the softmax of V + 1 symbols given H numbers."""
        self.words = FullSoftmax(hidden, vocabulary + 1)
        nn.init.uniform_(self.words.weight, -INITIAL, INITIAL)
        self.register_buffer("longest", torch.zeros((), dtype=torch.int64))

    @property
    def end(self) -> int:
        """The number of END."""
        return self.words.vocabulary_size - 1

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every symbol begin at its frequency; remember how long documents are."""
        self.words.start(counts_of(x, self.end + 1))
        self.longest.fill_(int(x.x.lengths.max()))

    @property
    def topics(self) -> Tensor:
        """How a term's score follows each hidden unit: (V, H)."""
        return self.words.weight[: self.end]

    def likeliest(self, h: Tensor) -> Tensor:
        """Return the most probable symbol of each row: (n, H) to (n,) int64."""
        return self.words.log_prob_all(h).argmax(1)

"""AutoRec: an autoencoder of rating columns (I-AutoRec) or rows (U-AutoRec) that fills in what is missing.

Source: Sedhain, Menon, Sanner and Xie, "AutoRec: autoencoders meet collaborative filtering", WWW 2015,
equations 1 and 2; settings from the authors' configuration for ML-1M.
Symbols: N rows, the items (I-AutoRec) or users (U-AutoRec); D columns, the others; H hidden units; r (D,) a
row's ratings with 0 where there is none, O its columns with a rating; V (H, D), m (H,), W (D, H), b (D,).

    h(r) = W g(V r + m) + b,  g the sigmoid
    minimised: sum over rows of sum over O of (r - h(r))^2 + reg / 2 (|V|^2 + |W|^2)

Departures: Adam on batches of rows instead of L-BFGS or RProp; items and users without a training
rating get the common fall-back instead of 3. A rating of 0 enters the encoder as if it were missing, but
counts in the loss. Weights are averaged over the last steps, as Adam's wander at a useful rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import getitem
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.descent import check_digits
from irkit.recommend.neural import Arrays, Network, NeuralConfig, Weights, beside, glorot
from irkit.recommend.table import RatingTable
from irkit.rng import generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from torch import Tensor


class AutoRecConfig(NeuralConfig):
    """Settings of `AutoRec`."""

    rows: Literal["item", "user"] = "item"
    "What is encoded: items (I-AutoRec) or users (U-AutoRec)."
    hidden_size: int = Field(200, ge=1)
    "Hidden units; 500 in the paper."
    activation: Literal["sigmoid", "identity"] = "sigmoid"
    "Of the hidden units."
    reg: float = Field(100.0, ge=0)
    "Penalty on half the squared weights, biases excluded; 100 is the authors' for ML-1M."
    reg_per: Literal["objective", "rating"] = "objective"
    "Whether the penalty counts once beside the sum of squared errors, or once for each rating."
    learning_rate: float = Field(5e-3, gt=0)
    "Of Adam."
    average: float = Field(0.15, ge=0, lt=1)
    "Share of all steps so far that the averaged weights reach back over; 0 takes the last weights."
    batch_size: int = Field(256, ge=1)
    "Rows in a batch; as many as there are rows, or more, is a full batch."


def encode(weights: Weights, x: Tensor, activation: str = "sigmoid") -> Tensor:
    """Compute g(V r + m).

    Parameters
    ----------
    weights : dict
        `encoder` (H, D), `hidden_bias` (H,), and those of the decoder.
    x : (B, D)
        Ratings, 0 where there is none.

    Returns
    -------
    (B, H)
    """
    a = x @ weights["encoder"].T + weights["hidden_bias"]
    return a.sigmoid() if activation == "sigmoid" else a


def decode(weights: Weights, hidden: Tensor) -> Tensor:
    """Compute W h + b: (B, H) -> (B, D)."""
    return hidden @ weights["decoder"].T + weights["output_bias"]


def autorec_loss(output: Tensor, x: Tensor, observed: Tensor) -> Tensor:
    """Sum the squared errors over observed cells.

    Parameters
    ----------
    output, x : (B, D)
    observed : (B, D)
        1 where there is a rating, else 0.
    """
    return (observed * (x - output)).square().sum()


def penalty(weights: Weights) -> Tensor:
    """Compute half of |V|^2 + |W|^2."""
    return (weights["encoder"].square().sum() + weights["decoder"].square().sum()) / 2


class AutoRec(Network):
    """Predict by decoding the code of an item's, or a user's, training ratings."""

    name = "autorec"
    config_type = AutoRecConfig
    config: AutoRecConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend."""
        from irkit.learn.batches import Drawn

        check_digits(train.rating, self.name)
        c = self.config
        ratings, ones = self._laid_out(train.matrix), self._laid_out(train.matrix_of_ones)
        n, size = ratings.shape
        rng = generator(c.seed, "autorec")
        start = {
            "encoder": glorot(rng, size, c.hidden_size, c.hidden_size, size),
            "hidden_bias": np.zeros(c.hidden_size),
            "decoder": glorot(rng, size, c.hidden_size, size, c.hidden_size),
            "output_bias": np.zeros(size),
        }
        reg = c.reg * (len(train) if c.reg_per == "rating" else 1)

        def batches(rng: np.random.Generator) -> Iterator[Ints]:
            order = rng.permutation(n)
            for at in range(0, n, c.batch_size):
                yield order[at : at + c.batch_size]

        def loss(weights: Weights, rows: Ints) -> Tensor:
            x, observed = (_dense(matrix[rows], weights["encoder"]) for matrix in (ratings, ones))
            output = decode(weights, encode(weights, x, c.activation))
            # The batches of an epoch, and processes, share the penalty out, so that losses add up to the objective.
            share: float = reg * len(rows) / n
            return autorec_loss(output, x, observed) + share * penalty(weights)

        def keep(found: Arrays) -> None:
            self.encoder_, self.hidden_bias_ = found["encoder"], found["hidden_bias"]
            self.decoder_, self.output_bias_ = found["decoder"], found["output_bias"]
            a = ratings.astype(np.float32) @ self.encoder_.T + self.hidden_bias_
            self.hidden_ = 0.5 * (1 + np.tanh(0.5 * a)) if c.activation == "sigmoid" else a

        source = Drawn(batches, -(-n // c.batch_size), rng, train.fingerprint)
        self.descend(start, loss, source, keep=keep, batch_size=c.batch_size, average=c.average, share=getitem)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return cells of the decoded matrix."""
        row, column = (item, user) if self.config.rows == "item" else (user, item)
        product = np.einsum("mh,mh->m", self.hidden_[row], self.decoder_[column])
        score: Floats = (product + self.output_bias_[column]).astype(np.float64)
        return score

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return rows of the decoded matrix."""
        if self.config.rows == "item":
            product = self.decoder_[user] @ self.hidden_.T + self.output_bias_[user, None]
        else:
            product = self.hidden_[user] @ self.decoder_.T + self.output_bias_
        scores: Floats = product.astype(np.float64)
        return scores

    def _laid_out(self, matrix: csr_matrix) -> csr_matrix:
        return matrix.T.tocsr() if self.config.rows == "item" else matrix


def _dense(matrix: csr_matrix, like: Tensor) -> Tensor:
    return beside(like, matrix.toarray().astype(np.float32))

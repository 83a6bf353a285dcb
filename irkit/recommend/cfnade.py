"""CF-NADE: the ratings of an item (or user) as a chain of conditionals that one network computes.

Source: Zheng, Tang, Ding and Zhou, "A neural autoregressive approach to collaborative filtering", ICML 2016;
the authors' released code where named.
Symbols: N rows, the items or the users; M columns, the others; K rating levels, the distinct training
ratings from 1 the least to K; H hidden units; J width of the factorisation, H without it; D ratings of a row.

    p(r) = product over d of p(r_o_d | r_o_<d), o an ordering of the row's ratings
    h = tanh(c + sum over j < d of W^k_j, k the level of r_o_j)
    s^k_m = b^k_m + V^k_m . h;  p(r_m = k | .) = softmax over k of s^k_m

Shared between levels: W^k becomes W^1 + ... + W^k and s^k becomes s^1 + ... + s^k. Factorised: W^k_m = B' A^k_m
and V^k_m = Q' P^k_m with B, Q (J, H). Deep: h <- tanh(c_l + W_l h) for further layers.
Minimised: mean over rows of the cost of a random split (`split_costs`) + reg times the sum of squared
weights, biases excluded. `irkit.recommend.cfnade_net` has the network.
Departures: output weights start at 0, so that training starts exactly from each column's histogram (with
`smoothing`); averaged weights reach back over a share of all steps instead of decaying by 0.995, which
lags where steps are few; no input matrix beside the W^k, which only the released code has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints, offsets, segments
from irkit.errors import ConfigError
from irkit.recommend.neural import Arrays, Network, NeuralConfig, Weights, glorot
from irkit.recommend.table import RatingTable
from irkit.rng import generator

if TYPE_CHECKING:
    from torch import Tensor


LEVELS = 100
"Rating levels, at most: more are no scale that people rate on."

CELLS = 1 << 28
"Weights of the input, and of the output, at most: 1 GiB, of which learning holds about twelve."


class CFNADEConfig(NeuralConfig):
    """Settings of `CFNADE`."""

    rows: Literal["item", "user"] = "item"
    "What a network input is: an item's ratings (the paper's best), or a user's."
    hidden_size: int = Field(200, ge=1)
    "Hidden units; 500 in the paper. The defaults that differ were chosen on a validation part of MovieLens 100K."
    layers: int = Field(1, ge=1)
    "Hidden layers; only the first sees ratings."
    embedding_size: int | None = Field(None, ge=1)
    "Width J of the factorisation, 50 in the paper; None does not factorise."
    shared: bool = True
    "Whether the weights of a level are sums over it and those below."
    ordinal_weight: float = Field(1.0, ge=0, le=1)
    "Share of the ordinal cost; the rest is the negative log-likelihood."
    epochs: int = Field(140, ge=1)
    "Passes over the rows; with held-out ratings, at most."
    learning_rate: float = Field(1e-3, gt=0)
    "Of Adam; 1e-3 in the paper."
    reg: float = Field(0.006, ge=0)
    "Penalty on squared weights, beside a mean over rows; 0.02 in the authors' example."
    average: float = Field(0.2, ge=0, lt=1)
    "Share of all steps so far that the averaged weights reach back over; 0 takes the last weights."
    smoothing: float = Field(0.1, gt=0)
    "Pseudo-ratings, spread as all ratings are, in the histograms that training starts from."
    batch_size: int = Field(128, ge=1)
    "Rows in a batch; 512 in the paper."


def level_bias(counts: Floats, smoothing: float, shared: bool = True) -> Floats:
    """Return biases b under which, all else 0, p is each column's smoothed histogram.

    log of the counts, or with levels shared their first differences.

    Parameters
    ----------
    counts : (K, M)
        Ratings at each level in each column.
    smoothing : float, positive
        Pseudo-ratings of a column, spread as all ratings are.

    Returns
    -------
    (K, M)
    """
    whole = counts.sum(1, keepdims=True)
    logs = np.log(counts + smoothing * whole / whole.sum())
    return np.diff(logs, axis=0, prepend=0.0) if shared else logs


class CFNADE(Network):
    """Predict the mean of p(r_m | the row's training ratings)."""

    name = "cfnade"
    config_type = CFNADEConfig
    config: CFNADEConfig
    levels_: Floats
    "(K,) float64: the distinct training ratings."
    code_: Floats
    "(N, J) float32: each row's last hidden layer, or Q times it."
    output_: Floats
    "(K, M, J) float32: V, or P."
    level_bias_: Floats
    "(K, M) float32: b."

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend.

        Raises
        ------
        ConfigError
            If there are more than 100 distinct ratings, or more weights than fit a machine.
        """
        import torch

        from irkit.learn.batches import Drawn
        from irkit.recommend.cfnade_net import Entries, codes, hidden_units, split_costs

        c = self.config
        self._check_size(train)
        ptr, order = train.by_item if c.rows == "item" else train.by_user
        column = (train.user if c.rows == "item" else train.item)[order]
        n, columns = len(ptr) - 1, len(train.users) if c.rows == "item" else len(train.items)
        self.levels_, level = np.unique(train.rating[order], return_inverse=True)
        rng = generator(c.seed, "cfnade")
        counts = np.zeros((len(self.levels_), columns))
        np.add.at(counts, (level, column), 1)
        start = self._start(counts, rng)
        squared = [name for name in start if "bias" not in name]

        def entries(rows: Ints) -> Entries:
            inner = offsets(ptr[rows + 1] - ptr[rows])
            row = segments(inner)
            at = ptr[rows][row] + np.arange(inner[-1]) - inner[row]
            parts = [torch.from_numpy(part) for part in (row, column[at], level[at])]
            return Entries(parts[0], parts[1], parts[2], len(rows))

        def batches(rng: np.random.Generator) -> Iterator[tuple[Ints, Bools, int]]:
            shuffled = rng.permutation(n)
            for at in range(0, n, c.batch_size):
                rows = shuffled[at : at + c.batch_size]
                yield rows, random_split(offsets(ptr[rows + 1] - ptr[rows]), rng), len(rows)

        def share(batch: tuple[Ints, Bools, int], part: slice) -> tuple[Ints, Bools, int]:
            rows, given, size = batch
            mine = np.zeros(size, dtype=bool)
            mine[part] = True
            return rows[mine], given[mine[segments(offsets(ptr[rows + 1] - ptr[rows]))]], size

        def loss(weights: Weights, batch: tuple[Ints, Bools, int]) -> Tensor:
            rows, given, size = batch
            costs = split_costs(
                weights, entries(rows), torch.from_numpy(given), shared=c.shared, ordinal_weight=c.ordinal_weight
            )
            penalty = torch.stack([weights[name].square().sum() for name in squared]).sum()
            return costs.sum() / size + c.reg * (len(rows) / size) * penalty

        def keep(found: Arrays) -> None:
            for name, values in found.items():
                setattr(self, f"{name}_", values)
            net = {name: torch.from_numpy(values) for name, values in found.items()}
            parts = [np.arange(at, min(at + c.batch_size, n)) for at in range(0, n, c.batch_size)]
            known = [codes(net, hidden_units(net, entries(rows), c.shared)).numpy() for rows in parts]
            self.code_ = np.concatenate(known)

        source = Drawn(batches, -(-n // c.batch_size), rng, train.fingerprint)
        self.descend(start, loss, source, keep=keep, batch_size=c.batch_size, average=c.average, share=share)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return expected ratings."""
        return np.tensordot(self.levels_, self.probabilities(user, item), axes=1)

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return expected ratings of every item."""
        if self.config.rows == "item":
            steps = self.output_[:, user] @ self.code_.T + self.level_bias_[:, user, None]
        else:
            steps = self.code_[user] @ self.output_.transpose(0, 2, 1) + self.level_bias_[:, None]
        return np.tensordot(self.levels_, self._softmax(steps), axes=1)

    def probabilities(self, user: Ints, item: Ints) -> Floats:
        """Return p(r = k) of pairs of known users and items: (K, m) float64; `levels_` are the ratings."""
        row, column = (item, user) if self.config.rows == "item" else (user, item)
        code = self.code_[row]
        steps = [np.einsum("mj,mj->m", code, of_level[column]) for of_level in self.output_]
        return self._softmax(np.stack(steps) + self.level_bias_[:, column])

    def _softmax(self, steps: Floats) -> Floats:
        s = steps.astype(np.float64)
        s = s.cumsum(axis=0) if self.config.shared else s
        p = np.exp(s - s.max(axis=0))
        share: Floats = p / p.sum(axis=0)
        return share

    def _check_size(self, train: RatingTable) -> None:
        c, levels = self.config, len(np.unique(train.rating))
        if levels > LEVELS:
            raise ConfigError(
                f"cfnade: takes each distinct rating for a level, at most {LEVELS}, got {levels:,}; round the ratings, "
                "or use biased-mf"
            )
        columns = len(train.users) if c.rows == "item" else len(train.items)
        width = c.embedding_size or c.hidden_size
        if levels * columns * width > CELLS:
            raise ConfigError(
                f"cfnade: weights for {levels} levels, {columns:,} columns and a width of {width} are too many, at "
                f"most {CELLS:,}; set embedding_size lower, or use biased-mf"
            )

    def _start(self, counts: Floats, rng: np.random.Generator) -> Arrays:
        c = self.config
        levels, columns = counts.shape
        size, width = c.hidden_size, c.embedding_size or c.hidden_size
        start = {
            "input": glorot(rng, levels * columns, width, levels, columns, width),
            "hidden_bias_1": np.zeros(size),
            "output": np.zeros((levels, columns, width)),
            "level_bias": level_bias(counts, c.smoothing, c.shared),
        }
        if c.embedding_size is not None:
            start |= {name: glorot(rng, width, size, width, size) for name in ("input_mixer", "output_mixer")}
        for layer in range(2, c.layers + 1):
            start |= {f"hidden_{layer}": glorot(rng, size, size, size, size), f"hidden_bias_{layer}": np.zeros(size)}
        return start


def random_split(ptr: Ints, rng: np.random.Generator) -> Bools:
    """Choose for each row how many ratings are given, uniform on 0, ..., D - 1, and which.

    Parameters
    ----------
    ptr : (B + 1,) int
        Offsets of the rows' ratings.

    Returns
    -------
    (n,) bool
    """
    row, sizes = segments(ptr), np.diff(ptr)
    number = np.floor(rng.random(len(sizes)) * sizes).astype(np.int64)
    order = np.lexsort((rng.random(len(row)), row))
    given = np.zeros(len(row), dtype=bool)
    given[order] = np.arange(len(row)) - ptr[row] < number[row]
    return given

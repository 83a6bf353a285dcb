"""EoNADE: one network for every order of the bits, and ensembles of orders.

Source: Uria, Murray and Larochelle, "A deep and tractable density estimator", ICML 2014; Uria, Cote,
Gregor, Murray and Larochelle, JMLR 17(205), 2016, section 3.

    m marks the bits that are seen; the input is [x * m, m]; L hidden layers; one logit for each bit
    loss = D / (D - d + 1) * sum over unseen i of -log p(x_i | x_seen),  |seen| = d - 1

With an order and d in 1..D drawn evenly for each example, the loss is unbiased for -log p(x | order)
averaged over orders. A given order has an exact density; a mixture of K orders does too:
log p(x) = log mean over k of p(x | o_k).

Symbols: B batch, D bits, H hidden units, L layers, K orders.
Cost: training takes one pass an example, like any network. A density takes D passes, of which the
first layer is the recurrence of NADE and only one output is needed: O(D L H^2), O(D H) for L = 1.
Departures: Adam; weights start as torch's linear layers do, the output bias at the logit of the means;
hidden units may be left out while training (dropout), which the papers do not do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config, Sizes
from irkit.generative.base import Density
from irkit.io.kinds import Examples, Spec
from irkit.learn.data import numbers
from irkit.learn.distributions import logit, softplus
from irkit.learn.estimate import Estimate, Quantity
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig
from irkit.rng import Seed, generator


class EoNADEConfig(Config):
    """Settings of `EoNADE`."""

    hidden_sizes: Sizes = Field((500,), min_length=1)
    "Units of each hidden layer; one or two layers of 500 in the papers."
    activation: Literal["relu", "sigmoid", "tanh"] = "relu"
    "Of the hidden units."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of hidden units left out while training."
    orders: int = Field(1, ge=1)
    "Orders in the ensemble that `log_prob` evaluates; 1, 2, 16 and 128 in the papers. Nothing else depends on them."
    order_seed: Seed = 1
    "Of those orders; the first k are the same however many there are."


_ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def draw_seen(rows: int, bits: int, rng: torch.Generator, device: torch.device) -> Tensor:
    """Draw which bits are seen, for each row an order and a d in 1..D of its own: (rows, bits) of 0 and 1."""
    rank = torch.rand(rows, bits, generator=rng, device=device).argsort(1).argsort(1)  # a random order
    d = torch.randint(1, bits + 1, (rows, 1), generator=rng, device=device)
    return (rank < d - 1).float()


def order_agnostic_log_prob(x: Tensor, logits: Tensor, seen: Tensor) -> Tensor:
    """Return D / (D - d + 1) * sum over unseen i of log p(x_i | x_seen): (B,).

    Parameters
    ----------
    x, logits, seen : (B, D)
        `seen` of 0 and 1 with d - 1 ones in a row.
    """
    log_p = (x * logits - softplus(logits)) * (1 - seen)
    return log_p.sum(1) * x.shape[1] / (1 - seen).sum(1)


class EoNADENet(ScoreNet):
    """A feed-forward network from the seen bits and their mask to the logits of all bits."""

    kind = "estimate"

    def __init__(self, size: int, config: EoNADEConfig) -> None:
        super().__init__()
        self.size = size
        self.act = _ACTIVATIONS[config.activation]
        self.first = nn.Linear(2 * size, config.hidden_sizes[0])
        pairs = zip(config.hidden_sizes[:-1], config.hidden_sizes[1:], strict=True)
        self.middle = nn.ModuleList([nn.Linear(below, above) for below, above in pairs])
        self.last = nn.Linear(config.hidden_sizes[-1], size)
        self.dropout = nn.Dropout(config.dropout)

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let every logit begin at the bit's frequency."""
        self.last.bias.copy_(logit(x.mean(0)))

    def hidden(self, a: Tensor) -> Tensor:
        """Return the top hidden layer, given what the first one receives: (B, H_1) to (B, H_L)."""
        h: Tensor = self.dropout(self.act(a))
        for layer in self.middle:
            h = self.dropout(self.act(layer(h)))
        return h

    def encode(self, x: Tensor) -> Tensor:
        """Return the top hidden layer with every bit seen: (B, H_L)."""
        return self.hidden(self.first(torch.cat([x, torch.ones_like(x)], dim=1)))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return the logits of p(x_i = 1 | x_seen): (B, D); those of seen bits mean nothing."""
        logits: Tensor = self.last(self.hidden(self.first(torch.cat([x * seen, seen], dim=1))))
        return logits

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return an unbiased estimate of the mean over orders of log p(x | order): (B,)."""
        seen = draw_seen(len(x), self.size, rng, x.device).to(x)
        return order_agnostic_log_prob(x, self(x, seen), seen)

    def log_prob_in_order(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """Return log p(x | order), exact: (B,)."""
        from_bits, from_mask = torch.split(self.first.weight.T, self.size)  # (D, H_1) each
        a = self.first.bias.expand(len(x), -1)
        total = x.new_zeros(len(x))
        for i in order:
            out = self.hidden(a) @ self.last.weight[i] + self.last.bias[i]
            total = total + x[:, i] * out - softplus(out)
            a = torch.addr(a + from_mask[i], x[:, i], from_bits[i])
        return total

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw rows, each in an order of its own: the mixture of all orders."""
        x = self.last.bias.new_zeros(n, self.size)
        seen, rows = torch.zeros_like(x), torch.arange(n, device=x.device)
        for place in torch.rand(n, self.size, generator=rng, device=x.device).argsort(1).T:
            p = torch.sigmoid(self(x, seen)[rows, place])
            x[rows, place] = torch.bernoulli(p, generator=rng)
            seen[rows, place] = 1
        return x


class EoNADE(Density):
    """The order-agnostic neural autoregressive density: ensembles of orders, and missing values."""

    name = "eonade"
    config_type = EoNADEConfig
    config: EoNADEConfig
    abilities = Density.abilities | {"encode"}
    trainer = TrainerConfig(epochs=20, batch_size=100, optimiser=OptimiserConfig(learning_rate=1e-3))

    def build(self, spec: Spec) -> EoNADENet:
        """Return an untrained network."""
        return EoNADENet(spec.size, self.config)

    @property
    def orders(self) -> list[list[int]]:
        """The orders of the ensemble."""
        seed = self.config.order_seed
        return [generator(seed, "eonade", str(k)).permutation(self.size).tolist() for k in range(self.config.orders)]

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor) -> Estimate:
        """Return log of the mean over the ensemble's orders of p(x | order), exact for that mixture: (n,)."""
        return _mixture(self.log_prob_by_order(data))

    @torch.no_grad()
    def log_prob_by_order(self, data: Examples | Floats | Tensor) -> Tensor:
        """Return log p(x | order) for each order of the ensemble: (K, n) float64."""
        rows = self.examples(data)
        found = [
            torch.cat([self.fitted.log_prob_in_order(part, order) for part in self.batches(rows)]).double()
            for order in self.orders
        ]
        return torch.stack(found)

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """Log p, and what it is by the first of its orders, the first two, the first four and so on."""
        return dict.fromkeys(self._ensembles, Quantity("nats"))

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return log p by each number of orders in `quantities`: (n,) nats each."""
        by_order = self.log_prob_by_order(test)
        return {name: _mixture(by_order[:k]) for name, k in self._ensembles.items()}

    @property
    def _ensembles(self) -> dict[str, int]:
        """Numbers of orders: all of the ensemble, and the powers of two below."""
        whole = self.config.orders
        few = [2**power for power in range(whole.bit_length()) if 2**power < whole]
        return {"log p": whole, **{f"log p by {k} order{'s' * (k > 1)}": k for k in few}}

    @torch.no_grad()
    def impute(self, x: Floats | Tensor) -> Floats:
        """Return p(x_i = 1 | the bits that are there) for missing bits, and the bits that are there, in one pass.

        With one bit missing that is the model's exact conditional for every order which ends in it; with
        more, each is predicted from the seen bits alone.

        Parameters
        ----------
        x : (n, D)
            Bits, NaN where missing.

        Returns
        -------
        (n, D) float32 in 0..1
        """
        values = x if isinstance(x, Tensor) else torch.from_numpy(np.asarray(x, dtype=np.float64))
        rows, missing = self.examples(values.nan_to_num(0.0)), values.isnan()
        parts = zip(self.batches(rows), self.batches(missing), strict=True)
        found = [torch.where(gap > 0, torch.sigmoid(self.fitted(part, 1 - gap)), part) for part, gap in parts]
        return torch.cat(found).float().cpu().numpy()


def _mixture(by_order: Tensor) -> Estimate:
    """Return log of the mean of probabilities over orders: (K, n) to (n,)."""
    return Estimate.exact(numbers(log_mean_exp(by_order, dim=0).value))

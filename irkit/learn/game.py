"""The adversarial game of IRGAN: a generator and a discriminator that both score the candidates of queries.

Source: Wang, Yu, Zhang, Gong, Xu, Wang, Zhang and Zhang, "IRGAN: A minimax game for unifying generative and
discriminative information retrieval models", SIGIR 2017, sections 2.1 to 2.4, and its released code.

Symbols: B queries, L candidates of the longest, M draws; f the discriminator's scores, g the generator's, T and T' its
temperatures; d+ a positive, d- a draw; s = sigmoid.

The discriminator takes a draw d- ~ softmax(g / T') (or several) for each positive and minimises the sum over pairs of

    pointwise   -log s(f(d+)) - log (1 - s(f(d-)))
    pairwise    -log s(f(d+) - f(d-))
    hinge       max(0, margin - f(d+) + f(d-))

The generator, whose policy is p = softmax(g / T), maximises the sum over queries of the expected reward E_p[r(d)],

    pointwise   r(d) = 2 s(f(d)) - 1
    pairwise    r(d) = log s(f(d) - f(d+))
    hinge       r(d) = 2 s(margin - f(d+) + f(d)) - 1

by REINFORCE: with d_1 ... d_n drawn from pi = (1 - mix) p + mix [d positive] / |positives| and a baseline b, the mean
of (p / pi)(d_i) (r(d_i) - b) grad log p(d_i) is an unbiased estimate of the gradient for any mix below 1; weights
p / pi are at most 1 / (1 - mix). For small pools the expectation is summed instead.

Departures from the code: negatives are drawn anew for each batch and not kept for several passes (the generator stands
still meanwhile, so their distribution is the same); losses are summed over the queries of a batch, where the code
takes a step for each query; a reward against a positive takes the query's positives in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from irkit.arrays import Ints
from irkit.learn.conditions import sent
from irkit.learn.game_settings import GameConfig
from irkit.learn.net import Net
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now, Phase

MEMORY = 0.1
"Of a learned baseline: how far it moves towards the mean reward of a query's latest draws."

LARGEST = 1 - 2.0**-40
"Uniform numbers are cut to this, so that adding the number of a row cannot round them up to the next one."


class Pools(NamedTuple):
    """The candidates of B queries."""

    x: Any
    "What the players score."
    mask: Tensor | None
    "(B, L) bool: where there is a candidate; None where there is one in every place."
    row: Tensor
    "(P,) int64: the query of each positive, ascending."
    column: Tensor
    "(P,) int64: its place among the candidates."
    counts: Ints
    "(B,) int64: positives of each query; on the host."
    query: Tensor
    "(B,) int64: numbers of the queries."

    def positive(self, width: int) -> Tensor:
        """Return where one of L candidates is a positive: (B, L) bool."""
        out = torch.zeros((len(self.query), width), dtype=torch.bool, device=self.row.device)
        out[self.row, self.column] = True
        return out


class Player(nn.Module):
    """Scores candidates; a subclass implements `forward`, and others where that costs less."""

    def forward(self, x: Any) -> Tensor:
        """Score all candidates: (B, L), of any value where there is none."""
        raise NotImplementedError

    def pairs(self, x: Any, row: Tensor, column: Tensor) -> Tensor:
        """Score some candidates, told by query and place: (M,)."""
        return at(self(x), row, column)

    def penalty(self, x: Any, row: Tensor, column: Tensor) -> Tensor:
        """Return what is added to a loss for parameters that these candidates touch: a scalar."""
        return torch.zeros((), device=row.device)


# ---------------------------------------------------------------------------------------------- the formulas


def at(values: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return some cells of a matrix (B, L): (M,). The gradient of values[row, column] takes several times as long."""
    return values.reshape(-1).index_select(0, row * values.shape[1] + column)


def log_policy(scores: Tensor, mask: Tensor | None, temperature: float) -> Tensor:
    """Compute log softmax(scores / T) over the candidates: (B, L), minus infinity where there is none."""
    logits = scores / temperature
    return torch.log_softmax(logits if mask is None else logits.masked_fill(~mask, -torch.inf), dim=1)


def draw(p: Tensor, counts: Ints, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw candidates with replacement, so many for each query.

    Parameters
    ----------
    p : (B, L)
        Nonnegative; draws from a row without any probability mean nothing.
    counts : (B,) int64, on the host
        Draws of each query.
    rng : torch.Generator

    Returns
    -------
    row, column : (M,) int64
        In the order of queries.
    """
    rows, width = p.shape
    cdf = p.double().cumsum(dim=1)
    cdf = cdf / cdf[:, -1:].clamp(min=torch.finfo(cdf.dtype).tiny)
    row = sent(torch.from_numpy(np.repeat(np.arange(rows), counts)), p.device)
    u = torch.rand(len(row), generator=rng, device=p.device, dtype=cdf.dtype).clamp(max=LARGEST)
    steps = (cdf + torch.arange(rows, device=p.device, dtype=cdf.dtype)[:, None]).reshape(-1)
    column = torch.searchsorted(steps, row + u, right=True) - row * width
    return row, column.clamp(max=width - 1)


def draw_mixed(p: Tensor, pools: Pools, draws: int, mix: float, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw candidates from pi = (1 - mix) p + mix [d positive] / |positives|, `draws` for each positive of a query.

    Returns
    -------
    row, column : (M,) int64
        In the order of queries.
    weight : (M,)
        p / pi of each, at most 1 / (1 - mix).
    """
    row, column = draw(p, pools.counts * draws, rng)
    if not mix:
        return row, column, torch.ones(len(row), device=p.device, dtype=p.dtype)
    count, first = (
        sent(torch.from_numpy(one), p.device) for one in (pools.counts, np.cumsum(pools.counts) - pools.counts)
    )
    which, place = torch.rand((2, len(row)), generator=rng, device=p.device, dtype=torch.float64)
    among = (first[row] + (place * count[row]).long()).clamp(max=len(pools.row) - 1)
    column = torch.where(which < mix, pools.column[among], column)
    own, share = at(p, row, column), at(pools.positive(p.shape[1]), row, column) / count[row]
    return row, column, own / ((1 - mix) * own + mix * share)


def in_turn(counts: Ints, draws: int) -> Ints:
    """Pair each draw with a positive of its query, these in turn: (M,) int64, numbers of positives.

    Examples
    --------
    >>> in_turn(np.array([2, 0, 1]), 2).tolist()
    [0, 1, 0, 1, 2, 2]
    """
    many = counts * draws
    place = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    found: Ints = np.repeat(np.cumsum(counts) - counts, many) + place % np.repeat(counts, many)
    return found


DiscriminatorLoss: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
"Scores of positives and of negatives, (M,) each, and the margin; to (M,)."

LOSSES: dict[str, DiscriminatorLoss] = {
    "pointwise": lambda positive, negative, margin: softplus(-positive) + softplus(negative),
    "pairwise": lambda positive, negative, margin: softplus(negative - positive),
    "hinge": lambda positive, negative, margin: (margin - positive + negative).clamp(min=0),
}

REWARDS: dict[str, DiscriminatorLoss] = {
    "pointwise": lambda positive, drawn, margin: 2 * drawn.sigmoid() - 1,
    "pairwise": lambda positive, drawn, margin: logsigmoid(drawn - positive),
    "hinge": lambda positive, drawn, margin: 2 * (margin - positive + drawn).sigmoid() - 1,
}


def other_mean(values: Tensor, row: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of a query's other values, 0 where there is none: (M,).

    Leaving its own value out of each baseline keeps the estimate unbiased.

    Parameters
    ----------
    values : (M,)
    row : (M,) int64
        The query of each.
    counts : (B,) int64
        Values of each query.
    """
    total = torch.zeros(len(counts), device=values.device, dtype=values.dtype).index_add(0, row, values)
    return (total[row] - values) / (counts[row] - 1).clamp(min=1) * (counts[row] > 1)


def policy_loss(
    log_p: Tensor, weight: Tensor, advantage: Tensor, row: Tensor, column: Tensor, counts: Tensor
) -> Tensor:
    """Return what has the policy gradient: minus the mean over each query's draws of w (r - b) log p, summed.

    Parameters
    ----------
    log_p : (B, L)
        With a gradient.
    weight, advantage : (M,)
        Importance weights, and rewards less their baselines.
    row, column : (M,) int64
        The draws.
    counts : (B,) int64
        Draws of each query.
    """
    return -(weight * advantage * at(log_p, row, column) / counts[row]).sum()


def expected_loss(log_p: Tensor, reward: Tensor) -> Tensor:
    """Return minus the expected reward summed over queries, whose gradient is exact.

    Parameters
    ----------
    log_p : (B, L)
        With a gradient; minus infinity where there is no candidate.
    reward : (B, L)
        Finite.
    """
    return -(log_p.exp() * reward).sum()


# ---------------------------------------------------------------------------------------------- the net


class Game(Net):
    """Two players that take turns by pass; batches are `Pools`.

    Parameters
    ----------
    discriminator, generator : Player
    config : GameConfig
    queries : int
        How many there are, for a learned baseline.
    """

    def __init__(self, discriminator: Player, generator: Player, config: GameConfig, queries: int) -> None:
        super().__init__()
        self.discriminator, self.generator, self.config = discriminator, generator, config
        self.expected: Tensor
        self.register_buffer("expected", torch.zeros(queries))

    @property
    def ranker(self) -> Player:
        """The player whose scores rank; under a control that leaves one of them out, the other."""
        which = {"discriminator": "discriminator", "constant": "generator", "positives": "generator"}
        found: Player = getattr(self, which.get(self.config.control, self.config.ranker))
        return found

    def phases(self) -> list[Phase]:
        """Return the turns of both, one after the other; a player without passes has none."""
        c = self.config
        found = []
        for name, player, loss, passes, rate in (
            ("discriminator", self.discriminator, self.discriminator_loss, c.turns[0], c.discriminator_rate),
            ("generator", self.generator, self.generator_loss, c.turns[1], c.generator_rate),
        ):
            if passes:
                moving = [values for values in player.parameters() if values.requires_grad]
                rule = OptimiserConfig(kind=c.optimiser, learning_rate=rate, clip=c.clip)
                found.append(Phase(name, moving, loss, rule, repeats=passes, per="pass"))
        return found

    def discriminator_loss(self, pools: Pools, now: Now) -> Loss:
        """Return the sum over pairs of a positive and a draw of the generator's."""
        c = self.config
        with torch.no_grad():
            scores = self.generator(pools.x)
            drawable = pools.mask
            if c.negatives == "others":
                others = ~pools.positive(scores.shape[1])
                drawable = others if drawable is None else drawable & others
            p = log_policy(scores, drawable, c.negative_temperature).exp()
            row, column = draw(p if drawable is None else p.nan_to_num(), pools.counts * c.negative_draws, now.rng)
            # A query all of whose candidates are positives has no negative.
            there = 1.0 if drawable is None else drawable.any(dim=1)[row]
            beside = sent(torch.from_numpy(in_turn(pools.counts, c.negative_draws)), row.device)
        rows, columns = torch.cat([pools.row[beside], row]), torch.cat([pools.column[beside], column])
        positive, negative = self.discriminator.pairs(pools.x, rows, columns).chunk(2)
        each = LOSSES[c.loss](positive, negative, c.margin) * there
        extra = self.discriminator.penalty(pools.x, rows, columns)
        extra = extra + decay(self.discriminator, c.discriminator_decay * len(row))
        return Loss(each.sum() + extra, {"pair": each.detach().sum() / max(len(row), 1)})

    def generator_loss(self, pools: Pools, now: Now) -> Loss:
        """Return minus the expected reward of a draw summed over queries, or what has its gradient."""
        c = self.config
        log_p = log_policy(self.generator(pools.x), pools.mask, c.temperature)
        loss, parts = (self._exact if c.gradient == "exact" else self._sampled)(log_p, pools, now)
        return Loss(loss + decay(self.generator, c.generator_decay * len(log_p)), parts)

    def _sampled(self, log_p: Tensor, pools: Pools, now: Now) -> Loss:
        """Estimate the gradient from draws."""
        c = self.config
        with torch.no_grad():
            p = log_p.exp()
            row, column, weight = draw_mixed(p, pools, c.draws, c.mix, now.rng)
            counts = sent(torch.from_numpy(pools.counts * c.draws), row.device)
            turn = sent(torch.from_numpy(in_turn(pools.counts, c.draws)), row.device)
            reward = self._rewards(pools, p.shape[1], row, column, (pools.row[turn], pools.column[turn]), now)
            advantage = reward - self._baseline(pools, reward, row, counts)
        loss = policy_loss(log_p, weight, advantage, row, column, counts)
        return Loss(loss, {"reward": reward.sum() / max(len(row), 1), "entropy": entropy(log_p.detach(), p).mean()})

    def _exact(self, log_p: Tensor, pools: Pools, now: Now) -> Loss:
        """Sum over all candidates; a reward against a positive is its mean over the query's positives."""
        with torch.no_grad():
            n = torch.bincount(pools.row, minlength=len(log_p)).clamp(min=1)
            width, device = log_p.shape[1], log_p.device
            row = torch.arange(len(pools.row), device=device).repeat_interleave(
                width, output_size=len(pools.row) * width
            )
            column = torch.arange(width, device=device).repeat(len(pools.row))
            against = (pools.row[row], pools.column[row])
            each = self._rewards(pools, width, pools.row[row], column, against, now).view(-1, width)
            reward = torch.zeros_like(log_p).index_add(0, pools.row, each) / n[:, None]
            if pools.mask is not None:
                reward = reward.masked_fill(~pools.mask, 0)
            p = log_p.exp()
        loss = expected_loss(log_p, reward)
        return Loss(loss, {"reward": (p * reward).sum(dim=1).mean(), "entropy": entropy(log_p.detach(), p).mean()})

    def _rewards(
        self, pools: Pools, width: int, row: Tensor, column: Tensor, against: tuple[Tensor, Tensor], now: Now
    ) -> Tensor:
        """Reward candidates, against positives where the loss is of pairs, under the control: (M,)."""
        c = self.config
        if c.control == "constant":
            return torch.ones(len(row), device=row.device)
        if c.control == "positives":
            return at(pools.positive(width), row, column).float()
        if c.control == "shuffled":
            f = shuffled(self.discriminator(pools.x), pools.mask, now.rng)
            return REWARDS[c.loss](at(f, *against), at(f, row, column), c.margin)
        drawn = self.discriminator.pairs(pools.x, row, column)
        positive = drawn if c.loss == "pointwise" else self.discriminator.pairs(pools.x, *against)
        return REWARDS[c.loss](positive, drawn, c.margin)

    def _baseline(self, pools: Pools, reward: Tensor, row: Tensor, counts: Tensor) -> Tensor:
        if self.config.baseline == "none":
            return torch.zeros_like(reward)
        if self.config.baseline == "mean":
            return other_mean(reward, row, counts)
        known = self.expected[pools.query]
        total = torch.zeros(len(counts), device=reward.device).index_add(0, row, reward)
        step = MEMORY * (total / counts.clamp(min=1) - known) * (counts > 0)
        self.expected[pools.query] = known + step
        return known[row]


def decay(player: Player, rate: float) -> Tensor | float:
    """Compute 1/2 rate |w|^2 of a player's matrices: a scalar."""
    if not rate:
        return 0.0
    return rate / 2 * torch.stack([w.square().sum() for w in player.parameters() if w.ndim > 1]).sum()


def shuffled(scores: Tensor, mask: Tensor | None, rng: torch.Generator) -> Tensor:
    """Give each query's candidates its scores in an order drawn anew: (B, L); minus infinity where there is none."""
    noise = torch.rand(scores.shape, generator=rng, device=scores.device)
    if mask is None:
        return scores.gather(1, noise.argsort(dim=1))
    to = noise.masked_fill(~mask, 2.0).argsort(dim=1)  # candidates in an order drawn, places without one last
    first = (~mask).to(torch.int8).argsort(dim=1, stable=True)  # candidates in their order, likewise
    return torch.empty_like(scores).scatter(1, to, scores.gather(1, first)).masked_fill(~mask, -torch.inf)


def entropy(log_p: Tensor, p: Tensor) -> Tensor:
    """Compute the entropy of each policy in nats, given its logarithm and itself: (B, L), (B, L) to (B,)."""
    return -(p * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(dim=1)

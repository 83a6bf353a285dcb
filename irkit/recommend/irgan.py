"""IRGAN for item recommendation: a generator and a discriminator by matrix factorisation play against each other.

Source: Wang et al., "IRGAN", SIGIR 2017, sections 2.4 and 4.2, and the released code for MovieLens 100K.
Symbols: P (U, d), Q (I, d) factors, b (I,) deviations, for each player its own; score p_u.q_i + b_i. A user is a query,
every item a candidate, the items the user likes are the positives. The generator starts from DNS, the
discriminator from noise; what a turn of each minimises is in `irkit.learn.game`. The discriminator's penalty is
reg / 2 (|p_u|^2 + |q_i|^2 + b_i^2) for each positive and each negative of a batch; the generator has none.
Departures: those of `game` and of `dns`; gradients of `batch_size` users are added up, where the code takes a step
for 16 pairs of the discriminator and for each user of the generator; no slot of padding stands among the items;
held-out ratings choose the pass of DNS and of the game (P@5), where the code looks at the test ratings; the code adds
its penalty to each of the 32 terms of a batch, so that an item of a pair costs 32 times the `reg` here, which is .2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, segments
from irkit.learn.devices import Device
from irkit.learn.game_settings import GameConfig, named_start
from irkit.recommend.bpr import FactorRanker
from irkit.recommend.dns import DNS
from irkit.recommend.neural import Network
from irkit.recommend.ranker import RankerConfig
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    import torch

    from irkit.learn.game import Player, Pools


class IRGANConfig(GameConfig, RankerConfig):
    """Settings of `IRGAN`; the defaults are those of the released code but for `batch_size` and `reg`."""

    embedding_size: int = Field(5, ge=1)
    "Factors."
    dns_epochs: int = Field(80, ge=1)
    "Passes of DNS, from which the generator starts."
    dns_rate: float = Field(0.05, gt=0)
    "Learning rate of DNS."
    dns_reg: float = Field(0.1, ge=0)
    "Penalty of DNS."
    dns_candidates: int = Field(5, ge=1)
    "Items drawn for each negative of DNS."
    init: float = Field(0.05, gt=0)
    "The discriminator's factors start uniform between minus and plus this."
    reg: float = Field(0.1 / 16, ge=0)
    "Penalty of the discriminator for each item of a pair."
    batch_size: int = Field(64, ge=1)
    "Users whose gradients are added up."
    device: Device = "auto"
    "Where it is trained: auto, cpu, cuda (or one of several, such as cuda:1) or mps."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves torch's setting."
    patience: int | None = Field(None, ge=1)
    "Looks at held-out data without a better P@5 before the game ends; None plays all rounds."
    seed: Seed = 1
    "Seed of start, order and draws."

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the training does."""
        return self.model_dump(mode="json", exclude={"rounds", "patience", "device", "threads", "n", "seen"})


class IRGAN(Network, FactorRanker):
    """Rank items by the generator of a game, or by another player of it."""

    name = "irgan"
    config_type = IRGANConfig
    config: IRGANConfig
    steadier = "or set clip"
    measured_by = "P@5"
    curve_: Floats
    "(E, 3): passes, and held-out P@5 of generator and discriminator after them; of no look without held-out ratings."

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Start from DNS, and play."""
        from irkit.learn.batches import Shuffled
        from irkit.learn.conditions import choose_device, conditions
        from irkit.learn.game import Game
        from irkit.learn.looks import curve, game_trainer, look

        c = self.config
        start = self._start(train, valid)
        self._keep(start.user_factors_, start.item_factors_, start.item_deviations_)
        self.curve_ = np.zeros((0, 3))
        if not c.rounds:
            return
        device = choose_device(c.device)
        rng = generator(c.seed, "irgan")
        noise, other = (
            rng.uniform(-c.init, c.init, values.shape) for values in (self.user_factors_, self.item_factors_)
        )
        discriminator = factors(noise, other, np.zeros(len(train.items)), c.reg)
        mine = factors(self.user_factors_, self.item_factors_, self.item_deviations_, 0.0)
        net = Game(discriminator, mine, c, len(train.users)).to(device)
        pools = Liked(self.liked, device)
        source = Shuffled(
            len(pools.users), c.batch_size, seed=c.seed, take=pools.take, fingerprint=self.liked.fingerprint
        )
        precision = self.held_out_precision(valid)

        def precision_of(player: Player) -> float:
            assert precision is not None
            self._keep(*arrays_of(player))
            return precision()

        validate = None if precision is None else lambda: look(net, self.measured_by, precision_of)
        rates = ("discriminator_rate", "generator_rate")
        with conditions(device, c.threads, c.seed):
            self.train_net(net, net.phases(), source, game_trainer(c, len(source), c.patience), validate, rates)
        assert self.training is not None
        self._keep(*arrays_of(net.ranker))
        self.curve_ = curve(self.training.rows, self.measured_by)

    def _start(self, train: RatingTable, valid: RatingTable | None) -> DNS:
        """Fit DNS on the same ratings."""
        c = self.config
        settings: dict[str, Any] = {
            "embedding_size": c.embedding_size,
            "epochs": c.dns_epochs,
            "learning_rate": c.dns_rate,
            "reg": c.dns_reg,
            "candidates": c.dns_candidates,
            "threshold": c.threshold,
            "seed": c.seed,
        }
        # Where all that is held out is of unknown users and items, nothing of it is left.
        held_out = valid if valid is not None and len(valid) else None
        with named_start(self.name, DNS.name, learning_rate="dns_rate"):
            return DNS(**settings).fit(train, held_out)

    def _keep(self, p: Floats, q: Floats, b: Floats) -> None:
        self.user_factors_, self.item_factors_, self.item_deviations_ = p, q, b


class Liked:
    """The liked items of users as pools: every item is a candidate.

    Parameters
    ----------
    table : RatingTable
        The liked items.
    device : torch.device
        Where pools are.
    """

    def __init__(self, table: RatingTable, device: torch.device) -> None:
        self.ptr, order = table.by_user
        self.item = table.item[order].astype(np.int64)
        self.items, self.device = len(table.items), device
        self.users = np.flatnonzero(np.diff(self.ptr))
        "Those who like an item."

    def take(self, rows: torch.Tensor, rng: torch.Generator) -> Pools:
        """Return the pools of some of `users`, told by their places."""
        import torch

        from irkit.learn.conditions import sent
        from irkit.learn.game import Pools

        users = self.users[rows.numpy()]
        counts = self.ptr[users + 1] - self.ptr[users]
        ends = np.cumsum(counts)
        places = np.repeat(self.ptr[users] - (ends - counts), counts) + np.arange(ends[-1])
        row, column, query = (
            sent(torch.from_numpy(array), self.device)
            for array in (segments(np.append(0, ends)), self.item[places], users.astype(np.int64))
        )
        return Pools(query, None, row, column, counts.astype(np.int64), query)


def factors(p: Floats, q: Floats, b: Floats, reg: float) -> Player:
    """Return a player that scores items by p_u.q_i + b_i; x of its pools are rows of p.

    Parameters
    ----------
    p, q, b : (U, d), (I, d), (I,)
    reg : float
        Penalty for each item that is scored to learn from.
    """
    import torch
    from torch import Tensor, nn

    from irkit.learn.game import Player

    class Factors(Player):
        def __init__(self) -> None:
            super().__init__()
            self.p, self.q, self.b = (nn.Parameter(torch.tensor(values, dtype=torch.float32)) for values in (p, q, b))

        def forward(self, x: Tensor) -> Tensor:
            return self.p[x] @ self.q.T + self.b

        def penalty(self, x: Tensor, row: Tensor, column: Tensor) -> Tensor:
            users, items = (torch.bincount(one, minlength=n) for one, n in ((row, len(x)), (column, len(self.q))))
            mine = self.p[x].square().sum(dim=1) @ users.to(self.p.dtype)
            theirs = (self.q.square().sum(dim=1) + self.b.square()) @ items.to(self.p.dtype)
            return reg / 2 * (mine + theirs)

    return Factors()


def arrays_of(player: Any) -> tuple[Floats, Floats, Floats]:
    """Copy a player's p, q and b."""
    p, q, b = (values.detach().cpu().numpy().astype(np.float64) for values in (player.p, player.q, player.b))
    return p, q, b

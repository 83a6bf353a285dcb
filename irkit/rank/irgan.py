"""IRGAN for rankings by features: a generator and a discriminator score the candidates of queries and play against
each other.

Source: Wang et al., "IRGAN", SIGIR 2017, sections 2.1 to 2.4 and 4.1, and the released code for web search on
MQ2008-semi; what a turn of each player minimises is in `irkit.learn.game`, the scorers in `irkit.rank.scorers`.

    irgan-pointwise   both start at random with a bias at the output; the generator, at temperature .2, ranks
    irgan-pairwise    both start from pairs with dynamic negatives (`pairwise-dns`); the discriminator ranks

The candidates of a query are all its results, those without a judgement too; the relevant ones are its positives.
Departures: those of `game`; gradients of `batch_size` queries are added up, where the code takes a step for 8 pairs of
the discriminator, whose mean it minimises (hence rates of an eighth), and for each query of the generator; results to
stop by choose the pass, where the code looks at the test queries; the discriminator plays in the first round too; the
pointwise discriminator learns twice as fast, as the code's mean is over both sides of a pair; biases are not decayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.learn.game_settings import COLDEST, GameConfig, named_start
from irkit.pipeline.fit import Topics
from irkit.rank.net_ranker import HeldOut, NetRanker, NetRankerConfig
from irkit.rank.pairwise_dns import PairwiseDNS

if TYPE_CHECKING:
    import torch

    from irkit.learn.estimate import Estimate
    from irkit.learn.game import Player, Pools
    from irkit.rank.lists import Lists
    from irkit.rank.scorers import Scorer


class IRGANConfig(GameConfig, NetRankerConfig):
    """Settings of both forms; `epochs`, `learning_rate`, `weight_decay` and `patience` are of the start from pairs."""

    hidden_size: int = Field(46, ge=0)
    "Units of each player's hidden layer; 0 makes scores linear in the features."
    start: Literal["random", "pairwise-dns"] = "random"
    "What both players start from."
    candidates: int = Field(5, ge=1)
    "Documents drawn for each negative of the start from pairs."
    batch_size: int = Field(32, ge=1)
    "Queries whose gradients are added up."
    rounds: int = Field(30, ge=0)
    "Turns of both players; 0 leaves them where they start."
    discriminator_decay: float = Field(0.01, ge=0)
    "Penalty 1/2 decay |w|^2 on the discriminator's matrices, for each of its pairs."
    generator_decay: float = Field(0.01, ge=0)
    "Penalty 1/2 decay |w|^2 on the generator's matrices, for each query."

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the game does, those of its start among them."""
        return self.model_dump(mode="json", exclude={"rounds", "device", "threads"})

    def start_settings(self) -> dict[str, Any]:
        """Return the settings of the ranker that players start from."""
        names = (
            *("hidden_size", "normalise", "missing", "epochs", "batch_size", "learning_rate", "weight_decay"),
            *("measure", "patience", "candidates", "seed", "device", "threads"),
        )
        return {name: getattr(self, name) for name in names} | {"validation": 0.0}


class IRGANPointwiseConfig(IRGANConfig):
    """Settings of `IRGANPointwise`; the defaults are those of the released code but for `batch_size`."""

    loss: Literal["pointwise"] = "pointwise"
    "What the discriminator minimises and rewards; see `irkit.learn.game`."
    discriminator_passes: int = Field(100, ge=0)
    "Passes over the queries in a turn of the discriminator."
    generator_passes: int = Field(30, ge=0)
    "Passes over the queries in a turn of the generator."
    temperature: float = Field(0.2, ge=COLDEST)
    "The generator's policy is the softmax of its scores over this."
    draws: int = Field(5, ge=1)
    "Draws of the generator for each positive of a query."
    mix: float = Field(0.5, ge=0, lt=1)
    "Share of these draws that are uniform over the positives; each counts by its importance weight."
    discriminator_rate: float = Field(1e-3 / 8, gt=0)
    "Learning rate of the discriminator."


class IRGANPairwiseConfig(IRGANConfig):
    """Settings of `IRGANPairwise`; the defaults are those of the released code but for `batch_size`."""

    loss: Literal["pairwise", "hinge"] = "pairwise"
    "What the discriminator minimises and rewards; see `irkit.learn.game`."
    start: Literal["random", "pairwise-dns"] = "pairwise-dns"
    "What both players start from."
    discriminator_passes: int = Field(30, ge=0)
    "Passes over the queries in a turn of the discriminator."
    generator_passes: int = Field(50, ge=0)
    "Passes over the queries in a turn of the generator."
    negative_temperature: float = Field(1.0, ge=COLDEST)
    "The softmax of the generator's scores over this is what it draws negatives from, for the discriminator."
    negatives: Literal["any", "others"] = "others"
    "Whether positives may be drawn as negatives."
    draws: int = Field(1, ge=1)
    "Draws of the generator for each positive of a query."
    mix: float = Field(0.0, ge=0, lt=1)
    "Share of these draws that are uniform over the positives; each counts by its importance weight."
    ranker: Literal["generator", "discriminator"] = "discriminator"
    "Whose scores rank, where both play."
    discriminator_rate: float = Field(1e-4 / 8, gt=0)
    "Learning rate of the discriminator."
    generator_rate: float = Field(5e-4, gt=0)
    "Learning rate of the generator."


class IRGANRanker(NetRanker):
    """Base of both forms."""

    needs_order = False
    config: Any
    curve_: Floats
    "(E, 3): passes, and the measure on held-out queries of generator and discriminator; of no look without such."

    @property
    def measured_by(self) -> str:
        """What the curve is of."""
        return str(self.config.measure)

    def learn(self, train: Topics, valid: Topics | None) -> None:
        """Start, and play."""
        self._start = self._started(train, valid)
        super().learn(train, valid)
        del self._start

    def _started(self, train: Topics, valid: Topics | None) -> Scorer | None:
        """Return the scorer that both players start from, None where that is drawn."""
        if self.config.start == "random":
            return None
        with named_start(self.name, PairwiseDNS.name):
            return PairwiseDNS(**self.config.start_settings()).fit(train, valid).net

    def _train(self, lists: Lists, valid: Topics | None, device: torch.device) -> None:
        from copy import deepcopy

        from irkit.learn.batches import Shuffled
        from irkit.learn.conditions import conditions
        from irkit.learn.game import Game
        from irkit.learn.looks import curve, game_trainer, look

        c = self.config
        lists = lists.kept(np.add.reduceat(np.append(lists.labels, 0) > 0, lists.ptr[:-1]) * (lists.lengths > 0) > 0)
        drawn = self.scorer(self.inputs)
        first = deepcopy(drawn if self._start is None else self._start).to(device)
        second = deepcopy(self.scorer(self.inputs, 1) if self._start is None else self._start).to(device)
        net = Game(player(first), player(second), c, len(lists.lengths)).to(device)
        held = None if valid is None else HeldOut(self, valid, device)

        def looked(held: HeldOut) -> dict[str, Estimate]:
            return look(net, self.measured_by, lambda one: held.mean(one.net))

        self.curve_ = np.zeros((0, 3))
        if c.rounds:
            pools = Judged(lists, device)
            source = Shuffled(
                len(lists.lengths), c.batch_size, seed=c.seed, take=pools.take, fingerprint=pools.fingerprint,
                lengths=lists.lengths,
            )  # fmt: skip
            rates = ("discriminator_rate", "generator_rate")
            with conditions(device, c.threads, c.seed):
                self.train_net(net, net.phases(), source, game_trainer(c, len(source)), held, looked, rates)
            assert self.training is not None
            self.curve_ = curve(self.training.rows, self.measured_by)
        ranker: Any = net.ranker
        self.net = ranker.net.cpu()

    def scorer(self, inputs: int, number: int = 0) -> Scorer:
        """Return a scorer with the weights that a player starts from, on the CPU; players have others."""
        import torch

        from irkit.rank.scorers import Scorer

        net = Scorer(inputs, self.config.hidden_size, output_bias=self.output_bias)
        return net.start(torch.Generator().manual_seed(2 * self.config.seed + number))


class IRGANPointwise(IRGANRanker):
    """Rank by the generator of a game whose discriminator tells relevant documents from drawn ones."""

    name = "irgan-pointwise"
    config_type = IRGANPointwiseConfig
    config: IRGANPointwiseConfig
    output_bias = True


class IRGANPairwise(IRGANRanker):
    """Rank by the discriminator of a game, which puts relevant documents above drawn ones."""

    name = "irgan-pairwise"
    config_type = IRGANPairwiseConfig
    config: IRGANPairwiseConfig


class Judged:
    """Lists of documents as pools: the relevant ones are positives.

    Parameters
    ----------
    lists : Lists
        Each with a relevant document.
    device : torch.device
        Where pools are.
    """

    def __init__(self, lists: Lists, device: torch.device) -> None:
        import torch

        from irkit.learn.batches import fingerprint
        from irkit.learn.conditions import sent

        self.lists, self.device = lists, device
        x = torch.from_numpy(np.ascontiguousarray(lists.x, dtype=np.float32))
        self.fingerprint = " ".join(fingerprint(torch.as_tensor(one)) for one in (x, lists.labels > 0, lists.ptr))
        self.x = sent(x, device)

    def take(self, numbers: torch.Tensor, rng: torch.Generator) -> Pools:
        """Return the pools of some lists."""
        import torch

        from irkit.learn.conditions import sent
        from irkit.learn.game import Pools

        rows, mask = self.lists.places(numbers.numpy())
        positive = mask & (self.lists.labels[rows] > 0)
        row, column = np.nonzero(positive)
        counts: Ints = positive.sum(axis=1)
        places, there, first, second = (
            sent(torch.from_numpy(array), self.device) for array in (rows, mask, row, column)
        )
        return Pools(self.x[places], there, first, second, counts, sent(numbers, self.device))


def player(net: Scorer) -> Player:
    """Return a player of the game that scores (B, L, F) features."""
    from torch import Tensor

    from irkit.learn.game import Player

    class ListPlayer(Player):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.net(x)
            return found

        def pairs(self, x: Tensor, row: Tensor, column: Tensor) -> Tensor:
            found: Tensor = self.net(x[row, column])
            return found

    return ListPlayer()

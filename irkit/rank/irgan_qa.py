"""IRGAN for question answering: a generator and a discriminator, both QACNN, play for the answers to questions.

Source: Wang et al., "IRGAN", SIGIR 2017, section 4.4, and the released code for InsuranceQA; what a turn of each player
minimises is in `irkit.learn.game` (hinge), the net in `irkit.rank.qacnn_net`.

Both players start from one QACNN trained on pairs with the hardest of some wrong answers drawn. A pool is a correct
answer and `candidates` wrong ones, drawn anew for each batch as `irkit.rank.qa_pairs` says; the discriminator ranks.
Departures: those of `game` and of `qacnn`; the generator draws with replacement; rates are lower than in the code, at
whose rates the nets here do not stay near their start; the margin is that of `qacnn`.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.learn.game_settings import GameConfig
from irkit.pipeline.fit import Topics
from irkit.rank.qacnn import QACNN, QACNNConfig

if TYPE_CHECKING:
    import torch

    from irkit.learn.game import Pools
    from irkit.learn.trainer import TrainerConfig
    from irkit.rank.qa_pairs import DrawnPairs
    from irkit.rank.qacnn_net import QACNNNet


class IRGANQAConfig(GameConfig, QACNNConfig):
    """Settings of `IRGANQA`; `epochs`, `learning_rate`, `drawn` and `patience` are of the start."""

    loss: Literal["hinge"] = "hinge"
    "What the discriminator minimises and rewards; see `irkit.learn.game`."
    margin: float = Field(0.2, gt=0)
    "Of the hinge: how far ahead a correct answer is to be."
    negatives: Literal["others"] = "others"  # type: ignore[assignment]
    "The correct answer of a pool is never a negative."
    candidates: int = Field(99, ge=1)
    "Wrong answers in a pool."
    drawn: int = Field(4, ge=1)
    "Wrong answers drawn for each correct one of the start, of which the highest-scored counts."
    rounds: int = Field(5, ge=0)
    "Turns of both players; 0 leaves them where they start."
    discriminator_passes: int = Field(1, ge=0)
    "Passes over the correct answers in a turn of the discriminator."
    generator_passes: int = Field(1, ge=0)
    "Passes over the correct answers in a turn of the generator."
    temperature: float = Field(1 / 20, gt=0)
    "The generator's policy is the softmax of its scores over this."
    negative_temperature: float = Field(1 / 30, gt=0)
    "The softmax of the generator's scores over this is what it draws negatives from, for the discriminator."
    negative_draws: int = Field(3, ge=1)
    "Negatives drawn for each correct answer."
    draws: int = Field(5, ge=1)
    "Draws of the generator, from its policy, for each correct answer."
    mix: float = Field(0.0, ge=0, lt=1)
    "Share of these draws that are the correct answer; each counts by its importance weight."
    optimiser: Literal["sgd", "adam"] = "adam"
    "Rule of both players."
    discriminator_rate: float = Field(1e-4, gt=0)
    "Learning rate of the discriminator."
    generator_rate: float = Field(1e-4, gt=0)
    "Learning rate of the generator."
    ranker: Literal["generator", "discriminator"] = "discriminator"
    "Whose scores rank, where both play."
    evaluate_every: int = Field(1, ge=1)
    "Passes between looks at held-out data."

    def game_trainer(self, batches: int) -> TrainerConfig:
        """Return the settings of the game's training, an epoch of which has so many batches."""
        from irkit.learn.trainer import TrainerConfig

        return TrainerConfig(
            epochs=self.rounds * self.passes,
            batch_size=self.batch_size,
            every=self.evaluate_every * batches,
            seed=self.seed,
            device=self.device,
            threads=self.threads,
        )

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the game does, those of its start among them."""
        return self.model_dump(mode="json", exclude={"rounds", "device", "threads"})

    def start_settings(self) -> dict[str, Any]:
        """Return the settings of the QACNN that both players start from."""
        shared = set(QACNNConfig.model_fields) - set(GameConfig.model_fields)
        return {name: getattr(self, name) for name in shared} | {"negatives": "max", "margin": self.margin}


class IRGANQA(QACNN):
    """Rank answers by a player of a game between two QACNNs."""

    name = "irgan-qa"
    config_type = IRGANQAConfig
    config: IRGANQAConfig
    curve_: Floats
    "(E, 3): passes, and the measure on held-out questions of generator and discriminator; of no look without such."

    @property
    def measured_by(self) -> str:
        """What the curve is of."""
        return str(self.config.measure)

    def _learn(self, train: Topics, valid: Topics | None, folder: Path | None, resume: bool) -> None:
        """Start, and play."""
        from irkit.learn.conditions import choose_device, conditions
        from irkit.learn.game import Game
        from irkit.learn.looks import curve, look

        c, device = self.config, choose_device(self.config.device)
        start = QACNN(**c.start_settings())
        start._learn(train, valid, None, False)
        self.words, self.rarity = start.words, start.rarity
        assert start.net is not None
        first, second = deepcopy(start.net), deepcopy(start.net)
        source = PoolsOfPairs(self._source(train, device, c.candidates))
        net = Game(first, second, c, len(source.pairs.pairs)).to(device)
        held = None if valid is None else self._held_out(valid)
        self.curve_ = np.zeros((0, 3))
        if c.rounds:
            rates = ("discriminator_rate", "generator_rate")
            with conditions(device, c.threads, c.seed):
                self.train_net(
                    net,
                    net.phases(),
                    source,
                    c.game_trainer(len(source)),
                    None if held is None else held[1],
                    None if held is None else lambda: look(net, self.measured_by, held[0]),
                    folder,
                    resume,
                    rates,
                )
            assert self.training is not None
            self.curve_ = curve(self.training.rows, self.measured_by)
        ranker: QACNNNet = net.ranker  # type: ignore[assignment]
        self.net = ranker.cpu().eval()


class PoolsOfPairs:
    """Correct answers beside wrong ones as pools of the game: a source of `Pools`."""

    def __init__(self, pairs: DrawnPairs) -> None:
        self.pairs, self.fingerprint = pairs, pairs.fingerprint

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> Pools:
        """Return the pools of some correct answers, which stand first in them."""
        import torch

        from irkit.learn.conditions import sent
        from irkit.learn.game import Pools

        drawn, numbers = self.pairs.batch(epoch, at, rng), self.pairs.numbers(epoch, at, rng)
        n, device = len(drawn.place), drawn.place.device
        row = torch.arange(n, device=device)
        counts = np.ones(n, dtype=np.int64)
        return Pools(drawn, None, row, torch.zeros_like(row), counts, sent(numbers, device))

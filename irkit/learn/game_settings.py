"""Settings of the adversarial game, without torch: what every one of its uses lets a recipe choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from irkit.config import Config
from irkit.errors import IrkitError

Control: TypeAlias = Literal["none", "discriminator", "constant", "shuffled", "positives"]
"What is left of the game, to see what each part of it does."

CONTROLS: dict[Control, str] = {
    "none": "the game",
    "discriminator": "the generator stays where it starts; the discriminator learns from its draws, and ranks",
    "constant": "the generator is rewarded with 1 whatever it draws; there is no discriminator",
    "shuffled": "the discriminator's scores of a query's candidates are shuffled before they reward",
    "positives": "the generator is rewarded with 1 for a positive and 0 otherwise; there is no discriminator",
}
"The same in words, for notes."


COLDEST = 1e-6
"Least temperature: the best candidate alone is drawn then, and scores divided by it stay finite in float32."


class GameConfig(Config):
    """Settings of the game; the defaults are those of the released code for item recommendation."""

    loss: Literal["pointwise", "pairwise", "hinge"] = "pointwise"
    "What the discriminator minimises and rewards; see `irkit.learn.game`."
    margin: float = Field(0.05, gt=0)
    "Of the hinge."
    rounds: int = Field(15, ge=0)
    "Turns of both players; 0 leaves them where they start."
    discriminator_passes: int = Field(100, ge=0)
    "Passes over the queries in a turn of the discriminator."
    generator_passes: int = Field(50, ge=0)
    "Passes over the queries in a turn of the generator."
    temperature: float = Field(1.0, ge=COLDEST)
    "The generator's policy is the softmax of its scores over this."
    negative_temperature: float = Field(0.2, ge=COLDEST)
    "Likewise, where it draws negatives for the discriminator."
    negatives: Literal["any", "others"] = "any"
    "Whether positives may be drawn as negatives."
    negative_draws: int = Field(1, ge=1)
    "Negatives drawn for each positive of a query."
    draws: int = Field(2, ge=1)
    "Draws of the generator, from its policy, for each positive of a query."
    mix: float = Field(0.2, ge=0, lt=1)
    "Share of these draws that are uniform over the positives; each counts by its importance weight."
    gradient: Literal["sampled", "exact"] = "sampled"
    "Whether the expected reward is estimated from draws or summed over all candidates."
    baseline: Literal["none", "mean", "learned"] = "none"
    "Subtracted from rewards: the mean of a query's other draws, or a running mean of its earlier ones."
    ranker: Literal["generator", "discriminator"] = "generator"
    "Whose scores rank, where both play."
    control: Control = "none"
    "Leaves parts of the game out: none, discriminator, constant, shuffled or positives."
    optimiser: Literal["sgd", "adam"] = "sgd"
    "Rule of both players."
    discriminator_rate: float = Field(1e-3, gt=0)
    "Learning rate of the discriminator."
    generator_rate: float = Field(1e-3, gt=0)
    "Learning rate of the generator."
    discriminator_decay: float = Field(0.0, ge=0)
    "Penalty 1/2 decay |w|^2 on the discriminator's matrices, for each of its pairs."
    generator_decay: float = Field(0.0, ge=0)
    "Penalty 1/2 decay |w|^2 on the generator's matrices, for each query."
    clip: float | None = Field(None, gt=0)
    "Largest norm of a step's gradient; None leaves it alone."
    evaluate_every: int = Field(10, ge=1)
    "Passes between looks at held-out data."

    @model_validator(mode="after")
    def _plays(self) -> GameConfig:
        if self.rounds and not self.passes:
            raise ValueError("a round has no passes; set discriminator_passes or generator_passes, or rounds: 0")
        return self

    @property
    def turns(self) -> tuple[int, int]:
        """Passes of discriminator and generator in a round, under the control."""
        mine, other = self.discriminator_passes, self.generator_passes
        if self.control == "discriminator":
            return mine, 0
        return (0, other) if self.control in ("constant", "positives") else (mine, other)

    @property
    def passes(self) -> int:
        """Passes over the queries in a round."""
        return sum(self.turns)


@contextmanager
def named_start(who: str, start: str, **settings: str) -> Iterator[None]:
    """Say what goes wrong inside, in what a game starts from, in the name of the game and of its settings.

    Parameters
    ----------
    who : str
        The game's user.
    start : str
        What its errors begin with.
    **settings
        What the game calls settings of the start that have another name there.
    """
    try:
        yield
    except IrkitError as error:
        what = str(error).removeprefix(f"{start}: ")
        for name, own in settings.items():
            what = what.replace(name, own)
        raise type(error)(f"{who}: its start by {start}: {what}") from None

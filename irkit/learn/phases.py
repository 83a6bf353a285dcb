"""What a training step minimises: phases, each with parameters and an optimiser of its own, and whose turn it is.

Phases per step take part in every step, in order. Phases per pass take turns, each for so many passes over
the data; with a for two passes and b for one:

    pass    0 1 2 3 4 5
    turn    a a b a a b
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from irkit.errors import ConfigError, near_misses
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.processes import ALONE, Group


class Now(NamedTuple):
    """Where training stands, for losses that change with it."""

    step: int
    epoch: int
    progress: float
    "Share of the budget that is used, 0 to 1."
    rng: torch.Generator
    "Of every random draw in a loss."
    mine: slice = slice(None)
    "The rows of the batch that a loss is to be of, for phases that share batches among processes."


class Loss(NamedTuple):
    """What a phase minimises, in nats per example, and what it is made of."""

    total: Tensor
    parts: Mapping[str, Tensor]
    "Scalars to write down; a NaN is looked for in them."


@dataclass(frozen=True)
class Phase:
    """One optimiser's turn."""

    name: str
    parameters: Sequence[nn.Parameter]
    "Only these get gradients and are updated."
    loss: Callable[[Any, Now], Loss]
    "Reading a tensor's value in it (`.item()`, `if x > 0`) makes an accelerator wait."
    optimiser: OptimiserConfig | None = None
    repeats: int = 1
    "Updates in a step, each after the first on a batch of its own; per pass, the passes of a turn."
    per: Literal["step", "pass"] = "step"
    "Whether it takes part in every step, or takes turns with the other phases per pass."
    follows_budget: bool = False
    "Whether the loss changes with `Now.progress`."
    shares: bool = False
    """Whether processes may share a batch: with other rows in `Now.mine` for each, losses and their parts add up to
    those of the whole batch, and what is drawn at random does not depend on how it is cut."""


class Player:
    """A phase with the rule and the optimiser by which its parameters move."""

    def __init__(self, phase: Phase, rule: OptimiserConfig) -> None:
        self.phase, self.rule = phase, rule
        self.optimiser = rule.make(phase.parameters)

    @property
    def updates(self) -> int:
        """Updates in a step in which it takes part."""
        return self.phase.repeats if self.phase.per == "step" else 1

    @property
    def follows_budget(self) -> bool:
        """Whether what its updates do depends on the budget."""
        return self.phase.follows_budget or self.rule.follows_budget

    def update(self, total: Tensor, progress: float, group: Group = ALONE) -> Tensor:
        """Take one step on the phase's own parameters; return the gradient's norm before clipping, left on the device.

        Parameters
        ----------
        total : () tensor
            What is minimised, or what this process has of it.
        progress : float
            Share of the budget that is used, for the learning rate.
        group : Group
            The processes whose parts add up.
        """
        parameters = self.phase.parameters
        gradients = group.added(torch.autograd.grad(total, list(parameters), allow_unused=True))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = get_total_norm([gradient for gradient in gradients if gradient is not None])
        if self.rule.clip is not None:
            clip_grads_with_norm_(parameters, self.rule.clip, norm)
        for parts in self.optimiser.param_groups:
            parts["lr"] = self.rule.rate(progress)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return norm


def players(
    phases: Sequence[Phase], default: OptimiserConfig, changes: Mapping[str, Mapping[str, Any]]
) -> list[Player]:
    """Give each phase its optimiser: its own or else the default, with what is changed by the phase's name.

    Raises
    ------
    ConfigError
        If there is no phase of a name (lists near misses), no phase at all, two of one name, or one without updates.
    """
    names = [phase.name for phase in phases]
    if not names or len(set(names)) < len(names) or min(phase.repeats for phase in phases) < 1:
        got = ", ".join(f"{phase.name} x {phase.repeats}" for phase in phases) or "none"
        raise ConfigError(f"train: phases need names of their own and 1 repeat or more, got {got}; name one at least")
    for name in changes:
        if name not in names:
            raise ConfigError(f"train: optimisers must name phases, got {name!r}; {near_misses(name, names)}")
    rules = [phase.optimiser or default for phase in phases]
    return [
        Player(phase, rule.changed(**changes.get(phase.name, {}))) for phase, rule in zip(phases, rules, strict=True)
    ]


def in_turn(all_players: Sequence[Player], epoch: int) -> list[Player]:
    """Return those who take part in the steps of a pass."""
    turns = [player for player in all_players if player.phase.per == "pass" for _ in range(player.phase.repeats)]
    turn = turns[epoch % len(turns)] if turns else None
    return [player for player in all_players if player.phase.per == "step" or player is turn]

"""Losses that are added up without waiting for the accelerator that computes them.

Reading a number from an accelerator waits until everything before it is computed. So the losses of each
step stay where they are, and some hundreds of steps are read at once: before rows of metrics or a
checkpoint are written, and else whenever there are `MOST`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import torch
from torch import Tensor

from irkit.errors import DivergedError
from irkit.learn.phases import Player
from irkit.learn.processes import ALONE, Group
from irkit.learn.saved import Counters

MOST = 2000
"Losses, or gradient norms, of single updates that are left unread."


class _Numbers(NamedTuple):
    player: Player
    step: int
    names: list[str]


class Tally:
    """The losses and gradient norms that are not yet in the sums of a run.

    Parameters
    ----------
    at : Counters
        Its sums grow by each `look`.
    device : torch.device
        Where numbers are kept.
    prefixed : bool
        Whether names begin with their phase's.
    advice : () -> str
        What to do about a run that diverged.
    group : Group
        The processes whose numbers add up.
    """

    def __init__(
        self, at: Counters, device: torch.device, *, prefixed: bool, advice: Callable[[], str], group: Group = ALONE
    ) -> None:
        self.at, self.device, self.prefixed, self.advice, self.group = at, device, prefixed, advice, group
        self._updates: list[_Numbers] = []
        self._values: list[Tensor] = []
        self._counted: dict[str, int] = {}

    def add(self, player: Player, found: Mapping[str, Tensor]) -> None:
        """Keep numbers of a player's update in step `at.step`."""
        # A copy: a part may be a parameter, which the update changes.
        self._values.append(torch.stack([value.detach().to(self.device) for value in found.values()]))
        self._updates.append(_Numbers(player, self.at.step, list(found)))
        if len(self._values) >= MOST:
            self.look()

    def look(self) -> None:
        """Add to the sums what was kept, of all processes, which look after the same steps.

        Raises
        ------
        DivergedError
            If a number is not finite: says which was the first, and its step. The sums end before that.
        """
        if not self._values:
            return
        self._count(self.group.sum(torch.cat(self._values)))

    def _count(self, values: Tensor) -> None:
        numbers = iter(values.cpu().double().tolist())
        updates, self._updates, self._values = self._updates, [], []
        for update in updates:
            phase = update.player.phase.name
            prefix = f"{phase}." if self.prefixed else ""
            for name, number in zip(update.names, numbers, strict=False):
                if not math.isfinite(number):
                    what = "the gradient's norm" if name == "grad_norm" else f"the loss part {name!r}"
                    raise DivergedError(f"train: {phase}: {what} is {number} at step {update.step}; {self.advice()}")
                again = self._counted.get(prefix + name) == update.step
                self._counted[prefix + name] = update.step
                self.at.add(prefix + name, number / update.player.updates, again=again)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Say that a run diverged where some operation refuses its NaN before anybody has looked.

        Raises
        ------
        DivergedError
            In place of any error after a number that is not finite.
        """
        try:
            yield
        except Exception:
            with suppress(RuntimeError):  # an accelerator in trouble cannot be read
                if self._values:
                    self._count(torch.cat(self._values))  # other processes do not look now
            raise

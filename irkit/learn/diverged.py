"""What to do about a training that did not stay finite, in the words of the settings of what is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irkit.errors import DivergedError


@contextmanager
def lowering(who: str, config: Any, rates: Sequence[str], otherwise: str) -> Iterator[None]:
    """Name the settings to lower, and what else could be done, where training inside does not stay finite.

    Parameters
    ----------
    who : str
        What is trained.
    config : Config
    rates : sequence of str
        Its learning rates.
    otherwise : str
        What else helps, such as "or clip".
    """
    try:
        yield
    except DivergedError as broken:
        what, _, kept = str(broken).partition("; lower the learning rate or clip the gradient")
        what = what.removeprefix("train: ").removeprefix(f"{who}: ")  # where there is one phase, it has this name
        got = " and ".join(f"{name}, got {getattr(config, name):g}" for name in rates)
        raise DivergedError(f"{who}: {what}; lower {got}, {otherwise}{kept}") from None

"""What to do about a training that did not stay finite, in the words of the settings of what is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irkit.errors import DivergedError


@contextmanager
def lowering(config: Any, rates: Sequence[str], otherwise: str) -> Iterator[None]:
    """Name the settings to lower, and what else could be done, where training inside does not stay finite.

    Parameters
    ----------
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
        got = " and ".join(f"{name}, got {getattr(config, name):g}" for name in rates)
        raise DivergedError(f"{what.replace('train: ', '', 1)}; lower {got}, {otherwise}{kept}") from None

"""How well both players of an adversarial game rank on held-out data: looked at while they play, read from the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats

if TYPE_CHECKING:
    from irkit.learn.estimate import Estimate
    from irkit.learn.game import Game

PLAYERS = ("generator", "discriminator")
"In the order of a curve's columns."


def look(net: Game, measure: str, of: Callable[[Any], float]) -> dict[str, Estimate]:
    """Measure both players: the score is that of the one that ranks, and the rows of a training hold all three.

    Parameters
    ----------
    net : Game
    measure : str
        Its name.
    of : (player) -> float
        The measure of a player on held-out data.
    """
    from irkit.learn.estimate import Estimate

    found = {name: Estimate.exact(of(getattr(net, name))) for name in PLAYERS}
    ranks = found[PLAYERS[net.ranker is net.discriminator]]
    return {"score": ranks, **{f"{name}.{measure}": one for name, one in found.items()}}


def curve(rows: Sequence[Mapping[str, Any]], measure: str) -> Floats:
    """Return passes, and the measure of generator and discriminator after them: (E, 3), of a game that was looked at.

    Parameters
    ----------
    rows : sequence of mappings
        The metrics of a run, those of before it was resumed too.
    measure : str
        As `look` had it.
    """
    passes = [row["epoch"] for row in rows if row["metric"] == "score"]
    columns = ([row["value"] for row in rows if row["metric"] == f"{name}.{measure}"] for name in PLAYERS)
    found: Floats = np.array([passes, *columns], dtype=np.float64).T
    return found

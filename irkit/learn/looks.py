"""How long a game is played, and how well both players rank on held-out data: looked at while they play."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats

if TYPE_CHECKING:
    from irkit.learn.estimate import Estimate
    from irkit.learn.game import Game
    from irkit.learn.trainer import TrainerConfig

PLAYERS = ("generator", "discriminator")
"In the order of a curve's columns."


def game_trainer(config: Any, batches: int, patience: int | None = None) -> TrainerConfig:
    """Return the settings of a game's training, an epoch of which has so many batches.

    Parameters
    ----------
    config : GameConfig
        With `batch_size`, `seed`, `device` and `threads` besides.
    batches : int
    patience : int, optional
        Looks without a better score before the game ends; None plays all rounds.
    """
    from irkit.learn.trainer import TrainerConfig

    return TrainerConfig(
        epochs=config.rounds * config.passes,
        batch_size=config.batch_size,
        every=config.evaluate_every * batches,
        patience=patience,
        seed=config.seed,
        device=config.device,
        threads=config.threads,
    )


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

"""Adam on the weights of a small network: what the neural rating models share.

Weights are plain tensors by name and the models functions of them; torch is imported when one learns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.errors import ConfigError
from irkit.recommend.base import RecommenderConfig
from irkit.rng import Seed

if TYPE_CHECKING:
    from torch import Tensor

Weights: TypeAlias = "dict[str, Tensor]"

Arrays: TypeAlias = dict[str, Floats]
"Weights as numpy arrays."


class NeuralConfig(RecommenderConfig):
    """Settings of every network."""

    epochs: int = Field(60, ge=1)
    "Passes over the ratings; with held-out ratings, at most."
    learning_rate: float = Field(1e-3, gt=0)
    "Of Adam."
    patience: int = Field(10, ge=1)
    "Epochs without a better held-out error before learning stops."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves torch's setting."
    seed: Seed = 1
    "Seed of start and order."


def tensors(arrays: Arrays) -> Weights:
    """Copy arrays to float32 weights that get gradients."""
    import torch

    return {name: torch.tensor(values, dtype=torch.float32, requires_grad=True) for name, values in arrays.items()}


def glorot(rng: np.random.Generator, inputs: int, outputs: int, *shape: int) -> Floats:
    """Draw weights uniformly from +-sqrt(6 / (inputs + outputs)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """
    bound = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def minimise(
    weights: Weights,
    losses: Callable[[], Iterable[Tensor]],
    config: NeuralConfig,
    *,
    keep: Callable[[Arrays], None],
    error: Callable[[], float] | None,
    who: str,
    clip: float | None = None,
    average: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Run epochs of Adam steps.

    Parameters
    ----------
    weights : dict of tensors
        Changed in place.
    losses : () -> iterable of scalar tensors
        The losses of one epoch's batches; a step is taken after each, before the next is computed.
    keep : (arrays) -> None
        Puts weights where the model predicts from: before each held-out error, and last the final ones.
    error : () -> float, optional
        Held-out error of what was kept last. With it learning stops after `patience` epochs without a better
        one, and the weights of the best epoch are kept.
    clip : float, optional
        Largest norm of a step's gradient.
    average : float, in [0, 1)
        The weights kept are means that reach back over about this share of all steps so far; 0 keeps
        the last ones.

    Returns
    -------
    list of float, list of float
        Sum of the losses, and the held-out error, of each epoch.

    Raises
    ------
    ConfigError
        If a loss is no longer finite.
    """
    import torch

    from irkit.learn.conditions import conditions

    sums: list[float] = []
    errors: list[float] = []
    best: Arrays = {}
    steps = 0
    learned = list(weights.values())
    means = [values.detach().clone() for values in learned]
    with conditions(torch.device("cpu"), config.threads, config.seed):
        adam = torch.optim.Adam(learned, config.learning_rate)
        for epoch in range(config.epochs):
            sums.append(0.0)
            for loss in losses():
                adam.zero_grad(set_to_none=True)
                loss.backward()
                if clip is not None:
                    torch.nn.utils.clip_grad_norm_(learned, clip)
                adam.step()
                sums[-1] += loss.item()
                steps += 1
                if average:
                    for mean, values in zip(means, learned, strict=True):
                        mean.lerp_(values.detach(), 1 / max(1.0, average * steps))
            if not np.isfinite(sums[-1]):
                raise ConfigError(
                    f"{who}: learning diverged in epoch {epoch + 1}; lower learning_rate, got {config.learning_rate}, "
                    "or divide the ratings if they are large"
                )
            if error is None:
                continue
            now = _arrays(weights, means if average else learned)
            keep(now)
            errors.append(error())
            if errors[-1] <= min(errors):
                best = now
            elif len(errors) - 1 - int(np.argmin(errors)) >= config.patience:
                break
        keep(best or _arrays(weights, means if average else learned))
    return sums, errors


def _arrays(weights: Weights, values: list[Tensor]) -> Arrays:
    return {name: value.detach().numpy().copy() for name, value in zip(weights, values, strict=True)}

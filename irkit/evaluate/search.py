"""Search for good values of a tuning space by Optuna."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from irkit.errors import MissingExtraError
from irkit.evaluate.space import Space


def search(
    space: Space, value: Callable[[dict[str, Any]], float], trials: int, seed: int, *, lower: bool
) -> dict[str, Any]:
    """Let Optuna look for good values, seeing only what `value` gives; return the best."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("tune: method optuna needs the package; pip install 'irkit[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32)
    study = optuna.create_study(direction="minimize" if lower else "maximize", sampler=sampler)
    tried: list[dict[str, Any]] = []

    def objective(trial: Any) -> float:
        tried.append(dict(_suggest(space, trial)))
        return value(tried[-1])

    study.optimize(objective, n_trials=trials)
    return tried[int(study.best_trial.number)]


def _suggest(space: Space, trial: Any) -> Iterator[tuple[str, Any]]:
    for name, parameter in space.parameters.items():
        low, high = parameter.low or 0.0, parameter.high or 0.0
        if parameter.values:
            yield name, trial.suggest_categorical(name, list(parameter.values))
        elif parameter.whole:
            yield name, trial.suggest_int(name, round(low), round(high), log=parameter.log)
        else:
            yield name, trial.suggest_float(name, low, high, log=parameter.log)

"""What a system gains over what it starts from, beside what its controls gain: whether the gain is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from irkit.errors import ConfigError, near_misses

if TYPE_CHECKING:
    from irkit.evaluate.board import Measure
    from irkit.evaluate.tasks.task import Measured


SHOWN = 4
"Decimals of a gain, as boards show them."


def check_controls(controls: Mapping[str, Sequence[str]], rows: Sequence[str]) -> None:
    """Raise `ConfigError` unless every system has a start and a control or more, each another row of the suite."""
    for system, others in controls.items():
        if len(others) < 2:
            got = ", ".join(others) or "nothing"
            raise ConfigError(f"controls: {system} needs its start and one control or more, got {got}; name both")
        for name in (system, *others):
            if name not in rows:
                raise ConfigError(f"controls: there is no system {name!r}; {near_misses(name, rows)}")
        twice = next((name for at, name in enumerate(others) if name in (system, *others[:at])), None)
        if twice is not None:
            raise ConfigError(f"controls: {system} is compared with {twice} twice or with itself; name other systems")


def gains(system: str, others: Sequence[str], found: Mapping[str, Sequence[Measured]], measure: Measure) -> str | None:
    """Say what a system gains over its start, in how many seeds, and whether a control gains as much.

    Parameters
    ----------
    system : str
    others : sequence of str
        What it starts from, then its controls.
    found : mapping of system to its trials by seed
    measure : Measure

    Returns
    -------
    str or None
        None where the system or its start was not measured, or none of the controls.
    """
    start, *named = others
    controls = [name for name in named if name in found]
    lacking = [name for name in named if name not in found]
    if system not in found or start not in found or not controls:
        return None
    by_seed = {name: _gains(found[name], found[start], measure) for name in (system, *controls)}
    mean = {name: round(sum(each) / len(each), SHOWN) + 0.0 for name, each in by_seed.items()}  # never -0
    best = max(controls, key=lambda name: mean[name])
    seeds = len(by_seed[system])
    said = f"{system} gains {mean[system]:+.4f} {measure.name} over {start}"
    if seeds > 1:
        said += f" ({sum(one > 0 for one in by_seed[system])} of {seeds} seeds)"
    beside = ", ".join(f"{name} {mean[name]:+.4f}" for name in controls)
    if mean[system] <= 0:
        verdict = "there is no gain to explain"
    elif mean[best] >= mean[system]:
        verdict = f"{best} gains as much, so the gain is not shown to be of what it leaves out"
    elif lacking:
        verdict = "none of these gains as much"
    else:
        verdict = "none gains as much"
    said = f"{said}; its controls: {beside}; {verdict}"
    return f"{said}; not measured: {', '.join(lacking)}" if lacking else said


def _gains(trials: Sequence[Measured], starts: Sequence[Measured], measure: Measure) -> list[float]:
    """Return the gain in each seed; a start that draws nothing has one trial for all."""
    sign = -1 if measure.lower else 1
    begun = [one.means[measure.name] for one in starts]
    begun = begun if len(begun) == len(trials) else [sum(begun) / len(begun)] * len(trials)
    return [sign * (one.means[measure.name] - first) for one, first in zip(trials, begun, strict=True)]

"""The guard against measuring a stage on what it was fitted on.

A stage that learned from judgements, or whose settings were chosen by them, carries the attribute
`fitted_on`: a frozenset of the qids whose judgements it saw, or None if it learned nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from irkit.errors import ConfigError
from irkit.pipeline.stage import Stage


def learned_from(stage: Stage) -> frozenset[str]:
    """Return the qids that a pipeline, or any stage inside it, was fitted on."""
    own = getattr(stage, "fitted_on", None) or frozenset()
    return frozenset(own).union(*(learned_from(part) for part in stage.parts))


def check_leak(name: str, stage: Stage, qids: Iterable[str], *, allow: bool) -> str | None:
    """Refuse a system that was fitted on queries it is to be measured on.

    Parameters
    ----------
    name : str
        What the system is called.
    qids : iterable of str
        The test queries.
    allow : bool
        Return a note for the board instead.

    Raises
    ------
    ConfigError
        If a test query is among those learned from and `allow` is false.
    """
    test = list(qids)
    seen = sorted(learned_from(stage).intersection(test))
    if not seen:
        return None
    if not allow:
        raise ConfigError(
            f"experiment: {name} was fitted on {len(seen)} of the {len(test)} test queries, such as {seen[0]!r}; "
            "fit it on other queries, or say allow_leak and the board will say so"
        )
    return f"fitted on {len(seen)} of the {len(test)} test queries"

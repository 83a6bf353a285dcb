"""The guard against measuring a stage on what it was fitted on.

A stage that learned from judgements, or whose settings were chosen by them, carries the attribute
`fitted_on`: a frozenset of the qids whose judgements it saw, or None if it learned nothing. A recommender
carries its ratings, and its queries are users, who are the same in training and in test: there the pairs
of user and item must differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from irkit.columns import arrow_strings
from irkit.errors import ConfigError
from irkit.pipeline.stage import Stage
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.frames import Qrels


def learned_from(stage: Stage) -> frozenset[str]:
    """Return the qids that a pipeline, or any stage inside it, was fitted on."""
    return frozenset().union(*(getattr(one, "fitted_on", None) or () for one in every(stage)))


def check_leak(
    name: str,
    stage: Stage,
    qids: Iterable[str],
    qrels: Qrels,
    *,
    allow: bool = False,
    who: str = "experiment",
    otherwise: str = "",
) -> str | None:
    """Refuse a system that was fitted on queries, or on pairs of user and item, that it is to be measured on.

    Parameters
    ----------
    name : str
        What the system is called.
    qids : iterable of str
        The test queries.
    qrels : qrels frame
        Their judgements.
    allow : bool
        Return a note for the board instead.
    who : str
        Begins the message.
    otherwise : str
        Ends it: what else can be done.

    Raises
    ------
    ConfigError
        If a test query, or a judged pair, is among those learned from and `allow` is false.
    """
    test = list(qids)
    found = []
    seen = sorted(learned_from(stage).intersection(test))
    if seen:
        found.append(
            (f"was fitted on {len(seen)} of the {len(test)} test queries", f"{seen[0]!r}; fit it on other queries")
        )
    found += _pairs(stage, qrels, test)
    if not found:
        return None
    if not allow:
        what, example = found[0]
        raise ConfigError(f"{who}: {name} {what}, such as {example}{otherwise}")
    return "; ".join(what.removeprefix("was ") for what, _ in found)


def _pairs(stage: Stage, qrels: Qrels, test: list[str]) -> list[tuple[str, str]]:
    """Say which stages of a pipeline saw the ratings of judged pairs of test queries, and of which, such as."""
    found = []
    for part in every(stage):
        if getattr(part, "train", None) is None:
            continue
        from irkit.recommend.guards import saw

        judged = qrels[qrels["qid"].isin(test)]
        users, items = arrow_strings(judged["qid"]), arrow_strings(judged["docno"])
        for how, seen in saw(part, users, items):
            row = int(seen.argmax())
            example = f"user {users[row].as_py()!r} with item {items[row].as_py()!r}; fit it on other ratings"
            found.append((f"{how} {int(seen.sum())} of the {len(judged)} judged pairs", example))
    return found

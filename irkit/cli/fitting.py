"""Fitting a pipeline from the command line: what it learns from is named, and is not run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from irkit.errors import ConfigError, near_misses
from irkit.recipe.resources import is_index

if TYPE_CHECKING:
    from irkit.frames import Queries
    from irkit.pipeline import Stage, Topics
    from irkit.recipe import Recipe


def check_train(recipe: Recipe, train: str | None) -> None:
    """Raise `ConfigError` unless judgements are named exactly where a recipe learns from such."""
    from irkit.pipeline import Topics

    if Topics in recipe.learns_from and train is None:
        raise ConfigError(
            f"recipe {recipe.name}: learns from judgements; name them with --train: "
            "a split of the collection, or a file of judgements of some of its queries"
        )
    if train is not None and Topics not in recipe.learns_from:
        raise ConfigError(f"recipe {recipe.name}: learns from no judgements; leave out --train {train}")


def fitted(pipeline: Stage, source: str, train: str, asked: Queries, split: str | None) -> tuple[Stage, Queries, str]:
    """Fit a pipeline on a split of a collection, or on the queries that a file judges.

    Returns
    -------
    Stage
    Queries
        Those of `asked` that were not learned from.
    str
        What was learned from and left out, in a few words.

    Raises
    ------
    ConfigError
        If no query is left to learn from, or to run.
    """
    topics = _topics(source, train, asked, split)
    learned = topics.flow["qid"]
    rest = asked[~asked["qid"].isin(learned)].reset_index(drop=True)
    if not len(rest):
        raise ConfigError(
            f"run: all {len(asked)} queries are learned from; run others, by --queries or --split, or judge fewer"
        )
    out = f", {len(asked) - len(rest)} of them left out of the run" if len(rest) < len(asked) else ""
    return pipeline.fit(topics), rest, f"fitted on {len(learned)} queries of {train}{out}"


def _topics(source: str, train: str, asked: Queries, split: str | None) -> Topics:
    from irkit.io import load_collection, read_qrels
    from irkit.pipeline import Topics

    collection = None if is_index(source) else load_collection(source)
    if collection is not None and train in collection.splits:
        return Topics(collection.queries(train), collection.qrels(train))
    if not Path(train).is_file():
        splits = () if collection is None else collection.splits
        what = f"has no split {train!r}; {near_misses(train, splits)}, or" if splits else "has no splits;"
        raise ConfigError(f"run: {source} {what} give --train a file of judgements")
    qrels = read_qrels(Path(train))
    if collection is not None and collection.exclude_self:
        qrels.attrs["exclude_self"] = True
    known = asked if collection is None else collection.queries(split)
    judged = known[known["qid"].isin(qrels["qid"])].reset_index(drop=True)
    if not len(judged):
        raise ConfigError(f"run: {train} judges none of the {len(known)} queries; give judgements of some of them")
    return Topics(judged, qrels)
